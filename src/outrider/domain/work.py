"""The values that cross between the workers and the store: what was found to do, and what came of it."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from outrider.domain.attempt import AttemptState, Outcome, Reason
from outrider.domain.decision import Decision
from outrider.domain.enrollment import Enrollment
from outrider.domain.entry import ConsentEntry, Entry, ForgetEntry
from outrider.domain.message import Message, Rendition, Status
from outrider.domain.profile import Object, Profile, Relation
from outrider.domain.receipt import Receipt

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


#: How long a request's key is remembered (reliability plan 1.6; IETF draft-ietf-httpapi-idempotency-key-header asks for
#: a published policy).
KEPT = timedelta(days=7)

#: How long the key of an event is remembered: longer than any of its entries is, which go with the month after theirs.
EVENT_KEYS_KEPT = timedelta(days=63)
#: Keys dropped in one transaction.
KEYS_AT_ONCE = 10_000


class KeyedRequest(msgspec.Struct, frozen=True):
    """A request that takes effect once, however often it is made: its entry, and what every repeat is answered."""

    #: Keyed hash of the Idempotency-Key and of its scope.
    key: bytes
    #: Keyed hash of the request's body.
    fingerprint: bytes
    entry: Entry
    #: The message it asks for.
    message: bytes
    #: Empty where the answer is known only later: see `Log.settle_answer`.
    answer: bytes = b""


class KeptAnswer(msgspec.Struct, frozen=True):
    """What is known of a keyed request."""

    fingerprint: bytes
    message: bytes
    #: Empty while nobody was answered.
    answer: bytes
    #: This call stored the entry.
    is_new: bool = False


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


class Fenced(Exception):
    """The lease was lost: nothing of the batch was written."""


class MessageState(msgspec.Struct, frozen=True):
    """A message as it stands in the store."""

    message: Message
    status: Status
    attempts: int
    #: Number and record of its last decision.
    decision_number: int
    record: bytes


class Past(msgspec.Struct, frozen=True):
    """One earlier attempt of a message, as next_move reads it."""

    number: int
    route: str
    state: AttemptState
    at: datetime
    reason: Reason | None = None
    #: The rule that allowed a possible duplicate; empty for the normal case.
    label: str = ""


class Due(msgspec.Struct, frozen=True):
    """A queued message that delivery claimed."""

    message: Message
    past: tuple[Past, ...] = ()


class Intent(msgspec.Struct, frozen=True):
    """What is written before a socket opens."""

    message: Message
    number: int
    route: str
    account: str
    body: Rendition
    segments: int
    #: Estimated price in `currency`; None when no price is known.
    estimate: float | None
    currency: str | None
    #: The rule that allows a possible duplicate; empty for the normal case.
    label: str
    #: Keys of table stops that forbid this message.
    stop_keys: tuple[str, ...]


class Ceiling(msgspec.Struct, frozen=True):
    """Most messages for one address over all purposes."""

    per_hour: int = 20
    per_day: int = 60


class Verdictless(msgspec.Struct, frozen=True):
    """A claimed message that gets no attempt now: set back in the outbox, closed, or given back to the engine."""

    message: Message
    #: retry: due again at `at`. closed: final `status`. stale: the engine decides again.
    what: str
    at: datetime | None = None
    status: Status | None = None
    reason: str = ""


class Refusal(msgspec.Struct, frozen=True):
    """An intent that was not written, and why (a stop, a ceiling, a message that moved meanwhile)."""

    message: bytes
    reason: str


class Next(msgspec.Struct, frozen=True):
    """What follows an outcome: exactly one of the fields that are not None."""

    #: Final or resting status with a reason.
    status: Status
    reason: str = ""
    #: Try again at; the message is queued again.
    retry_at: datetime | None = None
    #: The attempt is in doubt: first look for proof, and when to stop looking.
    check_at: datetime | None = None
    give_up_at: datetime | None = None


class Done(msgspec.Struct, frozen=True):
    """The outcome of one attempt."""

    message: bytes
    stream: bytes
    number: int
    account: str
    outcome: Outcome
    next: Next
    awaited: bool


class OpenDoubt(msgspec.Struct, frozen=True):
    """An attempt whose outcome is unknown, with what is needed to look it up and to move on."""

    message: Message
    past: tuple[Past, ...]
    number: int
    account: str
    route: str
    body: Rendition
    since: datetime
    give_up_at: datetime
    checks: int
    #: When its call was over or its worker given up: the provider cannot have taken it later.
    opened_at: datetime
    #: The database's time when it was read.
    now: datetime


class Resolved(msgspec.Struct, frozen=True):
    """What became of a doubt. `state` None: still in doubt, look again at `check_at`."""

    message: bytes
    stream: bytes
    number: int
    state: AttemptState | None
    provider_id: str | None = None
    account: str = ""
    check_at: datetime | None = None
    #: What follows for the message when state is not None.
    next: Next | None = None
    awaited: bool = False


class Reported(msgspec.Struct, frozen=True):
    """One verified receipt, with the attempt its callback URL or body named."""

    account: str
    receipt: Receipt
    received_at: datetime
    #: (message, number) when the echo came back.
    attempt: tuple[bytes, int] | None = None
