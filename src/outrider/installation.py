"""An installation, whether it runs or not: its database, its keys, and the configurations applied to it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from outrider.configuration import Configuration, build, digest_of
from outrider.domain.problem import Problem
from outrider.lib.clock import SystemClock
from outrider.lib.ids import Hasher
from outrider.plugged import shipped
from outrider.secrets import Keys, load_keys
from outrider.settings import Settings
from outrider.store.durability import assert_durable
from outrider.store.keeping import kept_running
from outrider.store.launcher import find_running
from outrider.store.migrate import migrate
from outrider.store.partitions import ensure_partitions
from outrider.store.pg_configurations import load_configuration, save_configuration
from outrider.store.postgres import PostgresStore, open_pool


class NothingApplied(Exception):
    """No configuration was applied yet."""


class Refused(Exception):
    """A configuration has errors and was not applied."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(f"{sum(problem.is_error for problem in problems)} errors")
        self.problems = problems


@dataclass
class Opened:
    """An open database with the keys that open what is in it."""

    settings: Settings
    dsn: str
    store: PostgresStore
    keys: Keys
    hasher: Hasher
    clock: SystemClock


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[str]:
    """The database's DSN: the configured one, or an embedded server that runs as long as the block."""
    if settings.database_url is not None:
        yield settings.database_url
        return
    async with kept_running(settings.home / "postgres", programs_folder=settings.postgres_bin) as address:
        yield address.dsn()


@asynccontextmanager
async def reach_database(settings: Settings) -> AsyncIterator[str]:
    """As `open_database`, but joins the embedded server of a running Outrider when there is one: for short commands."""
    found = find_running(settings.home / "postgres") if settings.database_url is None else None
    if found is not None:
        yield found.dsn()
        return
    async with open_database(settings) as dsn:
        yield dsn


@asynccontextmanager
async def open_store(settings: Settings, dsn: str, *, connections: int = 12) -> AsyncIterator[Opened]:
    """A migrated, durable store over a pool of connections. Raises UnsafeDurability, MigrationRefused, OSError."""
    keys = load_keys(settings.home)
    hasher = Hasher(keys.index_key())
    pool = await open_pool(dsn, most=connections)
    try:
        async with pool.acquire() as connection:
            if not settings.unsafe_durability:
                await assert_durable(connection)
            await migrate(connection)
            await ensure_partitions(connection, SystemClock().now())
        store = PostgresStore(pool, keys.ring(), hasher)
        yield Opened(settings, dsn, store, keys, hasher, SystemClock())
    finally:
        await asyncio.wait_for(pool.close(), 10)


async def apply_files(
    opened: Opened, files: Mapping[str, str], note: str = "", *, author: str = "", after: int | None = None
) -> tuple[int, bool, list[Problem]]:
    """Check and keep a configuration: its number, whether it is new, and its warnings.

    after: the version it was planned against. Raises Refused, and VersionMoved when another one was applied meanwhile.
    """
    configuration, problems = build(files, shipped(), today=opened.clock.now().date())
    if configuration is None:
        raise Refused(problems)
    number, new = await save_configuration(opened.store.pool, digest_of(files), files, note, author=author, after=after)
    return number, new, problems


async def current_configuration(opened: Opened, number: int | None = None) -> Configuration:
    """An applied configuration, compiled. Raises NothingApplied."""
    stored = await load_configuration(opened.store.pool, number)
    if stored is None:
        raise NothingApplied("no configuration was applied yet; run: outrider apply FOLDER")
    configuration, problems = build(stored.files, shipped(), number=stored.number)
    if configuration is None:
        raise Refused(problems)
    return configuration
