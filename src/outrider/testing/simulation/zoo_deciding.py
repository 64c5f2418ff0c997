"""Planted faults of routing, doubts, windows and of what is told."""

# A replacement takes what the original takes, also what it does not look at.
# ruff: noqa: ARG005

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from outrider.api import sending
from outrider.contracts.http import Broken, NotSent
from outrider.contracts.step import Move, Node, Scene
from outrider.delivery import next_move as moves
from outrider.delivery.breaker import Breaker
from outrider.delivery.budget import RetryBudget
from outrider.domain.entry import Entry, EventEntry
from outrider.domain.purpose import PURPOSES, Purpose, WhenUnknown
from outrider.orchestration.gates import frequency_cap
from outrider.orchestration.gates.minimum_gap import QUIET, MinimumGap
from outrider.testing.memory_claim import MemoryClaim
from outrider.testing.simulation.company import Poisoned, PoisonStep
from outrider.testing.simulation.timeline import Process
from outrider.workers import deliver, exchange, resolve
from outrider.workers.desk import Desk
from outrider.workers.engine import deciding, identities, run
from outrider.workers.engine.things import Things
from outrider.workers.prepare import prepare

Patch = Any


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


def gaps_are_not_looked_at(patch: Patch) -> None:
    """The message before is always long enough ago."""
    patch.set(MinimumGap, "judge", lambda self, case: QUIET)


def days_begin_in_utc(patch: Patch) -> None:
    """A cap by the day counts the days of UTC."""
    patch.set(frequency_cap, "zone_of", lambda name, market: UTC)


def passages_stay_and_go(patch: Patch) -> None:
    """A passage that moves to another key of its person goes on where it was, too."""
    patch.set(identities, "_move_out", lambda people, live, why: tuple(live))


def merged_keys_keep_their_events(patch: Patch) -> None:
    """What comes under a merged key is handled there."""
    original = identities.passed_on

    def passed_on(entry: Entry, key: str, into: str) -> Any:
        return None if isinstance(entry.body, EventEntry) else original(entry, key, into)

    patch.set(identities, "passed_on", passed_on)


def registrations_of_the_first_day(patch: Patch) -> None:
    """A worker asks once where its routes may be used, and not again when the day is over."""
    original = Desk.ways

    def ways(self: Any, message: Any, day: Any) -> Any:
        self.first_day = getattr(self, "first_day", day)
        return original(self, message, self.first_day)

    patch.set(Desk, "ways", ways)


def one_stream_after_the_other(patch: Patch) -> None:
    """An event visits its objects one after the other, and then its person."""
    original = Things.event

    def event(self: Things, entry: Entry, body: EventEntry) -> None:
        original(self, entry, replace(body, path=()))
        if body.path:
            following = body.path[0]
            stream = self.hasher.stream(following.kind, following.key)
            self.draft.entries.append(Entry(stream, replace(body, entity=following, path=body.path[1:]), entry.at))

    patch.set(Things, "event", event)
