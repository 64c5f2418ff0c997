"""The engine's store on PostgreSQL: leases, work, facts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from outrider.domain.decision import Recent
from outrider.domain.enrollment import Enrollment
from outrider.domain.entry import Entry
from outrider.domain.message import Message, Status
from outrider.domain.profile import Object, Profile
from outrider.domain.stops import address_key, opt_out_key
from outrider.domain.work import GROUPS, DedupeKey, Lease, MessageState, Parked, Timer, Work, group_of
from outrider.lib.ids import first_id_at
from outrider.store.named import Queries
from outrider.store.pg_log import PostgresLog
from outrider.store.pg_save import Saving
from outrider.store.rows import (
    NEVER,
    columns,
    read_enrollment,
    read_message,
    read_object,
    read_profile,
    read_recent,
    read_timer,
)
from outrider.store.vault import Vault

SHARDS_PER_GROUP = 256 // GROUPS
#: How long a message may be held and still be found by its id's time when caps are counted.
LONGEST_HOLD = timedelta(days=40)


class PostgresEngineStore(Saving, PostgresLog):
    """Leases, work and facts; the EngineStore port."""

    _pool: asyncpg.Pool
    _vault: Vault
    _sql: Queries
    #: Group → (cursor, clock) as this process last wrote them; the fences keep them true.
    _marks: dict[int, tuple[int, datetime]]

    async def lease(self, owner: str, seconds: float, most: int) -> Lease:
        """See the port."""
        async with self._pool.acquire() as connection, connection.transaction():
            rows = await connection.fetch(self._sql.lease_groups, owner, seconds, most)
        for row in rows:
            mark = self._marks.get(row["shard_group"])
            if mark is None or mark[0] < row["cursor"] or mark[1] < row["clock"]:
                self._marks[row["shard_group"]] = (row["cursor"], row["clock"])
        fences = {row["shard_group"]: row["fence"] for row in sorted(rows, key=lambda row: row["shard_group"])}
        return Lease(owner, fences, min((row["until"] for row in rows), default=NEVER))

    async def attend(self, owner: str, seconds: float) -> int:
        """See the port."""
        return int(await self._pool.fetchval(self._sql.attend, owner, seconds))

    async def release(self, lease: Lease) -> None:
        """See the port."""
        await self._pool.execute(self._sql.release_groups, lease.owner, list(lease.fences))
        for group in lease.fences:
            self._marks.pop(group, None)

    async def take(self, lease: Lease, most: int) -> Work:
        """See the port."""
        marks = {group: self._marks[group] for group in lease.fences}
        if not marks:
            raise ValueError("a lease without groups has no work")
        async with self._pool.acquire() as connection:
            survey = await connection.fetchrow(self._sql.survey)
            now = max(survey["now"], *(clock for _, clock in marks.values()))
            rows = await self._entry_rows(connection, marks, survey["horizon"], most)
            timers = await self._due_timers(connection, marks, now, most)
        cursors = _cursors(marks, rows, survey["horizon"], most)
        return Work(
            now=now,
            entries=tuple(self._entries(rows, marks)),
            timers=tuple(timers),
            cursors=cursors,
            blocked=frozenset(survey["blocked"] or ()),
            more=len(rows) == most or len(timers) == most,
        )

    async def _entry_rows(self, connection: Any, marks: Mapping[int, Any], horizon: int, most: int) -> list[Any]:
        cursor = min(cursor for cursor, _ in marks.values())
        if cursor >= horizon:
            return []
        low, high = _shard_range(marks)
        return list(await connection.fetch(self._sql.take_entries, cursor, horizon, low, high, most))

    async def _due_timers(self, connection: Any, marks: Mapping[int, Any], now: datetime, most: int) -> list[Timer]:
        low, high = _shard_range(marks)
        rows = await connection.fetch(self._sql.take_timers, now, low, high, most)
        return [read_timer(row) for row in rows if group_of(row["stream"]) in marks]

    def _entries(self, rows: list[Any], marks: Mapping[int, tuple[int, datetime]]) -> list[Entry]:
        wanted = []
        for row in rows:
            mark = marks.get(group_of(row["stream"]))
            if mark is not None and row["position"] > mark[0]:
                wanted.append(self._entry(row))
        return wanted

    async def profiles(self, streams: Collection[bytes]) -> dict[bytes, Profile]:
        """See the port."""
        rows = await self._pool.fetch(self._sql.load_profiles, list(streams))
        return {row["stream"]: read_profile(row, self._vault) for row in rows}

    async def enrollments(self, streams: Collection[bytes]) -> dict[bytes, list[Enrollment]]:
        """See the port."""
        rows = await self._pool.fetch(self._sql.load_live_enrollments, list(streams))
        found: dict[bytes, list[Enrollment]] = defaultdict(list)
        for row, enrollment in zip(rows, await self._opened(read_enrollment, rows), strict=True):
            if enrollment is not None:
                found[row["stream"]].append(enrollment)
        return dict(found)

    async def last_rounds(self, ids: Collection[bytes]) -> dict[bytes, Enrollment]:
        """See the port."""
        rows = await self._pool.fetch(self._sql.load_last_rounds, list(ids))
        found = await self._opened(read_enrollment, rows)
        return {enrollment.id: enrollment for enrollment in found if enrollment is not None}

    async def objects(self, streams: Collection[bytes]) -> dict[bytes, Object]:
        """See the port."""
        rows = await self._pool.fetch(self._sql.load_objects, list(streams))
        return {row["stream"]: read_object(row, self._vault) for row in rows}

    async def related(self, streams: Collection[bytes], at: datetime) -> dict[bytes, list[tuple[bytes, str, str]]]:
        """See the port."""
        found: dict[bytes, list[tuple[bytes, str, str]]] = defaultdict(list)
        for row in await self._pool.fetch(self._sql.load_related, list(streams), at):
            found[row["stream"]].append((row["other"], row["kind"], row["role"]))
        return dict(found)

    async def suppressed(self, addresses: Collection[bytes]) -> dict[str, str]:
        """See the port."""
        keys = [key for address in addresses for key in (address_key(address), opt_out_key(address))]
        return {row["key"]: row["reason"] for row in await self._pool.fetch(self._sql.load_suppressed, keys)}

    async def recent(self, since: Mapping[bytes, datetime]) -> dict[bytes, list[Recent]]:
        """See the port."""
        if not since:
            return {}
        floor = first_id_at(min(since.values()) - LONGEST_HOLD)
        found: dict[bytes, list[Recent]] = defaultdict(list)
        for row in await self._pool.fetch(self._sql.load_recent, list(since), list(since.values()), floor):
            found[row["stream"]].append(read_recent(row))
        return dict(found)

    async def messages(self, ids: Collection[bytes]) -> dict[bytes, MessageState]:
        """See the port."""
        rows = await self._pool.fetch(self._sql.load_messages, list(ids))
        found = await self._opened(read_message, rows)
        pairs = zip(rows, found, strict=True)
        return {row["id"]: _state(row, message) for row, message in pairs if message is not None}

    async def decided(self, ids: Collection[bytes]) -> dict[bytes, tuple[int, bytes]]:
        """See the port."""
        rows = await self._pool.fetch(self._sql.load_decided, list(ids))
        return {row["id"]: (row["number"], row["record"]) for row in rows}

    async def dedupe_keys(self, wanted: Collection[tuple[bytes, bytes]]) -> dict[tuple[bytes, bytes], DedupeKey]:
        """See the port."""
        found: dict[tuple[bytes, bytes], DedupeKey] = {}
        for row in await self._pool.fetch(self._sql.load_dedupe_keys, *columns(sorted(wanted), 2)):
            key = found.setdefault((row["stream"], row["key"]), DedupeKey(row["message"], row["at"], {}))
            if row["id"] is not None:
                key.statuses[row["id"]] = Status(row["status"])
        return found

    async def parked(self, stream: bytes, most: int) -> list[Parked]:
        """See the port."""
        rows = await self._pool.fetch(self._sql.load_parked, stream, most)
        return [self._parked(row) for row in rows]


def _state(row: Any, message: Message) -> MessageState:
    return MessageState(message, message.status, row["attempts"], row["decision_number"], row["record"])


def _shard_range(marks: Mapping[int, Any]) -> tuple[int, int]:
    """The shards from the first leased group to the last."""
    return min(marks) * SHARDS_PER_GROUP, max(marks) * SHARDS_PER_GROUP + SHARDS_PER_GROUP - 1


def _cursors(marks: Mapping[int, tuple[int, datetime]], rows: list[Any], horizon: int, most: int) -> dict[int, int]:
    """Up to where everything is handled: the last row when there may be more, else the horizon."""
    end = rows[-1]["position"] if len(rows) == most else horizon
    return {group: max(cursor, end) for group, (cursor, _) in marks.items()}
