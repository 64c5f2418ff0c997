"""Ids that carry time and shard; keyed hashes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.lib.clock import SystemClock
from outrider.lib.ids import (
    BadId,
    Hasher,
    first_id_at,
    milliseconds,
    new_id,
    read_id,
    shard_of_id,
    shard_of_stream,
    time_of_id,
    write_id,
)

INSTANTS = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))
IDS = st.binary(min_size=16, max_size=16)


@given(INSTANTS, st.integers(0, 255), st.none() | st.binary())
def test_an_id_carries_its_time_and_shard(at, shard, unique):
    made = new_id(at, shard, unique)
    assert len(made) == 16
    assert shard_of_id(made) == shard
    assert timedelta(0) <= at - time_of_id(made) < timedelta(milliseconds=1)
    assert first_id_at(at) <= made < first_id_at(at + timedelta(milliseconds=1))


def test_ids_of_the_same_thing_are_the_same_and_others_differ():
    at = datetime(2026, 5, 4, tzinfo=UTC)
    assert new_id(at, 1, b"a") == new_id(at, 1, b"a") != new_id(at, 1, b"b")
    assert len({new_id(at, 1) for _ in range(1000)}) == 1000


def test_ids_are_ordered_by_time_whatever_zone_it_is_written_in():
    utc = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
    assert milliseconds(utc) == milliseconds(utc.astimezone(timezone(timedelta(hours=5, minutes=30))))
    assert new_id(utc, 255) < new_id(utc + timedelta(milliseconds=1), 0)


@given(IDS)
def test_what_is_written_is_read_back_in_any_case(identifier):
    text = write_id("msg", identifier)
    assert len(text) == 30
    assert read_id("msg", text) == read_id("msg", "msg_" + text[4:].lower()) == identifier


@given(IDS, IDS)
def test_texts_are_ordered_like_their_ids(one, two):
    assert (write_id("m", one) < write_id("m", two)) == (one < two)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "msg",
        "msg_",
        "evt_" + "0" * 26,
        "msg_" + "0" * 25,
        "msg_" + "0" * 27,
        "msg_" + "0" * 25 + "U",
        "msg_" + "Z" * 26,
        "msg_" + "0" * 25 + "ß",
        "msg_" + "0" * 24 + "ﬀ0",
    ],
)
def test_what_is_no_id_is_refused(text):
    with pytest.raises(BadId):
        read_id("msg", text)


@given(st.text(max_size=40))
def test_any_text_is_an_id_or_refused(text):
    try:
        found = read_id("msg", text)
    except BadId:
        return
    assert write_id("msg", found).upper() == text.upper()


def test_hashes_depend_on_key_use_and_value():
    one, two = Hasher(b"1" * 32), Hasher(b"2" * 32)
    found = [
        one.stream("a", "b"),
        one.stream("ab", ""),
        one.address("a", "b"),
        one.event("a", "b"),
        one.provider_message("a", "b"),
        two.stream("a", "b"),
    ]
    assert len(set(found)) == len(found)
    assert all(len(each) == 16 for each in found)
    assert one.stream("a", "b") == Hasher(b"1" * 32).stream("a", "b")


def test_streams_spread_over_all_shards():
    hasher = Hasher(bytes(32))
    assert {shard_of_stream(hasher.stream("profile", str(number))) for number in range(5000)} == set(range(256))


def test_the_clock_gives_aware_utc_and_never_runs_backward():
    clock = SystemClock()
    assert clock.now().tzinfo is UTC
    ticks = [clock.monotonic() for _ in range(100)]
    assert ticks == sorted(ticks)
