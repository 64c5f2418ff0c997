"""The values that cross between the engine and the store: what was found to do, and what one batch writes."""

from __future__ import annotations

from datetime import datetime

import msgspec

from outrider.domain.decision import Decision
from outrider.domain.enrollment import Enrollment
from outrider.domain.entry import ConsentEntry, Entry, ForgetEntry
from outrider.domain.message import Message, Status
from outrider.domain.profile import Object, Profile, Relation

GROUPS = 32


def group_of(stream: bytes) -> int:
    """The lease group (0 to 31) of a stream: eight neighboring shards are leased together."""
    return stream[0] >> 3


class Lease(msgspec.Struct, frozen=True):
    """The groups one engine may write, each with its fencing number."""

    owner: str
    #: Group → fence.
    fences: dict[int, int]
    until: datetime


class Timer(msgspec.Struct, frozen=True):
    """One wake-up: of an enrollment (`wait`) or of a message (`held`, `escalate`)."""

    owner: bytes
    kind: str
    due_at: datetime
    stream: bytes
    token: int = 0


class Work(msgspec.Struct, frozen=True):
    """What one engine found to do, and the `now` it must use."""

    now: datetime
    #: In log order; only streams of leased groups, nothing handled before.
    entries: tuple[Entry, ...] = ()
    #: Due, in order of (due_at, owner, kind).
    timers: tuple[Timer, ...] = ()
    #: Group → the position up to which everything is handled once this work is saved.
    cursors: dict[int, int] = {}
    #: Streams that wait behind a quarantined stimulus.
    blocked: frozenset[bytes] = frozenset()
    #: More is waiting.
    more: bool = False


class Parked(msgspec.Struct, frozen=True):
    """A stimulus that waits behind a quarantined one of its stream."""

    stimulus: Entry | Timer
    #: Its place in the stream's row of parked stimuli; 0 until stored.
    number: int = 0


class ParkedBody(msgspec.Struct, frozen=True):
    """A stimulus as bytes keep it: an entry or a timer."""

    entry: Entry | None = None
    timer: Timer | None = None
    #: The full text of the error it raised; sealed with it, since it may quote personal data.
    error: str = ""


class DeadLetter(msgspec.Struct, frozen=True):
    """Something unreadable or poisonous, kept with its reason; can be replayed."""

    id: bytes
    at: datetime
    #: event, stimulus, callback
    kind: str
    reason: str
    #: The raw bytes: a request body, or MessagePack of the stimulus.
    raw: bytes
    #: Path in the body, or position in the log.
    place: str = ""
    stream: bytes | None = None
    replayed_at: datetime | None = None


class Decided(msgspec.Struct, frozen=True):
    """A decision and its packed record."""

    decision: Decision
    record: bytes


class Batch(msgspec.Struct, frozen=True):
    """Everything one engine batch writes, in one transaction, under its fences."""

    lease: Lease
    now: datetime
    cursors: dict[int, int]
    #: In order: (stream, stimulus kind, reference: position of an entry, owner of a timer).
    handled: tuple[tuple[bytes, str, bytes], ...] = ()
    profiles: tuple[Profile, ...] = ()
    #: (stream, position of the entry that wants it there): an earlier deletion's stop is lifted, a later one's stays.
    returned: tuple[tuple[bytes, int], ...] = ()
    #: Ledger lines.
    consents: tuple[tuple[bytes, ConsentEntry], ...] = ()
    forgotten: tuple[tuple[bytes, ForgetEntry], ...] = ()
    #: New versions; a deleted object has version and no traits.
    objects: tuple[Object, ...] = ()
    deleted_objects: tuple[bytes, ...] = ()
    #: (from stream, to stream, relation, delete)
    relations: tuple[tuple[bytes, bytes, Relation, bool], ...] = ()
    enrollments: tuple[Enrollment, ...] = ()
    timers: tuple[Timer, ...] = ()
    #: (owner, kind); timers fired in this batch are among them unless set again.
    timers_gone: tuple[tuple[bytes, str], ...] = ()
    decisions: tuple[Decided, ...] = ()
    #: New messages, held or queued.
    messages: tuple[Message, ...] = ()
    #: Held or queued messages decided again: status, window, channel and content are replaced where still possible.
    redecided: tuple[Message, ...] = ()
    #: (message, final status, reason): only where still held or queued.
    closed: tuple[tuple[bytes, Status, str], ...] = ()
    #: To append to the log: hops to other streams, changes for related profiles.
    entries: tuple[Entry, ...] = ()
    dead_letters: tuple[DeadLetter, ...] = ()
    parked: tuple[Parked, ...] = ()
    #: (stream, keyed hash of a dedupe key, the message that has it from now on)
    dedupe_keys: tuple[tuple[bytes, bytes, bytes], ...] = ()


class Fenced(Exception):
    """The lease was lost: nothing of the batch was written."""


class DedupeKey(msgspec.Struct, frozen=True):
    """The message that has a dedupe key, and how it fared."""

    #: The first one, where it went on to further channels.
    message: bytes
    #: When it was decided.
    at: datetime
    #: Of it and of those that followed it on further channels; a message that is no longer kept is left out.
    statuses: dict[bytes, Status] = {}


class MessageState(msgspec.Struct, frozen=True):
    """A message as it stands in the store."""

    message: Message
    status: Status
    attempts: int
    #: Number and record of its last decision.
    decision_number: int
    record: bytes
