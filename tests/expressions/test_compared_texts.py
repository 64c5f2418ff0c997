"""The texts a condition compares its fields with."""

from __future__ import annotations

import pytest

from outrider.expressions import compared_texts, parse


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('market == "GB"', [("market", "GB")]),
        ('"GB" != profile["market"]', [("profile.market", "GB")]),
        ('!(a || market in ["GB", "ES", 1])', [("market", "GB"), ("market", "ES")]),
        ('"GB" in markets', []),
        ("market in markets", []),
        ("market == home", []),
        ('market < "GB"', []),
        ("market.size() == 2 || booking.days == 1", []),
        ('stops.exists(market, market == "ZZ" && zone == "A")', [("zone", "A")]),
        ('(market == "GB" ? b == "x" : c)', [("market", "GB"), ("b", "x")]),
    ],
)
def test_each_path_comes_with_each_text_it_is_compared_with(text: str, found: list[tuple[str, str]]) -> None:
    assert [(path, literal.value) for path, literal in compared_texts(parse(text))] == found
