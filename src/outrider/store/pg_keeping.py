"""What delivery drops when its time is over, on PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import asyncpg

from outrider.domain.keeping import KeptFor
from outrider.lib.ids import first_id_at
from outrider.store.named import Queries


class PostgresKeeping:
    """`drop_old` of the DeliveryStore port."""

    _pool: asyncpg.Pool
    _sql: Queries

    async def drop_old(self, kept: KeptFor, at_most: int) -> int:
        """See the port. Each kind is a transaction of its own."""
        now: datetime = await self._pool.fetchval(self._sql.clock)
        floor = first_id_at(now - kept.provider_ids)
        return max(
            await self._drop(self._sql.drop_provider_messages, floor, at_most),
            await self._drop(self._sql.drop_orphan_receipts, now - kept.orphan_receipts, at_most),
            await self._drop(self._sql.drop_open_letters, now - kept.dead_letters, at_most),
            await self._drop(self._sql.drop_replayed_letters, now - kept.replayed_letters, at_most),
            await self._drop(self._sql.drop_ceilings, now, at_most),
        )

    async def _drop(self, statement: str, before: Any, at_most: int) -> int:
        return int((await self._pool.execute(statement, before, at_most)).split()[-1])
