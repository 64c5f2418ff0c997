"""Forms are encoded as every decoder reads them."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.lib.forms import form, form_value


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("", b""),
        ("Drive", b"Drive"),
        ("a b", b"a+b"),
        ("a+b", b"a%2Bb"),
        ("100 % + %25", b"100+%25+%2B+%2525"),
        ("clé 🚗", b"cl%C3%A9+%F0%9F%9A%97"),
        ("a&b=c\n", b"a%26b%3Dc%0A"),
        ("half a pair: \ud83d", b"half+a+pair%3A+%3F"),
    ],
)
def test_a_value_is_escaped(text: str, escaped: bytes) -> None:
    assert form_value(text) == escaped


@given(st.text())
def test_a_value_is_escaped_as_the_standard_library_does(text: str) -> None:
    assert form_value(text) == quote_plus(text).encode()


@given(st.lists(st.tuples(st.text(), st.text())))
def test_a_form_reads_back_as_it_was(pairs: list[tuple[str, str]]) -> None:
    assert parse_qsl(form(pairs).decode(), keep_blank_values=True) == pairs
