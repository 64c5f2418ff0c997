"""Delivery's store on PostgreSQL: claims, intents, outcomes, rescue, doubts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from outrider.domain.attempt import Accepted, AttemptState, Reason, Refused, Unknown
from outrider.domain.entry import DeadAddressEntry, Entry, OutcomeEntry, Stop
from outrider.domain.message import Message, Rendition, Status
from outrider.domain.outbox import Ceiling, Done, Next, OpenDoubt, Past, Resolved
from outrider.domain.purpose import PURPOSES, Purpose
from outrider.domain.stops import HARD_BOUNCES, address_key, suppression
from outrider.lib.ids import Hasher
from outrider.store.named import Queries
from outrider.store.pg_bounces import PostgresBounces
from outrider.store.pg_claim import PostgresClaim
from outrider.store.rows import NEVER, columns, counted, read_message, read_past, told
from outrider.store.vault import Vault

#: A stop carries the time its transaction began, which is over by then: the server ends one that stands still for 10 s.
LONGEST_APPEND = timedelta(seconds=15)
#: From so many recent stops on they are looked for by key.
RECENT_STOPS = 200
#: Refusals that may suppress an address, by its channel.
ENDING_REASONS = HARD_BOUNCES | {Reason.OPTED_OUT}


class PostgresDeliveryStore(PostgresBounces):
    """The DeliveryStore port but for receipts."""

    _pool: asyncpg.Pool
    _vault: Vault
    _sql: Queries
    _hasher: Hasher
    ceiling: Ceiling

    async def open_lease(self, owner: str, seconds: float) -> int:
        """See the port."""
        return int(await self._pool.fetchval(self._sql.open_lease, owner, seconds))

    async def renew_lease(self, fence: int, seconds: float, floor: bytes) -> bool:
        """See the port."""
        return await self._pool.fetchval(self._sql.renew_lease, fence, seconds, floor) is not None

    async def close_lease(self, fence: int) -> None:
        """See the port."""
        await self._pool.execute(self._sql.end_lease, fence)

    @asynccontextmanager
    async def claim(self, most: int) -> AsyncIterator[PostgresClaim]:
        """See the port."""
        async with self._pool.acquire() as connection, connection.transaction():
            claim = PostgresClaim(connection, self._vault, self._sql, self.ceiling, self._append_plain)
            await claim.load(most, self._opened)
            yield claim

    async def newly_stopped(self, keys: Collection[str], since: datetime) -> set[str]:
        """See the port. Hardly ever was anything stopped just now: then the keys need not travel."""
        rows = await self._pool.fetch(self._sql.recent_stops, since - LONGEST_APPEND, RECENT_STOPS)
        if len(rows) == RECENT_STOPS:
            rows = await self._pool.fetch(self._sql.find_stops, list(keys))
        return {row["key"] for row in rows} & set(keys) if rows else set()

    async def next_due(self) -> datetime | None:
        """See the port."""
        due: datetime | None = await self._pool.fetchval(self._sql.next_due)
        return due

    async def finish(self, fence: int, done: Sequence[Done]) -> None:
        """See the port."""
        done = sorted(done, key=lambda one: one.message)
        accepted = [one for one in done if isinstance(one.outcome, Accepted)]
        others = [one for one in done if not isinstance(one.outcome, Accepted)]
        async with self._pool.acquire() as connection, connection.transaction():
            if accepted:
                rows = [self._accepted_row(one) for one in accepted]
                await connection.execute(self._sql.finish_accepted, rows, fence)
                await self._tell_dead(connection, accepted)
            if others:
                await self._finish_others(connection, fence, others)

    def _accepted_row(self, one: Done) -> tuple[Any, ...]:
        outcome = one.outcome
        assert isinstance(outcome, Accepted)
        key = self._hasher.provider_message(one.account, outcome.provider_id)
        return (
            one.message,
            one.number,
            told(outcome.provider_id),
            counted(outcome.segments),
            outcome.price,
            told(outcome.currency) if outcome.currency else None,
            key,
        )

    async def _finish_others(self, connection: Any, fence: int, done: Sequence[Done]) -> None:
        rows = [(one.message, one.number, *_refusal(one)) for one in done]
        open_still = {
            (row["message"], row["number"])
            for row in await connection.fetch(self._sql.finish_attempts, *columns(rows, 5), fence)
        }
        moving = [one for one in done if (one.message, one.number) in open_still]
        # Before the engine hears of the failure: the next decision must not use the address again.
        await self._tell_dead(connection, moving)
        await self._follow(connection, [(one.message, one.stream, one.number, one.next, one.awaited) for one in moving])
        await self._suppress(connection, {one.message: reason for one in moving if (reason := _ends_address(one))})
        await self._note_bounces(connection, [(one.message, _reason(one)) for one in moving])

    async def _follow(self, connection: Any, moves: Sequence[tuple[bytes, bytes, int, Next, bool]]) -> None:
        """Move messages after their attempts: queued again, in doubt, or at rest."""
        rows = [(message, str(next_.status), next_.reason) for message, _, _, next_, _ in moves]
        moved = {row["id"] for row in await connection.fetch(self._sql.move_messages, *columns(rows, 3))}
        live = [move for move in moves if move[0] in moved]
        await self._fill_outbox(connection, [(message, next_.retry_at) for message, _, _, next_, _ in live])
        doubts = [
            (message, number, next_.check_at, next_.give_up_at)
            for message, _, number, next_, _ in moves
            if next_.check_at is not None
        ]
        if doubts:
            await connection.execute(self._sql.open_doubts, *columns(doubts, 4))
        await self._tell_engine(connection, live)

    async def _fill_outbox(self, connection: Any, retries: Iterable[tuple[bytes, datetime | None]]) -> None:
        again = [(message, at) for message, at in retries if at is not None]
        if not again:
            return
        purposes = await connection.fetch(self._sql.purposes_of, [message for message, _ in again])
        lanes = {row["id"]: int(PURPOSES[Purpose(row["purpose"])].lane) for row in purposes}
        rows = [(message, lanes[message], at) for message, at in again]
        await connection.execute(self._sql.fill_outbox, *columns(rows, 3))

    async def _tell_engine(self, connection: Any, moves: Sequence[tuple[bytes, bytes, int, Next, bool]]) -> None:
        ended = (Status.FAILED, Status.EXPIRED)
        now: datetime = await connection.fetchval("select clock_timestamp()") if moves else NEVER
        entries = [
            Entry(stream, OutcomeEntry(message, str(next_.status), next_.reason), now)
            for message, stream, _, next_, awaited in moves
            if awaited and next_.status in ended
        ]
        if entries:
            await self._append_plain(connection, entries)

    async def _suppress(self, connection: Any, reasons: Mapping[bytes, Reason]) -> None:
        if not reasons:
            return
        rows = await connection.fetch(self._sql.awaited_among, list(reasons))
        found = {row["address"]: why for row in rows if (why := suppression(row["channel"], reasons[row["id"]]))}
        if found:
            await self._put_stops(connection, [Stop(address_key(one), "address", why) for one, why in found.items()])

    async def _tell_dead(self, connection: Any, done: Sequence[Done]) -> None:
        """Addresses that exist no more become entries: the message's own by the reason, further ones by name."""
        gone = {one.message: one for one in done if one.outcome.dead or _is_about(one, Reason.DEAD_ADDRESS)}
        if not gone:
            return
        rows = await connection.fetch(self._sql.awaited_among, list(gone))
        now: datetime = await connection.fetchval("select clock_timestamp()")
        entries = [
            Entry(row["stream"], DeadAddressEntry(row["channel"], address), now)
            for row in rows
            for address in _dead_addresses(gone[row["id"]], row["address"])
        ]
        await self._append_plain(connection, entries)

    async def rescue(self, grace_seconds: float, resolve_within: Mapping[Purpose, timedelta]) -> int:
        """See the port."""
        rescued = 0
        async with self._pool.acquire() as connection, connection.transaction():
            for lease in await connection.fetch(self._sql.dead_leases, grace_seconds):
                rows = await connection.fetch(self._sql.rescue, lease["fence"], lease["floor"])
                await self._doubt(connection, rows, resolve_within)
                await connection.execute(self._sql.close_lease, lease["fence"])
                rescued += len(rows)
        return rescued

    async def _doubt(self, connection: Any, rows: Sequence[Any], resolve_within: Mapping[Purpose, timedelta]) -> None:
        if not rows:
            return
        ids = [row["message"] for row in rows]
        await connection.execute(self._sql.rescue_messages, ids)
        purposes = {row["id"]: Purpose(row["purpose"]) for row in await connection.fetch(self._sql.purposes_of, ids)}
        doubts = [
            (row["message"], row["number"], row["at"], row["at"], row["at"] + resolve_within[purposes[row["message"]]])
            for row in rows
        ]
        await connection.execute(self._sql.add_doubts, *columns(doubts, 5))

    async def doubts(self, most: int) -> list[OpenDoubt]:
        """See the port."""
        rows = await self._pool.fetch(self._sql.due_doubts, most)
        messages = await self._opened(read_message, rows)
        pasts = await self._pasts(self._pool, [row["id"] for row in rows])
        pairs = zip(rows, messages, strict=True)
        return [self._open_doubt(row, message, pasts) for row, message in pairs if message is not None]

    def _open_doubt(self, row: Any, message: Message, pasts: Mapping[bytes, tuple[Past, ...]]) -> OpenDoubt:
        return OpenDoubt(
            message=message,
            past=pasts[row["id"]],
            number=row["number"],
            account=row["account"],
            route=row["route"],
            body=self._vault.open_for(row["stream"], Rendition, row["body"], row["id"]),
            since=row["since"],
            give_up_at=row["give_up_at"],
            checks=row["checks"],
            opened_at=row["opened_at"],
            now=row["read_at"],
        )

    async def _pasts(self, connection: Any, messages: Sequence[bytes]) -> dict[bytes, tuple[Past, ...]]:
        found: dict[bytes, list[Past]] = defaultdict(list)
        if messages:
            for row in await connection.fetch(self._sql.load_past, list(messages)):
                found[row["message"]].append(read_past(row))
        return {message: tuple(found[message]) for message in messages}

    async def owner(self, account: str, provider_id: str) -> tuple[bytes, int] | None:
        """See the port."""
        key = self._hasher.provider_message(account, provider_id)
        row = await self._pool.fetchrow(self._sql.find_provider_messages, [key])
        return None if row is None else (row["message"], row["attempt"])

    async def resolve(self, resolved: Sequence[Resolved]) -> None:
        """See the port."""
        async with self._pool.acquire() as connection, connection.transaction():
            later = [(one.message, one.number, one.check_at) for one in resolved if one.state is None]
            if later:
                await connection.execute(self._sql.delay_doubts, *columns(later, 3))
            ended = [one for one in resolved if one.state is not None]
            if ended:
                await self._end_doubts(connection, ended)

    async def _end_doubts(self, connection: Any, ended: Sequence[Resolved]) -> None:
        rows = [(one.message, one.number, str(one.state), one.provider_id) for one in ended]
        moved = {
            (row["message"], row["number"])
            for row in await connection.fetch(self._sql.resolve_attempts, *columns(rows, 4))
        }
        await connection.execute(self._sql.end_doubts, *columns([(one.message, one.number) for one in ended], 2))
        live = [one for one in ended if (one.message, one.number) in moved]
        ids = [
            (self._hasher.provider_message(one.account, one.provider_id), one.message, one.number)
            for one in live
            if one.provider_id
        ]
        if ids:
            await connection.execute(self._sql.put_provider_messages, *columns(ids, 3))
        await self._follow(
            connection, [(one.message, one.stream, one.number, one.next, one.awaited) for one in live if one.next]
        )

    async def count_attempts(self, state: AttemptState) -> int:
        """See the port."""
        return int(await self._pool.fetchval(self._sql.count_attempts, str(state)))


def _refusal(one: Done) -> tuple[str, str | None, str]:
    """State, reason and detail of an outcome that is not an acceptance."""
    if isinstance(one.outcome, Refused):
        return str(AttemptState.REFUSED), str(one.outcome.reason), told(one.outcome.detail)
    assert isinstance(one.outcome, Unknown)
    return str(AttemptState.UNKNOWN), None, told(one.outcome.detail)


def _is_about(one: Done, reason: Reason) -> bool:
    return isinstance(one.outcome, Refused) and one.outcome.reason is reason


def _dead_addresses(one: Done, own: bytes) -> tuple[bytes, ...]:
    return (own, *one.outcome.dead) if _is_about(one, Reason.DEAD_ADDRESS) else one.outcome.dead


def _ends_address(one: Done) -> Reason | None:
    """The reason of a refusal that may suppress its address."""
    reason = _reason(one)
    return reason if reason in ENDING_REASONS else None


def _reason(one: Done) -> Reason | None:
    return one.outcome.reason if isinstance(one.outcome, Refused) else None
