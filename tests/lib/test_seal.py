"""Sealing: only the right key, context and bytes open a value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.lib.seal import KEY, CannotOpen, KeyRing, open_with, seal_with

ONE, TWO = b"1" * KEY, b"2" * KEY


@given(st.binary(max_size=200), st.binary(max_size=20))
def test_what_is_sealed_opens_and_is_never_the_same_twice(plain, context):
    sealed = seal_with(ONE, plain, context)
    assert open_with(ONE, sealed, context) == plain
    assert sealed != seal_with(ONE, plain, context)
    assert len(sealed) == len(plain) + 28


@given(st.binary(min_size=1, max_size=50), st.data())
def test_any_changed_bit_is_noticed(plain, data):
    sealed = bytearray(seal_with(ONE, plain, b"row"))
    place = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[place // 8] ^= 1 << place % 8
    with pytest.raises(CannotOpen):
        open_with(ONE, bytes(sealed), b"row")


@pytest.mark.parametrize("sealed", [b"", b"x", b"x" * 12, b"x" * 27])
def test_what_is_too_short_does_not_open(sealed):
    with pytest.raises(CannotOpen):
        open_with(ONE, sealed, b"")


def test_another_key_or_another_row_does_not_open():
    sealed = seal_with(ONE, b"plain", b"row 1")
    for key, context in ((TWO, b"row 1"), (ONE, b"row 2")):
        with pytest.raises(CannotOpen):
            open_with(key, sealed, context)


def test_the_highest_key_seals_and_all_of_them_open():
    old, both = KeyRing({1: ONE}), KeyRing({1: ONE, 2: TWO})
    key_id, sealed = old.seal(b"plain", "entry")
    assert key_id == 1
    assert both.open(key_id, sealed, "entry") == b"plain"
    key_id, sealed = both.seal(b"plain", "entry")
    assert key_id == 2
    with pytest.raises(CannotOpen, match="master key 2 is not configured; configured: 1"):
        old.open(key_id, sealed, "entry")
    with pytest.raises(CannotOpen):
        both.open(key_id, sealed, "letter")


def test_data_keys_are_wrapped_for_one_person():
    ring = KeyRing({1: ONE})
    data_key = ring.new_data_key()
    key_id, wrapped = ring.wrap(data_key, b"anna")
    assert ring.unwrap(key_id, wrapped, b"anna") == data_key
    assert data_key != ring.new_data_key()
    with pytest.raises(CannotOpen):
        ring.unwrap(key_id, wrapped, b"bert")


@pytest.mark.parametrize("keys", [{}, {1: b""}, {1: ONE, 2: b"short"}, {1: ONE + b"x"}])
def test_a_ring_of_wrong_keys_is_refused_without_showing_them(keys):
    with pytest.raises(ValueError, match="master key") as error:
        KeyRing(keys)
    assert "short" not in str(error.value)
