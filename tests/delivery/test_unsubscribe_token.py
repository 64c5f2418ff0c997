"""The token of an unsubscribe link says what it was signed for, and nothing else passes."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st

from outrider.delivery.unsubscribe import ONE_CLICK_PURPOSES, Leaving, read_token, write_token
from outrider.domain.purpose import Purpose

KEY = b"k" * 32
ID = st.binary(min_size=16, max_size=16)
LEAVING = st.builds(
    Leaving, ID, ID, st.sampled_from(Purpose), st.sampled_from(["email", "x"]), st.sampled_from(["", "de-AT"])
)


@given(LEAVING)
def test_a_token_says_what_it_was_written_for_and_fits_a_url(one: Leaving) -> None:
    token = write_token(KEY, one)
    assert read_token(KEY, token) == one
    assert token.replace("-", "").replace("_", "").isalnum()
    assert len(token) < 120
    assert read_token(b"other" * 8, token) is None


@given(LEAVING, st.data())
def test_one_changed_byte_is_a_forgery(one: Leaving, data: st.DataObject) -> None:
    token = write_token(KEY, one)
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    assert read_token(KEY, base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("=")) is None


@given(st.text(max_size=250) | st.binary(max_size=120).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_what_nobody_signed_is_nothing(token: str) -> None:
    assert read_token(KEY, token) is None


def test_the_ways_out_are_for_what_a_person_may_end() -> None:
    assert {Purpose.COMMERCIAL, Purpose.SERVICE} == ONE_CLICK_PURPOSES
