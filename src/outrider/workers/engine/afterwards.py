"""What comes back of a wait or a message: timers, receipts and outcomes, and whether it is tried another way."""

from __future__ import annotations

from msgspec.structs import replace

from outrider.domain.decision import Candidate, Verdict
from outrider.domain.enrollment import Enrollment
from outrider.domain.entry import Entry, OutcomeEntry, ReceiptEntry
from outrider.domain.message import Status
from outrider.domain.receipt import ReceiptStatus
from outrider.domain.work import MessageState, Timer
from outrider.journeys import TimerFired, leave, with_open
from outrider.journeys.advance import COMPLETED
from outrider.orchestration.record import unpack
from outrider.workers.engine.identities import MERGED, UNMERGED
from outrider.workers.engine.people import People

REACHED = frozenset({ReceiptStatus.DELIVERED, ReceiptStatus.SEEN})


def wake_up(people: People, timer: Timer) -> None:
    """A wake-up: of a wait, of a held message, of an escalation."""
    if timer.kind == "wait":
        _wait_over(people, timer)
        return
    people.draft.drop_timer(timer.owner, timer.kind)
    state = people.working.messages.get(timer.owner)
    if state is None:
        return
    if timer.kind == "held":
        decide_again(people, state, Status.HELD)
    elif state.status is not Status.DELIVERED:
        escalate(people, state, f"{state.message.channel} did not reach the person in time", failed=False)


def _wait_over(people: People, timer: Timer) -> None:
    live = people.working.live.get(timer.stream, ())
    enrollment = next((one for one in live if one.id == timer.owner), None)
    wait = enrollment.wait if enrollment is not None else None
    people.draft.drop_timer(timer.owner, timer.kind)
    if enrollment is None or wait is None:
        return
    if wait.token == timer.token:
        people.tell(enrollment, TimerFired(timer.token))
    elif wait.due_at is not None:
        # An old one, perhaps replayed: it takes the row of the wait that counts now.
        people.draft.set_timer(Timer(enrollment.id, "wait", wait.due_at, enrollment.stream, wait.token))


def decide_again(people: People, state: MessageState, expected: Status) -> None:
    """Judge a held message, or one whose window passed, with fresh facts."""
    message = state.message.id
    profile = people.working.profiles.get(state.message.stream)
    if state.status is not expected or message in people.draft.closed or message in people.draft.redecided:
        return
    if profile is None:
        people.draft.close(message, Status.CANCELED, "the profile no longer exists")
        return
    candidate = unpack(state.record).decision.candidate
    decision = people.desk.decide(candidate, profile, _round_of(people, candidate), state)
    if decision.verdict is Verdict.DROP and decision.leave:
        _leave_for(people, candidate, decision.gate)


def _leave_for(people: People, candidate: Candidate, gate: str) -> None:
    live = people.working.live.get(candidate.stream, ())
    enrollment = next((one for one in live if one.id == candidate.enrollment), None)
    if enrollment is not None:
        reason = f"{candidate.template} was blocked by {gate}"
        profile = people.working.profiles.get(candidate.stream)
        people.settle(leave(enrollment, reason, people.working.now), enrollment, profile)


def _round_of(people: People, candidate: Candidate) -> Enrollment | None:
    return people.working.rounds.get(candidate.enrollment) if candidate.enrollment else None


def receipt(people: People, _entry: Entry, body: ReceiptEntry) -> None:
    """A receipt of a message with a fallback: reached, or try the next channel now."""
    state = people.working.messages.get(body.message)
    if state is None:
        return
    if body.receipt.status in REACHED:
        people.draft.drop_timer(body.message, "escalate")
    elif body.receipt.status is ReceiptStatus.UNDELIVERED and state.status is not Status.DELIVERED:
        escalate(people, state, f"{state.message.channel} was not delivered", failed=True)


def outcome(people: People, _entry: Entry, body: OutcomeEntry) -> None:
    """Delivery's last word on a message that something awaits, or a message it gave back."""
    state = people.working.messages.get(body.message)
    if state is None:
        return
    if body.result == "stale":
        decide_again(people, state, Status.QUEUED)
    else:
        escalate(people, state, f"{state.message.channel} {body.result}", failed=True)


def escalate(people: People, state: MessageState, why: str, *, failed: bool) -> None:
    """Ask for the next channel; leaving the journey will cancel that message too."""
    profile = people.working.profiles.get(state.message.stream)
    if profile is None or state.message.id in people.draft.closed or state.status is Status.CANCELED:
        return
    candidate = unpack(state.record).decision.candidate
    enrollment = _round_of(people, candidate)
    if enrollment is not None and _left_since(enrollment, candidate):
        people.draft.drop_timer(state.message.id, "escalate")
        return
    following = people.desk.escalate(state, profile, enrollment, why, failed=failed)
    if following is not None and enrollment is not None:
        people.replace(enrollment, _with_open(enrollment, following))


def _left_since(enrollment: Enrollment, candidate: Candidate) -> bool:
    """Whether the person left the journey after the candidate came up: then no further channel is tried.

    Who completed it or goes on under another key did not leave, and a farewell comes up at the very instant of leaving.
    """
    if enrollment.ended_at is None or enrollment.end_reason in (COMPLETED, MERGED, UNMERGED):
        return False
    return enrollment.started_at <= candidate.asked_at < enrollment.ended_at


def _with_open(enrollment: Enrollment, message: bytes) -> Enrollment:
    """With a further message that leaving, or an exit after the last step, must cancel."""
    if enrollment.end_reason == COMPLETED:
        return replace(enrollment, open_messages=(*enrollment.open_messages, message))
    return with_open(enrollment, message)
