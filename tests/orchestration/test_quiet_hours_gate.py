"""Quiet hours: who obeys them, when they end, and the nights the clocks change, checked minute by minute."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime, time, timedelta
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from orchestration_cases import DAY, HOUR, NOON, OFFICE, ask, candidate, facts, market, policy, settle

from outrider.domain.decision import Blocked, GateVerdict, Judgment, Verdict
from outrider.domain.policy import EVERY_DAY, Holiday, QuietRule, Window
from outrider.domain.purpose import Purpose
from outrider.orchestration.gates.quiet_hours import GATE

PASS, HOLD, DROP = GateVerdict.PASS, GateVerdict.HOLD, GateVerdict.DROP
MINUTE, INSTANT = timedelta(minutes=1), timedelta(microseconds=1)
#: 22:30 in Paris.
NIGHT = NOON.replace(hour=21, minute=30)
MORNING = datetime(2030, 3, 6, 7, tzinfo=UTC)
ZONES = sorted(zoneinfo.available_timezones())


def quiet(rule: QuietRule, now: datetime, zone: str = "Europe/Paris", **changes: object) -> Judgment:
    """The gate's answer to a service message under one rule."""
    what = candidate(**{"asked_at": now, "valid_until": now + 60 * DAY} | changes)
    return ask(GATE, what, facts(now=now, zone=zone), policy(rules=market(rule)))


@pytest.mark.parametrize(
    ("purpose", "time_critical", "valid_for", "verdict", "until"),
    [
        pytest.param(Purpose.SAFETY, False, DAY, PASS, None, id="safety ignores them"),
        pytest.param(Purpose.SECURITY, False, DAY, PASS, None, id="security ignores them"),
        pytest.param(Purpose.LEGAL, False, DAY, HOLD, MORNING, id="legal waits"),
        pytest.param(Purpose.LEGAL, False, HOUR, PASS, None, id="legal goes when it would be late"),
        pytest.param(Purpose.TRANSACTIONAL, False, DAY, HOLD, MORNING, id="transactional waits"),
        pytest.param(Purpose.TRANSACTIONAL, True, DAY, PASS, None, id="time-critical transactional goes"),
        pytest.param(Purpose.SERVICE, False, DAY, HOLD, MORNING, id="service waits"),
        pytest.param(Purpose.SERVICE, True, DAY, HOLD, MORNING, id="time-critical service waits too"),
        pytest.param(Purpose.SERVICE, False, HOUR, DROP, None, id="service is dropped when it would be late"),
        pytest.param(Purpose.SERVICE, False, 9.5 * HOUR, HOLD, MORNING, id="the last instant is not late"),
        pytest.param(Purpose.COMMERCIAL, True, HOUR, DROP, None, id="commercial is dropped when it would be late"),
    ],
)
def test_at_night_the_purpose_says_what_happens(
    purpose: Purpose, time_critical: bool, valid_for: timedelta, verdict: GateVerdict, until: datetime | None
) -> None:
    what = candidate(purpose, time_critical=time_critical, valid_until=NIGHT + valid_for)
    judgment = ask(GATE, what, facts(now=NIGHT))
    assert (judgment.verdict, judgment.until) == (verdict, until)


def test_a_pass_closes_the_window_just_before_quiet_hours_begin() -> None:
    judgment = ask(GATE, candidate(), facts())
    assert judgment.not_after == NOON.replace(hour=19) - INSTANT
    assert judgment.margin == "closes in 7 h"


def test_a_hold_says_the_rule_the_clock_there_and_how_long_it_takes() -> None:
    judgment = ask(GATE, candidate(), facts(now=NIGHT))
    assert judgment.margin == "opens in 9 h 30 min"
    assert judgment.reason == (
        "France allows service messages by sms every day 08:00-20:00; it is Tue 5 Mar 2030 22:30 in Europe/Paris."
    )
    assert judgment.otherwise == "it had been asked for within the allowed hours (every day 08:00-20:00)"
    kingdom = policy(rules=market(name="United Kingdom", article="the"))
    assert ask(GATE, candidate(), facts(now=NIGHT), kingdom).reason.startswith("The United Kingdom allows service")


def test_a_drop_says_how_much_longer_it_would_have_had_to_be_valid() -> None:
    judgment = ask(GATE, candidate(valid_until=NIGHT + HOUR), facts(now=NIGHT))
    assert judgment.otherwise.endswith(", or it were valid for 8 h 30 min longer")
    assert judgment.reason.endswith("It is not worth sending by the time that begins.")


