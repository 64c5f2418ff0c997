"""Relative times become today's, ids and numbers this run's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.demo.example import BOOKINGS, SEED, example_folder, sample_events
from outrider.demo.story import Telling, offset_of, tell
from outrider.ingest.phones import BadPhone, e164

START = datetime(2026, 7, 14, 9, 30, tzinfo=UTC)
TELLING = Telling("r0001", 1, START, 3600.0)
SAMPLE = sample_events(example_folder(), SEED, BOOKINGS)


def told(value: Any, telling: Telling = TELLING) -> Any:
    event = {"id": "e", "source": "/bookings", "type": "x", "time": "T+0h00m", "data": {"value": value}}
    return tell(event, telling).event["data"]["value"]


@pytest.mark.parametrize(
    ("marker", "expected"),
    [
        ("T+0h00m", "2026-07-14T09:30:00.000+00:00"),
        ("T+2h00m", "2026-07-14T09:30:02.000+00:00"),
        ("T+0h30m", "2026-07-14T09:30:00.500+00:00"),
        ("T+6h30m|promised", "2026-07-14T10:30:00.000+00:00"),
        ("T+18h15m|promised", "2026-07-14T22:15:00.000+00:00"),
        ("parking T+2h", "parking T+2h"),
        ("", ""),
        (17, 17),
        (None, None),
    ],
)
def test_a_marker_becomes_a_compressed_instant_or_the_one_that_was_promised(marker: Any, expected: Any) -> None:
    assert told(marker) == expected


def test_markers_are_found_at_every_depth_and_the_sample_itself_is_left_alone() -> None:
    deep = {"a": {"b": {"starts_at": "T+1h00m"}}}
    assert told(deep) == {"a": {"b": {"starts_at": "2026-07-14T09:30:01.000+00:00"}}}
    assert deep == {"a": {"b": {"starts_at": "T+1h00m"}}}


def test_an_absolute_time_is_refused_with_what_was_expected() -> None:
    with pytest.raises(ValueError, match=r"expected a time such as T\+6h30m, got '2026-07-14'"):
        offset_of("2026-07-14")


def test_the_clock_of_the_day_runs_as_much_faster_and_starts_at_six_in_paris() -> None:
    assert f"{TELLING.clock(START):%H:%M}" == "06:00"
    assert f"{TELLING.clock(START + timedelta(seconds=8, milliseconds=500)):%H:%M}" == "14:30"


@given(offset=st.timedeltas(timedelta(0), timedelta(days=2)), speed=st.floats(60, 14_400))
def test_the_clock_shows_at_the_real_instant_of_a_moment_that_moment(offset: timedelta, speed: float) -> None:
    telling = Telling("r0001", 1, START, speed)
    shown = telling.clock(telling.real(offset))
    assert abs(shown - telling.promised(offset)) < timedelta(seconds=0.1)


def test_every_id_of_an_event_belongs_to_the_run() -> None:
    first = next(one for one in SAMPLE if one["type"] == "booking.confirmed")
    event = tell(first, TELLING).event
    data = event["data"]
    for identifier in (event["id"], data["customer"]["id"], data["booking"]["id"], data["vehicle"]["id"]):
        assert identifier.startswith("r0001-")


def test_mailboxes_and_devices_belong_to_the_run_and_keep_the_ending_that_is_their_fate() -> None:
    data = {"email": "customer.0002@example.com", "device": {"token": "device-0002-silent"}}
    told_data = tell({**SAMPLE[0], "data": data}, TELLING).event["data"]
    assert told_data == {"email": "r0001-customer.0002@example.com", "device": {"token": "r0001-device-0002-silent"}}


def test_no_event_of_the_sample_keeps_a_relative_time_and_all_stay_in_order() -> None:
    everything = [tell(event, TELLING) for event in SAMPLE]
    assert not [one for one in everything if "'T+" in str(one.event)]
    assert [one.at for one in everything] == sorted(one.at for one in everything)


@pytest.mark.parametrize("number", [1, 2, 9, 57, 999])
def test_in_every_run_all_but_the_four_invalid_numbers_can_be_reached_and_no_two_customers_share_one(
    number: int,
) -> None:
    telling = Telling("r", number, START, 3600.0)
    phones: dict[str, str] = {}
    invalid = set()
    for event in SAMPLE:
        data = tell(event, telling).event["data"]
        if "phone" in data["customer"]:
            try:
                phones[data["customer"]["id"]] = e164(data["customer"]["phone"], data["market"])
            except BadPhone:
                invalid.add(data["customer"]["id"])
    assert len(invalid) == 4
    assert len(set(phones.values())) == len(phones)


def test_an_ordinary_customer_has_another_number_in_the_next_run_and_a_fated_one_the_same() -> None:
    again = Telling("r0002", 2, START, 3600.0)
    ordinary = ("06 12 13 13 76", "07400 131376", "612131376", "912131376", "01512 3131376", "312 3131376")
    for phone, same in (*((one, False) for one in ordinary), ("06 15 55 00 05", True)):
        customers = [
            tell({**SAMPLE[0], "data": {"phone": phone}}, each).event["data"]["phone"] for each in (TELLING, again)
        ]
        assert (customers[0] == customers[1]) is same
