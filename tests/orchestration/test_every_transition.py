"""Every clock change of every zone of the tz database, 2020 to 2037: the next allowed instant is the first, and real.

Zones that change alike are looked at once. From 2020 on every offset and change is a whole number of quarter hours, and
so are the windows here: what holds for each quarter hour holds for every instant.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import cache

import pytest
from orchestration_cases import market

from outrider.domain.policy import Calendar, QuietRule, Window
from outrider.domain.purpose import Purpose
from outrider.orchestration.hours import next_opening, opening_at
from outrider.orchestration.slots import stretch

QUARTER, DAY = timedelta(minutes=15), timedelta(days=1)
FIRST, LAST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)
DAYS = [FIRST + n * DAY for n in range((LAST - FIRST).days + 1)]
WINDOWS = [
    pytest.param(Window(time(8), time(20)), id="the day"),
    pytest.param(Window(time(22), time(1, 30)), id="over midnight"),
    pytest.param(Window(time(2, 15), time(2, 45)), id="in the hour that is skipped or shown twice"),
    pytest.param(Window(time(0), time(0, 30)), id="from midnight on"),
]


@cache
def every_change() -> list[tuple[str, datetime]]:
    """Each change of offset with one zone of those that change alike throughout."""
    alike: dict[tuple[object, ...], tuple[str, tuple[datetime, ...]]] = {}
    for name in sorted(zoneinfo.available_timezones()):
        zone = zoneinfo.ZoneInfo(name)
        offsets = [day.astimezone(zone).utcoffset() for day in DAYS]
        pairs = zip(DAYS, offsets, offsets[1:], strict=False)
        found = tuple(_exact(zone, day) for day, before, after in pairs if before != after)
        alike.setdefault((offsets[0], *((one, one.astimezone(zone).utcoffset()) for one in found)), (name, found))
    return [(name, change) for name, found in alike.values() for change in found]


def around_every_change() -> Iterator[tuple[str, datetime]]:
    """A zone and an instant: the change itself and others about it, shifted from change to change."""
    for number, (name, change) in enumerate(every_change()):
        for quarters in (-104, -8 - number % 31, -1, 0, 1 + number % 9):
            yield name, change + quarters * QUARTER


def _exact(zone: zoneinfo.ZoneInfo, day: datetime) -> datetime:
    before = day.astimezone(zone).utcoffset()
    return next(at for at in _quarters(day, day + DAY + QUARTER) if at.astimezone(zone).utcoffset() != before)


def _quarters(start: datetime, end: datetime) -> Iterator[datetime]:
    at = start
    while at < end:
        yield at
        at += QUARTER


def shown_inside(window: Window, zone: zoneinfo.ZoneInfo, at: datetime) -> bool:
    """What a person with a clock would say, every day being allowed."""
    clock = at.astimezone(zone).time()
    if window.start < window.end:
        return window.start <= clock < window.end
    return clock >= window.start or clock < window.end


def test_the_changes_are_all_there() -> None:
    zones = {name for name, _ in every_change()}
    assert len(every_change()) > 1000
    assert len(zones) > 40
    assert all((change - FIRST) % QUARTER == timedelta() for _, change in every_change())


@pytest.mark.parametrize("window", WINDOWS)
def test_around_every_change_the_next_opening_is_the_first_allowed_instant(window: Window) -> None:
    rules = market(QuietRule((window,)))
    for name, now in around_every_change():
        zone = zoneinfo.ZoneInfo(name)
        opening = opening_at(rules, Purpose.SERVICE, "sms", name, now)
        assert (opening is not None) is shown_inside(window, zone, now), (name, now)
        if opening is not None:
            assert all(shown_inside(window, zone, at) for at in _quarters(now, opening[1])), (name, now)
            assert not shown_inside(window, zone, opening[1]), (name, now)
            now = opening[1]
        until = next_opening(rules, Purpose.SERVICE, "sms", name, now)
        assert until is not None, (name, now)
        assert shown_inside(window, zone, until), (name, now)
        assert not any(shown_inside(window, zone, at) for at in _quarters(now, until)), (name, now)
        wall = until.astimezone(zone)
        assert wall.replace(tzinfo=zone).astimezone(UTC) == until, "a local time that is shown"


@pytest.mark.parametrize("per", Calendar)
def test_around_every_change_days_weeks_and_months_follow_each_other_without_a_gap(per: Calendar) -> None:
    for name, now in around_every_change():
        zone = zoneinfo.ZoneInfo(name)
        start, end = stretch(per, now, zone)
        assert start <= now < end, (name, now)
        assert stretch(per, start, zone) == (start, end), (name, now)
        assert stretch(per, end, zone)[0] == end, (name, now)
        assert end - start < {"day": 2 * DAY, "week": 8 * DAY, "month": 32 * DAY}[per], (name, now)
        assert (start - timedelta(seconds=1)).astimezone(zone).date() < end.astimezone(zone).date(), (name, now)


class Crossing(tzinfo):
    """A zone whose clocks jump over the midnight before 2 March 2030: no real one does, but one may."""

    def __init__(self, wall: datetime, jump: timedelta) -> None:
        self.wall, self.jump = wall, jump

    def utcoffset(self, at: datetime | None) -> timedelta:
        assert at is not None
        wall = at.replace(tzinfo=None)
        shown_twice = self.wall + self.jump <= wall < self.wall
        skipped = self.wall <= wall < self.wall + self.jump
        later = bool(at.fold) if shown_twice or skipped else wall >= self.wall
        return self.jump if later else timedelta()

    def dst(self, at: datetime | None) -> timedelta:
        return timedelta()

    def fromutc(self, at: datetime) -> datetime:
        if at.replace(tzinfo=None) < self.wall:
            return at
        shown_twice = self.wall > at.replace(tzinfo=None) + self.jump
        return (at + self.jump).replace(fold=int(shown_twice))


@pytest.mark.parametrize(
    ("wall", "jump"),
    [
        pytest.param(datetime(2030, 3, 2, 0, 30), timedelta(hours=-1), id="the evening is shown again"),
        pytest.param(datetime(2030, 3, 1, 23, 30), timedelta(hours=1), id="midnight is skipped"),
    ],
)
def test_where_clocks_jump_over_midnight_days_still_follow_each_other(wall: datetime, jump: timedelta) -> None:
    zone = Crossing(wall, jump)
    noon = datetime(2030, 3, 1, 12, tzinfo=UTC)
    _, end = stretch(Calendar.DAY, noon, zone)
    assert abs(end - datetime(2030, 3, 2, tzinfo=UTC)) <= timedelta(hours=1)
    for now in _quarters(noon, noon + DAY):
        start, after = stretch(Calendar.DAY, now, zone)
        assert start <= now < after
        assert end in (start, after)
