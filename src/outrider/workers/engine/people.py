"""What a stimulus does in a profile's stream: changes, journeys, decisions taken again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from outrider.domain.decision import Candidate, Verdict
from outrider.domain.enrollment import Enrollment
from outrider.domain.entry import (
    AbsorbEntry,
    ConsentEntry,
    Entry,
    EventEntry,
    ForgetEntry,
    MergeEntry,
    ObjectChangedEntry,
    OutcomeEntry,
    ProfileChange,
    ProfileEntry,
    ReceiptEntry,
    RelationEntry,
    ReplyEntry,
)
from outrider.domain.message import Status
from outrider.domain.profile import Profile
from outrider.domain.receipt import ReceiptStatus
from outrider.domain.work import MessageState, Timer
from outrider.ingest.mapping import PROFILE
from outrider.journeys import (
    EventSeen,
    FactsChanged,
    Progress,
    Start,
    Started,
    TimerFired,
    about_of,
    advance,
    enrollment_id,
    late_exit,
    leave,
    start,
    with_open,
)
from outrider.journeys import Stimulus as JourneyStimulus
from outrider.journeys.advance import COMPLETED
from outrider.journeys.definition import Program
from outrider.orchestration.record import unpack
from outrider.profiles.apply import change_profile, give_consent, new_profile
from outrider.workers.engine.deciding import Desk
from outrider.workers.engine.facts import reply_seen, seen_of
from outrider.workers.engine.identities import MERGED, forget_with, merge, mirror, passed_on, take_in

REACHED = frozenset({ReceiptStatus.DELIVERED, ReceiptStatus.SEEN})


class People:
    """Handles the stimuli of profile streams, one after the other, on the working state of a batch."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.working = desk.working
        self.draft = desk.draft

    def handle(self, stimulus: Entry | Timer) -> None:
        """Apply one stimulus."""
        if isinstance(stimulus, Timer):
            self.timer(stimulus)
        elif not self._passed_on(stimulus):
            HANDLERS[type(stimulus.body)](self, stimulus, stimulus.body)

    def _passed_on(self, entry: Entry) -> bool:
        """Whether the person goes by another key now, and the entry went there."""
        profile = self.working.profiles.get(entry.stream)
        into = profile.identity.merged_into if profile is not None else ""
        body = passed_on(entry, into) if into else None
        if body is not None:
            self.draft.entries.append(Entry(self.desk.hasher.stream(PROFILE, into), body, entry.at))
        return body is not None

    # ── facts ──

    def profile(self, stream: bytes, key: str) -> Profile:
        """The profile of a stream, made when nobody knew it."""
        profile = self.working.profiles.get(stream)
        if profile is None:
            profile = new_profile(stream, key, self.working.now)
            self.keep(profile)
        return profile

    def keep(self, profile: Profile) -> None:
        """A new version of a profile."""
        self.working.profiles[profile.stream] = profile
        self.draft.profiles[profile.stream] = profile

    def change(self, stream: bytes, change: ProfileChange) -> bool:
        """Apply a profile change; whether anything is different."""
        before = self.profile(stream, change.key)
        after = change_profile(before, change, self.desk.current.open_traits)
        if after is before:
            return False
        self.keep(after)
        return True

    def profile_change(self, entry: Entry, body: ProfileEntry) -> None:
        """PUT or PATCH."""
        if self.change(entry.stream, body.change):
            self.tell_all(entry.stream, FactsChanged())

    def consent(self, entry: Entry, body: ConsentEntry) -> None:
        """A line of the consent ledger."""
        before = self.profile(entry.stream, body.key)
        after = give_consent(before, body)
        if after is not before:
            self.keep(after)
        if not body.mirrored:
            self.draft.consents.append((entry.stream, body))
        mirror(self, after, body)

    def relation(self, entry: Entry, body: RelationEntry) -> None:
        """A relation that begins at a person."""
        self.save_relation(entry, body)
        self.tell_all(entry.stream, FactsChanged())

    def save_relation(self, entry: Entry, body: RelationEntry) -> None:
        """Draft a relation; its profile exists from now on."""
        self.profile(entry.stream, body.relation.from_key)
        other = self.desk.hasher.stream(body.relation.to_kind, body.relation.to_key)
        self.draft.relations.append((entry.stream, other, body.relation, body.delete))
        self.working.relate(entry.stream, other, body.relation, delete=body.delete)

    def forget(self, entry: Entry, body: ForgetEntry) -> None:
        """Journeys end, waiting messages are canceled, personal data goes."""
        if (profile := self.working.profiles.get(entry.stream)) is not None:
            forget_with(self, profile)
        for enrollment in tuple(self.working.live.get(entry.stream, ())):
            self.settle(leave(enrollment, "the profile was deleted", self.working.now), enrollment, None)
        self.working.forget(entry.stream)
        self.draft.forget(entry.stream, body)

    def object_changed(self, entry: Entry, body: ObjectChangedEntry) -> None:
        """An object near this person has a new version: waits may move."""
        if entry.stream in self.working.profiles:
            self.tell_all(entry.stream, FactsChanged())

    # ── journeys ──

    def event(self, entry: Entry, body: EventEntry) -> None:
        """An event reaches its person: facts first, then journeys inside, then journeys that start."""
        profile = self.profile(entry.stream, body.entity.key)
        changed = body.effects.profile is not None and self.change(entry.stream, body.effects.profile)
        self._own_relations(entry, body)
        seen = seen_of(body, self.desk.hasher)
        self.tell_all(entry.stream, seen)
        if changed or body.effects.objects:
            self.tell_all(entry.stream, FactsChanged())
        self._end_and_start(seen, self.working.profiles[profile.stream])

    def _end_and_start(self, seen: EventSeen, profile: Profile) -> None:
        for program in self.desk.current.exits.get(seen.event.type, ()):
            self.exit_late(program, seen, profile)
        for program in self.desk.current.starts.get(seen.event.type, ()):
            self.begin(program, seen, profile)

    def exit_late(self, program: Program, seen: EventSeen, profile: Profile) -> None:
        """An exit event that comes after the last step still cancels the messages that wait."""
        completed = self.working.rounds.get(enrollment_id(program, profile.stream, about_of(program, seen)))
        if completed is None or completed.ended_at is None:
            return
        context = self.desk.view_for(profile, completed.about)
        self.settle(late_exit(program, completed, seen, context, self.working.now), completed, profile)

    def _own_relations(self, entry: Entry, body: EventEntry) -> None:
        for relation in body.effects.relations:
            if relation.from_kind == body.entity.kind and relation.from_key == body.entity.key:
                self.save_relation(entry, RelationEntry(relation))

    def reply(self, entry: Entry, body: ReplyEntry) -> None:
        """An inbound message is an event that journeys can wait for."""
        profile = self.working.profiles.get(entry.stream)
        if profile is None:
            return
        seen = reply_seen(entry, body)
        self.tell_all(entry.stream, seen)
        self._end_and_start(seen, profile)

    def tell_all(self, stream: bytes, stimulus: JourneyStimulus) -> None:
        """Every live enrollment of a person gets a stimulus."""
        for enrollment in tuple(self.working.live.get(stream, ())):
            self.tell(enrollment, stimulus)

    def tell(self, enrollment: Enrollment, stimulus: JourneyStimulus) -> None:
        """One enrollment gets a stimulus; a journey that no longer exists in its version ends it."""
        profile = self.working.profiles.get(enrollment.stream)
        program = self.desk.library.get(enrollment.config).journeys.get(enrollment.journey)
        if program is None or profile is None:
            progress = leave(enrollment, "the journey or the profile no longer exists", self.working.now)
        else:
            context = self.desk.view_for(profile, enrollment.about)
            progress = advance(program, enrollment, stimulus, context, self.working.now)
        self.settle(progress, enrollment, profile)

    def begin(self, program: Program, seen: EventSeen, profile: Profile) -> None:
        """Start an enrollment where the rules allow it, and walk its first steps."""
        about = about_of(program, seen)
        past = self.working.rounds.get(enrollment_id(program, profile.stream, about))
        context = self.desk.view_for(profile, about.stream if about else None)
        started = start(program, seen, profile.stream, context, past, self.working.now)
        if isinstance(started, Start):
            enrollment = started.enrollment
            self.working.live.setdefault(profile.stream, []).append(enrollment)
            self.working.rounds[enrollment.id] = enrollment
            self.settle(
                advance(program, enrollment, Started(), context, self.working.now), enrollment, profile, new=True
            )

    def settle(self, progress: Progress, before: Enrollment, profile: Profile | None, *, new: bool = False) -> None:
        """Draft what came of an enrollment: messages to cancel, candidates to decide, its timer, its new state."""
        if not progress.changed and not new:
            return
        for message in progress.cancel:
            self.desk.close(message, Status.CANCELED, f"left {before.journey}: {progress.enrollment.end_reason}")
        enrollment = progress.enrollment
        if profile is not None:
            enrollment = self._decide(progress.candidates, enrollment, profile)
        self._set_wait(before, enrollment)
        self.replace(before, enrollment)

    def _decide(self, candidates: Sequence[Candidate], enrollment: Enrollment, profile: Profile) -> Enrollment:
        for candidate in candidates:
            decision = self.desk.decide(candidate, profile, enrollment)
            if decision.leave:
                return self._blocked(candidate, enrollment, decision.gate)
        return enrollment

    def _blocked(self, candidate: Candidate, enrollment: Enrollment, gate: str) -> Enrollment:
        """A step left the journey because a gate blocked it: what the same walk asked for later is not even judged."""
        reason = f"{candidate.template} was blocked by {gate}"
        for message in enrollment.open_messages:
            self.desk.close(message, Status.CANCELED, f"left {enrollment.journey}: {reason}")
        ended_at = enrollment.ended_at or self.working.now
        return replace(enrollment, wait=None, open_messages=(), ended_at=ended_at, end_reason=reason)

    def _set_wait(self, before: Enrollment, after: Enrollment) -> None:
        if after.wait == before.wait:
            return
        if after.wait is not None and after.wait.due_at is not None:
            timer = Timer(after.id, "wait", after.wait.due_at, after.stream, after.wait.token)
            self.draft.set_timer(timer)
        elif before.wait is not None:
            self.draft.drop_timer(after.id, "wait")

    def replace(self, before: Enrollment, after: Enrollment) -> None:
        """Draft the new state of a passage; later stimuli of the batch see it."""
        live = self.working.live.setdefault(after.stream, [])
        live[:] = [one for one in live if (one.id, one.round) != (before.id, before.round)]
        if after.ended_at is None:
            live.append(after)
            live.sort(key=lambda one: (one.started_at, one.id))
        self.working.rounds[after.id] = after
        self.draft.enrollments[(after.id, after.round)] = after

    # ── timers and what comes back ──

    def timer(self, timer: Timer) -> None:
        """A wake-up: of a wait, of a held message, of an escalation."""
        if timer.kind == "wait":
            self._wait_over(timer)
            return
        self.draft.drop_timer(timer.owner, timer.kind)
        state = self.working.messages.get(timer.owner)
        if state is None:
            return
        if timer.kind == "held":
            self.decide_again(state, Status.HELD)
        elif state.status is not Status.DELIVERED:
            self.escalate(state)

    def _wait_over(self, timer: Timer) -> None:
        live = self.working.live.get(timer.stream, ())
        enrollment = next((one for one in live if one.id == timer.owner), None)
        wait = enrollment.wait if enrollment is not None else None
        self.draft.drop_timer(timer.owner, timer.kind)
        if enrollment is None or wait is None:
            return
        if wait.token == timer.token:
            self.tell(enrollment, TimerFired(timer.token))
        elif wait.due_at is not None:
            # An old one, perhaps replayed: it takes the row of the wait that counts now.
            self.draft.set_timer(Timer(enrollment.id, "wait", wait.due_at, enrollment.stream, wait.token))

    def decide_again(self, state: MessageState, expected: Status) -> None:
        """Judge a held message, or one whose window passed, with fresh facts."""
        message = state.message.id
        profile = self.working.profiles.get(state.message.stream)
        if state.status is not expected or message in self.draft.closed or message in self.draft.redecided:
            return
        if profile is None:
            self.draft.close(message, Status.CANCELED, "the profile no longer exists")
            return
        candidate = unpack(state.record).decision.candidate
        decision = self.desk.decide(candidate, profile, self._round_of(candidate), state)
        if decision.verdict is Verdict.DROP and decision.leave:
            self._leave_for(candidate, decision.gate)

    def _leave_for(self, candidate: Candidate, gate: str) -> None:
        live = self.working.live.get(candidate.stream, ())
        enrollment = next((one for one in live if one.id == candidate.enrollment), None)
        if enrollment is not None:
            reason = f"{candidate.template} was blocked by {gate}"
            profile = self.working.profiles.get(candidate.stream)
            self.settle(leave(enrollment, reason, self.working.now), enrollment, profile)

    def _round_of(self, candidate: Candidate) -> Enrollment | None:
        return self.working.rounds.get(candidate.enrollment) if candidate.enrollment else None

    def receipt(self, entry: Entry, body: ReceiptEntry) -> None:
        """A receipt of an escalating message: reached, or try the next channel now."""
        state = self.working.messages.get(body.message)
        if state is None:
            return
        if body.receipt.status in REACHED:
            self.draft.drop_timer(body.message, "escalate")
        elif body.receipt.status is ReceiptStatus.UNDELIVERED and state.status is not Status.DELIVERED:
            self.escalate(state)

    def outcome(self, entry: Entry, body: OutcomeEntry) -> None:
        """Delivery's last word on a message that something awaits, or a message it gave back."""
        state = self.working.messages.get(body.message)
        if state is None:
            return
        if body.result == "stale":
            self.decide_again(state, Status.QUEUED)
        else:
            self.escalate(state)

    def escalate(self, state: MessageState) -> None:
        """Ask for the next channel; leaving the journey will cancel that message too."""
        profile = self.working.profiles.get(state.message.stream)
        if profile is None or state.message.id in self.draft.closed or state.status is Status.CANCELED:
            return
        candidate = unpack(state.record).decision.candidate
        enrollment = self._round_of(candidate)
        if enrollment is not None and _left_since(enrollment, candidate):
            self.draft.drop_timer(state.message.id, "escalate")
            return
        following = self.desk.escalate(state, profile, enrollment)
        if following is not None and enrollment is not None:
            self.replace(enrollment, _with_open(enrollment, following))


