"""Soft bounces on PostgreSQL: noted with the outcome or receipt that tells of them, judged by the sweep."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import asyncpg

from outrider.domain.attempt import Reason
from outrider.domain.bounces import CHANNEL, SOFT_BOUNCES, Bounce, BounceRules, Finding, Mail, judge
from outrider.domain.entry import Stop
from outrider.domain.stops import address_key
from outrider.store.named import Queries
from outrider.store.pg_log import PostgresLog
from outrider.store.rows import columns


class PostgresBounces(PostgresLog):
    """`end_bouncing` of the DeliveryStore port, and what its other parts note for it."""

    _pool: asyncpg.Pool
    _sql: Queries

    async def _note_bounces(self, connection: Any, failed: Iterable[tuple[bytes, Reason | None]]) -> None:
        """Note which of these messages came back for a passing reason."""
        rows = sorted({message: str(reason) for message, reason in failed if reason in SOFT_BOUNCES}.items())
        if rows:
            await connection.execute(self._sql.note_bounces, *columns(rows, 2), CHANNEL)

    async def end_bouncing(self, rules: BounceRules, most: int) -> int:
        """See the port."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(self._sql.forget_bounces, rules.within.days)
            taken = await connection.fetch(self._sql.take_bounces, most)
            if not taken:
                return 0
            found = await self._judge(connection, taken, rules)
            rows = [(row["address"], row["day"], found[row["address"]].again_at) for row in taken]
            await connection.execute(self._sql.settle_bounces, *columns(rows, 3))
            return await self._end(connection, {address: one.ends for address, one in found.items() if one.ends})

    async def _judge(self, connection: Any, taken: Sequence[Any], rules: BounceRules) -> dict[bytes, Finding]:
        addresses = sorted({row["address"] for row in taken})
        bounces: dict[bytes, list[Bounce]] = defaultdict(list)
        for row in await connection.fetch(self._sql.load_bounces, addresses):
            bounces[row["address"]].append(Bounce(row["day"], row["sent_at"], Reason(row["reason"])))
        mails: dict[bytes, list[Mail]] = defaultdict(list)
        for row in await connection.fetch(self._sql.load_arrived, addresses):
            mails[row["address"]].append(Mail(row["intent_at"], row["proved"]))
        now = taken[0]["now"]
        return {address: judge(bounces[address], mails[address], rules, now) for address in addresses}

    async def _end(self, connection: Any, ended: dict[bytes, str]) -> int:
        if ended:
            await self._put_stops(connection, [Stop(address_key(one), "address", why) for one, why in ended.items()])
            await connection.execute(self._sql.drop_bounces, list(ended))
        return len(ended)
