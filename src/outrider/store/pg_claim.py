"""Claimed messages and the intent transaction on PostgreSQL."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from outrider.domain.entry import Entry, OutcomeEntry
from outrider.domain.message import Message, Status
from outrider.domain.outbox import Ceiling, Due, Intent, Past, Refusal, Verdictless
from outrider.domain.stops import ENDING_SCOPES, keys_of_others, without_stopped
from outrider.domain.work import Fenced
from outrider.store.named import Queries
from outrider.store.rows import columns, read_message, read_past
from outrider.store.vault import Vault

#: How long a paused message waits before it is looked at again; a pause must act within this and end within it.
PAUSE = timedelta(seconds=5)

#: Appends entries inside an open transaction.
Append = Callable[[Any, Sequence[Entry]], Awaitable[None]]
#: Reads sealed rows; None for those of forgotten people.
Open = Callable[[Callable[[Any, Vault], Message], Sequence[Any]], Awaitable[list[Message | None]]]


class PostgresClaim:
    """The Claim port inside one open transaction."""

    def __init__(self, connection: Any, vault: Vault, sql: Queries, ceiling: Ceiling, append: Append) -> None:
        self._append = append
        self._connection = connection
        self._vault = vault
        self._sql = sql
        self._ceiling = ceiling
        self.due: Sequence[Due] = ()
        self.now: datetime

    async def load(self, most: int, read: Open) -> None:
        """Lock up to `most` due messages and read them."""
        rows = await self._connection.fetch(self._sql.claim, most)
        if not rows:
            self.now = await self._connection.fetchval(self._sql.clock)
            return
        self.now = rows[0]["now"]
        order = [row["message"] for row in rows]
        found = await self._connection.fetch(self._sql.load_claimed, order)
        messages = {message.id: message for message in await read(read_message, found) if message is not None}
        await self._settle(order, [row["id"] for row in found if row["id"] not in messages], messages)
        messages = await self._without_stopped(messages)
        past = await self._past([row["id"] for row in found if row["attempts"]])
        self.due = [Due(messages[one], tuple(past.get(one, ()))) for one in order if one in messages]

    async def _without_stopped(self, messages: dict[bytes, Message]) -> dict[bytes, Message]:
        """Further addresses with a stop are left out; a stop on the message's own is found when it is committed."""
        keys = {key for message in messages.values() for key in keys_of_others(message)}
        if not keys:
            return messages
        stopped = {row["key"] for row in await self._connection.fetch(self._sql.find_stops, list(keys))}
        return {one: without_stopped(message, stopped) for one, message in messages.items()}

    async def _settle(self, order: list[bytes], forgotten: list[bytes], messages: dict[bytes, Message]) -> None:
        """Outbox rows of messages that are not queued any more go, and messages of forgotten people end."""
        if forgotten:
            ended = [(message, str(Status.CANCELED), "the profile was deleted") for message in forgotten]
            await self._connection.execute(self._sql.close_claimed, *columns(ended, 3), self.now)
        gone = [message for message in order if message not in messages]
        if gone:
            await self._connection.execute(self._sql.drop_settled, gone)

    async def _past(self, messages: list[bytes]) -> dict[bytes, list[Past]]:
        past: dict[bytes, list[Past]] = defaultdict(list)
        if messages:
            for row in await self._connection.fetch(self._sql.load_past, messages):
                past[row["message"]].append(read_past(row))
        return past

    async def commit(self, fence: int, intents: Sequence[Intent], others: Sequence[Verdictless]) -> list[Refusal]:
        """See the port."""
        if intents:
            await self._hold_lease(fence, intents)
        refusals = await self._refuse(intents) if intents else []
        refused = {refusal.message for refusal in refusals}
        written = [intent for intent in intents if intent.message.id not in refused]
        if written:
            rows = [self._intent_row(intent) for intent in written]
            await self._connection.execute(self._sql.save_intents, rows, self.now, fence)
        if others:
            await self._set_back(others)
        return refusals

    async def _hold_lease(self, fence: int, intents: Sequence[Intent]) -> None:
        lowest = min(intent.message.id for intent in intents)
        if await self._connection.fetchval(self._sql.hold_lease, fence, lowest) is None:
            raise Fenced(f"delivery lease {fence} is over")

    def _intent_row(self, intent: Intent) -> tuple[Any, ...]:
        message = intent.message
        body = self._vault.seal_for(message.stream, intent.body, message.id)
        return (
            message.id,
            intent.number,
            intent.route,
            intent.account,
            body,
            intent.segments,
            intent.estimate,
            intent.currency,
            intent.label,
        )

    async def _refuse(self, intents: Sequence[Intent]) -> list[Refusal]:
        """Apply stops and ceilings; the refused messages are closed or delayed here."""
        stopped, paused = await self._stopped(intents)
        allowed = [i for i in intents if i.message.id not in stopped and i.message.id not in paused]
        over = await self._over_ceiling(allowed)
        closed = [(message, str(Status.CANCELED), reason) for message, reason in stopped.items()]
        closed += [(message, str(Status.FAILED), reason) for message, reason in over.items()]
        await self._close([intent.message for intent in intents], closed)
        await self._delay([(message, self.now + PAUSE) for message in paused])
        return [Refusal(message, reason) for found in (stopped, paused, over) for message, reason in found.items()]

    async def _stopped(self, intents: Sequence[Intent]) -> tuple[dict[bytes, str], dict[bytes, str]]:
        keys = {key for intent in intents for key in intent.stop_keys}
        stops = {row["key"]: row for row in await self._connection.fetch(self._sql.find_stops, list(keys))}
        stopped: dict[bytes, str] = {}
        paused: dict[bytes, str] = {}
        if not stops:
            return stopped, paused
        for intent in intents:
            for stop in (stops[key] for key in intent.stop_keys if key in stops):
                target = stopped if stop["scope"] in ENDING_SCOPES else paused
                target.setdefault(intent.message.id, f"{stop['scope']} stop: {stop['reason']}")
        return stopped, {message: reason for message, reason in paused.items() if message not in stopped}

    async def _over_ceiling(self, intents: Sequence[Intent]) -> dict[bytes, str]:
        """Count the intents; those that go beyond a ceiling are taken back, the newest of an address first."""
        if not intents:
            return {}
        addresses = [intent.message.address for intent in intents]
        rows = await self._connection.fetch(self._sql.count_ceilings, addresses, self.now)
        excess = Counter(
            {
                row["address"]: over
                for row in rows
                if (over := max(row["in_hour"] - self._ceiling.per_hour, row["in_day"] - self._ceiling.per_day)) > 0
            }
        )
        refused: dict[bytes, str] = {}
        taken_back: list[bytes] = []
        for intent in reversed(intents):
            address = intent.message.address
            if excess[address] > 0:
                excess[address] -= 1
                taken_back.append(address)
                refused[intent.message.id] = (
                    f"ceiling: at most {self._ceiling.per_hour} messages an hour"
                    f" and {self._ceiling.per_day} a day go to one address"
                )
        if taken_back:
            await self._connection.execute(self._sql.uncount_ceilings, taken_back)
        return refused

    async def _close(self, messages: Sequence[Message], closed: list[tuple[bytes, str, str]]) -> None:
        if not closed:
            return
        await self._connection.execute(self._sql.close_claimed, *columns(closed, 3), self.now)
        await self._connection.execute(self._sql.drop_outbox, [message for message, _, _ in closed])
        by_id = {message.id: message for message in messages}
        await self._tell_engine(
            [
                OutcomeEntry(message, status, reason)
                for message, status, reason in closed
                if by_id[message].awaited and status in (Status.FAILED, Status.EXPIRED)
            ],
            by_id,
        )

    async def _delay(self, delayed: list[tuple[bytes, datetime]]) -> None:
        if delayed:
            await self._connection.execute(self._sql.delay_outbox, *columns(delayed, 2))

    async def _set_back(self, others: Sequence[Verdictless]) -> None:
        await self._delay([(one.message.id, one.at or self.now) for one in others if one.what == "retry"])
        closed = [(one.message.id, str(one.status), one.reason) for one in others if one.what == "closed"]
        await self._close([one.message for one in others], closed)
        stale = [one for one in others if one.what == "stale"]
        if stale:
            await self._connection.execute(self._sql.drop_outbox, [one.message.id for one in stale])
            by_id = {one.message.id: one.message for one in stale}
            await self._tell_engine([OutcomeEntry(one.message.id, "stale", one.reason) for one in stale], by_id)

    async def _tell_engine(self, outcomes: list[OutcomeEntry], by_id: dict[bytes, Message]) -> None:
        if outcomes:
            entries = [Entry(by_id[outcome.message].stream, outcome, self.now) for outcome in outcomes]
            await self._append(self._connection, entries)
