"""The alphabet is the one of 3GPP TS 23.038, position by position."""

from __future__ import annotations

import pytest

from outrider.content.gsm7 import ALL_BASIC, ALL_GSM, ALPHABET, BASIC, EXTENDED, EXTENSION, OUTSIDE

#: Code points by septet, eight to a row, as in the mapping table GSM 03.38 to Unicode; 001B is the escape.
TABLE = """
0040 00A3 0024 00A5 00E8 00E9 00F9 00EC
00F2 00C7 000A 00D8 00F8 000D 00C5 00E5
0394 005F 03A6 0393 039B 03A9 03A0 03A8
03A3 0398 039E 001B 00C6 00E6 00DF 00C9
0020 0021 0022 0023 00A4 0025 0026 0027
0028 0029 002A 002B 002C 002D 002E 002F
0030 0031 0032 0033 0034 0035 0036 0037
0038 0039 003A 003B 003C 003D 003E 003F
00A1 0041 0042 0043 0044 0045 0046 0047
0048 0049 004A 004B 004C 004D 004E 004F
0050 0051 0052 0053 0054 0055 0056 0057
0058 0059 005A 00C4 00D6 00D1 00DC 00A7
00BF 0061 0062 0063 0064 0065 0066 0067
0068 0069 006A 006B 006C 006D 006E 006F
0070 0071 0072 0073 0074 0075 0076 0077
0078 0079 007A 00E4 00F6 00F1 00FC 00E0
"""
STANDARD = [chr(int(code, 16)) for code in TABLE.split()]


@pytest.mark.parametrize("septet", range(128))
def test_each_position_holds_the_character_of_the_standard(septet: int) -> None:
    assert BASIC[septet] == STANDARD[septet]


def test_the_table_has_128_positions() -> None:
    assert len(BASIC) == len(STANDARD) == len(set(BASIC)) == 128


@pytest.mark.parametrize(
    ("char", "septet"),
    [
        ("\f", 0x0A),
        ("^", 0x14),
        ("{", 0x28),
        ("}", 0x29),
        ("\\", 0x2F),
        ("[", 0x3C),
        ("~", 0x3D),
        ("]", 0x3E),
        ("|", 0x40),
        ("€", 0x65),
    ],
)
def test_each_extended_character_has_the_code_of_the_standard(char: str, septet: int) -> None:
    assert EXTENSION[char] == septet
    assert EXTENDED.fullmatch(char)
    assert not ALL_BASIC.fullmatch(char)


def test_there_are_ten_extended_characters_and_none_is_basic() -> None:
    assert len(EXTENSION) == 10
    assert not set(EXTENSION) & set(BASIC)


def test_the_patterns_agree_with_the_tables_on_every_character_of_the_basic_plane() -> None:
    carried = set(STANDARD) - {"\x1b"} | set(EXTENSION)
    for char in map(chr, range(0x10000)):
        assert bool(ALL_GSM.fullmatch(char)) == (char in carried) == (OUTSIDE.match(char) is None) == (char in ALPHABET)


@pytest.mark.parametrize("char", "\x1bçâêîôûëïœÀÈÙáíóúãõ«»’“”–…`\t\u00a0\u202f\U0001f697")
def test_what_people_take_for_plain_letters_is_outside(char: str) -> None:
    assert OUTSIDE.fullmatch(char)
