"""The people of a batch: their profiles, and the journeys they pass through."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from outrider.domain.decision import Candidate
from outrider.domain.enrollment import Enrollment
from outrider.domain.entry import Entry, ProfileChange, RelationEntry
from outrider.domain.message import Status
from outrider.domain.profile import Profile
from outrider.domain.work import Timer
from outrider.journeys import (
    EventSeen,
    Progress,
    Start,
    Started,
    about_of,
    advance,
    enrollment_id,
    late_exit,
    leave,
    start,
)
from outrider.journeys import Stimulus as JourneyStimulus
from outrider.journeys.definition import Program
from outrider.profiles.apply import change_profile, new_profile
from outrider.workers.engine.deciding import Desk
from outrider.workers.engine.relating import relate


class People:
    """Changes profiles and moves enrollments on the working state of a batch; each change is drafted."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.working = desk.working
        self.draft = desk.draft

    # ── profiles ──

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

    def welcome(self, entry: Entry) -> None:
        """Note that somebody wants this profile to be there, also where a late event had brought it back."""
        self.draft.returned[entry.stream] = entry.position

    def save_relation(self, entry: Entry, body: RelationEntry) -> None:
        """Draft a relation; its profile exists from now on."""
        self.profile(entry.stream, body.relation.from_key)
        relate(self.working, self.draft, self.desk.hasher, entry.stream, body)

    # ── journeys ──

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

    def end_and_start(self, seen: EventSeen, profile: Profile) -> None:
        """What an event does to journeys that end or start with it."""
        for program in self.desk.current.exits.get(seen.event.type, ()):
            self.exit_late(program, seen, profile)
        for program in self.desk.current.starts.get(seen.event.type, ()):
            self.begin(program, seen, profile)

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

    def exit_late(self, program: Program, seen: EventSeen, profile: Profile) -> None:
        """An exit event that comes after the last step still cancels the messages that wait."""
        completed = self.working.rounds.get(enrollment_id(program, profile.stream, about_of(program, seen)))
        if completed is None or completed.ended_at is None:
            return
        context = self.desk.view_for(profile, completed.about)
        self.settle(late_exit(program, completed, seen, context, self.working.now), completed, profile)

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
