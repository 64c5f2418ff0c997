"""What msgspec finds wrong with a document, in words for whoever sent it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from outrider.domain.profile import ConsentState
from outrider.domain.purpose import Purpose

CHANNEL = r"^[a-z][a-z0-9_-]{0,39}$"
LENGTH = r"^[0-9]{1,9}[smhdw]$"
#: Pattern of a field → what is expected there.
PATTERNS: Mapping[str, str] = {
    CHANNEL: "expected a channel's name such as sms",
    f"{CHANNEL}|^$": "expected a channel's name such as sms",
    LENGTH: "expected a length of time such as 30s, 10m or 2d",
}
#: Field → the words it may hold.
WORDS: Mapping[str, Iterable[str]] = {"purpose": Purpose, "state": ConsentState}
MOMENT = "expected a time with a zone such as 2026-05-04T09:30:00Z"
PATTERN = re.compile(r"Expected `str` matching regex '(.*)'", re.DOTALL)


def worded(message: str, field: str = "") -> tuple[str, str]:
    """Path and reason of a message such as ``Expected `str`, got `int` - at `$.id` ``; the path may be empty.

    `field`: of which field, where the message has no path.
    """
    text, _, path = message.partition(" - at `")
    path = path.rstrip("`")
    return path, _reason(text, path.rpartition(".")[2] or field)


def _reason(text: str, field: str) -> str:
    pattern = PATTERN.fullmatch(text)
    if pattern is not None and pattern[1] in PATTERNS:
        return PATTERNS[pattern[1]]
    if text.startswith("Invalid enum value") and field in WORDS:
        return f"expected one of {', '.join(WORDS[field])}"
    if text in ("Invalid RFC3339 encoded datetime", "Expected `datetime` with a timezone component"):
        return MOMENT
    if text == "Expected `bool`, got `str`":
        return "expected true or false"
    return text[:1].lower() + text[1:]
