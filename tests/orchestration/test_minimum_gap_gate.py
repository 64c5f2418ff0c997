"""Minimum gap: two messages to one person stand so far apart, whatever asked for them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from orchestration_cases import DAY, HOUR, NOON, ask, candidate, facts, policy, settle

from outrider.domain.decision import GateVerdict, Judgment, Recent, Verdict
from outrider.domain.policy import Gap, Policy
from outrider.domain.purpose import Purpose
from outrider.orchestration.gates.minimum_gap import GATE

PASS, HOLD, DROP = GateVerdict.PASS, GateVerdict.HOLD, GateVerdict.DROP
BREATH = Gap("a breath", 4 * HOUR)
INSTANT = timedelta(microseconds=1)


def by(*gaps: Gap) -> Policy:
    return replace(policy(), gaps=gaps)


def sent(*ago: timedelta, channel: str = "sms", purpose: Purpose = Purpose.SERVICE) -> tuple[Recent, ...]:
    return tuple(Recent(channel, purpose, NOON - one) for one in ago)


def apart(recent: tuple[Recent, ...], *gaps: Gap, purpose: Purpose = Purpose.SERVICE, **changes: object) -> Judgment:
    return ask(GATE, candidate(purpose, **changes), facts(recent=recent), by(*gaps))


def test_too_near_is_held_until_the_gap_is_over() -> None:
    judgment = apart(sent(HOUR), BREATH)
    assert (judgment.verdict, judgment.until, judgment.margin) == (HOLD, NOON + 3 * HOUR, "over in 3 h")
    assert judgment.reason == "The gap 'a breath' to the message before it lasts until Tue 5 Mar 2030 16:00."
    assert judgment.otherwise == "the gap 'a breath' were over"


def test_too_near_for_too_long_is_dropped_and_says_by_how_much() -> None:
    judgment = apart(sent(HOUR), BREATH, valid_until=NOON + HOUR)
    assert (judgment.verdict, judgment.otherwise) == (
        DROP,
        "the gap 'a breath' were over, or it were valid for 2 h longer",
    )
    assert judgment.reason.endswith("It is not worth sending by then.")
    assert apart(sent(HOUR), BREATH, valid_until=NOON + 3 * HOUR).verdict is HOLD, "its last instant is not late"


@pytest.mark.parametrize(
    ("gap", "recent", "verdict"),
    [
        pytest.param(BREATH, (), PASS, id="nothing sent"),
        pytest.param(BREATH, sent(4 * HOUR), PASS, id="exactly as long ago is far enough"),
        pytest.param(BREATH, sent(4 * HOUR - INSTANT), HOLD, id="an instant less is not"),
        pytest.param(BREATH, sent(HOUR, channel="push"), HOLD, id="on any channel"),
        pytest.param(Gap("g", DAY, (), ("sms",)), sent(HOUR, channel="push"), PASS, id="unless it names channels"),
        pytest.param(Gap("g", DAY, (), ("push",)), sent(HOUR, channel="push"), PASS, id="a gap of another channel"),
        pytest.param(Gap("g", DAY, (Purpose.COMMERCIAL,)), sent(HOUR), PASS, id="a gap of another purpose"),
        pytest.param(Gap("g", DAY), sent(HOUR, purpose=Purpose.TRANSACTIONAL), HOLD, id="transactional ones count"),
    ],
)
def test_a_gap_counts_what_it_names(gap: Gap, recent: tuple[Recent, ...], verdict: GateVerdict) -> None:
    assert apart(recent, gap).verdict is verdict


@pytest.mark.parametrize("purpose", [Purpose.SAFETY, Purpose.SECURITY, Purpose.LEGAL, Purpose.TRANSACTIONAL])
def test_purposes_that_do_not_obey_caps_keep_no_gap(purpose: Purpose) -> None:
    assert apart(sent(HOUR), BREATH, purpose=purpose).verdict is PASS


def test_without_a_gap_every_distance_is_fine() -> None:
    assert apart(sent(INSTANT)).reason == "No gap applies."


def test_the_gap_that_is_over_last_decides() -> None:
    long = Gap("long", 2 * DAY)
    judgment = apart(sent(HOUR, 30 * HOUR), BREATH, long)
    assert judgment == apart(sent(HOUR, 30 * HOUR), long, BREATH)
    assert (judgment.until, "long" in judgment.reason) == (NOON + 47 * HOUR, True)


def test_a_message_decided_a_moment_ago_is_near_though_it_is_not_sent_yet() -> None:
    first = settle(candidate(), by=by(BREATH))
    assert first.verdict is Verdict.SEND
    after = facts(now=NOON + HOUR, recent=(Recent(first.channel, Purpose.SERVICE, NOON),))
    second = settle(candidate(), after, by(BREATH))
    assert (second.verdict, second.gate, second.until) == (Verdict.HOLD, "minimum_gap", NOON + 4 * HOUR)


@given(st.lists(st.integers(0, 6 * 24 * 60), max_size=8), st.lists(st.integers(1, 5 * 24), min_size=1, max_size=3))
def test_at_the_end_of_a_hold_the_gaps_are_kept_and_an_instant_before_they_were_not(
    ago: list[int], hours: list[int]
) -> None:
    gaps = [Gap(f"g{number}", length * HOUR) for number, length in enumerate(hours)]
    recent = sent(*(timedelta(minutes=minutes) for minutes in ago))
    late = {"valid_until": NOON + 30 * DAY}
    judgment = apart(recent, *gaps, **late)
    nearest = min((NOON - one.at for one in recent), default=30 * DAY)
    assert judgment.verdict is (HOLD if nearest < max(gap.at_least for gap in gaps) else PASS)
    if judgment.until:
        for at, verdict in ((judgment.until, PASS), (judgment.until - INSTANT, HOLD)):
            assert ask(GATE, candidate(**late), facts(now=at, recent=recent), by(*gaps)).verdict is verdict
