"""The rows of the in-memory store."""

from __future__ import annotations

from datetime import UTC, date, datetime

import msgspec

from outrider.domain.attempt import AttemptState, Reason
from outrider.domain.bounces import Bounce
from outrider.domain.message import Message, Rendition, Status
from outrider.domain.outbox import Past
from outrider.domain.receipt import Receipt

LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


class Duplicate(Exception):
    """A unique key exists already: a mistake of the caller. Nothing was written."""


class Group(msgspec.Struct):
    """The lease of one group of shards, how far its log is handled, and the last `now` used for it."""

    owner: str | None = None
    fence: int = 0
    until: datetime = LONG_AGO
    cursor: int = 0
    clock: datetime = LONG_AGO


class Handled(msgspec.Struct, frozen=True):
    """One row of the journal: a saved batch."""

    at: datetime
    fence: int
    stimuli: tuple[tuple[bytes, str, bytes], ...]


class BlockedStream(msgspec.Struct, frozen=True):
    """Why a stream waits, and since when."""

    dead_letter: bytes
    since: datetime


class MessageRow(msgspec.Struct):
    """A message as created or last decided, and where it stands."""

    message: Message
    status: Status
    status_at: datetime
    reason: str = ""
    intent_at: datetime | None = None
    attempts: int = 0
    engagement: int = 0
    #: Its person was forgotten: nothing can read it any more.
    erased: bool = False

    def current(self) -> Message:
        """The message with the status it has now."""
        if self.status is self.message.status and self.status_at == self.message.status_at:
            return self.message
        return msgspec.structs.replace(self.message, status=self.status, status_at=self.status_at)


class AttemptRow(msgspec.Struct):
    """One attempt."""

    message: bytes
    number: int
    route: str
    account: str
    fence: int
    at: datetime
    body: Rendition
    label: str = ""
    estimate: float | None = None
    currency: str | None = None
    segments: int | None = None
    state: AttemptState = AttemptState.INTENT
    ended_at: datetime | None = None
    reason: Reason | None = None
    detail: str = ""
    provider_id: str | None = None
    price: float | None = None

    def past(self) -> Past:
        """The attempt as next_move reads it."""
        return Past(self.number, self.route, self.state, self.at, self.reason, self.label)


class BounceRow(msgspec.Struct):
    """The first soft bounce of an address on one day."""

    message: bytes
    bounce: Bounce
    #: When to look at it; None: it was looked at.
    check_at: datetime | None


class DoubtRow(msgspec.Struct):
    """An attempt in unknown state."""

    since: datetime
    check_at: datetime
    give_up_at: datetime
    checks: int = 0


class CeilingRow(msgspec.Struct):
    """Intents counted for one address in its current hour and day (UTC)."""

    hour: datetime
    day: date
    in_hour: int = 0
    in_day: int = 0


class DeliveryLease(msgspec.Struct):
    """The lease of one delivery worker."""

    owner: str
    until: datetime
    floor: bytes = b""


class StoredReceipt(msgspec.Struct, frozen=True):
    """A receipt with its attempt."""

    attempt: int
    account: str
    receipt: Receipt
    received_at: datetime
