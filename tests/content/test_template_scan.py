"""The scan finds code, calls and filters, and is not fooled by strings, comments and raw blocks."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.content.scan import blocks, filters, literal_spans, marked, refused

PIECES = [
    "{{ a.b }}",
    "{% if a %}",
    "{% endif %}",
    "{# c #}",
    "text ’ ",
    "{{ '}}' }}",
    "{{",
    "}}",
    "'",
    '"',
    "(",
    "{%",
    "\n",
]


@pytest.mark.parametrize(
    ("source", "codes"),
    [
        ("a {{ b }} c", [" b "]),
        ("{{- b -}}", [" b -"]),
        ("{{ '}}' }}x{{ c }}", [" '}}' ", " c "]),
        ('{{ "\\"}}" }}', [' "\\"}}" ']),
        ("{# {{ b }} #}{{ c }}", [" c "]),
        ("{% raw %}{{ b }}{% endraw %}{{ c }}", [" c "]),
        ("{% if a == '%}' %}", [" if a == '%}' "]),
        ("{{ it's }}", [" it's "]),
        ("{{ a\n+ b }}", [" a\n+ b "]),
        ("{ {b} }", []),
    ],
)
def test_code_blocks_are_found(source: str, codes: list[str]) -> None:
    found = list(blocks(source))
    assert [block.code for block in found] == codes
    assert all(source[block.code_start :].startswith(block.code) for block in found)


@pytest.mark.parametrize(
    "expression",
    [
        "b.clear()",
        "b['clear']()",
        "(b).clear()",
        "f()",
        "b . clear ()",
        "b.items() | list",
        "x is b.f()",
        "[b][0]()",
        "b|attr('x')(1)",
        "debug()",
        "loop.cycle('a')",
        "'a'('b')",
        "not f(1)",
        "1 if f(x) else 2",
    ],
)
@pytest.mark.parametrize("shape", ["{{{{ {} }}}}", "{{%- if {} %}}x{{% endif %}}", "{{% set q = {} %}}"])
def test_calls_are_refused(expression: str, shape: str) -> None:
    assert list(refused(shape.format(expression)))


@pytest.mark.parametrize(
    "expression",
    [
        "b|default('-')",
        "(a + b) * (c)",
        "a and (b or (not (c)))",
        "a in (1, 2)",
        "x is divisibleby(3)",
        "x is not divisibleby(3)",
        "b | join (', ')",
        "range(3)|length",
        "1 if (a) else (b)",
        "'f()'",
        '"b.clear()"',
        "f ~ 'x'",
    ],
)
def test_filters_tests_range_and_parentheses_are_fine(expression: str) -> None:
    assert list(refused(f"{{{{ {expression} }}}}")) == []


@pytest.mark.parametrize("tag", ["include 'x'", "import 'x' as y", "macro m()", "do b", "block a", "autoescape true"])
def test_tags_an_sms_has_no_use_for_are_refused_at_their_place(tag: str) -> None:
    start, length, reason = next(refused(f"ab{{% {tag} %}}"))
    assert (start, length) == (5, len(tag.split()[0]))
    assert repr(tag.split()[0]) in reason


def test_the_place_of_a_call_is_the_name_called() -> None:
    assert [each[:2] for each in refused("é {{ booking.clear() }}")] == [(13, 5)]


def test_filters_are_named_with_their_place() -> None:
    assert list(filters("{{ a|upper | date }} {{ '|no' }}")) == [(5, "upper"), (13, "date")]


def test_text_sent_as_it_stands_is_what_lies_between_the_blocks() -> None:
    source = "a{{ b }}c{# d #}e{% if f %}g{% endif %}"
    assert "".join(source[start:end] for start, end in literal_spans(source)) == "aceg"


def test_a_marker_stands_before_each_block_where_text_may_stand() -> None:
    assert marked("{% if a %}{{ b }}{% else %}c{% endif %}", "at") == (
        "{{ at(0) }}{% if a %}{{ at(10) }}{{ b }}{% else %}c{% endif %}"
    )


@given(st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
def test_any_source_is_scanned_to_its_end_with_blocks_in_order(source: str) -> None:
    ends = [(block.start, block.end) for block in blocks(source)]
    flat = [place for span in ends for place in span]
    assert flat == sorted(flat)
    assert re.sub(r"\{\{ x\(\d+\) \}\}", "", marked(source, "x")) == source
    assert all(0 <= start < len(source) and length > 0 for start, length, _ in refused(source))


def test_many_quotes_without_an_end_are_scanned_at_once() -> None:
    assert list(blocks("{{ " + "'a' " * 2000)) == []
