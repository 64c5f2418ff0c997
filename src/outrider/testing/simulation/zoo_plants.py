"""Each planted fault: one function of ours replaced by one that is wrong in a way somebody once was."""

# A replacement takes what the original takes, also what it does not look at.
# ruff: noqa: ARG001, ARG005

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from outrider.api import sending
from outrider.contracts.http import Broken, NotSent
from outrider.contracts.step import Move, Node, Scene, Stay
from outrider.delivery import next_move as moves
from outrider.delivery.breaker import Breaker
from outrider.delivery.budget import RetryBudget
from outrider.domain import lattice
from outrider.domain.attempt import AttemptState, Outcome, Reason, Refused, Unknown
from outrider.domain.entry import Entry, Stop
from outrider.domain.message import Status
from outrider.domain.outbox import Intent
from outrider.domain.purpose import PURPOSES, Purpose, WhenUnknown
from outrider.domain.receipt import ReceiptStatus, Reported
from outrider.domain.work import group_of
from outrider.journeys.steps.wait import For, Wait
from outrider.testing import memory_engine
from outrider.testing.memory_claim import MemoryClaim
from outrider.testing.memory_delivery import MemoryDelivery
from outrider.testing.memory_receipts import MemoryReceipts
from outrider.testing.memory_tables import Tables
from outrider.testing.simulation import door
from outrider.testing.simulation.company import Poisoned, PoisonStep
from outrider.testing.simulation.timeline import Process
from outrider.workers import deliver, exchange, resolve
from outrider.workers.desk import Desk
from outrider.workers.engine import deciding, run
from outrider.workers.outcomes import Outcomes
from outrider.workers.prepare import prepare

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


def commercial_is_sent_again(patch: Patch) -> None:
    """A commercial message in doubt goes out on another route."""
    rules = PURPOSES[Purpose.COMMERCIAL]
    patch.item(PURPOSES, Purpose.COMMERCIAL, replace(rules, when_unknown=WhenUnknown.RESEND_ELSEWHERE, most_copies=3))


def one_breaker_for_all(patch: Patch) -> None:
    """All routes share one breaker."""
    original = Desk.replace_routes

    def replace_routes(self: Desk, routes: Any) -> None:
        original(self, routes)
        shared = next(iter(self.breakers.values()), Breaker())
        for name in self.breakers:
            self.breakers[name] = shared

    patch.set(Desk, "replace_routes", replace_routes)


def exception_names_a_number(patch: Patch) -> None:
    """An exception carries a phone number in its text, and the text is kept in clear."""
    original = PoisonStep.enter

    def enter(self: PoisonStep, node: Node, scene: Scene) -> Move:
        try:
            return original(self, node, scene)
        except Poisoned as error:
            raise Poisoned(f"cannot reach {scene.enrollment.data.get('phone')}") from error

    patch.set(PoisonStep, "enter", enter)
    patch.set(run, "reason_of", lambda error: f"{type(error).__name__}: {error}")


def halves_are_handled_again(patch: Patch) -> None:
    """Only the last part of a bisected batch moves the cursors: after a failure the first part is handled again."""
    original = run._Rest.cursors
    patch.set(run._Rest, "cursors", lambda self: {} if self.following is not None else original(self))


def a_refusal_is_ignored(patch: Patch) -> None:
    """A refused number is tried on the other route."""
    patch.set(moves, "HOPELESS", frozenset())


def ceiling_is_not_counted(patch: Patch) -> None:
    """The ceiling for one address is not counted."""
    patch.set(MemoryClaim, "_count", lambda self, address: True)


def window_is_not_compared(patch: Patch) -> None:
    """Delivery sends whenever it comes to it, also outside the window."""

    def prepare_anyway(due: Any, desk: Desk, now: datetime, ticks: float) -> Any:
        wide = replace(due.message, not_before=now, not_after=now + timedelta(days=365))
        return prepare(replace(due, message=wide), desk, now, ticks)

    patch.set(deliver, "prepare", prepare_anyway)


def lost_answer_is_a_refusal(patch: Patch) -> None:
    """A broken connection is taken for one that was never made."""
    patch.set(exchange, "NotSent", (NotSent, Broken))


