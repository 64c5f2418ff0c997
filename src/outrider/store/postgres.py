"""The store on PostgreSQL: opens the pool, asserts durability, and is all three ports."""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import asyncpg

from outrider.domain.outbox import Ceiling
from outrider.lib.ids import Hasher
from outrider.lib.seal import KeyRing
from outrider.store.losing import notice_loss
from outrider.store.named import Queries, load
from outrider.store.pg_answers import PostgresAnswers
from outrider.store.pg_delivery import PostgresDeliveryStore
from outrider.store.pg_engine import PostgresEngineStore
from outrider.store.pg_keeping import PostgresKeeping
from outrider.store.pg_receipts import PostgresReceipts
from outrider.store.pg_routes import PostgresRoutes
from outrider.store.vault import Vault

P = ParamSpec("P")
T = TypeVar("T")

#: Every statement finds its rows by key. Without this a plan made while a table was small and unanalyzed would
#: read whole tables later (measured: a cached generic plan keeps its sequential scan until the next analyze).
BY_KEY = {"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off", "jit": "off"}

#: Transactions that lock rows in different orders may meet; every one of them can be repeated.
TRIES = 5


def repeated(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Run a transaction again when the database chose it as the victim of a deadlock."""

    @functools.wraps(method)
    async def run(*args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(TRIES - 1):
            try:
                return await method(*args, **kwargs)
            except (asyncpg.DeadlockDetectedError, asyncpg.SerializationError):
                continue
        return await method(*args, **kwargs)

    return run


@functools.cache
def statements() -> Queries:
    """The named statements of store/queries."""
    return load(Path(__file__).parent / "queries")


class PostgresStore(
    PostgresEngineStore, PostgresDeliveryStore, PostgresReceipts, PostgresRoutes, PostgresAnswers, PostgresKeeping
):
    """Log, EngineStore, DeliveryStore and RouteStore over one connection pool."""

    def __init__(self, pool: asyncpg.Pool, keys: KeyRing, hasher: Hasher, ceiling: Ceiling | None = None) -> None:
        self._pool = pool
        self._vault = Vault(keys)
        self._sql = statements()
        self._hasher = hasher
        #: Counted in each intent transaction; a newly applied configuration may change it.
        self.ceiling = ceiling or Ceiling()
        self._marks: dict[int, tuple[int, datetime]] = {}

    append = repeated(PostgresEngineStore.append)
    append_once = repeated(PostgresAnswers.append_once)
    save = repeated(PostgresEngineStore.save)
    finish = repeated(PostgresDeliveryStore.finish)
    resolve = repeated(PostgresDeliveryStore.resolve)
    rescue = repeated(PostgresDeliveryStore.rescue)
    report = repeated(PostgresReceipts.report)
    match_orphans = repeated(PostgresReceipts.match_orphans)
    end_bouncing = repeated(PostgresReceipts.end_bouncing)

    @property
    def pool(self) -> asyncpg.Pool:
        """The connections, for reading pages."""
        return self._pool

    @property
    def vault(self) -> Vault:
        """The codec of sealed columns, for reading pages."""
        return self._vault


#: Milliseconds an open transaction of ours may stand still before the server ends it. A paused process would else hold
#: its locks for as long as it is paused: an open append stops every reader of the log, an open batch its streams.
STANDSTILL = 10_000
#: Seconds until a server that does not answer a connection attempt counts as not there.
CONNECT_SECONDS = 10.0


async def open_pool(dsn: str, *, least: int = 1, most: int = 10, standstill: int = STANDSTILL) -> asyncpg.Pool:
    """A connection pool whose sessions find rows by key. Raises what asyncpg raises when nobody answers.

    `standstill` is in milliseconds: a transaction that waits longer for its client is rolled back.
    """
    pool: Any = await asyncpg.create_pool(
        dsn,
        min_size=least,
        max_size=most,
        init=notice_loss,
        reset=_keep,
        timeout=CONNECT_SECONDS,
        server_settings={
            **BY_KEY,
            "application_name": "outrider",
            "idle_in_transaction_session_timeout": str(standstill),
        },
    )
    return pool


async def _keep(connection: Any) -> None:
    """Nothing to reset: no statement of ours changes its session, so a round trip at each release is saved."""
