"""The retry budget, and the pace that a provider's 429 slows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.delivery.budget import UNBUDGETED, RetryBudget, RetryRules
from outrider.delivery.pace import SLOWEST, Pace
from outrider.domain.purpose import Purpose

RULES = RetryRules(share=0.2, per_minute=6.0)


def spend(budget, now=0.0):
    """How many further attempts are allowed at one instant."""
    spent = 0
    while not budget.wait(now):
        budget.take()
        spent += 1
    return spent


def test_a_quiet_route_may_retry_a_few_times_a_minute():
    budget = RetryBudget(RULES)
    assert spend(budget) == 6
    assert budget.wait(0.0) == pytest.approx(10.0)
    assert (spend(budget, 9.0), spend(budget, 10.0), spend(budget, 600.0)) == (0, 1, 6)


def test_five_first_attempts_pay_for_one_further():
    budget = RetryBudget(RULES)
    spend(budget)
    for _ in range(11):
        budget.first()
    assert spend(budget) == 2


def test_what_is_saved_is_bounded():
    budget = RetryBudget(RULES)
    for _ in range(1000):
        budget.first()
    assert spend(budget) == 6


def test_safety_and_security_are_not_asked():
    assert {Purpose.SAFETY, Purpose.SECURITY} == UNBUDGETED


@given(
    st.floats(0, 1),
    st.integers(1, 60),
    st.lists(st.tuples(st.floats(0, 5), st.booleans()), max_size=300),
)
def test_no_stretch_of_time_has_more_further_attempts_than_the_rule_says(share, per_minute, steps):
    rules, now = RetryRules(share, float(per_minute)), 0.0
    budget, made = RetryBudget(rules), []
    for wait, first in steps:
        now += wait
        if first:
            budget.first()
        elif not budget.wait(now):
            budget.take()
        else:
            continue
        made.append((now, first))
    for index, (start, _) in enumerate(made):
        for length in (0, 5, 50):
            window = made[index : index + length + 1]
            firsts = sum(first for _, first in window)
            assert len(window) - firsts <= rules.most(firsts, window[-1][0] - start) + 1e-6


def drained(pace, start, seconds):
    """How many messages a pace lets through, asked every hundredth of a second."""
    return sum(not pace.wait(start + step / 100) for step in range(int(seconds * 100)))


def test_a_route_without_a_limit_never_waits_until_the_provider_says_so():
    pace = Pace(None)
    assert drained(pace, 0.0, 2) == 200
    assert pace.per_second is None
    pace.slow_down(1.99)
    assert pace.per_second == pytest.approx(50.0)
    assert pace.wait(1.99) == 0.0
    assert pace.wait(1.99) > 0


def test_after_ten_seconds_it_is_back_where_it_was_and_then_free():
    pace = Pace(None)
    drained(pace, 0.0, 2)
    pace.slow_down(2.0)
    drained(pace, 2.0, 10)
    assert pace.per_second == pytest.approx(100.0, rel=0.05)
    drained(pace, 12.0, 21)
    assert pace.per_second is None


def test_a_limit_is_where_the_growth_ends():
    pace = Pace(10.0)
    pace.slow_down(0.0)
    assert pace.per_second == 5.0
    drained(pace, 0.0, 60)
    assert pace.per_second == 10.0
    assert pace.limit == 10.0


def test_answers_of_the_same_burst_slow_it_once_and_it_never_stops():
    pace = Pace(8.0)
    for _ in range(5):
        pace.slow_down(0.5)
    assert pace.per_second == 4.0
    for second in range(1, 30):
        pace.slow_down(second * 1.5)
    assert pace.per_second == SLOWEST


def test_a_route_that_sent_nothing_lately_slows_to_a_trickle():
    pace = Pace(None)
    pace.wait(0.0)
    pace.slow_down(100.0)
    assert pace.per_second == SLOWEST
    pace.take_anyway(100.0)
    assert pace.wait(100.0) > 0


@given(st.none() | st.floats(1, 100), st.lists(st.tuples(st.floats(0, 3), st.booleans()), max_size=200))
def test_a_pace_never_passes_its_limit_and_always_waits_a_finite_time(limit, steps):
    pace, now = Pace(limit), 0.0
    for wait, slow in steps:
        now += wait
        if slow:
            pace.slow_down(now)
        assert 0 <= pace.wait(now) <= 1 / SLOWEST
        assert pace.per_second is None or pace.per_second >= SLOWEST
        assert limit is None or pace.per_second <= max(limit, SLOWEST)
