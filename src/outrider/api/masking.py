"""What readers without `pii:read` see of personal data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "•••"
DOT = "•"
#: Runs of digits that may be a phone number, as providers like to quote them in their words.
NUMBERS = re.compile(r"\+?\d[\d ().-]{5,}\d")
#: Fewer digits are no phone number anywhere, but a code such as ``550 5.1.1`` (ITU-T E.164 allows 15; the shortest
#: national numbers with their trunk prefix have seven).
FEWEST_DIGITS = 7
MAIL = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+")


def mask_address(value: str) -> str:
    """``+33612345678`` to ``+336•••••78``, ``zoe@example.org`` to ``z•••@example.org``, anything else to ``ab•••``."""
    if "@" in value:
        return f"{value[:1]}{HIDDEN}{value[value.index('@') :]}"
    if value.startswith("+") and len(value) > 8:
        return f"{value[:4]}{DOT * (len(value) - 6)}{value[-2:]}"
    return f"{value[:2]}{HIDDEN}" if len(value) > 8 else HIDDEN


def mask_text(text: str | None) -> str | None:
    """A sentence of ours or of a provider without phone numbers and e-mail addresses."""
    if not text:
        return text
    masked = MAIL.sub(lambda found: mask_address(found[0]), text)
    return NUMBERS.sub(lambda found: _mask_number(found[0]), masked)


def _mask_number(text: str) -> str:
    digits = re.sub(r"\D", "", text)
    return text if len(digits) < FEWEST_DIGITS else mask_address(f"+{digits}")


def mask_traits(traits: Mapping[str, Any]) -> dict[str, Any]:
    """The names of personal traits; their values are hidden."""
    return dict.fromkeys(traits, HIDDEN)
