"""Tokens with which apps acknowledge: only ours are read, and only for a time."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.contracts.provider import Forged
from outrider.receipts.acknowledgment import GRACE, Acknowledgments, TooLate

UNTIL = datetime(2026, 11, 1, 12, tzinfo=UTC)
OURS = Acknowledgments(b"k" * 32)
MESSAGE = bytes(range(16))
TOKEN = OURS.token(MESSAGE, 2, UNTIL)


@given(
    st.binary(min_size=16, max_size=16),
    st.integers(1, 32_767),
    st.datetimes(datetime(2026, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),
)
def test_what_was_put_in_comes_out(message: bytes, number: int, until: datetime) -> None:
    token = OURS.token(message, number, until)
    assert len(token) == 52
    assert OURS.read(token, until) == (message, number)


@pytest.mark.parametrize(("after", "taken"), [(GRACE, True), (GRACE + timedelta(seconds=1), False)])
def test_a_token_lives_three_days_longer_than_its_message(after: timedelta, taken: bool) -> None:
    if taken:
        assert OURS.read(TOKEN, UNTIL + after) == (MESSAGE, 2)
    else:
        with pytest.raises(TooLate):
            OURS.read(TOKEN, UNTIL + after)


def test_a_token_made_under_another_key_is_forged() -> None:
    with pytest.raises(Forged):
        OURS.read(Acknowledgments(b"x" * 32).token(MESSAGE, 2, UNTIL), UNTIL)


@given(st.integers(0, 38), st.integers(1, 255))
def test_a_token_with_any_byte_changed_is_forged(place: int, change: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(TOKEN))
    raw[place] ^= change
    with pytest.raises(Forged):
        OURS.read(base64.urlsafe_b64encode(raw).decode(), UNTIL)


@given(st.text(max_size=80) | st.text("ABCabc012-_=", min_size=48, max_size=56))
def test_anything_else_is_forged(text: str) -> None:
    with pytest.raises(Forged):
        OURS.read(text, UNTIL)


def test_a_token_that_is_late_and_forged_is_forged() -> None:
    with pytest.raises(Forged):
        OURS.read("A" * 52, UNTIL)
