"""Frequency caps: rolling, per purpose and channel, counted from the decision on."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from orchestration_cases import DAY, HOUR, NOON, ask, candidate, facts, market, policy, settle

from outrider.domain.decision import GateVerdict, Judgment, Recent, Verdict
from outrider.domain.policy import Calendar, Cap
from outrider.domain.purpose import Purpose
from outrider.orchestration.gates.frequency_cap import GATE

PASS, HOLD, DROP = GateVerdict.PASS, GateVerdict.HOLD, GateVerdict.DROP
WEEKLY = Cap("weekly", 3, 7 * DAY)
DAILY = Cap("daily", 1, DAY)
MINUTE = timedelta(minutes=1)
LOST = market(zone="Nowhere/Else")


def sent(*ago: timedelta, channel: str = "sms", purpose: Purpose = Purpose.SERVICE) -> tuple[Recent, ...]:
    return tuple(Recent(channel, purpose, NOON - one) for one in ago)


def capped(recent: tuple[Recent, ...], *caps: Cap, purpose: Purpose = Purpose.SERVICE, **changes: object) -> Judgment:
    return ask(GATE, candidate(purpose, **changes), facts(recent=recent), policy(*caps))


@pytest.mark.parametrize(
    ("recent", "verdict", "margin"),
    [
        pytest.param((), PASS, "0 of 3 used in 7 days", id="nothing sent"),
        pytest.param(sent(HOUR, 2 * DAY), PASS, "2 of 3 used in 7 days", id="one slot left"),
        pytest.param(sent(HOUR, 2 * DAY, 5 * DAY), HOLD, "3 of 3 used in 7 days; a slot is free in 2 days", id="full"),
        pytest.param(sent(HOUR, 2 * DAY, 7 * DAY), PASS, "2 of 3 used in 7 days", id="exactly a week ago is free"),
        pytest.param(
            sent(HOUR, 2 * DAY, 7 * DAY - MINUTE),
            HOLD,
            "3 of 3 used in 7 days; a slot is free in 1 min",
            id="a minute less is not",
        ),
        pytest.param(
            sent(HOUR, 2 * HOUR, 3 * HOUR), DROP, "3 of 3 used in 7 days; a slot is free in 6 days 21 h", id="too late"
        ),
    ],
)
def test_a_cap_of_three_a_week(recent: tuple[Recent, ...], verdict: GateVerdict, margin: str) -> None:
    judgment = capped(recent, WEEKLY)
    assert (judgment.verdict, judgment.margin) == (verdict, margin)


def test_a_full_cap_holds_until_the_oldest_message_falls_out() -> None:
    judgment = capped(sent(HOUR, 2 * DAY, 5 * DAY), WEEKLY)
    assert judgment.until == NOON + 2 * DAY
    assert judgment.reason == "The cap 'weekly' is full until Thu 7 Mar 2030 13:00."
    assert judgment.otherwise == "the cap 'weekly' had a free slot"


def test_a_cap_that_frees_a_slot_too_late_drops_and_says_by_how_much() -> None:
    judgment = capped(sent(HOUR), DAILY, valid_until=NOON + 20 * HOUR)
    assert judgment.reason.endswith("It is not worth sending by then.")
    assert judgment.otherwise == "the cap 'daily' had a free slot, or it were valid for 3 h longer"


def test_a_slot_that_frees_at_the_last_instant_is_waited_for() -> None:
    assert capped(sent(HOUR), DAILY, valid_until=NOON + 23 * HOUR).verdict is HOLD


def test_an_overfull_cap_waits_until_one_more_fits() -> None:
    judgment = capped(sent(HOUR, 2 * HOUR, 5 * HOUR), Cap("one", 1, 6 * HOUR))
    assert judgment.until == NOON + 5 * HOUR


@pytest.mark.parametrize(
    ("cap", "recent", "verdict"),
    [
        pytest.param(Cap("c", 1, DAY, (Purpose.SERVICE,)), sent(HOUR), HOLD, id="its purpose counts"),
        pytest.param(
            Cap("c", 1, DAY, (Purpose.SERVICE,)), sent(HOUR, purpose=Purpose.COMMERCIAL), PASS, id="another does not"
        ),
        pytest.param(Cap("c", 1, DAY, (Purpose.COMMERCIAL,)), sent(HOUR), PASS, id="a cap for others does not apply"),
        pytest.param(Cap("c", 1, DAY, (), ("sms",)), sent(HOUR), HOLD, id="its channel counts"),
        pytest.param(Cap("c", 1, DAY, (), ("sms",)), sent(HOUR, channel="push"), PASS, id="another channel does not"),
        pytest.param(Cap("c", 1, DAY, (), ("push",)), sent(HOUR, channel="push"), PASS, id="a cap of another channel"),
        pytest.param(Cap("c", 1, DAY), sent(HOUR, channel="push"), HOLD, id="a cap over all channels"),
        pytest.param(
            Cap("c", 1, DAY), sent(HOUR, purpose=Purpose.TRANSACTIONAL), HOLD, id="transactional ones take a slot"
        ),
    ],
)
def test_a_cap_counts_what_it_names(cap: Cap, recent: tuple[Recent, ...], verdict: GateVerdict) -> None:
    assert capped(recent, cap).verdict is verdict


@pytest.mark.parametrize("purpose", [Purpose.SAFETY, Purpose.SECURITY, Purpose.LEGAL, Purpose.TRANSACTIONAL])
def test_purposes_that_do_not_obey_caps_pass(purpose: Purpose) -> None:
    assert capped(sent(HOUR, 2 * HOUR), DAILY, purpose=purpose).verdict is PASS


def test_the_tightest_cap_gives_the_margin_and_the_slowest_the_wait() -> None:
    assert capped(sent(2 * DAY, 3 * DAY), WEEKLY, DAILY).margin == "2 of 3 used in 7 days"
    assert capped(sent(2 * DAY), WEEKLY, DAILY).margin == "0 of 1 used in 1 day"
    both = capped(sent(HOUR, 5 * DAY, 6 * DAY), WEEKLY, DAILY)
    assert both.until == NOON + DAY
    assert capped(sent(HOUR, 5 * DAY, 6 * DAY), DAILY, WEEKLY) == both


def test_we_do_not_have_failure_1_two_sends_minutes_apart_both_pass() -> None:
    """The first was only decided a minute ago, neither sent nor delivered: its slot is taken all the same."""
    first = settle(candidate(), by=policy(DAILY))
    assert first.verdict is Verdict.SEND
    reserved = (Recent(first.channel, Purpose.SERVICE, NOON),)
    second = settle(candidate(), facts(now=NOON + MINUTE, recent=reserved), policy(DAILY))
    assert (second.verdict, second.gate) == (Verdict.HOLD, "frequency_cap")


def test_we_do_not_have_failure_11_a_midnight_reset_allows_two_messages_an_hour_apart() -> None:
    before_midnight = datetime.fromisoformat("2030-03-05T23:30+01:00")
    recent = (Recent("sms", Purpose.SERVICE, before_midnight),)
    judgment = ask(GATE, candidate(), facts(now=before_midnight + HOUR, recent=recent), policy(DAILY))
    assert (judgment.verdict, judgment.until) == (HOLD, before_midnight + DAY)


@given(st.lists(st.integers(1, 20 * 24 * 60), max_size=12), st.integers(1, 4), st.integers(1, 10 * 24))
def test_at_the_end_of_a_hold_there_is_room_and_an_instant_before_there_was_none(
    ago: list[int], at_most: int, within: int
) -> None:
    cap = Cap("cap", at_most, timedelta(hours=within))
    recent = sent(*(timedelta(minutes=minutes) for minutes in ago))
    judgment = capped(recent, cap, valid_until=NOON + 30 * DAY)
    held = len([one for one in recent if one.at > NOON - cap.within])
    assert judgment.verdict is (PASS if held < at_most else HOLD)
    if judgment.until:
        for at, verdict in ((judgment.until, PASS), (judgment.until - timedelta(microseconds=1), HOLD)):
            later = ask(GATE, candidate(valid_until=NOON + 30 * DAY), facts(now=at, recent=recent), policy(cap))
            assert later.verdict is verdict


# ── by the calendar of the person ──

CALENDAR = [
    # NOON is Tuesday 5 March 2030, 13:00 in Paris.
    pytest.param(Calendar.DAY, timedelta(hours=13), "2030-03-05T23:00Z", "day", id="a day begins at local midnight"),
    pytest.param(Calendar.WEEK, timedelta(hours=37), "2030-03-10T23:00Z", "week", id="a week begins on Monday"),
    pytest.param(Calendar.MONTH, timedelta(hours=4 * 24 + 13), "2030-03-31T22:00Z", "month", id="summer time by then"),
]


@pytest.mark.parametrize(("per", "since", "until", "word"), CALENDAR)
def test_a_calendar_cap_counts_from_its_local_start_and_holds_until_the_next(
    per: Calendar, since: timedelta, until: str, word: str
) -> None:
    cap = Cap("c", 1, per=per)
    judgment = capped(sent(since), cap, valid_until=NOON + 40 * DAY)
    assert (judgment.verdict, judgment.until) == (HOLD, datetime.fromisoformat(until))
    assert judgment.margin.startswith(f"1 of 1 used this {word}; a slot is free in ")
    assert capped(sent(since + timedelta(seconds=1)), cap).verdict is PASS


def test_the_calendar_is_the_persons_own() -> None:
    recent = sent(4 * HOUR)
    cap = policy(Cap("c", 1, per=Calendar.DAY))
    there = {zone: ask(GATE, candidate(), facts(recent=recent, zone=zone), cap) for zone in ("Asia/Tokyo", "Nowhere")}
    assert there["Asia/Tokyo"].until == datetime.fromisoformat("2030-03-05T15:00Z")
    assert there["Nowhere"].until == datetime.fromisoformat("2030-03-05T23:00Z"), "the market's zone"
    lost = ask(GATE, candidate(), facts(recent=recent, zone=""), policy(Cap("c", 1, per=Calendar.DAY), rules=LOST))
    assert lost.until == datetime.fromisoformat("2030-03-06T00:00Z"), "no zone at all"


def test_rolling_and_calendar_caps_hold_together() -> None:
    judgment = capped(sent(HOUR), Cap("day", 1, per=Calendar.DAY), DAILY, valid_until=NOON + 3 * DAY)
    assert (judgment.until, judgment.reason) == (
        NOON + 23 * HOUR,
        "The cap 'daily' is full until Wed 6 Mar 2030 12:00.",
    )
