"""How an SMS is encoded and cut into segments, and therefore what it costs: the count providers bill.

Sources: 3GPP TS 23.038 (alphabets) and TS 23.040 9.2.3.24.1 (concatenation header with an 8-bit reference: 6 of the 140
octets). One segment carries 160 septets or 70 UTF-16 code units; each part of a longer text 153 or 67. An escape pair
and a surrogate pair stay whole, so a part may end one unit early. Grapheme clusters (an emoji of several code points,
a letter with a combining accent) are cut by real segmenters and are therefore cut here; `torn` tells where.
"""

from __future__ import annotations

import re
from itertools import accumulate, takewhile
from typing import Literal

import msgspec

from outrider.content import shift
from outrider.content.gsm7 import ALL_BASIC, ALL_GSM, ESCAPE, EXTENDED
from outrider.content.spelling import is_follower, replacements, transliterate

__all__ = ["Count", "Offender", "count", "parts", "torn", "transliterate"]

Encoding = Literal["GSM-7", "UCS-2"]


class Frame(msgspec.Struct, frozen=True):
    """How many units fit, and which unit must not be the last of a part."""

    #: Units in a lone segment.
    single: int
    #: Units in each of several.
    part: int
    #: The first half of a pair.
    leaders: frozenset[str]


GSM = Frame(160, 153, frozenset(ESCAPE))
UCS = Frame(70, 67, frozenset(map(chr, range(0xD800, 0xDC00))))
#: GSM-7 with one national single shift table: its header takes 3 octets more (TS 23.040, 9.2.3.24.15).
SHIFTED = Frame(155, 149, GSM.leaders)

ZERO_WIDTH_JOINER = "\u200d"
BEYOND_BMP = re.compile("[\U00010000-\U0010ffff]")
#: Skin tones and tags: they change the picture before them (UAX #29, GB9).
EXTENDING = frozenset(map(chr, [*range(0x1F3FB, 0x1F400), *range(0xE0020, 0xE0080)]))


class Offender(msgspec.Struct, frozen=True):
    """One character that forces UCS-2."""

    char: str
    #: 0-based, in Unicode code points.
    index: int
    #: What to write instead; empty when leaving it out loses nothing; None when nothing keeps the meaning.
    replacement: str | None


class Count(msgspec.Struct, frozen=True):
    """What a text costs as an SMS."""

    encoding: Encoding
    #: Unicode code points.
    characters: int
    #: Septets (GSM-7; a character of the extension table counts 2) or UTF-16 code units (UCS-2).
    units: int
    #: Messages billed; 0 for the empty text, which no provider accepts.
    segments: int
    #: In order of their place in the text; empty exactly when the encoding is GSM-7.
    offenders: tuple[Offender, ...] = ()
    #: The national shift table it needs, by language; not there without one.
    table: str | msgspec.UnsetType = msgspec.UNSET


def count(text: str, tables: frozenset[str] = frozenset()) -> Count:
    """Encoding, size and number of segments of a text, as billed. Never fails; a lone surrogate counts as one unit.

    `tables`: languages whose national shift table may be used (see `shift`); the one that needs fewest segments is.
    """
    size = len(text)
    if ALL_BASIC.fullmatch(text):
        return Count("GSM-7", size, size, -(-size // GSM.part) if size > GSM.single else min(size, 1))
    if ALL_GSM.fullmatch(text):
        septets = _septets(text)
        return Count("GSM-7", size, len(septets), len(_cut(septets, GSM)))
    if tables and (shifted := [_shifted(text, language) for language in shift.fitting(text, tables)]):
        return min(shifted, key=lambda each: (each.segments, each.units))
    units = _code_units(text)
    offenders = tuple([Offender(char, index, replacement) for index, char, replacement in replacements(text)])
    return Count("UCS-2", size, len(units), len(_cut(units, UCS)), offenders)


def parts(text: str, tables: frozenset[str] = frozenset()) -> list[str]:
    """The text of each segment, in order, cut where `count` cuts; joined they are the text; none for the empty text."""
    if ALL_GSM.fullmatch(text):
        return [part.replace(ESCAPE, "") for part in _cut(_septets(text), GSM)]
    if isinstance(language := count(text, tables).table, str):
        return [part.replace(ESCAPE, "") for part in _cut(_septets(text, language), SHIFTED)]
    return [_from_code_units(part) for part in _cut(_code_units(text), UCS)]


def capacity(total: Count) -> int:
    """Units each segment of this text can hold: 160 or 153 (GSM-7; 155 or 149 with a table), 70 or 67 (UCS-2)."""
    frame = UCS if total.encoding == "UCS-2" else SHIFTED if total.table else GSM
    return frame.single if total.segments <= 1 else frame.part


def size_of(part: str, encoding: Encoding, table: str = "") -> int:
    """Units of a text in the given encoding (a part of a UCS-2 text may itself hold GSM-7 characters only)."""
    return len(_septets(part, table) if encoding == "GSM-7" else _code_units(part))


def torn(text: str) -> list[int]:
    """Indexes (code points) at which a part ends inside what a reader sees as one character.

    Handsets join the parts again, so nothing is lost; a very old one may show two halves. Clusters are those of UAX #29
    as far as texts to people need: marks, joiners, selectors, skin tones, flags, CR LF.
    """
    ends = accumulate(len(part) for part in parts(text))
    return [end for end in ends if end < len(text) and _is_inside_cluster(text, end)]


def _cut(units: str, frame: Frame) -> list[str]:
    """Fill each part to the brim, but leave a pair whole for the next one: no cutting needs fewer parts."""
    if len(units) <= frame.single:
        return [units] if units else []
    cut, start = [], 0
    while start < len(units):
        end = start + frame.part
        if end < len(units) and units[end - 1] in frame.leaders:
            end -= 1
        cut.append(units[start:end])
        start = end
    return cut


def _shifted(text: str, language: str) -> Count:
    septets = _septets(text, language)
    return Count("GSM-7", len(text), len(septets), len(_cut(septets, SHIFTED)), table=language)


def _septets(text: str, table: str = "") -> str:
    """One character for each septet: an extended character keeps its escape before it."""
    return (shift.SHIFTED[table] if table else EXTENDED).sub(rf"{ESCAPE}\g<0>", text)


def _code_units(text: str) -> str:
    """One character for each UTF-16 code unit: two surrogates for each character beyond U+FFFF."""
    return BEYOND_BMP.sub(_surrogates, text)


def _surrogates(found: re.Match[str]) -> str:
    high, low = divmod(ord(found[0]) - 0x10000, 0x400)
    return chr(0xD800 + high) + chr(0xDC00 + low)


def _from_code_units(units: str) -> str:
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _is_inside_cluster(text: str, place: int) -> bool:
    before, after = text[place - 1], text[place]
    if _is_flag_letter(before) and _is_flag_letter(after):
        return sum(1 for _ in takewhile(_is_flag_letter, reversed(text[:place]))) % 2 == 1
    if before == ZERO_WIDTH_JOINER or before + after == "\r\n":
        return True
    return after in EXTENDING or is_follower(after)


def _is_flag_letter(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"