def test_a_legal_notice_that_goes_at_night_says_that_its_deadline_won() -> None:
    judgment = ask(GATE, candidate(Purpose.LEGAL, valid_until=NIGHT + HOUR), facts(now=NIGHT))
    assert judgment.margin == "deadline wins, opens in 9 h 30 min"
    assert judgment.not_after is None


@pytest.mark.parametrize(
    "rules",
    [
        pytest.param(market(QuietRule((Window(time(8), time(20)),), (Purpose.LEGAL,))), id="no rule fits the purpose"),
        pytest.param(market(QuietRule((Window(time(8), time(20)),), (), ("push",))), id="no rule fits the channel"),
        pytest.param(market(QuietRule((Window(time(0), time(0)),))), id="a rule that never closes"),
    ],
)
def test_where_nothing_closes_every_hour_is_allowed(rules: object) -> None:
    judgment = ask(GATE, candidate(), facts(now=NIGHT), policy(rules=rules))  # type: ignore[arg-type]
    assert (judgment.verdict, judgment.not_after, judgment.reason) == (PASS, None, "Every hour is allowed here.")


def test_the_first_rule_that_fits_counts() -> None:
    open_sms = QuietRule((Window(time(0), time(0)),), (), ("sms",))
    by = policy(rules=market(open_sms, OFFICE))
    assert ask(GATE, candidate(), facts(now=NIGHT), by, "sms").verdict is PASS
    assert ask(GATE, candidate(), facts(now=NIGHT), by, "push").verdict is HOLD


@pytest.mark.parametrize("zone", ["", "Nowhere/Town", "../etc", "Europe"])
def test_we_do_not_have_failure_3_no_zone_no_quiet_hours(zone: str) -> None:
    judgment = ask(GATE, candidate(), facts(now=NIGHT, zone=zone, zone_rung="market"))
    assert (judgment.verdict, judgment.until) == (HOLD, MORNING)


def test_we_do_not_have_failure_5_a_discard_in_quiet_hours_removes_the_person_from_the_journey() -> None:
    for blocked in (Blocked.HOLD, Blocked.SKIP, Blocked.OTHER_CHANNEL):
        decision = settle(candidate(blocked=blocked, valid_until=NIGHT + HOUR), facts(now=NIGHT))
        assert (decision.verdict, decision.gate, decision.leave) == (Verdict.DROP, "quiet_hours", False)
        assert decision.reason
    asked_for = settle(candidate(blocked=Blocked.EXIT, valid_until=NIGHT + DAY), facts(now=NIGHT))
    assert (asked_for.verdict, asked_for.leave) == (Verdict.DROP, True)


@pytest.mark.parametrize(
    ("now", "verdict", "until"),
    [
        pytest.param("2030-03-08 23:00", PASS, None, id="Friday night is open"),
        pytest.param("2030-03-09 01:59", PASS, None, id="it runs on into Saturday"),
        pytest.param("2030-03-09 02:00", HOLD, "2030-03-15 21:00", id="and ends there"),
        pytest.param("2030-03-09 23:00", HOLD, "2030-03-15 21:00", id="Saturday night is not open"),
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_it_starts(now: str, verdict: GateVerdict, until: str | None) -> None:
    judgment = quiet(QuietRule((Window(time(21), time(2), (4,)),)), _utc(now), "UTC")
    assert (judgment.verdict, judgment.until) == (verdict, _utc(until) if until else None)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        pytest.param("2030-12-25 10:00", "2030-12-26 08:00", id="a fixed holiday"),
        pytest.param("2030-04-22 10:00", "2030-04-23 08:00", id="a day after Easter Sunday, 21 April 2030"),
    ],
)
def test_windows_that_start_on_a_holiday_are_closed(now: str, until: str) -> None:
    days = (Holiday("Christmas", 12, 25), Holiday("Easter Monday", after_easter=1), Holiday("Leap day", 2, 29))
    rule = QuietRule((Window(time(8), time(20)),), not_on_holidays=True)
    what = candidate(valid_until=_utc(now) + 3 * DAY)
    judgment = ask(GATE, what, facts(now=_utc(now), zone="UTC"), policy(rules=market(rule, holidays=days)))
    assert (judgment.verdict, judgment.until) == (HOLD, _utc(until))


def test_hours_that_never_come_drop_with_a_reason() -> None:
    rule = QuietRule((Window(time(8), time(20), (1,)),), not_on_holidays=True)
    tuesdays = tuple(Holiday("Tuesday", day.month, day.day) for day in (NOON + n * 7 * DAY for n in range(1, 9)))
    by = policy(rules=market(rule, holidays=tuesdays))
    judgment = ask(GATE, candidate(valid_until=NOON + 50 * DAY), facts(now=NIGHT), by)
    assert (judgment.verdict, judgment.margin) == (DROP, "does not open within 42 days")
    assert "valid for" not in judgment.otherwise


