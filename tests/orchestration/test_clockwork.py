"""Zones, hours and wording: the parts the gates are made of."""

from __future__ import annotations

import itertools
import zoneinfo
from datetime import UTC, date, datetime, time, timedelta

import pytest
from orchestration_cases import NOON, market

from outrider.domain.policy import QuietRule, Window
from outrider.domain.purpose import Purpose
from outrider.orchestration.hours import easter, openings
from outrider.orchestration.wording import hours, instant, span
from outrider.orchestration.zones import ONE_ZONE, find_zone, segments, zone_of_country, zone_of_phone


@pytest.mark.parametrize(
    ("year", "day"),
    [(2000, (4, 23)), (2008, (3, 23)), (2011, (4, 24)), (2026, (4, 5)), (2038, (4, 25)), (2049, (4, 18))],
)
def test_easter_is_on_the_published_sunday(year: int, day: tuple[int, int]) -> None:
    assert easter(year) == date(year, *day)


def test_easter_is_always_a_sunday_in_spring() -> None:
    for year in range(1900, 2200):
        assert easter(year).weekday() == 6
        assert date(year, 3, 22) <= easter(year) <= date(year, 4, 25)


@pytest.mark.parametrize(
    ("number", "zone"),
    [
        ("+33612345678", "Europe/Paris"),
        ("+447700900000", "Europe/London"),
        ("+35312345", "Europe/Dublin"),
        ("+34600000000", None),
        ("+351900000000", None),
        ("+12025550123", None),
        ("0612345678", None),
        ("+", None),
        ("", None),
    ],
)
def test_a_phone_number_gives_a_zone_only_where_its_country_has_one(number: str, zone: str | None) -> None:
    assert zone_of_phone(number) == zone


def test_a_country_gives_its_one_zone() -> None:
    assert zone_of_country("de") == "Europe/Berlin"
    assert zone_of_country("ES") is None


def test_every_zone_of_the_table_exists_and_no_calling_code_begins_another() -> None:
    codes = [code for code, _ in ONE_ZONE.values()]
    assert len(set(codes)) == len(codes)
    assert not [(one, other) for one in codes for other in codes if one != other and other.startswith(one)]
    assert all(find_zone(zone) for _, zone in ONE_ZONE.values())


def test_stretches_of_one_offset_meet_at_the_second_the_clocks_change() -> None:
    paris = zoneinfo.ZoneInfo("Europe/Paris")
    spring = segments(paris, date(2030, 3, 29), date(2030, 4, 2))
    assert [(one.start, one.end, one.offset) for one in spring] == [
        (datetime(2030, 3, 29), datetime(2030, 3, 31, 1), timedelta(hours=1)),
        (datetime(2030, 3, 31, 1), datetime(2030, 4, 2), timedelta(hours=2)),
    ]


def test_openings_are_in_order_and_apart_and_hours_that_touch_are_one() -> None:
    rules = market(QuietRule((Window(time(8), time(12)), Window(time(12), time(14)), Window(time(20), time(2)))))
    found = openings(rules, Purpose.SERVICE, "sms", "UTC", NOON.toordinal())
    assert all(end < start for (_, end), (start, _) in itertools.pairwise(found))
    noon = next(opening for opening in found if opening[0] <= NOON < opening[1])
    assert noon == (datetime(2030, 3, 5, 8, tzinfo=UTC), datetime(2030, 3, 5, 14, tzinfo=UTC))


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param(market(QuietRule((Window(time(8), time(12), ()),))), id="no day"),
        pytest.param(market(QuietRule(()), zone="Nowhere/Else"), id="no window, no zone"),
        pytest.param(market(QuietRule((Window(time(8), time(12)),), (Purpose.LEGAL,))), id="no rule"),
    ],
)
def test_without_a_window_that_fits_nothing_opens(rules: object) -> None:
    assert openings(rules, Purpose.SERVICE, "sms", "Nowhere", NOON.toordinal()) == ()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("minutes", "text"),
    [
        (-5, "less than 1 min"),
        (0.9, "less than 1 min"),
        (1, "1 min"),
        (59, "59 min"),
        (60, "1 h"),
        (432, "7 h 12 min"),
        (1440, "1 day"),
        (1445, "1 day"),
        (1500, "1 day 1 h"),
        (7 * 1440, "7 days"),
    ],
)
def test_a_duration_is_written_in_its_two_largest_units(minutes: float, text: str) -> None:
    assert span(timedelta(minutes=minutes)) == text


def test_an_instant_is_written_in_the_wall_time_of_its_zone_or_in_utc() -> None:
    assert instant(NOON, "Europe/Paris") == "Tue 5 Mar 2030 13:00"
    assert instant(NOON, "Nowhere") == "Tue 5 Mar 2030 12:00"


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (QuietRule((Window(time(8), time(20)),)), "every day 08:00-20:00"),
        (
            QuietRule((Window(time(8), time(20), (0, 1, 2)),), not_on_holidays=True),
            "Mon-Wed 08:00-20:00, not on public holidays",
        ),
        (
            QuietRule((Window(time(9), time(12), (5, 0)), Window(time(22), time(2)))),
            "Mon, Sat 09:00-12:00; every day 22:00-02:00",
        ),
        (QuietRule((Window(time(0), time(0), (6,)),)), "Sun all day"),
        (QuietRule((Window(time(6), time(6), (0, 1)),)), "Mon, Tue 06:00 for 24 h"),
        (QuietRule(()), "never"),
    ],
)
def test_hours_are_written_as_people_write_them(rule: QuietRule, text: str) -> None:
    assert hours(rule) == text
