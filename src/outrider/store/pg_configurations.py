"""Applied configurations: every version is kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

_files = msgspec.json.Decoder(dict[str, str])


class Stored(msgspec.Struct, frozen=True):
    """One applied version."""

    number: int
    digest: str
    files: dict[str, str]


class VersionLine(msgspec.Struct, frozen=True):
    """One applied version, without its files."""

    number: int
    at: datetime
    digest: str
    #: Who applied it, as far as known.
    author: str
    note: str


class VersionMoved(Exception):
    """Somebody else applied a version meanwhile. `number` is the newest one."""

    def __init__(self, expected: int, number: int) -> None:
        super().__init__(
            f"configuration {number} was applied meanwhile; this was made against {expected or 'none'}: plan again"
        )
        self.number = number


async def save_configuration(
    pool: Any, digest: str, files: Mapping[str, str], note: str, *, author: str = "", after: int | None = None
) -> tuple[int, bool]:
    """Number of the version, and whether it is new. The newest version applied again stays the one it is.

    after: the number that must still be the newest (0: none at all). Raises VersionMoved when it is not.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("select pg_advisory_xact_lock(79001)")
        row = await connection.fetchrow("select number, digest from configurations order by number desc limit 1")
        if row is not None and row["digest"] == digest:
            return row["number"], False
        newest = 0 if row is None else int(row["number"])
        if after is not None and newest != after:
            raise VersionMoved(after, newest)
        text = msgspec.json.encode(dict(files)).decode()
        number = await connection.fetchval(
            "insert into configurations (digest, at, note, author, files) values ($1, now(), $2, $3, $4)"
            " returning number",
            digest,
            note,
            author,
            text,
        )
        return int(number), True


async def load_configuration(pool: Any, number: int | None = None) -> Stored | None:
    """A version by number, or the newest; None when there is none."""
    row = await pool.fetchrow(
        "select number, digest, files from configurations where $1::int is null or number = $1"
        " order by number desc limit 1",
        number,
    )
    return None if row is None else Stored(row["number"], row["digest"], _files.decode(row["files"]))


async def newest_number(pool: Any) -> int:
    """The number of the newest version; 0 when there is none."""
    return int(await pool.fetchval("select coalesce(max(number), 0) from configurations"))


async def list_versions(pool: Any) -> list[VersionLine]:
    """Every version, newest first."""
    rows = await pool.fetch("select number, at, digest, author, note from configurations order by number desc")
    return [VersionLine(*row) for row in rows]


async def known_texts(pool: Any, texts: Mapping[str, str]) -> frozenset[str]:
    """Those of the paths whose text stands so in some applied version: nothing is lost when they are overwritten."""
    rows = await pool.fetch(
        "select path from unnest($1::text[], $2::text[]) as local (path, body)"
        " where exists (select from configurations where files ->> path = body)",
        list(texts),
        list(texts.values()),
    )
    return frozenset(row["path"] for row in rows)


async def count_standing(pool: Any) -> list[tuple[str, int, int]]:
    """Journey, version and number of the live enrollments, in order."""
    rows = await pool.fetch(
        "select journey, config, count(*) as people from enrollments where ended_at is null"
        " group by journey, config order by journey, config"
    )
    return [(row["journey"], row["config"], row["people"]) for row in rows]
