"""Requests that take effect once, on PostgreSQL: the answer is kept by the transaction that stores the entry."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import asyncpg

from outrider.domain.request import KeptAnswer, KeyedRequest
from outrider.store.named import Queries
from outrider.store.pg_log import PostgresLog
from outrider.store.rows import columns


class PostgresAnswers(PostgresLog):
    """`append_once` and its kin of the Log port."""

    _pool: asyncpg.Pool
    _sql: Queries

    async def append_once(self, requests: Sequence[KeyedRequest]) -> list[KeptAnswer]:
        """See the port."""
        first = {request.key: request for request in reversed(requests)}
        ordered = [first[key] for key in sorted(first)]
        async with self._pool.acquire() as connection, connection.transaction():
            new = await self._keep(connection, ordered)
            fresh = [request.entry for request in ordered if request.key in new]
            if fresh:
                await self.append_within(connection, fresh)
            kept = {row["key"]: row for row in await connection.fetch(self._sql.load_answers, list(first))}
        return [_kept(kept[each.key], each.key in new and first[each.key] is each) for each in requests]

    async def _keep(self, connection: Any, requests: Sequence[KeyedRequest]) -> set[bytes]:
        """The keys that were new. In the order of the keys, so that two transactions wait in one direction only."""
        rows = [(each.key, each.fingerprint, each.message, each.answer) for each in requests]
        return {row["key"] for row in await connection.fetch(self._sql.keep_answers, *columns(rows, 4))}

    async def kept_answer(self, key: bytes) -> KeptAnswer | None:
        """See the port."""
        row = await self._pool.fetchrow(self._sql.load_answers, [key])
        return _kept(row, new=False) if row else None

    async def settle_answer(self, key: bytes, answer: bytes) -> bytes:
        """See the port."""
        return bytes(await self._pool.fetchval(self._sql.settle_answer, key, answer) or answer)

    async def drop_answers(self, age: timedelta) -> int:
        """See the port."""
        return int((await self._pool.execute(self._sql.drop_answers, age)).split()[-1])

    async def drop_event_keys(self, age: timedelta, at_most: int) -> int:
        """See the port."""
        return int((await self._pool.execute(self._sql.drop_event_keys, age, at_most)).split()[-1])


def _kept(row: Any, new: bool) -> KeptAnswer:
    return KeptAnswer(row["fingerprint"], row["message"], row["answer"], new)
