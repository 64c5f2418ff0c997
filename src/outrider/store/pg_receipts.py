"""Receipts on PostgreSQL: stored once, moving statuses set by set."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from outrider.domain.attempt import AttemptState
from outrider.domain.entry import Entry, ReceiptEntry, Stop
from outrider.domain.lattice import PROVED, engagement, moves_from
from outrider.domain.receipt import Receipt, ReceiptStatus, Reported
from outrider.domain.stops import address_key, suppression
from outrider.lib.ids import Hasher
from outrider.store.named import Queries
from outrider.store.pg_bounces import PostgresBounces
from outrider.store.rows import columns, counted, told

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Receipt).decode

FROM_SENT = sorted(moves_from(ReceiptStatus.SENT))
FROM_UNDELIVERED = sorted(moves_from(ReceiptStatus.UNDELIVERED))
FROM_DELIVERED = sorted(moves_from(ReceiptStatus.DELIVERED))


class Matched(msgspec.Struct, frozen=True):
    """A receipt whose attempt is known."""

    message: bytes
    number: int
    reported: Reported
    digest: bytes
    #: The attempt was proved to be accepted before, which is for good: no doubt is open, and nothing waits to be sent.
    proved: bool


def digest_of(reported: Reported) -> bytes:
    """What makes a receipt the same as another: account, provider id, status and detail."""
    receipt = reported.receipt
    parts = (reported.account, receipt.provider_id, str(receipt.status), receipt.detail)
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).digest()


class PostgresReceipts(PostgresBounces):
    """`report` and `match_orphans` of the DeliveryStore port."""

    _pool: asyncpg.Pool
    _sql: Queries
    _hasher: Hasher

    async def report(self, reported: Sequence[Reported]) -> int:
        """See the port."""
        async with self._pool.acquire() as connection, connection.transaction():
            matched, orphans = await self._match(connection, reported)
            if orphans:
                rows = [self._orphan_row(orphan) for orphan in orphans]
                await connection.execute(self._sql.keep_orphans, *columns(rows, 5))
            return await self._receive(connection, matched)

    async def match_orphans(self, most: int) -> int:
        """See the port."""
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(self._sql.take_orphans, most)
            reported = [Reported(row["account"], _unpack(row["receipt"]), row["received_at"]) for row in rows]
            matched, _ = await self._match(connection, reported)
            if matched:
                await connection.execute(self._sql.drop_orphans, [one.digest for one in matched])
            return await self._receive(connection, matched)

    def _orphan_row(self, reported: Reported) -> tuple[Any, ...]:
        receipt = reported.receipt
        return digest_of(reported), reported.account, self._key(reported), _pack(receipt), reported.received_at

    async def _match(self, connection: Any, reported: Sequence[Reported]) -> tuple[list[Matched], list[Reported]]:
        """Find each receipt's attempt, by its echo or by the provider's id."""
        keys = {
            self._hasher.provider_message(one.account, one.receipt.provider_id): one
            for one in reported
            if one.attempt is None
        }
        directory = {}
        if keys:
            rows = await connection.fetch(self._sql.find_provider_messages, list(keys))
            directory = {row["key"]: (row["message"], row["attempt"]) for row in rows}
        named = [(one, one.attempt or directory.get(self._key(one))) for one in reported]
        known = await self._known(connection, [attempt for _, attempt in named if attempt is not None])
        matched = [
            Matched(attempt[0], attempt[1], one, digest_of(one), known[attempt] == AttemptState.ACCEPTED)
            for one, attempt in named
            if attempt in known and attempt
        ]
        return matched, [one for one, attempt in named if attempt not in known]

    def _key(self, one: Reported) -> bytes:
        return self._hasher.provider_message(one.account, one.receipt.provider_id)

    async def _known(self, connection: Any, attempts: Iterable[tuple[bytes, int]]) -> dict[tuple[bytes, int], str]:
        rows = sorted(set(attempts))
        if not rows:
            return {}
        found = await connection.fetch(self._sql.known_attempts, *columns(rows, 2))
        return {(row["message"], row["number"]): row["state"] for row in found}

    async def _receive(self, connection: Any, matched: Sequence[Matched]) -> int:
        if not matched:
            return 0
        unique = {(one.message, one.digest): one for one in sorted(matched, key=lambda one: (one.message, one.digest))}
        rows = [_receipt_row(one) for one in unique.values()]
        stored = {
            (row["message"], row["digest"])
            for row in await connection.fetch(self._sql.save_receipts, *columns(rows, 8))
        }
        fresh = [one for key, one in unique.items() if key in stored]
        if fresh:
            await self._apply(connection, fresh)
        return len(fresh)

    async def _apply(self, connection: Any, fresh: Sequence[Matched]) -> None:
        if proofs := _best_proofs([one for one in fresh if not one.proved or _tells_cost(one)]):
            await connection.execute(self._sql.prove_attempts, *columns(proofs, 6))
        if doubtful := sorted({(one.message, one.number) for one in fresh if not one.proved}):
            await connection.execute(self._sql.end_doubts, *columns(doubtful, 2))
        for status in (ReceiptStatus.SENT, ReceiptStatus.UNDELIVERED, ReceiptStatus.DELIVERED, ReceiptStatus.SEEN):
            rows = [_move_row(one) for one in fresh if one.reported.receipt.status is status]
            if rows:
                await connection.execute(
                    self._sql.receive, *columns(rows, 5), FROM_SENT, FROM_UNDELIVERED, FROM_DELIVERED
                )
        engaged = [(one.message, bits) for one in fresh if (bits := engagement(one.reported.receipt.status))]
        if engaged:
            await connection.execute(self._sql.engage, *columns(engaged, 2))
        if doubtful:
            await connection.execute(self._sql.leave_outbox, sorted({message for message, _ in doubtful}))
        await self._tell(connection, fresh)

    async def _tell(self, connection: Any, fresh: Sequence[Matched]) -> None:
        """Receipts of awaited messages become stimuli; an opt-out or a hard bounce becomes a stop."""
        rows = await connection.fetch(self._sql.awaited_among, sorted({one.message for one in fresh}))
        by_id = {row["id"]: row for row in rows}
        entries = [
            Entry(by_id[one.message]["stream"], ReceiptEntry(one.message, one.reported.receipt), _received(one))
            for one in fresh
            if one.message in by_id and by_id[one.message]["awaited"]
        ]
        if entries:
            await self._append_plain(connection, entries)
        rows = [(by_id[one.message], one.reported.receipt.reason) for one in fresh if one.message in by_id]
        found = {row["address"]: why for row, reason in rows if (why := suppression(row["channel"], reason))}
        if found:
            stops = [Stop(address_key(address), "address", why) for address, why in sorted(found.items())]
            await self._put_stops(connection, stops)
        lost = [(one.message, one.reported.receipt.reason) for one in fresh if _is_lost(one)]
        await self._note_bounces(connection, lost)


def _is_lost(one: Matched) -> bool:
    return one.reported.receipt.status is ReceiptStatus.UNDELIVERED


def _tells_cost(one: Matched) -> bool:
    return one.reported.receipt.segments is not None or one.reported.receipt.price is not None


def _received(one: Matched) -> datetime:
    return one.reported.received_at


def _receipt_row(one: Matched) -> tuple[Any, ...]:
    receipt, received = one.reported.receipt, one.reported.received_at
    return (
        one.message,
        one.digest,
        one.number,
        str(receipt.status),
        str(receipt.reason) if receipt.reason else None,
        told(receipt.detail),
        receipt.at or received,
        received,
    )


def _best_proofs(fresh: Sequence[Matched]) -> list[tuple[Any, ...]]:
    """One proof for each attempt: the receipt that knows the provider's count and price, if any does."""
    best: dict[tuple[bytes, int], tuple[Any, ...]] = {}
    for one in fresh:
        receipt = one.reported.receipt
        words = (told(receipt.provider_id), counted(receipt.segments), receipt.price, receipt.currency)
        row = (one.message, one.number, *words)
        known = best.get(row[:2])
        if known is None or known[4] is None:
            best[row[:2]] = row
    return [best[key] for key in sorted(best)]


def _move_row(one: Matched) -> tuple[Any, ...]:
    receipt = one.reported.receipt
    reason = str(receipt.reason) if receipt.reason else None
    return one.message, one.number, str(PROVED[receipt.status]), reason, _received(one)
