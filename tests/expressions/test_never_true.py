"""Conditions that can never be true are found; what is found never holds for any facts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.expressions import compile as compile_condition
from outrider.expressions import holds, is_never_true, parse


@pytest.mark.parametrize(
    ("text", "never"),
    [
        ("false", True),
        ("true", False),
        ("1 == 2", True),
        ("1 / 0 == 1", True),
        ("!true", True),
        ("!false", False),
        ("a == 1", False),
        ("!a", False),
        ('market == "GB" && market == "FR"', True),
        ('"GB" == market && market in ["FR", "DE"]', True),
        ('market in ["GB", "FR"] && market in ["FR", "DE"]', False),
        ('market == "GB" && market == "GB"', False),
        ('market == "GB" || market == "FR"', False),
        ('(market == "GB" && market == "FR") || 1 > 2', True),
        ('(market == "GB" && market == "FR") || a', False),
        ("a && false", True),
        ("a || true", False),
        ("!(a || true)", True),
        ("!(a && false)", False),
        ('a == "x" && b == "y"', False),
        ("a == 1 && a == 2", False),
        ('a == "x" && a == 1', False),
        ('a in ["x", 1] && a == "y"', False),
        ('a in b && a == "y"', False),
        ('"x" in a && "y" in a', False),
    ],
)
def test_contradictions_are_found(text: str, never: bool) -> None:
    assert is_never_true(parse(text)) is never


atoms = st.sampled_from(
    [
        "true",
        "false",
        "1 < 2",
        "2 < 1",
        'a == "x"',
        'a == "y"',
        '"x" == b',
        'a in ["x", "y"]',
        'b in ["z"]',
        "c",
        "!c",
        "d > 1",
    ]
)
texts = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.builds("({} && {})".format, inner, inner),
        st.builds("({} || {})".format, inner, inner),
        st.builds("!({})".format, inner),
    ),
    max_leaves=8,
)
facts = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(["x", "y", "z", True, False, 1, 5, None, ["x", "y"]]) for name in "abcd"}
)


@given(texts, st.lists(facts, max_size=8))
def test_what_is_never_true_holds_for_no_facts(text: str, several: list[dict[str, Any]]) -> None:
    tree = parse(text)
    if is_never_true(tree):
        assert not any(holds(compile_condition(tree, {}), each) for each in several)
