"""Reads what the judge needs: the store's messages and attempts, the ledger's lines; and waits until all is at rest."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from pathlib import Path
from typing import Any

import asyncpg

from outrider.domain.purpose import Purpose
from outrider.lib.ids import Hasher, write_id
from outrider.sandbox.ledger import DECODER, read_ledger
from outrider.secrets import load_keys
from outrider.testing.killing.company import number_of, phone_of
from outrider.testing.killing.verdict import Attempt, Kept

#: Work that is not done yet.
OPEN = """
select (select count(*) from entries e join shard_groups g on g.shard_group = e.shard / 8 where e.position > g.cursor)
         as entries,
       (select count(*) from outbox) as outbox,
       (select count(*) from doubts) as doubts,
       (select count(*) from attempts where state in ('intent', 'unknown')) as attempts,
       (select count(*) from messages where status in ('queued', 'sending', 'held')) as messages
"""
MESSAGES = "select id, address, purpose, status from messages"
ATTEMPTS = """
select a.message, a.number, a.state, coalesce(a.label, '') as label,
       a.detail is not null and a.state <> 'refused' as doubted,
       exists (select 1 from receipts r where r.message = a.message and r.attempt = a.number) as echoed
from attempts a order by a.message, a.number
"""


class NotAtRest(Exception):
    """Work was still open when the time was over; the text says which."""


async def at_rest(dsn: str, within: float) -> None:
    """Return when nothing is open any more. Raises NotAtRest after `within` seconds."""
    connection = await asyncpg.connect(dsn)
    try:
        async with asyncio.timeout(within):
            while any(dict(await connection.fetchrow(OPEN)).values()):
                await asyncio.sleep(0.1)
    except TimeoutError as error:
        raise NotAtRest(f"still open after {within:g} s: {dict(await connection.fetchrow(OPEN))}") from error
    finally:
        await connection.close()


async def read_messages(dsn: str, home: Path, numbers: range) -> list[Kept]:
    """The store's messages to the people of these events."""
    hasher = Hasher(load_keys(home).index_key())
    events = {hasher.address("sms", phone_of(number)): number for number in numbers}
    connection = await asyncpg.connect(dsn)
    try:
        attempts: dict[bytes, list[Attempt]] = defaultdict(list)
        for row in await connection.fetch(ATTEMPTS):
            attempts[row["message"]].append(_attempt(row))
        rows = await connection.fetch(MESSAGES)
    finally:
        await connection.close()
    return [
        Kept(
            name=write_id("msg", row["id"]),
            event=events[row["address"]],
            purpose=Purpose(row["purpose"]),
            status=row["status"],
            attempts=tuple(attempts[row["id"]]),
        )
        for row in rows
    ]


def _attempt(row: Any) -> Attempt:
    return Attempt(row["number"], row["state"], row["label"], row["doubted"], row["echoed"])


def read_copies(ledger: Path) -> list[tuple[str, int]]:
    """What the providers took: (message name, attempt number) for each line."""
    copies = []
    for line in read_ledger(ledger):
        name, _, number = line.echo.rpartition(".")
        copies.append((name, int(number)))
    return copies


class Tail:
    """Counts the lines of a growing ledger without reading it again."""

    def __init__(self, ledger: Path) -> None:
        self._ledger = ledger
        self._offset = 0
        self.lines = 0
        #: Events whose message was taken at least once.
        self.reached: set[int] = set()

    def look(self) -> int:
        """The lines there are now."""
        with self._ledger.open("rb") as file:
            file.seek(self._offset)
            grown = file.read()
        complete = grown[: grown.rfind(b"\n") + 1]
        for line in complete.splitlines():
            self.lines += 1
            self.reached.add(number_of(DECODER.decode(line).to))
        self._offset += len(complete)
        return self.lines
