"""The event log on PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import asyncpg

from outrider.domain.entry import Body, Entry, Stop, kind_of
from outrider.domain.stops import in_effect
from outrider.domain.work import DeadLetter, group_of
from outrider.store.named import Queries
from outrider.store.rows import opened
from outrider.store.vault import Vault

T = TypeVar("T")

ENTRY = "entry"
LETTER = "letter"


class PostgresLog:
    """Append, bury, lift; the Log port."""

    _pool: asyncpg.Pool
    _vault: Vault
    _sql: Queries

    async def append(self, entries: Sequence[Entry], stops: Sequence[Stop] = ()) -> list[int | None]:
        """See the port."""
        async with self._pool.acquire() as connection, connection.transaction():
            positions = await self.append_within(connection, entries)
            left = in_effect(stops, entries, positions).values()
            if ended := sorted(stop.key for stop in left if stop.lifts):
                await connection.execute(self._sql.lift_stops, ended)
            if put := [stop for stop in left if not stop.lifts]:
                await self._put_stops(connection, put)
        return positions

    async def append_within(self, connection: Any, entries: Sequence[Entry]) -> list[int | None]:
        """Append in an open transaction, which should end soon: until then readers stop before these positions."""
        await connection.execute(self._sql.open_append)
        return await self._append_events(connection, entries)

    async def _append_events(self, connection: Any, entries: Sequence[Entry]) -> list[int | None]:
        """Positions in order; of entries with the same key the first one counts."""
        keyed = {entry.key: place for place, entry in reversed([*enumerate(entries)]) if entry.key is not None}
        places = [place for place, entry in enumerate(entries) if entry.key is None or keyed[entry.key] == place]
        rows = [self._entry_row(entries[place]) for place in places]
        positions: list[int | None] = [None] * len(entries)
        plain = (place for place in places if entries[place].key is None)
        for key, position in await connection.fetch(self._sql.append_events, rows):
            positions[next(plain) if key is None else keyed[key]] = position
        return positions

    def _entry_row(self, entry: Entry) -> tuple[Any, ...]:
        key_id, sealed = self._vault.seal(entry.body, ENTRY)
        stream, body = entry.stream, entry.body
        kind = kind_of(body)
        name = body.event.type if kind == "event" else ""  # type: ignore[union-attr]
        return stream, stream[0], kind, entry.at, entry.key, name, key_id, sealed

    async def _append_plain(self, connection: Any, entries: Sequence[Entry]) -> None:
        """Append entries without keys inside a transaction that is about to end."""
        await connection.execute(self._sql.open_append)
        rows = [self._entry_row(entry) for entry in entries]
        await connection.execute(self._sql.append_plain, rows)

    async def _put_stops(self, connection: Any, stops: Sequence[Stop]) -> None:
        unique = {stop.key: stop for stop in stops}
        rows = [unique[key] for key in sorted(unique)]
        await connection.execute(
            self._sql.put_stops, [s.key for s in rows], [s.scope for s in rows], [s.reason for s in rows]
        )

    async def bury(self, letters: Sequence[DeadLetter]) -> None:
        """See the port."""
        async with self._pool.acquire() as connection:
            await self._bury(connection, letters)

    async def _bury(self, connection: Any, letters: Sequence[DeadLetter]) -> None:
        sealed = [self._vault.seal(letter.raw, LETTER) for letter in letters]
        await connection.execute(
            self._sql.bury,
            [letter.id for letter in letters],
            [letter.at for letter in letters],
            [letter.kind for letter in letters],
            [letter.reason for letter in letters],
            [letter.place for letter in letters],
            [letter.stream for letter in letters],
            [key_id for key_id, _ in sealed],
            [value for _, value in sealed],
        )

    async def lift(self, keys: Sequence[str]) -> None:
        """See the port."""
        await self._pool.execute(self._sql.lift_stops, list(keys))

    async def applied(self, stream: bytes) -> int:
        """See the port."""
        return int(await self._pool.fetchval(self._sql.applied, group_of(stream)))

    def _entry(self, row: Any) -> Entry:
        """A stored entry."""
        position, stream, at, key, key_id, sealed = row
        body: Body = self._vault.open(Body, key_id, sealed, ENTRY)
        return Entry(stream=stream, body=body, at=at, key=key, position=position)

    async def _opened(self, read: Callable[[Any, Vault], T], rows: Sequence[Any]) -> list[T | None]:
        """What sealed rows hold; None for those of forgotten people.

        A person who was forgotten and came back has a new data key, which a process that knew the old one reads here.
        """
        await self._learn({row["stream"] for row in rows})
        found = [opened(read, row, self._vault) for row in rows]
        closed = {row["stream"] for row, one in zip(rows, found, strict=True) if one is None}
        if not closed:
            return found
        for stream in closed:
            self._vault.forget(stream)
        await self._learn(closed)
        return [opened(read, row, self._vault) if one is None else one for row, one in zip(rows, found, strict=True)]

    async def _learn(self, streams: set[bytes]) -> None:
        """Make the data keys of streams known; a forgotten person's stay unknown."""
        missing = [stream for stream in streams if not self._vault.knows(stream)]
        if missing:
            for row in await self._pool.fetch(self._sql.load_data_keys, missing):
                if row["data_key"]:
                    self._vault.learn(row["stream"], row["key_id"], row["data_key"])
