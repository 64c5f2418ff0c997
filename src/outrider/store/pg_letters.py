"""Dead letters on PostgreSQL: shown, and quarantined stimuli put back into the log with all that waits behind them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from outrider.contracts.reading_store import CannotReplay
from outrider.domain.entry import Entry
from outrider.domain.work import DeadLetter, ParkedBody, Timer
from outrider.store.answering import answering
from outrider.store.named import Queries
from outrider.store.pg_log import LETTER, PostgresLog
from outrider.store.pg_save import PARKED
from outrider.store.postgres import statements
from outrider.store.rows import columns
from outrider.store.vault import Vault


class PostgresLetters(PostgresLog):
    """The Letters port."""

    _pool: asyncpg.Pool
    _vault: Vault
    _sql: Queries

    def __init__(self, pool: asyncpg.Pool, vault: Vault) -> None:
        self._pool = pool
        self._vault = vault
        self._sql = statements()

    @answering
    async def list_letters(self, *, kind: str | None, replayed: bool, before: bytes, most: int) -> list[DeadLetter]:
        """See the port."""
        return [_letter(row) for row in await self._pool.fetch(self._sql.page_letters, before, kind, replayed, most)]

    @answering
    async def show_letter(self, identifier: bytes) -> DeadLetter | None:
        """See the port."""
        row = await self._pool.fetchrow(self._sql.show_letter, identifier)
        if row is None:
            return None
        raw: bytes = self._vault.open(bytes, row["key_id"], row["sealed"], LETTER)
        return _letter(row, raw)

    @answering
    async def close_letter(self, identifier: bytes) -> bool:
        """See the port."""
        return await self._pool.fetchval(self._sql.close_letter, identifier) is not None

    @answering
    async def replay_letter(self, identifier: bytes) -> int:
        """See the port."""
        letter = await self.show_letter(identifier)
        if letter is None:
            raise CannotReplay("there is no such dead letter")
        if letter.kind != "stimulus" or letter.stream is None:
            raise CannotReplay(f"a letter of kind {letter.kind} is no quarantined stimulus")
        async with self._pool.acquire() as connection, connection.transaction():
            return await self._replay(connection, letter, letter.stream)

    async def _replay(self, connection: Any, letter: DeadLetter, stream: bytes) -> int:
        """Lock the blocked stream first: from then on no engine parks behind it (pg_save checks the same row)."""
        blocked = await connection.fetchval(self._sql.lock_blocked, stream)
        if await connection.fetchval(self._sql.lock_letter, letter.id) is not None:
            raise CannotReplay("the letter was replayed already")
        if blocked is not None and blocked != letter.id:
            raise CannotReplay("its stream waits behind another letter, which must be replayed first")
        stimuli = [_stimulus(msgspec.msgpack.decode(letter.raw, type=ParkedBody))]
        stimuli += [_stimulus(self._parked_body(row)) for row in await connection.fetch(self._sql.take_parked, stream)]
        await self._put_back(connection, stimuli)
        await connection.execute(self._sql.unblock, [stream])
        await connection.execute(self._sql.close_letter, letter.id)
        return len(stimuli)

    def _parked_body(self, row: Any) -> ParkedBody:
        body: ParkedBody = self._vault.open(ParkedBody, row["body"][0], row["body"][1:], PARKED)
        return body

    async def _put_back(self, connection: Any, stimuli: Sequence[Entry | Timer]) -> None:
        """Entries to the end of the log in their order, as of now: the partition of their first time may be gone."""
        now: datetime = await connection.fetchval("select clock_timestamp()")
        timers = {(each.owner, each.kind): each for each in stimuli if isinstance(each, Timer)}
        if timers:
            rows = [(each.owner, each.kind, each.due_at, each.stream, each.token) for each in timers.values()]
            await connection.execute(self._sql.save_timers, *columns(rows, 5))
        entries = [msgspec.structs.replace(each, at=now) for each in stimuli if isinstance(each, Entry)]
        if entries:
            await self._append_plain(connection, entries)


def _letter(row: Any, raw: bytes = b"") -> DeadLetter:
    return DeadLetter(
        id=row["id"],
        at=row["at"],
        kind=row["kind"],
        reason=row["reason"],
        raw=raw,
        place=row["place"],
        stream=row["stream"],
        replayed_at=row["replayed_at"],
    )


def _stimulus(body: ParkedBody) -> Entry | Timer:
    stimulus = body.entry or body.timer
    if stimulus is None:
        raise CannotReplay("the letter holds no stimulus")
    return stimulus
