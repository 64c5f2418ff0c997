"""What the pages read: lines of messages, decisions, attempts and receipts, and the dead letters.

Personal data crosses this port in clear; the pages mask it for readers without `pii:read`. What belongs to an
erased person is None.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from outrider.domain.entry import Entry, Stop
from outrider.domain.health import Board, RouteChange
from outrider.domain.message import Content, Rendition
from outrider.domain.profile import Object, Profile, Relation
from outrider.domain.work import DeadLetter


class Unavailable(Exception):
    """The database does not answer; nothing is known to have been written."""


class MessageFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which messages, newest first: ids from `since` up to but not including `before`."""

    since: bytes
    before: bytes
    most: int
    #: Of these people; None for everybody.
    streams: tuple[bytes, ...] | None = None
    status: str | None = None
    journey: str | None = None
    template: str | None = None
    channel: str | None = None
    market: str | None = None


class DecisionFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which decisions, newest first: (id, number) from `since` up to but not including `before`."""

    since: bytes
    before: tuple[bytes, int]
    most: int
    #: Of these people; None for everybody.
    streams: tuple[bytes, ...] | None = None
    verdict: str | None = None
    #: The gate that held or dropped it.
    gate: str | None = None
    journey: str | None = None
    template: str | None = None


class MessageLine(msgspec.Struct, frozen=True, kw_only=True):
    """One message."""

    id: bytes
    stream: bytes
    #: The profile's external key.
    profile: str | None
    journey: str
    template: str
    purpose: str
    channel: str
    market: str
    status: str
    status_at: datetime
    not_before: datetime
    not_after: datetime
    intent_at: datetime | None
    attempts: int
    engagement: int
    reason: str | None
    config: int
    root: bytes | None
    content: Content | None


class DecisionLine(msgspec.Struct, frozen=True, kw_only=True):
    """One decision, with its packed record."""

    id: bytes
    number: int
    stream: bytes
    profile: str | None
    at: datetime
    verdict: str
    gate: str
    journey: str
    template: str
    purpose: str
    channel: str
    config: int
    record: bytes


class AttemptLine(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of a message."""

    message: bytes
    number: int
    route: str
    account: str
    state: str
    at: datetime
    ended_at: datetime | None
    reason: str | None
    detail: str | None
    label: str | None
    provider_id: str | None
    segments: int | None
    price: float | None
    currency: str | None
    estimate: float | None
    #: The rendered content.
    body: Rendition | None


class ReceiptLine(msgspec.Struct, frozen=True, kw_only=True):
    """One receipt of a message."""

    message: bytes
    attempt: int
    status: str
    reason: str | None
    detail: str
    at: datetime
    received_at: datetime


class MessageView(msgspec.Struct, frozen=True):
    """A message with everything that led to it and came of it, each in order."""

    message: MessageLine
    decisions: tuple[DecisionLine, ...]
    attempts: tuple[AttemptLine, ...]
    receipts: tuple[ReceiptLine, ...]


class RungLine(msgspec.Struct, frozen=True):
    """One candidate of an escalation: its last decision, and the message made of it; None when there is none."""

    decision: DecisionLine
    message: MessageLine | None


Happening = Entry | DecisionLine | MessageLine | AttemptLine | ReceiptLine


class Moment(msgspec.Struct, frozen=True, array_like=True):
    """A place on a timeline: time, rank of the kind, and what names the thing. Totally ordered."""

    at: datetime
    rank: int
    reference: bytes


class LedgerLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the consent ledger."""

    number: int
    purpose: str
    channel: str
    state: str
    at: datetime
    source: str
    evidence: dict[str, object] | None


class StandingStop(msgspec.Struct, frozen=True):
    """A stop with the time since when it stands."""

    stop: Stop
    at: datetime


class CostLine(msgspec.Struct, frozen=True, kw_only=True):
    """What was handed over in one currency: accepted attempts, our counts and estimates, and what providers told."""

    #: The market, route, template or purpose.
    key: str
    #: None while neither an estimate nor a price is known.
    currency: str | None
    messages: int
    #: Segments by our own count, and as providers told them (ours where they told nothing).
    counted: int
    segments: int
    #: Messages whose provider counted otherwise than we did.
    recounted: int
    #: Sums in that currency; None where nothing is known in it.
    estimated: float | None
    told: float | None
    #: Messages with a price told.
    priced: int
    #: Over the messages with both an estimate and a price in the same currency: what may be compared.
    estimated_of_told: float | None
    told_of_estimated: float | None


class Check(msgspec.Struct, frozen=True):
    """One condition of being ready."""

    name: str
    ok: bool
    detail: str


class Reading(Protocol):
    """What the pages ask. Every method raises Unavailable when the database does not answer."""

    async def profile(self, stream: bytes) -> Profile | None:
        """The profile, unless it does not exist or is deleted."""
        ...

    async def object(self, stream: bytes) -> Object | None:
        """The newest version of an object, unless it does not exist or is deleted."""
        ...

    async def relations(self, from_stream: bytes, to_stream: bytes, role: str) -> list[Relation]:
        """The stored relations of a role between two entities; their keys are empty, the caller knows them."""
        ...

    async def consents(self, stream: bytes, before: int, most: int) -> list[LedgerLine]:
        """Lines of the consent ledger whose number is below `before`, newest first."""
        ...

    async def stops(self, keys: Collection[str]) -> list[StandingStop]:
        """The stops among these keys."""
        ...

    async def soft_bounces(self, address: bytes) -> int:
        """On how many days mail to an address, by its keyed hash, came back for passing reasons, as far as known."""
        ...

    async def stops_of(self, scopes: Collection[str], after: str, most: int) -> list[StandingStop]:
        """Stops of these scopes in the order of their keys, after a key."""
        ...

    async def streams_of(self, address: bytes) -> list[bytes]:
        """The entities with an address, by its keyed hash."""
        ...

    async def messages(self, asked: MessageFilter) -> list[MessageLine]:
        """A page of messages."""
        ...

    async def message(self, identifier: bytes) -> MessageView | None:
        """One message with all that belongs to it."""
        ...

    async def decisions(self, asked: DecisionFilter) -> list[DecisionLine]:
        """A page of decisions."""
        ...

    async def decision(self, identifier: bytes) -> list[DecisionLine]:
        """All decisions on one candidate, first to last; none when there is no such candidate."""
        ...

    async def beside(self, identifier: bytes, stream: bytes) -> list[RungLine]:
        """The candidates of a stream that came up at the instant of this one, itself included, in order of their ids.

        Those of its escalation are among them: an escalation keeps the instant and shard of its first candidate. Which
        they are, their records say (`outrider.orchestration.escalation`).
        """
        ...

    async def timeline(
        self, streams: Collection[bytes], since: datetime, before: Moment, most: int
    ) -> list[tuple[Moment, Happening]]:
        """What happened to a person, under these streams, since an instant and before a moment, newest first."""
        ...

    async def costs(self, since: datetime, by: str) -> list[CostLine]:
        """What was handed over since an instant, by `market`, `route`, `template` or `purpose`, in order."""
        ...

    async def board(self) -> tuple[Board, datetime]:
        """The health of all routes, and the database's time."""
        ...

    async def route_changes(self, routes: Sequence[str], since: datetime, most: int) -> list[RouteChange]:
        """The newest changes of some routes since an instant, at most so many of each, newest first."""
        ...

    async def resting(self, seconds: float) -> dict[str, int]:
        """Route → how many processes let it rest, by what they said within the last so many seconds."""
        ...

    async def checks(self) -> list[Check]:
        """Whether the database answers, its tables are current, and engine and delivery hold fresh leases."""
        ...

    async def backlog(self) -> dict[str, float]:
        """What waits where, by name: counts (at most 1,000,000 each) and ages in seconds."""
        ...


class Letters(Protocol):
    """The dead letters. Every method raises Unavailable when the database does not answer."""

    async def list_letters(self, *, kind: str | None, replayed: bool, before: bytes, most: int) -> list[DeadLetter]:
        """Letters below an id, newest first, without their raw bytes; open ones only unless `replayed`."""
        ...

    async def show_letter(self, identifier: bytes) -> DeadLetter | None:
        """One letter with its raw bytes."""
        ...

    async def replay_letter(self, identifier: bytes) -> int:
        """Append a quarantined stimulus and all that waits behind it again, in one transaction; how many stimuli.

        Raises CannotReplay, having changed nothing, when the letter is no open stimulus.
        """
        ...

    async def close_letter(self, identifier: bytes) -> bool:
        """Mark a letter as replayed by the caller; False when it was already."""
        ...


class CannotReplay(Exception):
    """The letter cannot be replayed now; the text says why."""


LETTER_KINDS: Sequence[str] = ("event", "stimulus", "callback")
