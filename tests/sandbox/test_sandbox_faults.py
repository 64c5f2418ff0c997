"""Faults fire for their share, their count and their time, for the same visits in every run."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.sandbox.faults import Fault, Faults, Kind, Spread, chance, seconds_of


def hits(fault: Fault, visits: int = 200, seed: int = 0) -> list[int]:
    faults = Faults([fault], seed=seed)
    return [n for n in range(visits) if faults.meet("twilio", f"+336{n:08d}", 0.0)]


def test_every_visit_is_met_by_a_rule_without_limits() -> None:
    assert hits(Fault(Kind.THROTTLE)) == list(range(200))


def test_no_visit_is_met_at_share_zero() -> None:
    assert hits(Fault(Kind.THROTTLE, share=0.0)) == []


@given(st.floats(0.1, 0.9), st.integers(0, 1000))
def test_a_share_is_kept_roughly(share: float, seed: int) -> None:
    met = len(hits(Fault(Kind.THROTTLE, share=share, seed=seed), visits=1000))
    assert abs(met - 1000 * share) < 100  # six standard deviations at the worst


def test_another_seed_and_another_kind_hit_others() -> None:
    one = hits(Fault(Kind.THROTTLE, share=0.5, seed=1))
    assert one == hits(Fault(Kind.THROTTLE, share=0.5, seed=1))
    assert one != hits(Fault(Kind.THROTTLE, share=0.5, seed=2))
    assert one != hits(Fault(Kind.BARE_5XX, share=0.5, seed=1))


def test_the_sandboxs_seed_adds_to_the_rules() -> None:
    assert hits(Fault(Kind.THROTTLE, share=0.5, seed=1), seed=2) == hits(Fault(Kind.THROTTLE, share=0.5, seed=3))


def test_a_second_visit_to_the_same_number_has_a_chance_of_its_own() -> None:
    faults = Faults([Fault(Kind.THROTTLE, share=0.5)])
    visits = [bool(faults.meet("twilio", "+33612345678", 0.0)) for _ in range(50)]
    assert True in visits
    assert False in visits


def test_a_count_is_used_up() -> None:
    assert hits(Fault(Kind.THROTTLE, count=3)) == [0, 1, 2]


def test_a_rule_ends_with_its_time() -> None:
    faults = Faults([Fault(Kind.THROTTLE, seconds=10)], now=100.0)
    assert faults.meet("twilio", "a", 109.9)
    assert not faults.meet("twilio", "a", 110.0)


def test_a_rule_for_one_provider_leaves_the_others_alone() -> None:
    faults = Faults([Fault(Kind.THROTTLE, provider="twilio")])
    assert faults.meet("twilio", "a", 0.0)
    assert not faults.meet("smsmode", "a", 0.0)


def test_the_first_rule_of_a_kind_wins_and_kinds_add_up() -> None:
    first, second = Fault(Kind.THROTTLE, number=1), Fault(Kind.THROTTLE, number=2)
    other = Fault(Kind.LATENCY, ms=5)
    assert Faults([first, second, other]).meet("twilio", "a", 0.0) == {Kind.THROTTLE: first, Kind.LATENCY: other}


def test_an_outage_hits_everybody_and_is_not_met() -> None:
    outage = Fault(Kind.OUTAGE, provider="twilio", seconds=5)
    faults = Faults([outage], now=0.0)
    assert faults.outage("twilio", 4.9) == outage
    assert faults.outage("twilio", 5.0) is None
    assert faults.outage("smsmode", 0.0) is None
    assert faults.meet("twilio", "a", 0.0) == {}


def test_clearing_lifts_the_rules_and_forgets_the_visits() -> None:
    fault = Fault(Kind.THROTTLE, share=0.5)
    faults = Faults([fault])
    before = [bool(faults.meet("twilio", "a", 0.0)) for _ in range(20)]
    faults.clear()
    assert not faults
    assert faults.listed() == []
    faults.add(fault, 0.0)
    assert [bool(faults.meet("twilio", "a", 0.0)) for _ in range(20)] == before


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ('{"kind": "latency"}', "latency needs ms above 0"),
        ('{"kind": "slow_accept", "ms": -1}', "slow_accept needs ms above 0"),
        ('{"kind": "refuse"}', "refuse needs the provider's error code"),
        ('{"kind": "undeliver", "code": "bad_luck"}', "undeliver needs one of our reasons in `code`, got 'bad_luck'"),
        ('{"kind": "throttle", "share": 1.5}', "share must be from 0 to 1, got 1.5"),
        ('{"kind": "explode"}', "Invalid enum value 'explode'"),
        ('{"kind": "throttle", "shares": 1}', "unknown field `shares`"),
    ],
)
def test_a_rule_that_cannot_fire_as_written_is_refused(rule: str, words: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refusal:
        msgspec.json.decode(rule, type=Fault)
    assert words in str(refusal.value)


@given(st.integers(), st.text())
def test_chance_is_from_zero_to_one(seed: int, key: str) -> None:
    assert 0.0 <= chance(seed, key) < 1.0
    assert chance(seed, key) == chance(seed, key)


@pytest.mark.parametrize("spread", list(Spread))
def test_latencies_have_the_mean_they_are_given(spread: Spread) -> None:
    fault = Fault(Kind.LATENCY, ms=100, spread=spread)
    drawn = [seconds_of(fault, str(n)) for n in range(2000)]
    assert min(drawn) >= 0.0
    assert sum(drawn) / len(drawn) == pytest.approx(0.1, rel=0.1)
    assert (len(set(drawn)) == 1) == (spread is Spread.FIXED)
