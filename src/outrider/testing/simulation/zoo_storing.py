"""Planted faults of storing, leasing, timing and receipts."""

# A replacement takes what the original takes, also what it does not look at.
# ruff: noqa: ARG001, ARG005

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from outrider.contracts.step import Move, Node, Scene, Stay
from outrider.domain import lattice, stops
from outrider.domain.attempt import AttemptState, Outcome, Reason, Refused, Unknown
from outrider.domain.entry import Entry, Stop
from outrider.domain.message import Status
from outrider.domain.outbox import Intent
from outrider.domain.purpose import Purpose
from outrider.domain.receipt import ReceiptStatus, Reported
from outrider.domain.work import group_of
from outrider.journeys.steps.wait import For, Wait
from outrider.testing import memory_engine, memory_log, memory_tables
from outrider.testing.memory_claim import MemoryClaim
from outrider.testing.memory_delivery import MemoryDelivery
from outrider.testing.memory_receipts import MemoryReceipts
from outrider.testing.memory_tables import Tables
from outrider.testing.simulation import door
from outrider.workers import deliver, exchange
from outrider.workers.desk import Desk
from outrider.workers.outcomes import Outcomes

Patch = Any


def rescue_runs_again(patch: Patch) -> None:
    """A dead worker's intents are queued again instead of being in doubt."""

    async def rescue(self: MemoryDelivery, grace: float, _within: Mapping[Purpose, timedelta]) -> int:
        now = self.clock.now()
        over = [f for f, lease in self.tables.delivery_leases.items() if now - lease.until > timedelta(seconds=grace)]
        intents = [attempt for fence in over for attempt in self._intents(fence)]
        for attempt in intents:
            row = self.tables.messages[attempt.message]
            attempt.state, attempt.reason = AttemptState.REFUSED, Reason.NOT_CONNECTED
            self.tables.set_status(row, Status.QUEUED, now, "its worker died")
            self.tables.outbox.set(row.message.id, now)
        for fence in over:
            del self.tables.delivery_leases[fence]
        return len(intents)

    patch.set(MemoryDelivery, "rescue", rescue)


def retry_on_timeout(patch: Patch) -> None:
    """A call without an answer counts as refused, so that it is tried again."""
    original = exchange.send

    async def send(intent: Intent, desk: Desk, line: Any, now: datetime) -> Outcome:
        outcome = await original(intent, desk, line, now)
        return Refused(Reason.UNAVAILABLE, "timeout") if isinstance(outcome, Unknown) else outcome

    patch.set(deliver, "send", send)


def outcome_after_something_fallible(patch: Patch) -> None:
    """Pricing stands between the provider's answer and the outcome, and raises for one message in ten."""
    original = Outcomes.write

    async def write(self: Outcomes) -> bool:
        if any(done.message[-1] % 10 == 0 for done in self.waiting):
            raise ValueError("no price for this message")
        return await original(self)

    patch.set(Outcomes, "write", write)


def duplicates_known_for_a_while(patch: Patch) -> None:
    """A repeat is only known while the last few events are remembered."""
    original = Tables.append

    def append(self: Tables, entry: Entry) -> int | None:
        while len(self.event_keys) > 5:
            del self.event_keys[next(iter(self.event_keys))]
        return original(self, entry)

    patch.set(Tables, "append", append)
    patch.set(Tables, "put_entry", _put_without_looking)


def _put_without_looking(self: Tables, entry: Entry, position: int) -> int:
    if entry.key is not None:
        self.event_keys[entry.key] = position
    self.entries[position] = replace(entry, position=position)
    insort(self.positions[group_of(entry.stream)], position)
    return position


