"""The state machine of a route's health."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.delivery.breaker import FIRST_REST, LEAST_FAILURES, LONGEST_REST, WINDOW, Breaker, Health
from outrider.domain.attempt import SCOPES, Accepted, Reason, Refused, Scope, Unknown

OK, BROKEN = Accepted("p"), Unknown("reset by peer")
DOWN = Refused(Reason.UNAVAILABLE, "503")
TROUBLE = [BROKEN, DOWN, Refused(Reason.NOT_CONNECTED)]
SILENT = [Refused(reason) for reason in Reason if SCOPES[reason] is Scope.ACCOUNT]
ALIVE = [OK, *(Refused(r) for r in Reason if r not in (Reason.UNAVAILABLE, Reason.NOT_CONNECTED))]
ALIVE = [one for one in ALIVE if one not in SILENT]


def opened(at=0.0):
    breaker = Breaker()
    for _ in range(LEAST_FAILURES):
        breaker.learn(BROKEN, at)
    assert breaker.state is Health.OPEN
    return breaker


@pytest.mark.parametrize("trouble", TROUBLE)
def test_five_troubles_open_it_and_not_four(trouble):
    breaker = Breaker()
    changes = [breaker.learn(trouble, 0.0) for _ in range(LEAST_FAILURES)]
    assert changes == [False] * (LEAST_FAILURES - 1) + [True]
    assert breaker.is_open(0.0)
    assert breaker.reopens_at() == FIRST_REST
    assert breaker.reason.startswith("5 of the last 5 calls failed")


@pytest.mark.parametrize("outcome", ALIVE)
def test_an_answer_about_recipient_text_or_route_is_a_sign_of_life(outcome):
    breaker = Breaker()
    for _ in range(WINDOW):
        assert not breaker.learn(outcome, 0.0)
    assert not breaker.is_open(0.0)


@pytest.mark.parametrize("outcome", SILENT)
def test_refusals_of_the_account_say_nothing(outcome):
    breaker = Breaker()
    for _ in range(LEAST_FAILURES - 1):
        breaker.learn(BROKEN, 0.0)
    for _ in range(WINDOW):
        assert not breaker.learn(outcome, 0.0)
    assert breaker.learn(BROKEN, 0.0), "the failures before were not forgotten"


def test_only_the_last_twenty_calls_count_and_half_of_them_must_fail():
    breaker = Breaker()
    for _ in range(100):
        breaker.learn(OK, 0.0)
    changes = [breaker.learn(BROKEN, 0.0) for _ in range(WINDOW // 2)]
    assert changes == [False] * (WINDOW // 2 - 1) + [True]
    assert "10 of the last 20" in breaker.reason


def test_after_its_rest_one_probe_goes_through_and_nobody_else_until_its_answer():
    breaker = opened()
    assert breaker.is_open(FIRST_REST - 0.1)
    assert not breaker.is_open(FIRST_REST)
    assert breaker.state is Health.HALF_OPEN
    breaker.begin_probe()
    assert breaker.is_open(FIRST_REST)
    assert breaker.learn(OK, FIRST_REST)
    assert breaker.state is Health.CLOSED
    assert not breaker.is_open(FIRST_REST)


def test_a_probe_that_never_left_lets_another_one_through():
    breaker = opened()
    assert not breaker.is_open(FIRST_REST)
    breaker.begin_probe()
    breaker.forgo_probe()
    assert not breaker.is_open(FIRST_REST)


@pytest.mark.parametrize("outcome", SILENT)
def test_a_probe_that_says_nothing_lets_another_one_through(outcome):
    breaker = opened()
    assert not breaker.is_open(FIRST_REST)
    breaker.begin_probe()
    assert not breaker.learn(outcome, FIRST_REST)
    assert not breaker.is_open(FIRST_REST)


def test_beginning_a_probe_of_a_healthy_route_changes_nothing():
    breaker = Breaker()
    breaker.begin_probe()
    assert not breaker.is_open(0.0)


def test_failed_probes_double_the_rest_up_to_four_minutes_and_a_good_one_starts_anew():
    breaker, now, rests = opened(), 0.0, []
    for _ in range(6):
        now = breaker.reopens_at()
        assert not breaker.is_open(now)
        breaker.begin_probe()
        breaker.learn(DOWN, now)
        rests.append(breaker.reopens_at() - now)
    assert rests == [30, 60, 120, 240, LONGEST_REST, LONGEST_REST]
    assert not breaker.is_open(breaker.reopens_at())
    breaker.begin_probe()
    breaker.learn(OK, breaker.reopens_at())
    for _ in range(LEAST_FAILURES):
        breaker.learn(BROKEN, 1000.0)
    assert breaker.reopens_at() == 1000.0 + FIRST_REST


@pytest.mark.parametrize("late", [OK, BROKEN])
def test_answers_to_calls_from_before_the_rest_do_not_end_or_lengthen_it(late):
    breaker = opened()
    assert not breaker.learn(late, 1.0)
    assert breaker.state is Health.OPEN
    assert breaker.reopens_at() == FIRST_REST
    assert not breaker.is_open(FIRST_REST)
    assert not breaker.learn(late, FIRST_REST), "nor before a probe was sent"
    breaker.begin_probe()
    assert breaker.is_open(FIRST_REST)


@given(st.lists(st.tuples(st.sampled_from([OK, BROKEN, DOWN, SILENT[0]]), st.floats(0, 300)), max_size=80))
def test_whatever_happens_it_never_rests_longer_than_four_minutes_and_always_probes_again(steps):
    breaker, now = Breaker(), 0.0
    for outcome, wait in steps:
        now += wait
        if not breaker.is_open(now):
            breaker.begin_probe()
        changed_from = breaker.state
        assert breaker.learn(outcome, now) is (breaker.state is not changed_from)
        assert breaker.reopens_at() <= now + LONGEST_REST
    assert not breaker.is_open(now + LONGEST_REST) or breaker.state is Health.HALF_OPEN
