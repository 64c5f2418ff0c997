"""Pages of messages, decisions and timelines on PostgreSQL, bounded by id so that partitions are pruned."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from outrider.contracts.reading_store import (
    DecisionFilter,
    DecisionLine,
    Happening,
    MessageFilter,
    MessageLine,
    MessageView,
    Moment,
    RungLine,
)
from outrider.domain.entry import Body, Entry
from outrider.lib.ids import SIZE, first_id_at
from outrider.store.answering import answering
from outrider.store.lines import attempt_line, decision_line, message_line, receipt_line
from outrider.store.named import Queries
from outrider.store.pg_log import ENTRY
from outrider.store.vault import Vault

#: Bytes that the ids of an escalation share: the instant and the shard.
SHARED = 7

ENTRY_RANK, DECISION_RANK, MESSAGE_RANK, ATTEMPT_RANK, RECEIPT_RANK = range(5)


class PostgresPages:
    """The part of the Reading port about what was decided and sent."""

    _pool: asyncpg.Pool
    _vault: Vault
    _sql: Queries

    @answering
    async def messages(self, asked: MessageFilter) -> list[MessageLine]:
        """See the port."""
        words = (asked.status, asked.journey, asked.template, asked.channel, asked.market)
        fields = (asked.since, asked.before, *words, asked.most)
        if asked.streams is None:
            rows = await self._pool.fetch(self._sql.page_messages, *fields)
        else:
            rows = await self._pool.fetch(self._sql.page_messages_of, *fields, asked.streams)
        return [message_line(row, self._vault) for row in rows]

    @answering
    async def message(self, identifier: bytes) -> MessageView | None:
        """See the port."""
        row = await self._pool.fetchrow(self._sql.show_messages, [identifier])
        if row is None:
            return None
        return MessageView(
            message_line(row, self._vault),
            tuple(await self._decisions([identifier])),
            tuple(attempt_line(each, self._vault) for each in await self._rows("show_attempts", [identifier])),
            tuple(receipt_line(each) for each in await self._rows("show_receipts", [identifier])),
        )

    @answering
    async def decisions(self, asked: DecisionFilter) -> list[DecisionLine]:
        """See the port."""
        words = (asked.verdict, asked.gate, asked.journey, asked.template)
        fields = (asked.since, *asked.before, *words, asked.most)
        if asked.streams is None:
            rows = await self._pool.fetch(self._sql.page_decisions, *fields)
        else:
            rows = await self._pool.fetch(self._sql.page_decisions_of, *fields, asked.streams)
        return [decision_line(row, self._vault) for row in rows]

    @answering
    async def decision(self, identifier: bytes) -> list[DecisionLine]:
        """See the port."""
        return await self._decisions([identifier])

    @answering
    async def beside(self, identifier: bytes, stream: bytes) -> list[RungLine]:
        """See the port."""
        instant = identifier[:SHARED]
        ends = (instant.ljust(SIZE, b"\x00"), instant.ljust(SIZE, b"\xff"))
        rows = await self._pool.fetch(self._sql.show_beside, stream, *ends)
        made = [row["message"] for row in rows if row["message"]]
        messages = {row["id"]: message_line(row, self._vault) for row in await self._rows("show_messages", made)}
        return [RungLine(decision_line(row, self._vault), messages.get(row["id"])) for row in rows]

    @answering
    async def timeline(
        self, streams: Collection[bytes], since: datetime, before: Moment, most: int
    ) -> list[tuple[Moment, Happening]]:
        """See the port."""
        rows = await self._pool.fetch(
            self._sql.page_timeline,
            list(streams),
            first_id_at(since),
            since,
            before.at,
            before.rank,
            before.reference,
            most,
        )
        moments = [Moment(row["at"], row["rank"], row["reference"]) for row in rows]
        found = await self._happenings(streams, moments)
        return [(moment, found[moment.rank, moment.reference]) for moment in moments]

    async def _happenings(
        self, streams: Collection[bytes], moments: Sequence[Moment]
    ) -> Mapping[tuple[int, bytes], Happening]:
        """What stands at some moments, loaded by one query for each kind that occurs."""
        wanted: dict[int, list[bytes]] = defaultdict(list)
        for moment in moments:
            wanted[moment.rank].append(moment.reference)
        found: dict[tuple[int, bytes], Happening] = {}
        found.update(await self._entries_at(streams, wanted[ENTRY_RANK]))
        found.update(await self._decisions_at(wanted[DECISION_RANK]))
        sent = {rank: some for rank, some in wanted.items() if rank >= MESSAGE_RANK and some}
        if sent:
            found.update(await self._sent_at(sent))
        return found

    async def _entries_at(
        self, streams: Collection[bytes], references: Sequence[bytes]
    ) -> dict[tuple[int, bytes], Happening]:
        if not references:
            return {}
        positions = [int.from_bytes(reference, "big") for reference in references]
        rows = await self._pool.fetch(self._sql.show_entries, list(streams), positions)
        return {(ENTRY_RANK, row["position"].to_bytes(8, "big")): self._entry(row) for row in rows}

    async def _decisions_at(self, references: Sequence[bytes]) -> dict[tuple[int, bytes], Happening]:
        lines = await self._decisions(sorted({reference[:SIZE] for reference in references})) if references else []
        return {(DECISION_RANK, line.id + line.number.to_bytes(2, "big")): line for line in lines}

    async def _sent_at(self, wanted: Mapping[int, Sequence[bytes]]) -> dict[tuple[int, bytes], Happening]:
        """Messages first, since they make the data key of their attempts known."""
        messages = sorted({reference[:SIZE] for references in wanted.values() for reference in references})
        found: dict[tuple[int, bytes], Happening] = {
            (MESSAGE_RANK, row["id"]): message_line(row, self._vault)
            for row in await self._rows("show_messages", messages)
        }
        for row in await self._rows("show_attempts", messages) if ATTEMPT_RANK in wanted else ():
            found[ATTEMPT_RANK, row["message"] + row["number"].to_bytes(2, "big")] = attempt_line(row, self._vault)
        for row in await self._rows("show_receipts", messages) if RECEIPT_RANK in wanted else ():
            found[RECEIPT_RANK, row["message"] + row["digest"]] = receipt_line(row)
        return found

    def _entry(self, row: Any) -> Entry:
        body: Body = self._vault.open(Body, row["key_id"], row["sealed"], ENTRY)
        return Entry(row["stream"], body, row["at"], row["key"], row["position"])

    async def _decisions(self, identifiers: Sequence[bytes]) -> list[DecisionLine]:
        return [decision_line(row, self._vault) for row in await self._rows("show_decisions", identifiers)]

    async def _rows(self, name: str, identifiers: Sequence[bytes]) -> list[Any]:
        return list(await self._pool.fetch(self._sql[name], list(identifiers)))