def newest_round_is_told(patch: Patch) -> None:
    """A held message that is decided again takes its data from the enrollment's newest round."""
    original = deciding.Desk._values

    def values(self: Any, decision: Any, profile: Any, enrollment: Any, earlier: Any) -> Any:
        return original(self, decision, profile, enrollment, None if enrollment is not None else earlier)

    patch.set(deciding.Desk, "_values", values)


def own_clock_of_the_resolver(patch: Patch) -> None:
    """The resolver compares the database's times with the clock of its own machine."""
    original = resolve.conclude_doubt

    def conclude(doubt: Any, desk: Desk, now: datetime, ticks: float, found: Any, answered: bool) -> Any:
        process = Process.running
        return original(doubt, desk, process.now() if process else now, ticks, found, answered)

    patch.set(resolve, "conclude_doubt", conclude)


def no_lookup_lag(patch: Patch) -> None:
    """A look-up that finds nothing proves absence at once."""
    patch.set(resolve, "_lag_is_over", lambda doubt, desk, now: True)


def any_body_will_do(patch: Patch) -> None:
    """A request under a known key gets the kept answer, whatever it asks."""
    patch.set(sending, "refuse_another_body", lambda asked, kept: None)


def retries_without_a_budget(patch: Patch) -> None:
    """Whoever asks the retry budget gets a token."""
    patch.set(RetryBudget, "wait", lambda self, now: 0.0)
    patch.set(RetryBudget, "take", lambda self: None)


#: Number → fault, the invariants that may catch it, the profile, the plant. From 101 on they are our own.
PLANTS: dict[int, tuple[str, tuple[str, ...], str, Callable[[Patch], None]]] = {
    1: ("rescue sets queued instead of unknown", ("I7", "I6", "I16"), "standard", rescue_runs_again),
    2: ("retry on timeout", ("I7", "I6"), "standard", retry_on_timeout),
    3: ("outcome written after something that raises", ("I17",), "calm", outcome_after_something_fallible),
    4: ("duplicates known for a while only", ("I2", "I1"), "standard", duplicates_known_for_a_while),
    5: ("consent read before the transaction", ("I9", "I10"), "storm", consent_read_before),
    6: ("cap counted outside the decision", ("I11",), "storm", cap_counts_what_was_sent),
    7: ("reservation released on unknown", ("I11",), "storm", doubt_frees_the_slot),
    8: ("receipt overwrites by arrival time", ("I24",), "standard", last_receipt_wins),
    9: ("receipt for an unknown attempt dropped", ("I25",), "standard", orphans_are_dropped),
    10: ("answer before the commit", ("I1",), "standard", answer_before_commit),
    11: ("poller by id > last", ("I3",), "standard", poll_by_last_position),
    12: ("lease by the engine's own clock, no fence", ("I3", "I19"), "standard", lease_without_fence),
    13: ("+24 h in local time", ("I19",), "standard", local_days),
    18: ("idempotency compare ignores the body", ("I2",), "direct", any_body_will_do),
    26: ("failover on unknown for commercial", ("I16", "I6"), "storm", commercial_is_sent_again),
    27: ("breaker shared by routes and channels", ("I14",), "standard", one_breaker_for_all),
    28: ("exception text with a phone number", ("I15",), "standard", exception_names_a_number),
    30: ("a failed batch repeats its saved half", ("I3", "I19"), "storm", halves_are_handled_again),
    101: ("a refused number is tried elsewhere", ("I16",), "standard", a_refusal_is_ignored),
    102: ("ceiling not counted", ("I13",), "storm", ceiling_is_not_counted),
    103: ("window not compared at the intent", ("I12", "I20"), "standard", window_is_not_compared),
    104: ("a broken connection counts as never made", ("I7", "I6"), "standard", lost_answer_is_a_refusal),
    106: ("a held message tells of a later event", ("I15",), "standard", newest_round_is_told),
    107: ("doubts ended by the resolver's own clock", ("I18", "I7", "I6"), "standard", own_clock_of_the_resolver),
    108: ("retries without a budget", ("I36",), "storm", retries_without_a_budget),
    105: ("absence proved without the reporting lag", ("I7", "I6"), "storm", no_lookup_lag),
}
