"""A batch in the making: what the stimuli so far want written, the last word on each thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from outrider.domain.enrollment import Enrollment
from outrider.domain.entry import ConsentEntry, Entry, ForgetEntry
from outrider.domain.message import Message, Status
from outrider.domain.profile import Object, Profile, Relation
from outrider.domain.work import Batch, Decided, Lease, Parked, Timer


@dataclass
class Draft:
    """Collected writes of one batch."""

    now: datetime
    handled: list[tuple[bytes, str, bytes]] = field(default_factory=list)
    profiles: dict[bytes, Profile] = field(default_factory=dict)
    #: Stream → position of the entry that wants its profile to be there.
    returned: dict[bytes, int] = field(default_factory=dict)
    consents: list[tuple[bytes, ConsentEntry]] = field(default_factory=list)
    forgotten: list[tuple[bytes, ForgetEntry]] = field(default_factory=list)
    objects: dict[tuple[bytes, int], Object] = field(default_factory=dict)
    deleted_objects: dict[bytes, None] = field(default_factory=dict)
    relations: list[tuple[bytes, bytes, Relation, bool]] = field(default_factory=list)
    enrollments: dict[tuple[bytes, int], Enrollment] = field(default_factory=dict)
    timers: dict[tuple[bytes, str], Timer] = field(default_factory=dict)
    timers_gone: dict[tuple[bytes, str], None] = field(default_factory=dict)
    decisions: list[Decided] = field(default_factory=list)
    messages: dict[bytes, Message] = field(default_factory=dict)
    redecided: dict[bytes, Message] = field(default_factory=dict)
    closed: dict[bytes, tuple[Status, str]] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)
    #: (stream, keyed hash of a dedupe key) → the message that has it from now on.
    dedupe_keys: dict[tuple[bytes, bytes], bytes] = field(default_factory=dict)

    def set_timer(self, timer: Timer) -> None:
        """Set or move a timer."""
        self.timers[(timer.owner, timer.kind)] = timer
        self.timers_gone.pop((timer.owner, timer.kind), None)

    def drop_timer(self, owner: bytes, kind: str) -> None:
        """Remove a timer, if there is one."""
        self.timers.pop((owner, kind), None)
        self.timers_gone[(owner, kind)] = None

    def close(self, message: bytes, status: Status, reason: str) -> None:
        """Cancel or expire a message that is still held or queued, with its timers."""
        for kind in ("held", "escalate"):
            self.drop_timer(message, kind)
        self.closed.setdefault(message, (status, reason))

    def forget(self, stream: bytes, entry: ForgetEntry) -> None:
        """A person goes: nothing personal that this batch would have written stays, and what it closes stays closed."""
        self.forgotten.append((stream, entry))
        self.profiles.pop(stream, None)
        self.returned.pop(stream, None)
        self.enrollments = {key: one for key, one in self.enrollments.items() if one.stream != stream}
        self.messages = {key: one for key, one in self.messages.items() if one.stream != stream}
        self.redecided = {key: one for key, one in self.redecided.items() if one.stream != stream}
        self.dedupe_keys = {key: one for key, one in self.dedupe_keys.items() if key[0] != stream}
        for timer in [one for one in self.timers.values() if one.stream == stream]:
            self.drop_timer(timer.owner, timer.kind)

    def batch(self, lease: Lease, cursors: dict[int, int]) -> Batch:
        """The finished batch."""
        return Batch(
            lease=lease,
            now=self.now,
            cursors=cursors,
            handled=tuple(self.handled),
            profiles=tuple(self.profiles.values()),
            returned=tuple(self.returned.items()),
            consents=tuple(self.consents),
            forgotten=tuple(self.forgotten),
            objects=tuple(self.objects.values()),
            deleted_objects=tuple(self.deleted_objects),
            relations=tuple(self.relations),
            enrollments=tuple(self.enrollments.values()),
            timers=tuple(self.timers.values()),
            timers_gone=tuple(self.timers_gone),
            decisions=tuple(self.decisions),
            messages=tuple(self.messages.values()),
            redecided=tuple(self.redecided.values()),
            closed=tuple((message, status, reason) for message, (status, reason) in self.closed.items()),
            entries=tuple(self.entries),
            parked=tuple(self.parked),
            dedupe_keys=tuple((*key, message) for key, message in self.dedupe_keys.items()),
        )


def references(stimuli: Sequence[Entry | Timer]) -> list[tuple[bytes, str, bytes]]:
    """What the journal keeps of stimuli: stream, kind, and the position or the owner."""
    return [
        (s.stream, f"timer.{s.kind}", s.owner)
        if isinstance(s, Timer)
        else (s.stream, "entry", s.position.to_bytes(8, "big"))
        for s in stimuli
    ]
