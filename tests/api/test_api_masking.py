"""Masking: enough to recognize, too little to know."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.api.checks import wrong_value
from outrider.api.masking import mask_address, mask_text
from outrider.ingest.values import DEEPEST


@pytest.mark.parametrize(
    ("value", "masked"),
    [
        ("+33612345678", "+336••••••78"),
        ("+1234567", "•••"),
        ("zoe@example.org", "z•••@example.org"),
        ("fcm-token-0123456789", "fc•••"),
        ("short", "•••"),
        ("", "•••"),
    ],
)
def test_addresses_are_masked(value: str, masked: str) -> None:
    assert mask_address(value) == masked


@given(st.from_regex(r"\+[1-9][0-9]{7,14}", fullmatch=True))
def test_at_most_five_digits_of_a_number_remain(number: str) -> None:
    assert sum(char.isdigit() for char in mask_address(number)) <= 5


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("The 'To' number +33612345678 is not valid", "The 'To' number +336••••••78 is not valid"),
        ("call 06 12 34 56 78 now", "call +061•••••78 now"),
        ("21610 opted out", "21610 opted out"),
        ("failed 5.1.1 smtp; 550 5.1.1 unknown", "failed 5.1.1 smtp; 550 5.1.1 unknown"),
        ("550 5.1.1 061 23 45 67 unknown", "+550••••••••••67 unknown"),
        ("bounce of zoe.k@example.org: full", "bounce of z•••@example.org: full"),
        ("", ""),
        (None, None),
    ],
)
def test_words_of_providers_are_masked(text: str | None, masked: str | None) -> None:
    assert mask_text(text) == masked


@given(st.from_regex(r"\+?[1-9][0-9]{8,14}", fullmatch=True), st.text(alphabet="abc :'.", max_size=9))
def test_no_number_survives_in_a_sentence(number: str, words: str) -> None:
    assert number.lstrip("+") not in (mask_text(f"{words} {number} {words}") or "")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**80), 2**80) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=20,
)


@given(JSON)
def test_whatever_passes_can_be_packed_and_holds_no_nul(value: object) -> None:
    import msgspec

    if wrong_value(value, "$") is None:
        assert b"\0" not in msgspec.json.encode(value)
        assert "\\u0000" not in msgspec.json.encode(value).decode()
        msgspec.msgpack.encode(value)


def test_depth_counts_from_the_outermost() -> None:
    def nested(levels: int) -> object:
        value: object = []
        for _ in range(levels - 1):
            value = [value]
        return value

    assert wrong_value(nested(DEEPEST), "$") is None
    wrong = wrong_value(nested(DEEPEST + 1), "$")
    assert wrong is not None
    assert wrong.path == "$" + "[0]" * DEEPEST
