"""Looks at the attempts read the pages of their span, not whole months."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from outrider.lib.ids import first_id_at
from outrider.store.launcher import Running
from outrider.store.migrate import migrate
from outrider.store.partitions import ensure_partitions
from outrider.store.postgres import BY_KEY, statements
from outrider.testing.postgres import fresh_database

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
COUNT = 60_000

#: Attempts of the last days, one after the other in time, as delivery writes them.
FILL = """
insert into attempts (message, number, route, account, state, fence, at, ended_at, body)
select decode(lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || lpad(to_hex(n), 20, '0'), 'hex'),
    1, 'sms/main', 'main', 'accepted', 1, at, at + interval '1 second', '\\x00'
from (
    select n, $1::timestamptz - make_interval(secs => ($2 - n) * 5) as at from generate_series(1, $2) as n
) as attempt
"""


@pytest.mark.parametrize("name", ["look_seen", "look_told"])
def test_a_look_finds_its_span_by_time(postgres_server: Running, name: str) -> None:
    async def explain(url: str) -> str:
        connection: Any = await asyncpg.connect(url, server_settings=BY_KEY)
        try:
            await migrate(connection)
            await ensure_partitions(connection, NOW)
            await connection.execute(FILL, NOW, COUNT)
            await connection.execute("vacuum analyze attempts")
            floor = first_id_at(NOW - timedelta(days=40))
            span = (NOW - timedelta(seconds=15), NOW, floor)
            more = (["unavailable"], 5.0) if name == "look_seen" else ()
            query = "explain (analyze, costs off, timing off) " + statements()[name]
            return "\n".join(row[0] for row in await connection.fetch(query, *span, *more))
        finally:
            await connection.close()

    with fresh_database(postgres_server) as url:
        plan = asyncio.run(explain(url))
    assert "Bitmap Index Scan on attempts_2026_03_at_idx" in plan, plan
    assert "Seq Scan" not in plan, plan
