"""What was handed over and what it cost, on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import asyncpg

from outrider.contracts.reading_store import CostLine
from outrider.lib.ids import first_id_at
from outrider.store.answering import answering
from outrider.store.named import Queries
from outrider.store.pg_engine import LONGEST_HOLD

#: Ids begin here.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class PostgresCosts:
    """The part of the Reading port about costs."""

    _pool: asyncpg.Pool
    _sql: Queries

    @answering
    async def costs(self, since: datetime, by: str) -> list[CostLine]:
        """See the port."""
        floor = first_id_at(max(since, EPOCH + LONGEST_HOLD) - LONGEST_HOLD)
        async with self._pool.acquire() as connection, connection.transaction(readonly=True):
            await connection.execute(self._sql.read_whole)
            if by == "route":
                rows = await connection.fetch(self._sql.sum_costs_by_route, floor, since)
            else:
                rows = await connection.fetch(self._sql.sum_costs, floor, since, by)
        return [_line(row) for row in rows]


def _line(row: Any) -> CostLine:
    return CostLine(**dict(row.items()))
