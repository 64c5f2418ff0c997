"""Monthly partitions: made ahead, dropped when their retention is over."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from outrider.lib.ids import first_id_at

#: Table → whether it is split by an instant or by the time in its ids.
BY_INSTANT = ("entries", "journal", "route_changes")
BY_ID = ("decisions", "messages", "attempts", "receipts")

#: Months kept, besides the running one: payloads a month, evidence thirteen (reliability plan section 8).
RETENTION: Mapping[str, int] = {
    "entries": 1,
    "journal": 1,
    "decisions": 13,
    "messages": 13,
    "attempts": 13,
    "receipts": 13,
    "route_changes": 13,
}

#: The advisory lock of whoever makes partitions.
LOCK = 79002
#: Months made ahead.
AHEAD = 2


def month_start(at: datetime, months: int = 0) -> datetime:
    """The first instant (UTC) of the month `months` away from that of `at`."""
    index = at.year * 12 + at.month - 1 + months
    return datetime(index // 12, index % 12 + 1, 1, tzinfo=UTC)


async def ensure_partitions(connection: Any, now: datetime) -> list[str]:
    """Make the partitions of last month to `AHEAD` months from now that are missing; returns their names."""
    if not await _missing(connection, now):
        return []
    # One process at a time: `if not exists` looks before it waits for the lock on the parent.
    await connection.execute("select pg_advisory_lock($1)", LOCK)
    try:
        missing = await _missing(connection, now)
        for name, (table, start, end) in missing.items():
            low, high = _bounds(table, start, end)
            await connection.execute(
                f"create table {name} partition of {table} for values from ({low}) to ({high}){_storage(table)}"
            )
    finally:
        await connection.execute("select pg_advisory_unlock($1)", LOCK)
    return list(missing)


async def _missing(connection: Any, now: datetime) -> dict[str, tuple[str, datetime, datetime]]:
    """Name → table and bounds of the partitions that should exist and do not."""
    wanted = {}
    for months in range(-1, AHEAD + 1):
        start, end = month_start(now, months), month_start(now, months + 1)
        wanted.update({f"{table}_{start:%Y_%m}": (table, start, end) for table in (*BY_INSTANT, *BY_ID)})
    rows = await connection.fetch("select n from unnest($1::text[]) as n where to_regclass(n) is null", list(wanted))
    absent = {row["n"] for row in rows}
    return {name: bounds for name, bounds in wanted.items() if name in absent}


async def drop_partitions(
    connection: Any,
    now: datetime,
    retention: Mapping[str, int] = RETENTION,
    route_changes: timedelta | None = None,
) -> list[str]:
    """Drop the partitions whose month ended more than their retention ago; returns their names.

    `route_changes` is how long those are kept, where it is not the retention.
    """
    dropped = []
    first = {table: f"{month_start(now, -kept):%Y_%m}" for table, kept in retention.items()}
    if route_changes is not None:
        first["route_changes"] = f"{now - route_changes:%Y_%m}"
    rows = await connection.fetch(
        "select c.relname as name, p.relname as parent from pg_inherits i"
        " join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent"
        " where p.relkind = 'p' and c.relkind = 'r' order by c.relname"
    )
    for row in rows:
        if row["name"][-7:] < first.get(row["parent"], ""):
            await connection.execute(f"drop table {row['name']}")
            dropped.append(row["name"])
    return dropped


def _bounds(table: str, start: datetime, end: datetime) -> tuple[str, str]:
    if table in BY_INSTANT:
        return f"'{start.isoformat()}'", f"'{end.isoformat()}'"
    return f"'\\x{first_id_at(start).hex()}'", f"'\\x{first_id_at(end).hex()}'"


def _storage(table: str) -> str:
    """Half of each page is kept free where rows are updated, so that updates stay on their page (HOT).

    A batch updates all rows of a page in one transaction: at 70 percent only half of the updates found room (measured).
    """
    return " with (fillfactor = 50)" if table in ("messages", "attempts") else ""
