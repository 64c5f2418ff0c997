"""Applied configurations: every version is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

_files = msgspec.json.Decoder(dict[str, str])


class Stored(msgspec.Struct, frozen=True):
    """One applied version."""

    number: int
    digest: str
    files: dict[str, str]


async def save_configuration(pool: Any, digest: str, files: Mapping[str, str], note: str) -> tuple[int, bool]:
    """Number of the version, and whether it is new. The newest version applied again stays the one it is."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("select pg_advisory_xact_lock(79001)")
        row = await connection.fetchrow("select number, digest from configurations order by number desc limit 1")
        if row is not None and row["digest"] == digest:
            return row["number"], False
        text = msgspec.json.encode(dict(files)).decode()
        number = await connection.fetchval(
            "insert into configurations (digest, at, note, files) values ($1, now(), $2, $3) returning number",
            digest,
            note,
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
