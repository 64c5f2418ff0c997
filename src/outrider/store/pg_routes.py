"""Route health on PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from outrider.contracts.route_store import Span
from outrider.domain.health import Board, Look, RouteChange, RouteHealth, Seen, Told
from outrider.lib.ids import first_id_at
from outrider.store.named import Queries
from outrider.store.pg_engine import LONGEST_HOLD
from outrider.store.rows import columns


class PostgresRoutes:
    """The RouteStore port."""

    _pool: asyncpg.Pool
    _sql: Queries

    async def board(self) -> tuple[Board, datetime]:
        """See the port."""
        row = await self._pool.fetchrow(self._sql.route_board)
        routes = msgspec.json.decode(row["routes"], type=dict[str, RouteHealth])
        return Board(row["version"], row["seen_until"], row["told_until"], routes), row["now"]

    async def look(self, span: Span) -> Look:
        """See the port."""
        floors = [first_id_at(start - LONGEST_HOLD) for start, _ in (span.seen, span.told)]
        reasons = sorted(map(str, span.about_route))
        seen = await self._pool.fetch(self._sql.look_seen, *span.seen, floors[0], reasons, span.slow_after)
        told = await self._pool.fetch(self._sql.look_told, *span.told, floors[1])
        return Look(tuple(Seen(*row) for row in seen), tuple(Told(*row) for row in told))

    async def save_board(self, board: Board, changes: Sequence[RouteChange] = ()) -> bool:
        """See the port."""
        routes = msgspec.json.encode(board.routes).decode()
        fields = (board.version, board.seen_until, board.told_until, routes)
        async with self._pool.acquire() as connection, connection.transaction():
            if await connection.fetchval(self._sql.save_route_board, *fields) is None:
                return False
            await self._add(connection, changes)
        return True

    async def note_changes(self, changes: Sequence[RouteChange]) -> None:
        """See the port."""
        await self._add(self._pool, changes)

    async def _add(self, connection: Any, changes: Sequence[RouteChange]) -> None:
        if changes:
            rows = [
                (one.at, one.route, one.kind, one.before, one.after, one.reason, _json(one.evidence), one.process)
                for one in changes
            ]
            await connection.execute(self._sql.add_route_changes, *columns(rows, 8))

    async def route_changes(self, routes: Sequence[str], since: datetime, most: int) -> list[RouteChange]:
        """See the port."""
        rows = await self._pool.fetch(self._sql.page_route_changes, list(routes), since, most)
        return [_change(row) for row in rows]

    async def resting(self, seconds: float) -> dict[str, int]:
        """See the port."""
        rows = await self._pool.fetch(self._sql.open_breakers, seconds)
        return {row["route"]: row["processes"] for row in rows}


def _json(evidence: dict[str, float]) -> str:
    return msgspec.json.encode(evidence).decode()


def _change(row: Any) -> RouteChange:
    evidence = msgspec.json.decode(row["evidence"], type=dict[str, float])
    words = (row["kind"], row["before"], row["after"], row["reason"])
    return RouteChange(row["at"], row["route"], *words, evidence, row["process"])
