"""After an attempt: tables of what follows, and what holds for every history."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attempt_history import LATER, NOW, Fate, S, past, play
from hypothesis import given
from hypothesis import strategies as st

from outrider.delivery.next_move import (
    FIRST_WAIT,
    LONGEST_WAIT,
    MAYBE_TAKEN,
    MOST_ATTEMPTS,
    Look,
    Stop,
    Try,
    copies_out,
    next_move,
)
from outrider.domain.attempt import SCOPES, Reason, Scope
from outrider.domain.message import Status
from outrider.domain.outbox import Past
from outrider.domain.purpose import PURPOSES, Purpose, WhenUnknown

P = Purpose
OF_SCOPE = {scope: [reason for reason in Reason if SCOPES[reason] is scope] for scope in Scope}
REASONS_THAT_MOVE_ON = [*OF_SCOPE[Scope.ROUTE], *OF_SCOPE[Scope.ACCOUNT]]
HOPELESS = [*OF_SCOPE[Scope.RECIPIENT], *OF_SCOPE[Scope.MESSAGE]]


def move(purpose, routes, history, **changes):
    return next_move(routes, history, PURPOSES[purpose], NOW, changes.pop("not_after", LATER), b"m", **changes)


def test_the_first_attempt_takes_the_best_route_at_once():
    assert move(P.SERVICE, ["a", "b"], ()) == Try("a", NOW)


def test_without_a_route_a_new_message_fails():
    assert move(P.SERVICE, [], ()) == Stop(Status.FAILED, "no route fits this message")


def test_an_accepted_attempt_ends_it():
    assert move(P.SERVICE, ["a"], past(("a", S.ACCEPTED))) == Stop(Status.ACCEPTED)


@pytest.mark.parametrize("state", [S.INTENT, S.UNKNOWN])
@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_doubt_is_looked_into_for_as_long_as_its_purpose_says(purpose, state):
    give_up_at = NOW + PURPOSES[purpose].resolve_within
    assert move(purpose, ["a"], past(("a", state))) == Look(NOW, give_up_at)


@pytest.mark.parametrize(
    ("purpose", "follows"),
    [
        (P.SAFETY, Try("b", NOW, "resend_elsewhere: attempt 1 stayed in doubt")),
        (P.SECURITY, Try("b", NOW, "resend_elsewhere: attempt 1 stayed in doubt")),
        (P.LEGAL, Try("b", NOW, "resend_elsewhere: attempt 1 stayed in doubt")),
        (P.TRANSACTIONAL, Try("b", NOW, "resend_once: attempt 1 stayed in doubt")),
        (P.SERVICE, Status.UNKNOWN),
        (P.COMMERCIAL, Status.UNKNOWN),
    ],
)
def test_when_a_doubt_stays_the_purpose_decides(purpose, follows):
    found = move(purpose, ["a", "b"], past(("a", S.UNRESOLVED)))
    assert found == follows if isinstance(follows, Try) else found.status is follows


@pytest.mark.parametrize(
    ("purpose", "follows"),
    [*((purpose, Try("b", NOW)) for purpose in Purpose if purpose is not P.COMMERCIAL), (P.COMMERCIAL, Status.FAILED)],
)
def test_proved_absence_allows_a_second_try_without_a_label_but_never_for_commercial(purpose, follows):
    found = move(purpose, ["a", "b"], past(("a", S.ABSENT)))
    assert found == follows if isinstance(follows, Try) else found.status is follows


def test_proved_absence_of_a_copy_made_in_doubt_keeps_the_label_of_the_doubt():
    label = "resend_elsewhere: attempt 1 stayed in doubt"
    history = (Past(1, "a", S.UNRESOLVED, NOW), Past(2, "b", S.ABSENT, NOW, label=label))
    assert move(P.SAFETY, ["a", "b"], history) == Try("a", NOW, label)


def test_without_a_healthy_route_a_resend_waits_for_the_last_one():
    assert move(P.SAFETY, [], past(("a", S.ABSENT))) == Try("a", NOW + FIRST_WAIT)


@pytest.mark.parametrize("reason", HOPELESS)
def test_what_is_wrong_everywhere_is_never_retried(reason):
    assert move(P.LEGAL, ["a", "b"], past(("a", S.REFUSED, reason))) == Stop(Status.FAILED, reason)


@pytest.mark.parametrize("reason", REASONS_THAT_MOVE_ON)
def test_trouble_of_a_route_or_account_goes_to_another_route_and_then_ends(reason):
    assert move(P.SERVICE, ["a", "b"], past(("a", S.REFUSED, reason))) == Try("b", NOW)
    tried = past(("a", S.REFUSED, reason), ("b", S.REFUSED, reason))
    assert move(P.SERVICE, ["a", "b"], tried) == Stop(Status.FAILED, f"every route refused, the last with: {reason}")


@pytest.mark.parametrize("reason", [one for one in OF_SCOPE[Scope.PASSING] if one is not Reason.NOT_BEGUN])
def test_passing_trouble_goes_to_an_untried_route_at_once_then_backs_off_on_the_least_tried(reason):
    assert move(P.SERVICE, ["a", "b"], past(("a", S.REFUSED, reason)), retry_after=60) == Try("b", NOW)
    found = move(P.SERVICE, ["a", "b"], past(("a", S.REFUSED, reason), ("b", S.REFUSED, reason)), retry_after=60)
    assert found == Try("a", NOW + timedelta(seconds=60))
    thrice = past(*[("a", S.REFUSED, reason)] * 2, ("b", S.REFUSED, reason))
    assert move(P.SERVICE, ["a", "b"], thrice).route == "b"
    assert move(P.SERVICE, [], thrice).route == "b"


def test_what_we_ourselves_did_not_begin_is_no_try_of_its_route_until_it_happens_again():
    once = ("a", S.REFUSED, Reason.NOT_BEGUN)
    assert move(P.SERVICE, ["a", "b"], past(once)) == Try("a", NOW)
    assert move(P.SERVICE, ["a", "b"], past(once, once)) == Try("b", NOW)
    everywhere = past(once, once, *[("b", S.REFUSED, Reason.NOT_BEGUN)] * 2)
    assert move(P.SERVICE, ["a", "b"], everywhere, retry_after=60) == Try("a", NOW + timedelta(seconds=60))
    assert move(P.SERVICE, ["a"], past(once, ("a", S.REFUSED, Reason.UNROUTABLE))).status is Status.FAILED


def test_a_refusal_without_a_reason_counts_as_the_routes():
    assert move(P.SERVICE, ["a", "b"], past(("a", S.REFUSED))) == Try("b", NOW)


@pytest.mark.parametrize(
    "history",
    [
        past(("a", S.UNRESOLVED), ("b", S.REFUSED, Reason.INVALID_NUMBER)),
        past(("a", S.UNRESOLVED), ("b", S.REFUSED, Reason.GEO_BLOCKED), ("a", S.REFUSED, Reason.GEO_BLOCKED)),
        past(("a", S.UNRESOLVED), *[("b", S.REFUSED, Reason.THROTTLED)] * (MOST_ATTEMPTS - 1)),
        past(("a", S.UNRESOLVED), *[("b", S.ABSENT)] * (MOST_ATTEMPTS - 1)),
    ],
)
def test_while_an_earlier_copy_may_be_out_the_end_is_unknown_and_not_failed(history):
    assert move(P.SAFETY, ["a", "b"], history).status is Status.UNKNOWN


@pytest.mark.parametrize("purpose", [P.SAFETY, P.SECURITY, P.LEGAL])
@pytest.mark.parametrize("reason", [Reason.GEO_BLOCKED, Reason.UNAUTHORIZED, Reason.THROTTLED])
def test_when_elsewhere_refuses_the_route_that_left_the_doubt_is_asked_again(purpose, reason):
    """Otherwise nobody would have the message although a healthy route is there."""
    again = move(purpose, ["a", "b"], past(("a", S.UNRESOLVED), ("b", S.REFUSED, reason), ("b", S.REFUSED, reason)))
    assert again.route == "a"


def test_a_route_that_was_never_reached_is_asked_again_after_the_others_refused_for_good():
    history = past(("a", S.REFUSED, Reason.THROTTLED), ("b", S.ABSENT), ("a", S.REFUSED, Reason.SENDER_REJECTED))
    assert move(P.SECURITY, ["a", "b"], history).route == "b"


def test_a_late_receipt_about_the_doubted_copy_does_not_take_the_label_off():
    label = "resend_elsewhere: attempt 1 stayed in doubt"
    history = (Past(1, "a", S.ACCEPTED, NOW), Past(2, "b", S.REFUSED, NOW, Reason.THROTTLED, label))
    assert move(P.SECURITY, ["a", "b"], history).label == label


def test_a_refused_resend_of_the_last_allowed_copy_rests_in_doubt():
    history = past(("a", S.UNRESOLVED), ("b", S.REFUSED, Reason.THROTTLED))
    rules = PURPOSES[P.SAFETY]
    assert move(P.SAFETY, ["a"], history).at > NOW
    full = past(*[("a", S.UNRESOLVED)] * rules.most_copies, ("b", S.REFUSED, Reason.THROTTLED))
    assert move(P.SAFETY, ["a"], full).status is Status.UNKNOWN


def test_the_most_copies_and_the_most_attempts_end_a_doubt_too():
    rules = PURPOSES[P.SAFETY]
    full = past(*[("a", S.UNRESOLVED)] * rules.most_copies)
    assert move(P.SAFETY, ["a"], full) == Stop(Status.UNKNOWN, "3 copies may be out; its purpose allows no more")
    assert move(P.SAFETY, ["a"], past(*[("a", S.ABSENT)] * MOST_ATTEMPTS)).status is Status.FAILED


def test_a_retry_in_doubt_carries_its_label_on():
    history = (Past(1, "a", S.UNRESOLVED, NOW), Past(2, "b", S.REFUSED, NOW, Reason.THROTTLED, "the rule"))
    assert move(P.TRANSACTIONAL, ["a", "b"], history).label == "the rule"


def test_a_second_doubt_ends_a_purpose_that_sends_again_once():
    history = (Past(1, "a", S.UNRESOLVED, NOW), Past(2, "b", S.UNRESOLVED, NOW, label="resend_once: …"))
    assert move(P.TRANSACTIONAL, ["a", "b"], history).status is Status.UNKNOWN
    assert move(P.TRANSACTIONAL, ["a", "b"], history[1:]).reason.endswith("only once")


def test_a_try_after_the_window_expires_unless_a_copy_may_be_out():
    soon = NOW + timedelta(seconds=30)
    refused = past(("a", S.REFUSED, Reason.THROTTLED))
    assert move(P.SERVICE, ["a"], refused, not_after=soon, retry_after=31).status is Status.EXPIRED
    assert isinstance(move(P.SERVICE, ["a"], refused, not_after=soon, retry_after=30), Try)
    doubted = past(("a", S.UNRESOLVED), ("a", S.REFUSED, Reason.THROTTLED))
    assert move(P.SAFETY, ["a"], doubted, not_after=soon, retry_after=31).status is Status.UNKNOWN


@pytest.mark.parametrize("asked", [1e9, 1e18, 1e300, float("inf")])
def test_an_absurd_retry_after_expires_instead_of_failing(asked):
    assert move(P.LEGAL, ["a"], past(("a", S.REFUSED, Reason.THROTTLED)), retry_after=asked).status is Status.EXPIRED


@given(
    tries=st.integers(1, MOST_ATTEMPTS - 1),
    message=st.binary(max_size=16),
    asked=st.none() | st.floats(0, 100_000),
)
def test_a_wait_is_within_its_jitter_and_never_shorter_than_asked(tries, message, asked):
    history = past(*[("a", S.REFUSED, Reason.THROTTLED)] * tries)
    found = next_move(["a"], history, PURPOSES[P.LEGAL], NOW, LATER, message, asked)
    wait, least = found.at - NOW, timedelta(seconds=asked or 0)
    assert least <= wait <= max(least, min(FIRST_WAIT * 2 ** (tries - 1), LONGEST_WAIT))
    assert found == next_move(["a"], history, PURPOSES[P.LEGAL], NOW, LATER, message, asked)


def test_the_jitter_differs_between_messages():
    history = past(*[("a", S.REFUSED, Reason.THROTTLED)] * 5)
    ends = {next_move(["a"], history, PURPOSES[P.LEGAL], NOW, LATER, bytes((n,))).at for n in range(50)}
    assert len(ends) == 50


FATES = st.one_of(
    st.just((S.ACCEPTED, None)),
    st.just((S.UNRESOLVED, None)),
    st.just((S.ABSENT, None)),
    st.tuples(st.just(S.REFUSED), st.sampled_from([None, *Reason])),
)


@given(
    purpose=st.sampled_from(list(Purpose)),
    routes=st.lists(st.sampled_from([f"r{n}" for n in range(20)]), unique=True, min_size=1, max_size=20),
    fates=st.lists(FATES, min_size=MOST_ATTEMPTS, max_size=MOST_ATTEMPTS),
)
def test_every_history_ends_within_its_limits(purpose, routes, fates):
    rules = PURPOSES[purpose]

    def fate(number: int) -> Fate:
        return fates[number - 1]

    history, end, moves = play(routes, rules, fate)
    assert len(history) <= MOST_ATTEMPTS
    assert copies_out(history) <= rules.most_copies
    assert (end, moves) == play(routes, rules, fate)[1:]
    for number, attempt in enumerate(history):
        earlier = history[:number]
        assert bool(attempt.label) == any(one.state is S.UNRESOLVED for one in earlier), history
        assert not earlier or SCOPES[earlier[-1].reason or Reason.UNKNOWN] not in (Scope.RECIPIENT, Scope.MESSAGE)
    if rules.when_unknown is WhenUnknown.NEVER:
        assert not any(one.state is not S.REFUSED for one in history[:-1])
    if end.status in (Status.FAILED, Status.EXPIRED):
        assert not any(one.state in MAYBE_TAKEN for one in history)
