"""Claiming messages from the in-memory outbox, and writing what is about to be sent."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from outrider.domain.entry import OutcomeEntry, Stop
from outrider.domain.message import Status
from outrider.domain.outbox import Due, Intent, Refusal, Verdictless
from outrider.domain.stops import ENDING_SCOPES, without_stopped
from outrider.domain.work import Fenced
from outrider.testing.memory_part import Hook, MemoryPart, transaction
from outrider.testing.memory_rows import AttemptRow, CeilingRow, Duplicate, MessageRow

#: How long a pause sets a message back (the port's promise: pauses end within five seconds of being lifted).
PAUSE = timedelta(seconds=5)


class MemoryClaim:
    """The port `Claim`. Open until `commit` or the end of the block."""

    def __init__(self, store: MemoryPart, now: datetime, due: Sequence[Due]) -> None:
        self._store = store
        self._tables = store.tables
        self._now = now
        self._due = tuple(due)
        self._claimed = {each.message.id for each in due}
        self._tables.claimed |= self._claimed

    @property
    def hook(self) -> Hook:
        """The store's."""
        return self._store.hook

    @property
    def now(self) -> datetime:
        """See the port: the instant at which the claim was opened."""
        return self._now

    @property
    def due(self) -> Sequence[Due]:
        """See the port."""
        return self._due

    def close(self) -> None:
        """Unlock what was claimed."""
        self._tables.claimed -= self._claimed
        self._claimed = set()

    @transaction
    async def commit(self, fence: int, intents: Sequence[Intent], others: Sequence[Verdictless]) -> list[Refusal]:
        """See the port.

        The reason of a refusal is a sentence about the stop or the ceiling, or ``moved`` for a message that is no
        longer queued or was not claimed. Raises Fenced, having written nothing, when the worker's lease is over, and
        Duplicate when an attempt exists already.
        """
        self._check(fence, intents)
        tried = [(intent.message.id, self._try(fence, intent)) for intent in intents]
        for other in others:
            row = self._queued(other.message.id)
            if row is not None:
                self._set_back(row, other)
        self.close()
        return [Refusal(message, reason) for message, reason in tried if reason]

    def _check(self, fence: int, intents: Sequence[Intent]) -> None:
        lease = self._tables.delivery_leases.get(fence)
        if lease is None or lease.until <= self._now:
            raise Fenced(f"delivery lease {fence} is over")
        for intent in intents:
            if (intent.message.id, intent.number) in self._tables.attempts:
                raise Duplicate(f"attempt {intent.number} of message {intent.message.id.hex()} exists already")

    def _queued(self, message: bytes) -> MessageRow | None:
        """The row of a claimed message that is still queued."""
        row = self._tables.messages.get(message) if message in self._claimed else None
        return row if row is not None and row.status is Status.QUEUED else None

    def _try(self, fence: int, intent: Intent) -> str:
        """Write an intent; the reason when it must not be."""
        row = self._queued(intent.message.id)
        if row is None:
            return "moved"
        stop = self._stop(intent)
        if stop is not None:
            return self._obey(row, stop)
        if not self._count(row.message.address):
            reason = self._over()
            self._tables.end_message(row, Status.FAILED, self._now, reason, awaited=row.message.awaited)
            return reason
        self._write(row, fence, intent)
        return ""

    def _stop(self, intent: Intent) -> Stop | None:
        """The stop that decides: an ending one before a pause, then the order of the intent's keys."""
        stops = [self._tables.stops[key] for key in intent.stop_keys if key in self._tables.stops]
        return next((stop for stop in stops if stop.scope in ENDING_SCOPES), stops[0] if stops else None)

    def _obey(self, row: MessageRow, stop: Stop) -> str:
        reason = f"{stop.scope} stop: {stop.reason}"
        if stop.scope in ENDING_SCOPES:
            self._tables.set_status(row, Status.CANCELED, self._now, reason)
        else:
            self._tables.outbox.set(row.message.id, self._now + PAUSE)
        return reason

    def _over(self) -> str:
        most = self._store.ceiling
        return f"ceiling: at most {most.per_hour} messages an hour and {most.per_day} a day go to one address"

    def _count(self, address: bytes) -> bool:
        """Count one more intent for an address; False, counting nothing, when its hour or day is full."""
        at = self._now.astimezone(UTC)
        hour, day = at.replace(minute=0, second=0, microsecond=0), at.date()
        row = self._tables.ceilings.get(address)
        in_hour = row.in_hour if row and row.hour == hour else 0
        in_day = row.in_day if row and row.day == day else 0
        if in_hour >= self._store.ceiling.per_hour or in_day >= self._store.ceiling.per_day:
            return False
        self._tables.ceilings[address] = CeilingRow(hour, day, in_hour + 1, in_day + 1)
        return True

    def _write(self, row: MessageRow, fence: int, intent: Intent) -> None:
        key = (intent.message.id, intent.number)
        self._tables.attempts[key] = AttemptRow(
            message=intent.message.id,
            number=intent.number,
            route=intent.route,
            account=intent.account,
            fence=fence,
            at=self._now,
            body=intent.body,
            label=intent.label,
            estimate=intent.estimate,
            currency=intent.currency,
            segments=intent.segments,
        )
        row.intent_at, row.attempts = self._now, max(row.attempts, intent.number)
        self._tables.set_status(row, Status.SENDING, self._now)

    def _set_back(self, row: MessageRow, other: Verdictless) -> None:
        if other.what == "retry":
            self._tables.outbox.set(row.message.id, other.at or self._now)
        elif other.what == "closed":
            status = other.status or Status.FAILED
            self._tables.end_message(row, status, self._now, other.reason, awaited=row.message.awaited)
        else:
            self._tables.outbox.drop(row.message.id)
            self._tables.tell(row.message.stream, OutcomeEntry(row.message.id, "stale", other.reason), self._now)


class MemoryOutbox(MemoryPart):
    """The outbox as delivery sees it."""

    @asynccontextmanager
    async def claim(self, most: int) -> AsyncIterator[MemoryClaim]:
        """See the port."""
        self.hook("claim", "before")
        now = self.clock.now()
        claim = MemoryClaim(self, now, self._due(now, most))
        try:
            self.hook("claim", "after")
            yield claim
        finally:
            claim.close()

    def _due(self, now: datetime, most: int) -> list[Due]:
        """Ties of lane and due time are ordered by message id."""
        tables = self.tables
        found = [tables.messages[each] for each in tables.outbox.due(now) if each not in tables.claimed]
        found = [row for row in found if not row.erased]
        found.sort(key=lambda row: row.message.lane)
        return [Due(without_stopped(row.current(), tables.stops), tables.past(row)) for row in found[:most]]

    @transaction
    async def newly_stopped(self, keys: Collection[str], since: datetime) -> set[str]:
        """See the port."""
        return self.tables.stops.keys() & set(keys)

    @transaction
    async def next_due(self) -> datetime | None:
        """See the port."""
        return self.tables.outbox.first()
