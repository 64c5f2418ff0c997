"""The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038, 6.2.1 and 6.2.1.1)."""

from __future__ import annotations

import re

#: Code 0x1B announces a character of the extension table; it is no character itself.
ESCAPE = "\x1b"

#: Position in the string = septet value, 0x00 to 0x7F.
BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)

#: Character → second septet; each costs two, the first being `ESCAPE`.
EXTENSION = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}

#: Every character GSM-7 can carry: 127 of the basic table (not ESC) and 10 of the extension.
ALPHABET = frozenset(BASIC.replace(ESCAPE, "")) | frozenset(EXTENSION)


def _one_of(characters: frozenset[str]) -> str:
    return "".join(re.escape(char) for char in sorted(characters))


#: Matches a whole text when every character costs one septet.
ALL_BASIC = re.compile(f"[{_one_of(ALPHABET - frozenset(EXTENSION))}]*")

#: Matches a whole text when GSM-7 can carry it.
ALL_GSM = re.compile(f"[{_one_of(ALPHABET)}]*")

#: One character of the extension table.
EXTENDED = re.compile(f"[{_one_of(frozenset(EXTENSION))}]")

#: One character GSM-7 cannot carry.
OUTSIDE = re.compile(f"[^{_one_of(ALPHABET)}]")
