"""The judge of the kill loop sees every kind of wrong: each is planted once."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from outrider.domain.purpose import Purpose
from outrider.testing.killing.verdict import Attempt, Kept, Verdict, judge

SENT = Kept("msg_A", 1, Purpose.TRANSACTIONAL, "delivered", (Attempt(1, "accepted"),))
TWICE = replace(SENT, attempts=(Attempt(1, "unresolved", doubted=True), Attempt(2, "accepted", "resend_once")))
RESTING = replace(
    SENT, purpose=Purpose.COMMERCIAL, status="unknown", attempts=(Attempt(1, "unresolved", doubted=True),)
)


def judged(message: Kept, *copies: int) -> Verdict:
    return judge({1}, [message], [("msg_A", number) for number in copies])


def test_one_event_one_message_one_copy_is_right() -> None:
    verdict = judged(SENT, 1)
    assert verdict.holds
    assert (verdict.events, verdict.accepted, verdict.lost, verdict.without_copy) == (1, 1, 0, {})


def test_a_labelled_second_copy_is_counted_and_allowed() -> None:
    verdict = judged(TWICE, 1, 2)
    assert verdict.holds
    assert (verdict.duplicates_labelled, verdict.unknown_created, verdict.resolved_by) == (1, 1, {"purpose": 1})


def test_a_doubt_that_its_purpose_does_not_repeat_is_shown_and_not_lost() -> None:
    verdict = judged(RESTING)
    assert verdict.holds
    assert verdict.without_copy == {"commercial unknown": 1}


def test_a_refused_message_is_not_lost() -> None:
    assert judged(replace(SENT, status="failed", attempts=(Attempt(1, "refused"),))).holds


UNLABELLED = [
    pytest.param(TWICE, (1, 1), id="one attempt taken twice"),
    pytest.param(replace(TWICE, attempts=(Attempt(1, "unresolved"), Attempt(2, "accepted"))), (1, 2), id="no label"),
    pytest.param(replace(TWICE, purpose=Purpose.COMMERCIAL), (1, 2), id="a purpose that is never sent twice"),
    pytest.param(replace(TWICE, purpose=Purpose.SERVICE), (1, 2), id="a purpose that needs proof"),
    pytest.param(
        replace(TWICE, attempts=(*TWICE.attempts, Attempt(3, "accepted", "resend_once"))), (1, 2, 3), id="too many"
    ),
]


@pytest.mark.parametrize(("message", "copies"), UNLABELLED)
def test_a_copy_that_nothing_allowed_is_found(message: Kept, copies: tuple[int, ...]) -> None:
    verdict = judged(message, *copies)
    assert verdict.duplicates_unlabelled == 1
    assert verdict.faults["unlabelled"] == ["msg_A"]
    assert not verdict.holds


LOST = [
    pytest.param(replace(SENT, status="queued", attempts=()), id="never sent"),
    pytest.param(replace(SENT, status="sending", attempts=(Attempt(1, "intent"),)), id="stuck in its intent"),
    pytest.param(replace(SENT, status="unknown", attempts=(Attempt(1, "unknown"),)), id="a doubt nobody resolved"),
    pytest.param(replace(SENT, status="unknown", attempts=(Attempt(1, "refused"),)), id="unknown for no reason"),
]


@pytest.mark.parametrize("message", LOST)
def test_a_message_that_goes_nowhere_is_lost(message: Kept) -> None:
    verdict = judged(message)
    assert verdict.lost == 1
    assert not verdict.holds


def test_an_event_without_a_message_is_lost() -> None:
    verdict = judge({1, 2}, [SENT], [("msg_A", 1)])
    assert verdict.faults["lost"] == ["event 2"]
    assert not verdict.holds


FAULTY = [
    pytest.param(SENT, (1, 2), "sent without intent", id="a copy without an intent"),
    pytest.param(SENT, (), "accepted only in the store", id="acceptance that never was"),
    pytest.param(replace(SENT, attempts=(Attempt(1, "refused"),)), (1,), "refused but taken", id="taken all the same"),
    pytest.param(replace(SENT, status="sending"), (1,), "not at rest", id="never at rest"),
]


@pytest.mark.parametrize(("message", "copies", "fault"), FAULTY)
def test_store_and_ledger_must_agree(message: Kept, copies: tuple[int, ...], fault: str) -> None:
    verdict = judged(message, *copies)
    assert verdict.faults[fault]
    assert not verdict.holds


def test_an_event_decided_twice_is_found() -> None:
    other = replace(SENT, name="msg_B")
    verdict = judge({1}, [SENT, other], [("msg_A", 1), ("msg_B", 1)])
    assert verdict.faults["decided twice"] == ["event 1"]
    assert not verdict.holds
