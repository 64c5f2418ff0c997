"""What the pages read about people, stops and the installation, on PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import asyncpg

from outrider.contracts.reading_store import Check, LedgerLine, StandingStop
from outrider.domain.entry import Stop
from outrider.domain.profile import Object, Profile, Relation
from outrider.store.answering import NOT_ANSWERING, answering
from outrider.store.lines import ledger_line
from outrider.store.migrate import MigrationRefused, status
from outrider.store.named import Queries
from outrider.store.pg_costs import PostgresCosts
from outrider.store.pg_pages import PostgresPages
from outrider.store.pg_routes import PostgresRoutes
from outrider.store.postgres import statements
from outrider.store.rows import EVER, NEVER, read_object, read_profile
from outrider.store.vault import Vault


class PostgresReading(PostgresPages, PostgresCosts, PostgresRoutes):
    """The Reading port; the pages of messages, decisions and timelines are in store/pg_pages.py."""

    _pool: asyncpg.Pool
    _vault: Vault
    _sql: Queries

    def __init__(self, pool: asyncpg.Pool, vault: Vault) -> None:
        self._pool = pool
        self._vault = vault
        self._sql = statements()

    board = answering(PostgresRoutes.board)
    route_changes = answering(PostgresRoutes.route_changes)
    resting = answering(PostgresRoutes.resting)

    @answering
    async def profile(self, stream: bytes) -> Profile | None:
        """See the port."""
        row = await self._pool.fetchrow(self._sql.load_profiles, [stream])
        return read_profile(row, self._vault) if row else None

    @answering
    async def object(self, stream: bytes) -> Object | None:
        """See the port."""
        row = await self._pool.fetchrow(self._sql.load_objects, [stream])
        return read_object(row, self._vault) if row else None

    @answering
    async def relations(self, from_stream: bytes, to_stream: bytes, role: str) -> list[Relation]:
        """See the port."""
        rows = await self._pool.fetch(self._sql.show_relations, from_stream, to_stream, role)
        return [_relation(row) for row in rows]

    @answering
    async def consents(self, stream: bytes, before: int, most: int) -> list[LedgerLine]:
        """See the port."""
        rows = await self._pool.fetch(self._sql.page_consents, stream, before, most)
        return [ledger_line(row, self._vault) for row in rows]

    @answering
    async def stops(self, keys: Collection[str]) -> list[StandingStop]:
        """See the port."""
        return [_stop(row) for row in await self._pool.fetch(self._sql.show_stops, list(keys))]

    @answering
    async def soft_bounces(self, address: bytes) -> int:
        """See the port."""
        return int(await self._pool.fetchval(self._sql.count_bounces, address))

    @answering
    async def stops_of(self, scopes: Collection[str], after: str, most: int) -> list[StandingStop]:
        """See the port."""
        return [_stop(row) for row in await self._pool.fetch(self._sql.page_stops, list(scopes), after, most)]

    @answering
    async def streams_of(self, address: bytes) -> list[bytes]:
        """See the port."""
        return [row["stream"] for row in await self._pool.fetch(self._sql.streams_of_address, address)]

    @answering
    async def backlog(self) -> dict[str, float]:
        """See the port."""
        row = await self._pool.fetchrow(self._sql.backlog)
        return dict(row)

    async def checks(self) -> list[Check]:
        """See the port; a database that does not answer is an answer here."""
        try:
            async with self._pool.acquire(timeout=2) as connection:
                migrations, leases = await _migrations(connection), await self._leases(connection)
                return [Check("database", True, "answers"), migrations, *leases]
        except NOT_ANSWERING as error:
            return [Check("database", False, f"does not answer: {type(error).__name__}")]

    async def _leases(self, connection: Any) -> list[Check]:
        row = await connection.fetchrow(self._sql.lease_state)
        held, groups, workers = row["held"], row["groups"], row["workers"]
        return [
            Check("engine", held == groups, f"{held} of {groups} groups are leased by an engine"),
            Check("delivery", workers > 0, f"{workers} delivery workers hold a lease"),
        ]


async def _migrations(connection: Any) -> Check:
    try:
        found = await status(connection)
    except MigrationRefused as error:
        return Check("migrations", False, str(error))
    if found.pending:
        return Check("migrations", False, f"{len(found.pending)} are pending, first {found.pending[0]}")
    return Check("migrations", True, f"{len(found.applied)} applied")


def _relation(row: Any) -> Relation:
    start, end = row["valid_from"], row["valid_to"]
    return Relation(
        row["from_kind"],
        "",
        row["to_kind"],
        "",
        row["role"],
        None if start <= NEVER else start,
        None if end >= EVER else end,
    )


def _stop(row: Any) -> StandingStop:
    return StandingStop(Stop(row["key"], row["scope"], row["reason"]), row["at"])
