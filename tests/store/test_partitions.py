"""Monthly partitions: made ahead, dropped in time, and every row lands in its month."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.lib.ids import first_id_at, new_id
from outrider.store.migrate import migrate
from outrider.store.partitions import (
    AHEAD,
    BY_ID,
    BY_INSTANT,
    RETENTION,
    drop_partitions,
    ensure_partitions,
    month_start,
)

NOW = datetime(2026, 12, 15, 12, tzinfo=UTC)
TABLES = (*BY_INSTANT, *BY_ID)


@pytest.mark.parametrize(
    ("at", "months", "start"),
    [
        (datetime(2026, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), 0, (2026, 12)),
        (datetime(2026, 12, 1, tzinfo=UTC), 1, (2027, 1)),
        (datetime(2026, 1, 1, tzinfo=UTC), -1, (2025, 12)),
        (datetime(2026, 3, 31, tzinfo=UTC), -13, (2025, 2)),
        (datetime(2026, 3, 31, tzinfo=UTC), 23, (2028, 2)),
    ],
)
def test_months_are_counted_over_years(at, months, start):
    assert month_start(at, months) == datetime(*start, 1, tzinfo=UTC)


@given(st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_every_id_lies_in_the_month_of_its_time(at):
    assert first_id_at(month_start(at)) <= new_id(at, 255) < first_id_at(month_start(at, 1))


def run(url, act):
    async def go():
        connection = await asyncpg.connect(url)
        try:
            await migrate(connection)
            return await act(connection)
        finally:
            await connection.close()

    return asyncio.run(go())


async def partitions(connection):
    rows = await connection.fetch(
        "select relname from pg_class where relkind = 'r' and relname ~ '_[0-9]{4}_[0-9]{2}$'"
    )
    return {row["relname"] for row in rows}


def test_last_month_to_two_months_ahead_exist_and_are_made_once(database_url):
    async def act(connection):
        made = await ensure_partitions(connection, NOW)
        assert await ensure_partitions(connection, NOW) == []
        assert set(made) == await partitions(connection)
        return made, await ensure_partitions(connection, NOW + timedelta(days=20))

    made, later = run(database_url, act)
    months = ("2026_11", "2026_12", "2027_01", "2027_02")
    assert len(months) == AHEAD + 2
    assert sorted(made) == sorted(f"{table}_{month}" for table in TABLES for month in months)
    assert sorted(later) == sorted(f"{table}_2027_03" for table in TABLES)


def test_two_processes_make_them_at_the_same_time(database_url):
    async def act(connection):
        other = await asyncpg.connect(database_url)
        try:
            results = await asyncio.gather(ensure_partitions(connection, NOW), ensure_partitions(other, NOW))
        finally:
            await other.close()
        assert len(await partitions(connection)) == len(TABLES) * (AHEAD + 2)
        return results

    assert all(isinstance(one, list) for one in run(database_url, act))


@pytest.mark.parametrize(
    "at",
    [
        month_start(NOW, 1) - timedelta(milliseconds=1),
        month_start(NOW, 1),
        month_start(NOW, 2) - timedelta(microseconds=1),
    ],
)
def test_ids_at_the_edge_of_a_month_land_in_its_partition(database_url, at):
    async def act(connection):
        await ensure_partitions(connection, NOW)
        for shard in (0, 255):
            await connection.execute(
                "insert into receipts (message, digest, attempt, status, at, received_at)"
                " values ($1, '', 1, 'delivered', $2, $2)",
                new_id(at, shard),
                at,
            )
        return await connection.fetch("select distinct tableoid::regclass::text as name from receipts")

    assert [row["name"] for row in run(database_url, act)] == [f"receipts_{at:%Y_%m}"]


def test_a_month_is_dropped_when_its_retention_is_over_and_not_before(database_url):
    async def act(connection):
        for months in (-14, -10, -6, -2, 0):
            await ensure_partitions(connection, month_start(NOW, months))
        before = await partitions(connection)
        dropped = await drop_partitions(connection, NOW)
        assert await partitions(connection) == before - set(dropped)
        assert await drop_partitions(connection, NOW) == []
        return before, dropped

    before, dropped = run(database_url, act)
    for name in before:
        oldest = f"{month_start(NOW, -RETENTION[name[:-8]]):%Y_%m}"
        assert (name in dropped) == (name[-7:] < oldest), name
    assert {name[:-8] for name in dropped} == set(TABLES)
