"""The PostgreSQL store as its suites use it: a fresh database whose time a test can move.

The statements of the store name `clock_timestamp()` and `now()` without a schema, so functions of the same names
in a schema that the search path names first take their place; nothing in the store knows of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import asyncpg

from outrider.domain.entry import Entry
from outrider.domain.outbox import Ceiling
from outrider.lib.ids import Hasher
from outrider.lib.seal import KEY, KeyRing
from outrider.store.migrate import migrate
from outrider.store.partitions import ensure_partitions
from outrider.store.postgres import BY_KEY, PostgresStore

T = TypeVar("T")

#: Where the suites' clocks start.
START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)

MOVABLE_TIME = """
create schema hand;
create table hand.clock (at timestamptz not null);
create function hand.clock_timestamp() returns timestamptz language sql volatile as 'select at from hand.clock';
create function hand.now() returns timestamptz language sql volatile as 'select at from hand.clock';
"""


def prepare(url: str) -> None:
    """Bring an empty database to the store's schema, with time that can be moved: once, as a template."""
    asyncio.run(_prepare(url))


async def _prepare(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await migrate(connection)
        for months in (0, 90, 180):
            await ensure_partitions(connection, START + timedelta(days=months))
        await connection.execute(MOVABLE_TIME)
        await connection.execute("insert into hand.clock values ($1)", START)
    finally:
        await connection.close()


class OpenTransaction:
    """An append whose transaction is open on a connection of its own."""

    def __init__(self, connection: Any, transaction: Any) -> None:
        self._connection = connection
        self._transaction = transaction

    async def commit(self) -> None:
        """Make it visible."""
        await self._transaction.commit()
        await self._connection.close()

    async def abort(self) -> None:
        """Drop it."""
        await self._transaction.rollback()
        await self._connection.close()


class PostgresSubject:
    """An empty PostgreSQL store and what the protocol `Subject` asks for."""

    duplicate = asyncpg.UniqueViolationError

    def __init__(self, url: str, ceiling: Ceiling) -> None:
        self._url = url
        self._loop = asyncio.new_event_loop()
        self._settings = {**BY_KEY, "search_path": "hand, public, pg_catalog"}
        pool = self.run(self._open())
        keys = KeyRing({1: bytes(range(KEY))})
        self.store = PostgresStore(pool, keys, Hasher(b"suite"), ceiling)
        self._side = self.run(self._connect())

    async def _open(self) -> Any:
        return await asyncpg.create_pool(self._url, min_size=1, max_size=8, server_settings=self._settings)

    async def _connect(self) -> Any:
        return await asyncpg.connect(self._url, server_settings=self._settings)

    def close(self) -> None:
        """Close every connection and the loop."""
        self.run(self._side.close())
        self.run(self.store.pool.close())
        self._loop.close()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end."""
        return self._loop.run_until_complete(coroutine)

    def start(self, coroutine: Coroutine[Any, Any, T]) -> Awaitable[T]:
        """Run a coroutine beside the one that calls this."""
        return asyncio.ensure_future(coroutine)

    def now(self) -> datetime:
        """The database's time."""
        at: datetime = self.run(self._side.fetchval("select clock_timestamp()"))
        return at

    def advance(self, seconds: float) -> None:
        """Move the database's time."""
        self.run(self._side.execute("update hand.clock set at = at + make_interval(secs => $1)", seconds))

    async def open_append(self, entries: Sequence[Entry]) -> OpenTransaction:
        """Start an append."""
        connection = await self._connect()
        transaction = connection.transaction()
        await transaction.start()
        await self.store.append_within(connection, entries)
        return OpenTransaction(connection, transaction)
