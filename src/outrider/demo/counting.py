"""Counts of one run, read from the store; the final ones also from the sandbox's ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from outrider.demo.audit import Attempted, Audit, audit, place_of
from outrider.domain.attempt import AttemptState, Reason
from outrider.domain.message import Status
from outrider.installation import Opened
from outrider.sandbox.ledger import Line, read_ledger
from outrider.store.named import Queries, load

#: Refusals that speak of the route, not of the message.
TROUBLE = (Reason.NOT_CONNECTED, Reason.UNAVAILABLE)
#: Messages that did not reach anybody.
FAILED = (Status.FAILED, Status.UNDELIVERED, Status.EXPIRED)
#: Messages that delivery has not done with.
MOVING = (Status.QUEUED, Status.SENDING, Status.UNKNOWN)


@cache
def statements() -> Queries:
    """The named statements of demo/queries."""
    return load(Path(__file__).parent / "queries")


class Stopped(msgspec.Struct, frozen=True):
    """Candidates that one gate held or dropped."""

    verdict: str
    gate: str
    template: str
    count: int


class AccountState(msgspec.Struct, frozen=True):
    """What went through one account."""

    name: str
    accepted: int
    refused: int
    cost: float
    #: Its last attempt found nobody there, or is in doubt.
    failing: bool


class Failover(msgspec.Struct, frozen=True):
    """One message that took another route than before."""

    template: str
    before: str
    after: str
    reason: str
    at: datetime


class Fallback(msgspec.Struct, frozen=True):
    """One message on another channel after the first one did not reach the person."""

    template: str
    before: str
    #: What became of the first: `failed`, or a status that says nobody was reached in time.
    status: str
    after: str


class Tally(msgspec.Struct, frozen=True):
    """The counts of a run so far."""

    statuses: dict[str, int]
    stopped: tuple[Stopped, ...]
    accounts: tuple[AccountState, ...]
    failovers: tuple[Failover, ...]
    #: Messages on another channel after the first one did not reach the person.
    fallbacks: int
    #: Timers, messages on their way and entries that are not handled yet.
    ahead: int
    #: Market → estimated cost of what was accepted, in EUR.
    costs: dict[str, float] = {}
    last_fallback: Fallback | None = None

    @property
    def messages(self) -> int:
        """All messages."""
        return sum(self.statuses.values())

    @property
    def delivered(self) -> int:
        """Messages with a receipt that says delivered."""
        return self.statuses.get(Status.DELIVERED, 0)

    @property
    def accepted(self) -> int:
        """Messages that a provider took and has not reported on: most mail servers and silent apps never do."""
        return self.statuses.get(Status.ACCEPTED, 0)

    @property
    def failed(self) -> int:
        """Messages that failed, were undelivered or expired."""
        return sum(self.statuses.get(status, 0) for status in FAILED)

    @property
    def canceled(self) -> int:
        """Messages that were taken back before they went."""
        return self.statuses.get(Status.CANCELED, 0)

    @property
    def moving(self) -> int:
        """Messages that are queued, being sent or in doubt."""
        return sum(self.statuses.get(status, 0) for status in MOVING)

    @property
    def held(self) -> int:
        """Messages that wait for a time at which they may go."""
        return self.statuses.get(Status.HELD, 0)

    @property
    def dropped(self) -> int:
        """Candidates that no message was made of."""
        return sum(one.count for one in self.stopped if one.verdict == "drop")

    @property
    def cost(self) -> float:
        """Estimated cost of what was accepted."""
        return sum(account.cost for account in self.accounts)


class Counter:
    """Reads the counts of the people of one run."""

    def __init__(self, opened: Opened, customers: Sequence[str], since: bytes) -> None:
        """customers: keys of their profiles; since: the smallest message id that can belong to the run."""
        self._pool = opened.store.pool
        self._hasher = opened.hasher
        self._streams = [opened.hasher.stream("profile", key) for key in customers]
        self._since = since

    async def tally(self) -> Tally:
        """The counts as they stand."""
        statuses = {row["status"]: row["count"] for row in await self._rows("count_messages")}
        stopped = [Stopped(*row.values()) for row in await self._rows("count_stopped")]
        ahead = (await self._rows("count_ahead"))[0]
        attempts, fallbacks = await self._rows("count_attempts"), await self._rows("last_fallback")
        return Tally(
            statuses,
            tuple(stopped),
            tuple(_accounts(attempts)),
            tuple(_failover(row) for row in await self._rows("list_failovers")),
            fallbacks[0]["count"] if fallbacks else 0,
            ahead["waits"] + ahead["moving"] + ahead["entries"],
            _costs(attempts),
            _fallback(fallbacks[0]) if fallbacks else None,
        )

    async def considered(self) -> int:
        """How many candidates were decided on: each is a message or was dropped."""
        return int((await self._rows("count_considered"))[0]["count"])

    async def events(self, names: Sequence[tuple[str, str]]) -> int:
        """How many of these events, by (source, id), are in the log."""
        keys = [self._hasher.event(source, identifier) for source, identifier in names]
        return int(await self._pool.fetchval(statements().count_events, keys))

    async def compare(self, ledger: Path) -> Audit:
        """The store against the sandbox's ledger."""
        lines = list(read_ledger(ledger))
        attempts = {
            (row["message"], row["number"]): Attempted(
                AttemptState(row["state"]), row["label"] or "", row["market"], row["cost"], row["is_fallback"]
            )
            for row in await self._rows("show_attempts_of")
        }
        return audit(attempts, lines, await self._foreign(lines))

    async def _foreign(self, lines: Sequence[Line]) -> frozenset[bytes]:
        """Messages of the ledger that belong to other people: what an earlier run had held until now."""
        named = list({place[0] for line in lines if (place := place_of(line))})
        rows = await self._pool.fetch(statements().known_messages, named)
        own = set(self._streams)
        return frozenset(row["id"] for row in rows if row["stream"] not in own)

    async def _rows(self, name: str) -> list[Any]:
        return list(await self._pool.fetch(statements()[name], self._streams, self._since))


def _accounts(rows: Sequence[Any]) -> list[AccountState]:
    found = []
    for name in sorted({row["account"] for row in rows}):
        own = [row for row in rows if row["account"] == name]
        accepted = [row for row in own if row["state"] == AttemptState.ACCEPTED]
        newest = max(own, key=lambda row: row["last"])
        found.append(
            AccountState(
                name=name,
                accepted=sum(row["count"] for row in accepted),
                refused=sum(row["count"] for row in own if row["state"] == AttemptState.REFUSED),
                cost=sum(row["cost"] for row in accepted),
                failing=newest["state"] == AttemptState.UNKNOWN or newest["reason"] in TROUBLE,
            )
        )
    return found


def _costs(rows: Sequence[Any]) -> dict[str, float]:
    costs: dict[str, float] = {}
    for row in rows:
        if row["state"] == AttemptState.ACCEPTED:
            costs[row["market"]] = costs.get(row["market"], 0.0) + row["cost"]
    return dict(sorted(costs.items()))


def _fallback(row: Any) -> Fallback:
    return Fallback(row["template"], row["first_channel"], row["first_status"], row["channel"])


def _failover(row: Any) -> Failover:
    reason = (row["reason"] or "in doubt").replace("_", " ")
    return Failover(row["template"], row["from_route"], row["to_route"], reason, row["at"])
