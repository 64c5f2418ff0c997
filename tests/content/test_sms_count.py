"""The count is what real segmenters cut and providers bill, at every boundary."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from outrider.content.gsm7 import ALPHABET, BASIC, EXTENSION
from outrider.content.sms import Count, Offender, capacity, count, parts, size_of, torn

CAR = "\U0001f697"
GSM_TEXT = st.text(st.sampled_from(sorted(ALPHABET)), max_size=700)
EDGY_TEXT = st.lists(st.sampled_from(["a", "€", "é", "ê", CAR, "\n", "{"]), max_size=320).map("".join)
RUNS = st.lists(st.tuples(st.sampled_from("aé€^" + CAR + "ы"), st.integers(1, 160)), max_size=6).map(
    lambda runs: "".join(char * times for char, times in runs)
)


def weight(char: str, encoding: str) -> int:
    """Units of one character, by the definition: the independent half of these tests."""
    if encoding == "GSM-7":
        return 2 if char in EXTENSION else 1
    return 2 if ord(char) > 0xFFFF else 1


def fewest_parts(text: str, encoding: str) -> int:
    """The fewest parts any cutting between characters needs, by trying every last cut (not greedy)."""
    single, several = (160, 153) if encoding == "GSM-7" else (70, 67)
    weights = [weight(char, encoding) for char in text]
    if sum(weights) <= single:
        return min(1, len(text))
    best = [0] + [10**9] * len(text)
    for end in range(1, len(text) + 1):
        load, start = 0, end
        while start > 0 and load + weights[start - 1] <= several:
            start -= 1
            load += weights[start]
            best[end] = min(best[end], best[start] + 1)
    return best[-1]


@pytest.mark.parametrize(
    ("length", "segments"),
    [(0, 0), (1, 1), (153, 1), (159, 1), (160, 1), (161, 2), (305, 2), (306, 2), (307, 3), (459, 3), (460, 4)],
)
@pytest.mark.parametrize("char", ["a", "é", "Δ", "\n"])
def test_gsm_segments_at_the_boundaries(char: str, length: int, segments: int) -> None:
    assert count(char * length) == Count("GSM-7", length, length, segments)


@pytest.mark.parametrize(
    ("length", "segments"),
    [(1, 1), (67, 1), (69, 1), (70, 1), (71, 2), (133, 2), (134, 2), (135, 3), (201, 3), (202, 4)],
)
@pytest.mark.parametrize("char", ["ê", "П", "中", "\u00a0", "\x1b"])
def test_ucs2_segments_at_the_boundaries(char: str, length: int, segments: int) -> None:
    counted = count(char * length)
    assert (counted.encoding, counted.characters, counted.units, counted.segments) == (
        "UCS-2",
        length,
        length,
        segments,
    )


@pytest.mark.parametrize(
    ("text", "units", "segments"),
    [
        ("€" * 80, 160, 1),
        ("€" * 81, 162, 2),
        ("€" * 152, 304, 2),
        ("€" * 153, 306, 3),
        ("a" * 158 + "€", 160, 1),
        ("a" * 159 + "€", 161, 2),
        ("a" * 152 + "€" + "a" * 151, 305, 2),
        ("a" * 152 + "€" + "a" * 152, 306, 3),
        ("a" * 151 + "€" + "a" * 153, 306, 2),
        ("a" * 152 + "[" + "a" * 150 + "]" + "a" * 152, 458, 4),
    ],
)
def test_an_extended_character_costs_two_and_is_never_cut(text: str, units: int, segments: int) -> None:
    assert count(text) == Count("GSM-7", len(text), units, segments)


@pytest.mark.parametrize(
    ("text", "units", "segments"),
    [
        (CAR * 35, 70, 1),
        (CAR * 36, 72, 2),
        (CAR * 66, 132, 2),
        (CAR * 67, 134, 3),
        ("ê" * 66 + CAR + "ê" * 65, 133, 2),
        ("ê" * 66 + CAR + "ê" * 66, 134, 3),
        ("ê" * 65 + CAR + "ê" * 67, 134, 2),
        ("ê" * 68 + CAR, 70, 1),
        ("ê" * 69 + CAR, 71, 2),
    ],
)
def test_a_character_beyond_the_basic_plane_costs_two_and_is_never_cut(text: str, units: int, segments: int) -> None:
    counted = count(text)
    assert (counted.characters, counted.units, counted.segments) == (len(text), units, segments)


def rounding_up(text: str) -> int:
    """A public counter: adds the extended characters, then rounds up."""
    return math.ceil((len(text) + sum(char in EXTENSION for char in text)) / 153)


def carrying_over(text: str) -> int:
    """A public counter: on overflow takes 153 off instead of starting again with the whole pair."""
    segments, used = 1, 0
    for char in text:
        used += 2 if char in EXTENSION else 1
        if used > 153:
            segments, used = segments + 1, used - 153
    return segments


def cutting_bytes(text: str) -> int:
    """A public counter: cuts the encoded septets every 153, through an escape pair too."""
    septets = "".join("\x1b" + char if char in EXTENSION else char for char in text)
    return len([septets[start : start + 153] for start in range(0, len(septets), 153)])


@pytest.mark.parametrize("wrong", [rounding_up, carrying_over, cutting_bytes])
def test_three_public_counters_bill_one_segment_too_few(wrong: Callable[[str], int]) -> None:
    text = "a" * 152 + "€" + "a" * 152
    assert (wrong(text), count(text).segments) == (2, 3)


def test_code_points_are_not_what_is_billed() -> None:
    text = CAR * 36
    assert len(text) <= 70 < count(text).units


def test_the_backtick_is_not_in_the_alphabet() -> None:
    assert count("`").offenders == (Offender("`", 0, "'"),)


def test_offenders_come_in_order_with_code_point_indexes_and_what_to_write_instead() -> None:
    assert count(f"{CAR} Fenêtre, l’été… я").offenders == (
        Offender(CAR, 0, None),
        Offender("ê", 5, "e"),
        Offender("’", 12, "'"),
        Offender("…", 16, "..."),
        Offender("я", 18, None),
    )


def test_every_occurrence_is_an_offender() -> None:
    assert [offender.index for offender in count("ça et ça").offenders] == [0, 6]


@pytest.mark.parametrize(("text", "expected"), [("a", 160), ("a" * 161, 153), ("ê", 70), ("ê" * 71, 67), ("", 160)])
def test_the_capacity_of_a_segment_depends_on_encoding_and_number(text: str, expected: int) -> None:
    assert capacity(count(text)) == expected


def test_the_parts_of_the_public_example() -> None:
    assert parts("a" * 152 + "€" + "b" * 152) == ["a" * 152, "€" + "b" * 151, "b"]


def test_the_empty_text_has_no_parts() -> None:
    assert parts("") == []


def test_lone_surrogates_are_counted_one_by_one_and_never_fail() -> None:
    counted = count("\ud83d" * 71)
    assert (counted.units, counted.segments) == (71, 2)
    assert "".join(parts("\udc00\ud83da" * 40)) == "\udc00\ud83da" * 40


@pytest.mark.parametrize(
    ("text", "indexes"),
    [
        ("ê" * 66 + "e\u0301" + "ê" * 10, [67]),
        ("ê" * 64 + "\U0001f469\u200d\U0001f680" + "ê" * 10, [66]),
        ("ê" * 63 + "\U0001f469\u200d\U0001f680" + "ê" * 10, [65]),
        ("ê" * 62 + "\U0001f469\u200d\U0001f680" + "ê" * 10, []),
        ("ê" * 65 + "\U0001f44d\U0001f3fd" + "ê" * 10, [66]),
        ("ê" * 65 + "\U0001f1eb\U0001f1f7" + "ê" * 10, [66]),
        ("ê" * 63 + "\U0001f1eb\U0001f1f7" * 3, []),
        ("ê" * 61 + "\U0001f1eb\U0001f1f7" * 4, [64]),
        ("ê" * 66 + "\r\n" + "ê" * 10, [67]),
        ("a" * 152 + "\r\n" + "a" * 10, [153]),
        ("a" * 200, []),
    ],
)
def test_cuts_inside_what_a_reader_sees_as_one_character_are_told(text: str, indexes: list[int]) -> None:
    assert torn(text) == indexes


@given(st.one_of(st.text(max_size=400), GSM_TEXT, EDGY_TEXT, RUNS))
@example("a" * 152 + "€" + "a" * 152)
def test_the_parts_join_to_the_text_and_each_fits(text: str) -> None:
    counted, cut = count(text), parts(text)
    assert "".join(cut) == text
    assert len(cut) == counted.segments
    sizes = [sum(weight(char, counted.encoding) for char in part) for part in cut]
    assert sizes == [size_of(part, counted.encoding) for part in cut]
    assert all(0 < size <= capacity(counted) for size in sizes)
    assert sum(sizes) == counted.units


@given(st.one_of(EDGY_TEXT, RUNS))
def test_each_part_is_as_full_as_it_can_be(text: str) -> None:
    counted, cut = count(text), parts(text)
    for part, following in pairwise(cut):
        used = size_of(part, counted.encoding)
        assert used + weight(following[0], counted.encoding) > capacity(counted)


@given(st.one_of(EDGY_TEXT, RUNS.filter(lambda text: len(text) < 400)))
def test_no_cutting_between_characters_needs_fewer_parts(text: str) -> None:
    counted = count(text)
    assert counted.segments == fewest_parts(text, counted.encoding)


@given(st.text(max_size=100))
def test_the_encoding_is_gsm_exactly_when_nothing_offends(text: str) -> None:
    counted = count(text)
    offending = [
        index for index, char in enumerate(text) if char not in EXTENSION and char not in BASIC.replace("\x1b", "")
    ]
    assert [offender.index for offender in counted.offenders] == offending
    assert (counted.encoding == "GSM-7") == (not offending)


@given(st.text(max_size=100))
def test_units_are_utf16_code_units_or_septets(text: str) -> None:
    counted = count(text)
    utf16 = len(text.encode("utf-16-be", "surrogatepass")) // 2
    septets = len(text) + sum(char in EXTENSION for char in text)
    assert counted.units == (utf16 if counted.encoding == "UCS-2" else septets)


@given(EDGY_TEXT, st.sampled_from("aê€"))
def test_a_longer_text_never_costs_less(text: str, char: str) -> None:
    assert count(text + char).segments >= count(text).segments
