"""Brings a database's tables to the state the code expects, by numbered SQL files.

`0001_name.sql` expands: the previous release keeps working on the result. `0002_name.contract.sql` takes away what the
previous release still needed, so it is applied only when asked, after the deploy. Numbers run from 1 without gaps over
both kinds. Each file runs in one transaction together with its record, under one advisory lock, so that processes
starting together apply it once; a change waits at most LOCK_SECONDS for a table in use and then gives up whole, since a
waiting change stops everybody behind it. No new file may rely on a contraction that is still open.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Literal

import asyncpg
import msgspec

Phase = Literal["expand", "contract"]

LOCK_SECONDS = 2
"""Seconds a change waits for a lock on a table in use."""

TURN_SECONDS = 300
"""Seconds to wait for another process that is migrating the same database."""

ADVISORY_LOCK = 0x6F75_7472_6964_6572
"""The key of the advisory lock: the letters `outrider`."""

_FILE = re.compile(r"(?P<number>\d{4})_(?P<name>[a-z0-9_]+?)(?P<contract>\.contract)?\.sql")
_TRANSACTION = re.compile(
    r"^\s*(begin|commit|rollback|start)(\s+(transaction|work))?\s*;", re.IGNORECASE | re.MULTILINE
)

_TABLE = """
create table if not exists schema_migrations (
    number integer primary key,
    name text not null,
    digest text not null,
    applied_at timestamptz not null default clock_timestamp(),
    phase text not null check (phase in ('expand', 'contract'))
)
"""


class Migration(msgspec.Struct, frozen=True):
    """One file. `digest` is the SHA-256 of its text with line ends as LF, in hex."""

    number: int
    name: str
    phase: Phase
    sql: str
    digest: str

    def __str__(self) -> str:
        return f"{self.number:04}_{self.name}{'.contract' if self.phase == 'contract' else ''}.sql"


class Applied(msgspec.Struct, frozen=True):
    """One row of schema_migrations."""

    number: int
    name: str
    digest: str
    applied_at: datetime
    phase: Phase


class Status(msgspec.Struct, frozen=True):
    """What was applied, in order of number; what `migrate` would apply now; what waits for `contract=True`."""

    applied: tuple[Applied, ...]
    pending: tuple[Migration, ...]
    contracting: tuple[Migration, ...]


class MigrationRefused(Exception):
    """Files and database do not fit together; nothing was changed. The text names the file and the expectation."""


class MigrationFailed(Exception):
    """A file's SQL failed; its transaction was rolled back, earlier files stay applied."""