@pytest.mark.parametrize(
    ("window", "now", "until"),
    [
        pytest.param(("02:30", "05:00"), "2030-03-31 00:00", "2030-03-31 01:00", id="a start in the gap: at its end"),
        pytest.param(("02:00", "03:00"), "2030-03-31 00:00", "2030-04-01 00:00", id="a window in the gap: next day"),
        pytest.param(("02:15", "05:00"), "2030-10-27 00:00", "2030-10-27 00:15", id="an overlap: the first time"),
        pytest.param(("01:00", "02:30"), "2030-10-27 00:45", "2030-10-27 01:00", id="an overlap: opens again"),
    ],
)
def test_when_the_clocks_change_the_wall_clock_counts(window: tuple[str, str], now: str, until: str) -> None:
    start, end = map(time.fromisoformat, window)
    judgment = quiet(QuietRule((Window(start, end),)), _utc(now))
    assert (judgment.verdict, judgment.until) == (HOLD, _utc(until))


WINDOWS = st.builds(
    Window,
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.sets(st.sampled_from(EVERY_DAY), min_size=1).map(lambda days: tuple(sorted(days))),
)
INSTANTS = st.datetimes(datetime(2020, 1, 1), datetime(2037, 12, 1), timezones=st.just(UTC))


@settings(max_examples=60, deadline=None)
@given(st.lists(WINDOWS, min_size=1, max_size=3), st.sampled_from(ZONES), INSTANTS)
def test_for_any_windows_zone_and_instant_no_earlier_minute_is_allowed(
    windows: list[Window], zone: str, now: datetime
) -> None:
    _check(QuietRule(tuple(windows)), zone, now)


#: Two days before a change to one day after it.
ABOUT = st.integers(-2 * 24 * 60, 24 * 60).map(lambda minutes: minutes * MINUTE)


@settings(max_examples=150)
@given(st.lists(WINDOWS, min_size=1, max_size=3), st.sampled_from(ZONES), st.integers(2020, 2037), ABOUT, st.data())
def test_about_every_change_of_every_zone_no_earlier_minute_is_allowed(
    windows: list[Window], zone: str, year: int, about: timedelta, data: st.DataObject
) -> None:
    """Any zone by any of its names, any of its changes from 2020 to 2037; the leap day where clocks never change."""
    change = data.draw(st.sampled_from(_changes(zone, year) or [datetime(2028, 2, 29, tzinfo=UTC)]))
    _check(QuietRule(tuple(windows)), zone, change + about)


def _check(rule: QuietRule, zone: str, now: datetime) -> None:
    """A hold ends at the first allowed minute; a pass lasts no longer than the minutes are allowed."""
    judgment = quiet(rule, now, zone)
    place = zoneinfo.ZoneInfo(zone)
    if judgment.verdict is PASS:
        last = judgment.not_after or now
        assert _allowed(rule, place, now), (zone, now)
        assert all(_allowed(rule, place, at) for at in _minutes(now, last)), (zone, now)
        assert _allowed(rule, place, last), (zone, now)
    else:
        assert judgment.until is not None, (zone, now)
        assert _allowed(rule, place, judgment.until), (zone, now)
        assert not any(_allowed(rule, place, at) for at in _minutes(now, judgment.until)), (zone, now)


def _allowed(rule: QuietRule, place: zoneinfo.ZoneInfo, at: datetime) -> bool:
    """What a person with a clock and a calendar would say."""
    wall = at.astimezone(place)
    clock, today, yesterday = wall.time(), wall.weekday(), (wall.weekday() - 1) % 7
    for window in rule.windows:
        over_midnight = window.end <= window.start
        if today in window.days and window.start <= clock and (over_midnight or clock < window.end):
            return True
        if over_midnight and yesterday in window.days and clock < window.end:
            return True
    return False


def _minutes(now: datetime, before: datetime) -> list[datetime]:
    """`now` and every full minute after it that is earlier than `before`."""
    first = now.replace(second=0, microsecond=0) + MINUTE
    return [now, *(first + n * MINUTE for n in range(max(0, -((first - before) // MINUTE))))]


@cache
def _changes(zone: str, year: int) -> list[datetime]:
    """The hours of a year in which the offset changes."""
    place = zoneinfo.ZoneInfo(zone)
    hours = [datetime(year, 1, 1, tzinfo=UTC) + n * 3 * HOUR for n in range(366 * 8 + 1)]
    offsets = [at.astimezone(place).utcoffset() for at in hours]
    return [at for at, before, after in zip(hours[1:], offsets, offsets[1:], strict=False) if before != after]


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
