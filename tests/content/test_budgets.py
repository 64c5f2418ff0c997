"""`segments` in template.yaml: every language of every market is counted with the longest values."""

from __future__ import annotations

import pytest
from content_folder import YAML, errors, folder, warnings
from hypothesis import given
from hypothesis import strategies as st

from outrider.content.sms import count
from outrider.content.template import compile_templates

A = "a"


def budget(segments: int, more: str = "") -> str:
    return f"segments: {segments}\n{more}{YAML}"


@pytest.mark.parametrize(
    ("text", "yaml", "line", "column", "message", "hint"),
    [
        (
            f"{A * 150} {{{{ name }}}}",
            budget(1),
            1,
            1,
            "2 segments with the longest values, expected at most 1",
            "31 units",
        ),
        (
            f"{A * 80} {{{{ name }}}} ê’",
            budget(1, "transliterate: unicode\n"),
            1,
            93,
            "2 segments",
            "UCS-2 because of 'ê', '’': writing 'e' for 'ê', \"'\" for '’' saves 1 segment; or shorten it by 54 units",
        ),
        (
            f"{A * 118} [{{{{ name }}}}",
            budget(1),
            1,
            1,
            "2 segments",
            "writing '(' for '[' saves 1 segment; or shorten",
        ),
        (f"{A * 80}я", budget(1), 1, 81, "2 segments", "UCS-2 because of 'я': shorten it by 11 units"),
        (
            "{% if market == 'GB' %}" + A * 170 + "{% endif %}b",
            budget(1),
            1,
            1,
            "(market GB)",
            "shorten it by 11 units",
        ),
    ],
)
def test_a_text_over_its_budget_is_refused_with_what_to_do(
    text: str, yaml: str, line: int, column: int, message: str, hint: str
) -> None:
    found = errors({"sms.en.j2": text}, yaml)
    assert [(each.file, each.line, each.column) for each in found] == [("templates/t/sms.en.j2", line, column)]
    assert message in found[0].message
    assert hint in found[0].hint


def test_a_text_within_its_budget_is_fine() -> None:
    assert errors({"sms.en.j2": f"{A * 40}я{{{{ name }}}}"}, budget(2)) == []


def test_the_message_holds_the_text_with_the_longest_values() -> None:
    [found] = errors({"sms.en.j2": f"Bonjour {{{{ name }}}}, {A * 150}"}, budget(1))
    assert f"“Bonjour {'Anna' * 10}, {A * 20}" in found.message


def test_every_language_and_every_overlay_is_counted() -> None:
    long = A * 161
    files = {"sms.en.j2": "a", "sms.fr.j2": long, "markets/gb/sms.en.j2": long, "markets/us/sms.fr.j2": f"{long}b"}
    assert [each.file.removeprefix("templates/t/") for each in errors(files, budget(1))] == [
        "markets/gb/sms.en.j2",
        "markets/us/sms.fr.j2",
        "sms.fr.j2",
    ]


def test_other_channels_and_templates_without_a_budget_are_not_counted() -> None:
    assert errors({"sms.en.j2": A * 1000}) == []
    assert errors({"push.en.yaml": f"title: a\nbody: {A * 200}"}, budget(1)) == []


def test_the_tables_of_the_routes_count_when_the_template_asks() -> None:
    files = folder({"sms.es.j2": "á" * 75, "sms.en.j2": "a"}, budget(1, "transliterate: unicode\nshift_tables: [es]\n"))
    for tables, wrong in [(frozenset(["es"]), 0), (frozenset(["pt"]), 1), (frozenset[str](), 1)]:
        _, problems = compile_templates(files, tables=tables)
        assert len([each for each in problems if each.is_error]) == wrong


def test_a_preview_shows_what_is_over_budget() -> None:
    files = folder({"sms.en.j2": A * 200}, budget(1))
    assert compile_templates(files)[0].names == frozenset()
    assert compile_templates(files, budgets=False)[0].preview("t", "sms", "en", None).segments == 2


TEXTS = st.text(st.sampled_from("aê€’\U0001f697"), min_size=1, max_size=500)


@given(TEXTS, st.integers(1, 8), st.sampled_from(["unicode", "transliterate"]))
def test_a_larger_budget_never_refuses_what_a_smaller_one_allows(text: str, segments: int, policy: str) -> None:
    if not text.strip("\U0001f697"):
        text += "a"
    smaller, larger = [
        errors({"sms.en.j2": text}, budget(each, f"transliterate: {policy}\n")) for each in (segments, segments + 1)
    ]
    assert not larger or smaller
    if policy == "unicode":
        assert bool(smaller) == (count(text).segments > segments)


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 3))
def test_a_longer_worst_case_never_costs_less(one: int, other: int, segments: int) -> None:
    short, long = sorted((one, other))
    refused = [
        bool(errors({"sms.en.j2": "Hi {{ name }}"}, budget(segments).replace("longest: 40", f"longest: {longest}")))
        for longest in (short, long)
    ]
    assert refused[1] or not refused[0]


def test_values_that_only_fail_when_long_are_found() -> None:
    [found] = errors({"sms.en.j2": "{{ name * 41 }}"})
    assert found.message == "the text has 1640 characters: expected at most 1600 (with the longest values)"


def test_a_warning_of_size_leaves_the_template_usable() -> None:
    files = {"push.en.yaml": f"title: a\nbody: {A * 241}"}
    assert [each.severity for each in warnings(files)] == ["warning"]
    assert compile_templates(folder(files))[0].names == {"t"}
