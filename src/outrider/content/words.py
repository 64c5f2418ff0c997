"""Small rules of written text that several media share."""

from __future__ import annotations

import re

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_SPACES = re.compile(r" {2,}")
_TRAILING = re.compile(r"[ \t]+\n")
_GAPS = re.compile(r"\n{3,}")


def one_line(text: str) -> str:
    """The text without line breaks and control characters: whatever a value holds, it never becomes a new header."""
    return _SPACES.sub(" ", _CONTROLS.sub(" ", text)).strip()


def tidy(text: str) -> str:
    """At most one empty line in a row, none at the ends, no spaces before a line break."""
    return _GAPS.sub("\n\n", _TRAILING.sub("\n", text)).strip()
