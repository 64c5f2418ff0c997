"""Takes what names a person out of words that are kept or logged in clear."""

from __future__ import annotations

import re
import traceback

HIDDEN = "•••"
#: An e-mail address as servers quote it, and a number in E.164.
MAIL = re.compile(r"[^\s@<>\"'(),;:=]+@[^\s@<>\"'(),;:]*[^\s@<>\"'(),;:.]")
PHONE = re.compile(r"\+[0-9][0-9 ().-]{6,}[0-9]")
#: What may stand between the digits of a number, and before the last of them.
SEPARATOR, BEGINNING = r"[ ().-]?", r"\+?[0-9().-]*"
#: So many last digits tell one number from another, however it begins.
LAST = 7


def without_addresses(text: str, address: str = "") -> str:
    """A provider's words without e-mail addresses, phone numbers, and the address they are about in any spelling."""
    text = PHONE.sub(HIDDEN, MAIL.sub(HIDDEN, text))
    if address.startswith("+"):
        return re.sub(BEGINNING + SEPARATOR.join(address[-LAST:]), HIDDEN, text)
    return re.sub(re.escape(address), HIDDEN, text, flags=re.IGNORECASE) if address else text


def trace_of(error: BaseException) -> list[str]:
    """Where an error came from: files, lines and functions, innermost first. No values: they may be personal."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(frames)]