def _left_since(enrollment: Enrollment, candidate: Candidate) -> bool:
    """Whether the person left the journey after the candidate came up: then no further channel is tried.

    Who completed it or goes on under another key did not leave, and a farewell comes up at the very instant of leaving.
    """
    if enrollment.ended_at is None or enrollment.end_reason in (COMPLETED, MERGED):
        return False
    return enrollment.started_at <= candidate.asked_at < enrollment.ended_at


def _with_open(enrollment: Enrollment, message: bytes) -> Enrollment:
    """With a further message that leaving, or an exit after the last step, must cancel."""
    if enrollment.end_reason == COMPLETED:
        return replace(enrollment, open_messages=(*enrollment.open_messages, message))
    return with_open(enrollment, message)


#: Body → method. Functions, not bound methods: an object that holds its own methods is a cycle, and would keep the
#: working state of its whole batch until the next garbage collection.
HANDLERS: dict[type, Callable[[People, Entry, Any], None]] = {
    EventEntry: People.event,
    ProfileEntry: People.profile_change,
    ForgetEntry: People.forget,
    ObjectChangedEntry: People.object_changed,
    RelationEntry: People.relation,
    ConsentEntry: People.consent,
    MergeEntry: merge,
    AbsorbEntry: take_in,
    ReceiptEntry: People.receipt,
    OutcomeEntry: People.outcome,
    ReplyEntry: People.reply,
}
