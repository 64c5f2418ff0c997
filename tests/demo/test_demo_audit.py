"""Store and ledger are compared attempt by attempt; every kind of disagreement is found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.demo.audit import Attempted, Audit, Sums, audit, place_of
from outrider.domain.attempt import AttemptState
from outrider.lib.ids import write_id
from outrider.sandbox.ledger import Line

A, B, C = (bytes([number]) * 16 for number in (1, 2, 3))
ACCEPTED = Attempted(AttemptState.ACCEPTED)
LABELED = Attempted(AttemptState.ACCEPTED, "resend_once: attempt 1 stayed in doubt")


def line(message: bytes, number: int = 1, to: str = "+33612000000") -> Line:
    return Line(0.0, "smsmode", "main", "p-1", to, "hello", f"{write_id('msg', message)}.{number}")


def refused(state: AttemptState) -> Attempted:
    return Attempted(state)


CASES = {
    "both sides say the same": ({(A, 1): ACCEPTED}, [line(A)], (1, 1, 0, 0, 0)),
    "the provider does not know an accepted attempt": ({(A, 1): ACCEPTED}, [], (0, 1, 1, 0, 0)),
    "the store does not know a taken message": ({}, [line(A)], (1, 0, 1, 0, 0)),
    "the store knows the message, not this attempt": ({(A, 1): ACCEPTED}, [line(A), line(A, 2)], (2, 1, 1, 1, 0)),
    "the store calls a taken attempt refused": ({(A, 1): refused(AttemptState.REFUSED)}, [line(A)], (1, 0, 1, 0, 0)),
    "the store calls a taken attempt absent": ({(A, 1): refused(AttemptState.ABSENT)}, [line(A)], (1, 0, 1, 0, 0)),
    "a taken attempt is in doubt": ({(A, 1): refused(AttemptState.UNKNOWN)}, [line(A)], (1, 0, 0, 0, 1)),
    "a doubt the provider never took is no loss": ({(A, 1): refused(AttemptState.UNKNOWN)}, [], (0, 0, 0, 0, 0)),
    "a refused attempt, then an accepted one": (
        {(A, 1): refused(AttemptState.REFUSED), (A, 2): ACCEPTED},
        [line(A, 2)],
        (1, 1, 0, 0, 0),
    ),
    "one attempt was taken twice": ({(A, 1): ACCEPTED}, [line(A), line(A)], (2, 1, 0, 1, 0)),
    "a second copy without a rule": ({(A, 1): ACCEPTED, (A, 2): ACCEPTED}, [line(A), line(A, 2)], (2, 2, 0, 1, 0)),
    "a second copy that a rule allows": ({(A, 1): ACCEPTED, (A, 2): LABELED}, [line(A), line(A, 2)], (2, 2, 0, 0, 0)),
    "two devices of a person": ({(A, 1): ACCEPTED}, [line(A), line(A, to="tablet")], (2, 1, 0, 0, 0)),
    "one of two devices twice": ({(A, 1): ACCEPTED}, [line(A), line(A, to="t"), line(A, to="t")], (3, 1, 0, 1, 0)),
    "another run's message is passed over": ({(A, 1): ACCEPTED}, [line(A), line(C)], (1, 1, 0, 0, 0)),
}


@pytest.mark.parametrize("name", CASES)
def test_comparison(name: str) -> None:
    attempts, lines, expected = CASES[name]
    assert audit(attempts, lines, frozenset({C})) == Audit(*expected)


def test_each_side_adds_up_what_it_knows_by_market() -> None:
    attempts = {
        (A, 1): Attempted(AttemptState.REFUSED, market="FR", cost=0.05),
        (A, 2): Attempted(AttemptState.ACCEPTED, market="FR", cost=0.074),
        (B, 1): Attempted(AttemptState.ACCEPTED, market="DE", cost=0.202, is_fallback=True),
        (C, 1): Attempted(AttemptState.ACCEPTED, market="DE", cost=0.082),
    }
    found = audit(attempts, [line(A, 2), line(B)], frozenset())
    assert found.by_store == Sums({"DE": 0.28, "FR": 0.07}, 1)
    assert found.by_ledger == Sums({"DE": 0.2, "FR": 0.07}, 1)


def test_a_line_without_our_attempt_id_is_a_message_the_store_does_not_know() -> None:
    stray = Line(0.0, "smsmode", "main", "p-1", "+33612000000", "hello", "")
    assert place_of(stray) is None
    assert audit({}, [stray], frozenset()).lost == 1


@given(messages=st.sets(st.binary(min_size=16, max_size=16)), gone=st.integers(0, 5))
def test_lost_counts_exactly_what_the_ledger_lacks(messages: set[bytes], gone: int) -> None:
    ordered = sorted(messages)
    attempts = {(message, 1): ACCEPTED for message in ordered}
    found = audit(attempts, [line(message) for message in ordered[gone:]], frozenset())
    assert (found.lost, found.duplicates) == (min(gone, len(ordered)), 0)
