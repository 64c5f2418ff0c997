"""National shift tables and what saves a segment: counted as 3GPP TS 23.038 and 23.040 say."""

from __future__ import annotations

import pytest
from content_folder import compiled
from hypothesis import given
from hypothesis import strategies as st

from outrider.content.savings import excess, savings
from outrider.content.shift import LETTERS
from outrider.content.sms import capacity, count, parts, size_of

ES, PT, TR = frozenset(["es"]), frozenset(["pt"]), frozenset(["tr"])
ALL = ES | PT | TR
TEXTS = st.text(st.sampled_from("aáêçãğş€[é\n\u2019Я"), max_size=400)


@pytest.mark.parametrize(
    ("text", "tables", "encoding", "units", "segments", "table"),
    [
        ("á" * 77, ES, "GSM-7", 154, 1, "es"),
        ("á" * 78, ES, "GSM-7", 156, 2, "es"),
        ("a" * 153 + "á", ES, "GSM-7", 155, 1, "es"),
        ("a" * 154 + "á", ES, "GSM-7", 156, 2, "es"),
        ("a" * 148 + "á" + "a" * 148, ES, "GSM-7", 298, 3, "es"),
        ("á", frozenset(), "UCS-2", 1, 1, None),
        ("ã", ES, "UCS-2", 1, 1, None),
        ("ã", ES | PT, "GSM-7", 2, 1, "pt"),
        ("ğ€", TR, "GSM-7", 4, 1, "tr"),
        ("é€", ALL, "GSM-7", 3, 1, None),
        ("Ã", PT, "GSM-7", 2, 1, "pt"),
        ("áЯ", ALL, "UCS-2", 2, 1, None),
        ("", ALL, "GSM-7", 0, 0, None),
    ],
)
def test_a_table_carries_its_letters_at_two_septets_and_a_longer_header(
    text: str, tables: frozenset[str], encoding: str, units: int, segments: int, table: str | None
) -> None:
    counted = count(text, tables)
    assert (counted.encoding, counted.units, counted.segments) == (encoding, units, segments)
    assert (counted.table or None) == table


@given(TEXTS, st.sets(st.sampled_from(sorted(LETTERS))).map(frozenset))
def test_parts_join_to_the_text_and_fit_their_segments(text: str, tables: frozenset[str]) -> None:
    counted, cut = count(text, tables), parts(text, tables)
    assert "".join(cut) == text
    assert len(cut) == counted.segments
    sizes = [size_of(part, counted.encoding, counted.table or "") for part in cut]
    assert sum(sizes) == counted.units
    assert all(0 < size <= capacity(counted) for size in sizes)


@given(TEXTS)
def test_without_a_table_nothing_changes_and_with_one_no_offender_is_left(text: str) -> None:
    plain, with_tables = count(text), count(text, ALL)
    assert with_tables == plain if plain.encoding == "GSM-7" else (with_tables.table or with_tables == plain)
    assert bool(with_tables.offenders) == (with_tables.encoding == "UCS-2")


def test_a_table_counts_only_where_the_template_asks_and_the_route_supports_it() -> None:
    text = {"sms.en.j2": "Atención, la información está aquí… {{ name }}"}
    yaml = "variables: {name: {type: string, example: Íñigo}}\n"
    asks, silent = compiled(text, f"shift_tables: [es]\n{yaml}"), compiled(text, yaml)
    spelled = "Atencion, la informacion esta aqui... Iñigo"
    kept = "Atención, la información está aquí... Íñigo"
    for templates, tables, expected in [
        (asks, ES, kept),
        (asks, PT, spelled),
        (silent, ES, spelled),
        (asks, ALL, kept),
    ]:
        rendered = templates.preview("t", "sms", "en", "ES", tables=tables)
        assert rendered.text == expected
        assert (rendered.count is not None, rendered.count and rendered.count.encoding) == (True, "GSM-7")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a" * 160, []),
        ("ê" + "a" * 70, [(1, [("ê", "e", 1)])]),
        ("ê’" + "a" * 140, [(2, [("ê", "e", 1), ("’", "'", 1)])]),
        ("ê" * 71 + "я", []),
        ("[" * 81, [(1, [("[", "(", 81)])]),
        ("[]" + "a" * 157, [(1, [("[", "(", 1)])]),
        ("\u200b" + "a" * 70, [(1, [("\u200b", "", 1)])]),
        ("~ê" + "a" * 158, [(1, [("ê", "e", 1)]), (2, [("ê", "e", 1), ("~", "-", 1)])]),
        ("", []),
    ],
)
def test_the_fewest_replacements_are_named(text: str, found: list[tuple[int, list[tuple[str, str, int]]]]) -> None:
    named = [
        (each.segments, [(change.char, change.written, change.times) for change in each.changes])
        for each in savings(text)
    ]
    assert named == found


@given(TEXTS, st.sets(st.sampled_from(sorted(LETTERS))).map(frozenset))
def test_a_saving_saves_what_it_says_and_needs_every_change(text: str, tables: frozenset[str]) -> None:
    before = count(text, tables).segments
    for saving in savings(text, tables):
        assert saving.segments > 0
        assert before - count(saving.text, tables).segments == saving.segments
        assert all(change.times == text.count(change.char) > 0 for change in saving.changes)
        assert all(change.char not in saving.text for change in saving.changes)


@given(TEXTS)
def test_savings_rise_and_each_is_named_once(text: str) -> None:
    saved = [each.segments for each in savings(text)]
    assert saved == sorted(set(saved))


@given(st.text(st.sampled_from("aé"), min_size=1, max_size=700), st.integers(1, 4))
def test_what_must_go_is_just_enough_for_plain_texts(text: str, segments: int) -> None:
    over = excess(count(text), segments)
    assert count(text[: len(text) - over]).segments <= segments
    assert over == 0 or count(text[: len(text) - over + 1]).segments > segments
