"""Old rows on PostgreSQL: found by an index, and what only its pages can show."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from outrider.domain.keeping import KeptFor
from outrider.lib.ids import first_id_at
from outrider.store.launcher import Running
from outrider.store.migrate import migrate
from outrider.store.partitions import drop_partitions, ensure_partitions
from outrider.store.postgres import BY_KEY, statements
from outrider.testing.postgres import fresh_database

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
KEPT = KeptFor()

LETTERS = """
insert into dead_letters (id, at, kind, reason, key_id, sealed, replayed_at)
select decode(lpad(to_hex(n), 32, '0'), 'hex'), $1, 'event', 'unreadable', 1, '\\x00',
    $1::timestamptz + make_interval(days => n)
from generate_series(1, 40) as n
"""
PROVIDER_IDS = """
insert into provider_messages (key, message, attempt)
select decode(lpad(to_hex(n), 32, '0'), 'hex'),
    decode(lpad(to_hex(begin + n * 1000), 12, '0') || repeat('0', 20), 'hex'), 1
from generate_series(1, 60000) as n, (select (extract(epoch from $1::timestamptz) * 1000)::bigint as begin) as b
"""


def run(server: Running, act: Any) -> Any:
    async def go(url: str) -> Any:
        connection: Any = await asyncpg.connect(url, server_settings=BY_KEY)
        try:
            await migrate(connection)
            return await act(connection)
        finally:
            await connection.close()

    with fresh_database(server) as url:
        return asyncio.run(go(url))


def test_a_replayed_letter_goes_so_long_after_its_replay(postgres_server: Running) -> None:
    async def act(connection: Any) -> list[int]:
        await connection.execute(LETTERS, NOW)
        drop, before = statements().drop_replayed_letters, NOW + timedelta(days=36)
        counts = [int((await connection.execute(drop, before, 30)).split()[-1]) for _ in range(3)]
        open_ones = await connection.execute(statements().drop_open_letters, NOW + timedelta(days=900), 100)
        return [*counts, int(open_ones.split()[-1]), await connection.fetchval("select count(*) from dead_letters")]

    assert run(postgres_server, act) == [30, 5, 0, 0, 5]


def test_old_provider_ids_are_found_without_reading_the_young_ones(postgres_server: Running) -> None:
    async def act(connection: Any) -> str:
        await connection.execute(PROVIDER_IDS, NOW)
        await connection.execute("vacuum analyze provider_messages")
        query = "explain (costs off) " + statements().drop_provider_messages
        rows = await connection.fetch(query, first_id_at(NOW + timedelta(minutes=30)), 10_000)
        return "\n".join(row[0] for row in rows)

    plan = run(postgres_server, act)
    assert "provider_messages_message" in plan
    assert "Seq Scan" not in plan


@pytest.mark.parametrize(
    ("days", "gone"), [(400, []), (20, []), (19, ["route_changes_2026_02"]), (1, ["route_changes_2026_02"])]
)
def test_changes_of_routes_go_by_whole_months_as_the_company_says(
    postgres_server: Running, days: int, gone: list[str]
) -> None:
    async def act(connection: Any) -> list[str]:
        await ensure_partitions(connection, NOW)
        return await drop_partitions(connection, NOW, route_changes=timedelta(days=days))

    assert run(postgres_server, act) == gone