def consent_read_before(patch: Patch) -> None:
    """Stops are read when messages are claimed, not in the intent's transaction."""
    begin = MemoryClaim.__init__

    def init(self: MemoryClaim, store: Any, now: datetime, due: Sequence[Any]) -> None:
        begin(self, store, now, due)
        self.read = dict(store.tables.stops)  # type: ignore[attr-defined]

    def stop(self: MemoryClaim, intent: Intent) -> Stop | None:
        return next((self.read[key] for key in intent.stop_keys if key in self.read), None)  # type: ignore[attr-defined]

    patch.set(MemoryClaim, "__init__", init)
    patch.set(MemoryClaim, "_stop", stop)


def stop_is_for_decisions_only(patch: Patch) -> None:
    """What was decided before a STOP is still sent: the intent's transaction does not look for one."""
    original = MemoryClaim._stop

    def stop(self: MemoryClaim, intent: Intent) -> Stop | None:
        return original(self, replace(intent, stop_keys=[key for key in intent.stop_keys if "opt_out" not in key]))

    patch.set(MemoryClaim, "_stop", stop)


def told_again_counts_again(patch: Patch) -> None:
    """A STOP or START that a provider tells again takes effect again, whatever was written since."""
    patch.set(memory_log, "in_effect", lambda stops, entries, positions: {stop.key: stop for stop in stops})


def bounces_are_forgotten(patch: Patch) -> None:
    """Mail that comes back for good ends no address."""

    def suppression(channel: str, reason: Reason | None) -> str | None:
        return None if channel == "email" else stops.suppression(channel, reason)

    patch.set(memory_tables, "suppression", suppression)


def cap_counts_what_was_sent(patch: Patch) -> None:
    """A cap counts intents only: what is decided but not sent yet takes no slot."""
    patch.set(memory_engine, "WITHOUT_SLOT", memory_engine.WITHOUT_SLOT | {Status.QUEUED})


def doubt_frees_the_slot(patch: Patch) -> None:
    """A message in doubt gives its slot back."""
    patch.set(memory_engine, "WITHOUT_SLOT", memory_engine.WITHOUT_SLOT | {Status.UNKNOWN})


def last_receipt_wins(patch: Patch) -> None:
    """The receipt that arrives last decides the status."""

    def move(status: Status, receipt: ReceiptStatus, *, latest_attempt: bool) -> Status:
        return lattice.PROVED[receipt]

    patch.set(lattice, "move", move)


def orphans_are_dropped(patch: Patch) -> None:
    """A receipt for a message nobody knows is thrown away."""

    def report(self: MemoryReceipts, reported: Reported, now: datetime) -> bool:
        attempt = self._match(reported)
        return attempt is not None and self._store(attempt, reported, now)

    patch.set(MemoryReceipts, "_report", report)


def answer_before_commit(patch: Patch) -> None:
    """The caller has its 202 before the commit, whatever becomes of it."""

    def insist(self: door.Door, request: Callable[[], Any], done: Callable[[Any], None]) -> None:
        def impatient(result: Any = (1,)) -> None:
            done(result)

        self.attempt(request, impatient, impatient)

    patch.set(door.Door, "insist", insist)


def poll_by_last_position(patch: Patch) -> None:
    """The log is read up to the last position, past appends that have not committed."""
    patch.set(Tables, "horizon", lambda self: self.last_position)


def lease_without_fence(patch: Patch) -> None:
    """An engine trusts its own clock that its lease still holds: the commit checks nothing."""
    patch.set(Tables, "held", lambda self, lease, now: list(lease.fences))


def local_days(patch: Patch) -> None:
    """A wait of 24 hours ends at the same time of the next day on the wall clock."""
    original = Wait.enter

    def enter(self: Wait, node: Node, scene: Scene) -> Move:
        if not isinstance(node.settings, For):
            return original(self, node, scene)
        local = scene.now.astimezone(ZoneInfo("Europe/Paris")).replace(tzinfo=None) + node.settings.length
        return Stay(local.replace(tzinfo=ZoneInfo("Europe/Paris")).astimezone(scene.now.tzinfo))

    patch.set(Wait, "enter", enter)