def read_migrations(folder: Traversable | None = None) -> list[Migration]:
    """Read the files of `folder` (the package's own by default) in order of number.

    Raises MigrationRefused for a name out of form, a gap or repeat in the numbers, or transaction control in the SQL.
    """
    place = folder or files("outrider.store").joinpath("migrations")
    names = sorted((file for file in place.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    found = [_read(file) for file in names]
    for expected, migration in enumerate(found, 1):
        if migration.number != expected:
            raise MigrationRefused(f"{migration}: expected number {expected:04}, numbers run without gap or repeat")
    return found


def _read(file: Traversable) -> Migration:
    parts = _FILE.fullmatch(file.name)
    if parts is None:
        raise MigrationRefused(f"{file.name}: expected a name like 0001_words.sql or 0001_words.contract.sql")
    sql = file.read_bytes().decode().replace("\r\n", "\n")
    if control := _TRANSACTION.search(sql):
        raise MigrationRefused(f"{file.name}: `{control[0].strip()}` ends the transaction each file runs in; remove it")
    phase: Phase = "contract" if parts["contract"] else "expand"
    return Migration(int(parts["number"]), parts["name"], phase, sql, sha256(sql.encode()).hexdigest())


async def migrate(
    connection: asyncpg.Connection[Any], folder: Traversable | None = None, *, contract: bool = False
) -> list[Migration]:
    """Apply what is open, in order of number, and give what this call applied. `contract` applies those files too.

    Raises MigrationRefused when an applied file has changed, the database is newer than the files, or `connection` is
    inside a transaction; MigrationFailed when a file's SQL fails or a table stays in use.
    """
    if connection.is_in_transaction():
        raise MigrationRefused("the connection is inside a transaction; migrations need their own")
    migrations = read_migrations(folder)
    await _prepare(connection, migrations)
    wanted = [migration for migration in migrations if contract or migration.phase == "expand"]
    return [migration for migration in wanted if await _apply(connection, migration)]


async def status(connection: asyncpg.Connection[Any], folder: Traversable | None = None) -> Status:
    """Compare files and database; changes nothing. Raises MigrationRefused as `migrate` does."""
    migrations = read_migrations(folder)
    applied = await _load_applied(connection)
    _compare(migrations, applied)
    done = {row.number for row in applied}
    waiting = [migration for migration in migrations if migration.number not in done]
    return Status(
        tuple(applied),
        tuple(migration for migration in waiting if migration.phase == "expand"),
        tuple(migration for migration in waiting if migration.phase == "contract"),
    )


async def _load_applied(connection: asyncpg.Connection[Any]) -> list[Applied]:
    if await connection.fetchval("select to_regclass('schema_migrations')") is None:
        return []
    rows = await connection.fetch(
        "select number, name, digest, applied_at, phase from schema_migrations order by number"
    )
    return [Applied(*row) for row in rows]


def _compare(migrations: Sequence[Migration], applied: Sequence[Applied]) -> None:
    known = {migration.number: migration for migration in migrations}
    for row in applied:
        migration = known.get(row.number)
        if migration is None:
            raise MigrationRefused(
                f"the database is newer than this release: it has {row.number:04}_{row.name} "
                f"of {row.applied_at:%Y-%m-%d}, and this release knows {len(migrations)} files: run the newer release"
            )
        if migration.digest != row.digest:
            raise MigrationRefused(
                f"{migration} was changed after it was applied on {row.applied_at:%Y-%m-%d}: "
                "restore its text and put the change into a new file"
            )


async def _prepare(connection: asyncpg.Connection[Any], migrations: Sequence[Migration]) -> None:
    async with connection.transaction():
        await _take_turn(connection)
        if await connection.fetchval("select to_regclass('schema_migrations')") is None:
            await connection.execute(_TABLE)
        _compare(migrations, await _load_applied(connection))


async def _take_turn(connection: asyncpg.Connection[Any]) -> None:
    """Wait for the advisory lock, held to the end of the transaction; then bound every other wait."""
    try:
        await connection.execute(f"set local lock_timeout = '{TURN_SECONDS}s'")
        await connection.execute(f"select pg_advisory_xact_lock({ADVISORY_LOCK})")
        await connection.execute(f"set local lock_timeout = '{LOCK_SECONDS}s'")
    except asyncpg.LockNotAvailableError:
        raise MigrationFailed(
            f"another process has been migrating this database for {TURN_SECONDS} seconds: let it finish, try again"
        ) from None


async def _apply(connection: asyncpg.Connection[Any], migration: Migration) -> bool:
    """Apply one file unless it is applied; say whether this call did it."""
    async with connection.transaction():
        await _take_turn(connection)
        if await connection.fetchval("select 1 from schema_migrations where number = $1", migration.number):
            return False
        await _run(connection, migration)
        await connection.execute(
            "insert into schema_migrations (number, name, digest, phase) values ($1, $2, $3, $4)",
            migration.number,
            migration.name,
            migration.digest,
            migration.phase,
        )
    return True


async def _run(connection: asyncpg.Connection[Any], migration: Migration) -> None:
    try:
        await connection.execute(migration.sql)
    except asyncpg.LockNotAvailableError:
        raise MigrationFailed(
            f"{migration}: a table stayed in use for {LOCK_SECONDS} seconds; nothing of this file was applied, "
            "try again when fewer statements run"
        ) from None
    except asyncpg.PostgresError as error:
        raise MigrationFailed(f"{migration}{_line(migration.sql, error)}: {error}") from error


def _line(sql: str, error: asyncpg.PostgresError) -> str:
    position = getattr(error, "position", None)
    return f" line {sql.count(chr(10), 0, int(position) - 1) + 1}" if position else ""
