"""Leases of delivery workers, outcomes and doubts, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from outrider.domain.attempt import Accepted, AttemptState, Outcome, Reason, Refused
from outrider.domain.entry import DeadAddressEntry
from outrider.domain.message import Status
from outrider.domain.outbox import Done, Next, OpenDoubt, Resolved
from outrider.domain.purpose import Purpose
from outrider.testing.memory_bounces import MemoryBounces
from outrider.testing.memory_claim import MemoryOutbox
from outrider.testing.memory_part import transaction
from outrider.testing.memory_rows import AttemptRow, DeliveryLease, DoubtRow, MessageRow

UNANSWERED = frozenset({AttemptState.INTENT})
PROVABLE = frozenset({AttemptState.INTENT, AttemptState.UNKNOWN, AttemptState.UNRESOLVED, AttemptState.ABSENT})


class MemoryDelivery(MemoryOutbox, MemoryBounces):
    """The port `DeliveryStore` without receipts."""

    @transaction
    async def open_lease(self, owner: str, seconds: float) -> int:
        """See the port."""
        self.tables.last_fence += 1
        until = self.clock.now() + timedelta(seconds=seconds)
        self.tables.delivery_leases[self.tables.last_fence] = DeliveryLease(owner, until)
        return self.tables.last_fence

    @transaction
    async def renew_lease(self, fence: int, seconds: float, floor: bytes) -> bool:
        """See the port. A lease that is over is gone, whether it was rescued or not."""
        now = self.clock.now()
        lease = self.tables.delivery_leases.get(fence)
        if lease is None or lease.until <= now:
            return False
        lease.until, lease.floor = now + timedelta(seconds=seconds), floor
        return True

    @transaction
    async def close_lease(self, fence: int) -> None:
        """See the port. A lease that still has intents is over from now on, and is left to `rescue`."""
        lease = self.tables.delivery_leases.get(fence)
        if lease is None:
            return
        if self._intents(fence):
            lease.until = min(lease.until, self.clock.now())
        else:
            del self.tables.delivery_leases[fence]

    def _intents(self, fence: int) -> list[AttemptRow]:
        attempts = self.tables.attempts.values()
        return [each for each in attempts if each.fence == fence and each.state is AttemptState.INTENT]

    @transaction
    async def finish(self, fence: int, done: Sequence[Done]) -> None:
        """See the port. Acceptance is proof: it also ends a doubt that a rescue opened, even one given up."""
        now = self.clock.now()
        for each in done:
            attempt = self.tables.attempts.get((each.message, each.number))
            known = PROVABLE if isinstance(each.outcome, Accepted) else UNANSWERED
            if attempt is not None and attempt.state in known and attempt.fence == fence:
                self._finish(attempt, each, now)

    def _finish(self, attempt: AttemptRow, done: Done, now: datetime) -> None:
        row = self.tables.messages[done.message]
        attempt.ended_at = now
        self.tables.doubts.pop((done.message, done.number), None)
        self._record(row, attempt, done.outcome)
        if done.next.check_at is not None:
            self._doubt(attempt, done.next.check_at, done.next.give_up_at or done.next.check_at)
        moves = (Status.SENDING, Status.UNKNOWN, *((Status.QUEUED,) if isinstance(done.outcome, Accepted) else ()))
        if row.status in moves:
            self._follow(row, done.next, now, awaited=done.awaited)

    def _record(self, row: MessageRow, attempt: AttemptRow, outcome: Outcome) -> None:
        attempt.detail = "" if isinstance(outcome, Accepted) else outcome.detail
        if isinstance(outcome, Accepted):
            attempt.state, attempt.price = AttemptState.ACCEPTED, outcome.price
            attempt.segments = outcome.segments or attempt.segments
            attempt.currency = outcome.currency or attempt.currency
            self._know(attempt, outcome.provider_id)
        elif isinstance(outcome, Refused):
            attempt.state, attempt.reason = AttemptState.REFUSED, outcome.reason
            self.tables.suppress(row, outcome.reason)
            self._note_bounce(row, outcome.reason)
        else:
            attempt.state = AttemptState.UNKNOWN
        own = isinstance(outcome, Refused) and outcome.reason is Reason.DEAD_ADDRESS
        message = row.message
        for address in (*((message.address,) if own else ()), *outcome.dead):
            self.tables.tell(message.stream, DeadAddressEntry(message.channel, address), self.clock.now())

    def _know(self, attempt: AttemptRow, provider_id: str | None) -> None:
        """Enter a provider's message id in the directory; the first attempt that has it keeps it."""
        if provider_id:
            attempt.provider_id = provider_id
            key = (attempt.account, provider_id)
            self.tables.provider_messages.setdefault(key, (attempt.message, attempt.number))

    def _doubt(self, attempt: AttemptRow, check_at: datetime, give_up_at: datetime) -> None:
        self.tables.doubts[attempt.message, attempt.number] = DoubtRow(attempt.at, check_at, give_up_at)

    def _follow(self, row: MessageRow, following: Next, now: datetime, *, awaited: bool) -> None:
        """Do what follows for a message that no receipt moved meanwhile."""
        if following.retry_at is not None:
            self.tables.set_status(row, Status.QUEUED, now, following.reason)
            self.tables.outbox.set(row.message.id, following.retry_at)
        elif following.check_at is not None:
            self.tables.set_status(row, Status.UNKNOWN, now, following.reason)
        else:
            self.tables.end_message(row, following.status, now, following.reason, awaited=awaited)

    @transaction
    async def rescue(self, grace_seconds: float, resolve_within: Mapping[Purpose, timedelta]) -> int:
        """See the port."""
        now = self.clock.now()
        grace = timedelta(seconds=grace_seconds)
        over = [fence for fence, lease in self.tables.delivery_leases.items() if now - lease.until > grace]
        intents = [attempt for fence in over for attempt in self._intents(fence)]
        for attempt in intents:
            row = self.tables.messages[attempt.message]
            attempt.state, attempt.ended_at = AttemptState.UNKNOWN, now
            self._doubt(attempt, now, attempt.at + resolve_within[row.message.purpose])
            if row.status is Status.SENDING:
                self.tables.set_status(row, Status.UNKNOWN, now)
        for fence in over:
            del self.tables.delivery_leases[fence]
        return len(intents)

    @transaction
    async def doubts(self, most: int) -> list[OpenDoubt]:
        """See the port. Then by message and number."""
        now = self.clock.now()
        due = [(doubt.give_up_at, key) for key, doubt in self.tables.doubts.items() if doubt.check_at <= now]
        due = [(at, key) for at, key in due if not self.tables.messages[key[0]].erased]
        return [self._open_doubt(key, self.tables.doubts[key]) for _, key in sorted(due)[:most]]

    def _open_doubt(self, key: tuple[bytes, int], doubt: DoubtRow) -> OpenDoubt:
        row, attempt = self.tables.messages[key[0]], self.tables.attempts[key]
        return OpenDoubt(
            message=row.current(),
            past=self.tables.past(row),
            number=attempt.number,
            account=attempt.account,
            route=attempt.route,
            body=attempt.body,
            since=doubt.since,
            give_up_at=doubt.give_up_at,
            checks=doubt.checks,
            opened_at=attempt.ended_at or doubt.since,
            now=self.clock.now(),
        )

    @transaction
    async def owner(self, account: str, provider_id: str) -> tuple[bytes, int] | None:
        """See the port."""
        return self.tables.provider_messages.get((account, provider_id))

    @transaction
    async def resolve(self, resolved: Sequence[Resolved]) -> None:
        """See the port."""
        now = self.clock.now()
        for each in resolved:
            doubt = self.tables.doubts.get((each.message, each.number))
            if doubt is not None:
                self._resolve(doubt, each, now)

    def _resolve(self, doubt: DoubtRow, resolved: Resolved, now: datetime) -> None:
        key = (resolved.message, resolved.number)
        if resolved.state is None:
            doubt.check_at, doubt.checks = resolved.check_at or now, doubt.checks + 1
            return
        del self.tables.doubts[key]
        row, attempt = self.tables.messages[resolved.message], self.tables.attempts[key]
        attempt.state, attempt.ended_at = resolved.state, now
        self._know(attempt, resolved.provider_id)
        if resolved.next is not None and row.status is Status.UNKNOWN:
            self._follow(row, resolved.next, now, awaited=resolved.awaited)

    @transaction
    async def count_attempts(self, state: AttemptState) -> int:
        """See the port."""
        return sum(1 for attempt in self.tables.attempts.values() if attempt.state is state)
