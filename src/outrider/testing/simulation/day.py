"""One simulated day: twenty people, two hundred events, a dozen faults; then seven quiet days and the last checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import msgspec
import structlog

from outrider.domain.attempt import AttemptState
from outrider.testing.simulation.faults import plan_day
from outrider.testing.simulation.requests import plan_requests
from outrider.testing.simulation.wishes import plan_life
from outrider.testing.simulation.world import World

#: Faults planned a day, by profile.
#: "direct" adds callers of POST /v1/messages to the standard day, "people" those who answer; days of the others keep
#: their steps.
PROFILES = {"calm": 0, "direct": 16, "people": 16, "standard": 16, "storm": 60}
DAY, QUIET_DAYS = 86_400.0, 7
#: Days on which the clocks change in Europe begin so that the change falls into the day.
CHANGES = (datetime(2026, 3, 28, 12, tzinfo=UTC), datetime(2026, 10, 24, 12, tzinfo=UTC))


class Day(msgspec.Struct):
    """What a day came to."""

    seed: int
    digest: str
    steps: int = 0
    events: int = 0
    messages: int = 0
    accepted: int = 0
    unknown: int = 0
    labelled: int = 0
    unlabelled: int = 0
    echoed: int = 0
    looked_up: int = 0
    absent: int = 0
    unresolved: int = 0
    sometimes: dict[str, int] = {}


def begins(seed: int) -> datetime:
    """When a day begins: a third of them in a night in which the clocks change."""
    chance = Random(seed * 7919 + 1)
    if chance.random() < 1 / 3:
        return chance.choice(CHANGES)
    return datetime(2026, 1, 5, 5, tzinfo=UTC) + timedelta(days=chance.randrange(300), hours=chance.randrange(24))


def run_day(seed: int, profile: str = "standard", *, verbose: bool = False) -> Day:
    """Simulate one day. Raises Violated when an invariant does not hold."""
    with structlog.testing.capture_logs() as logs:
        return _came_to(_simulated(seed, profile, logs, verbose=verbose))


def _simulated(seed: int, profile: str, logs: Sequence[Mapping[str, Any]], *, verbose: bool) -> World:
    world = World(seed, begins(seed), calm=not PROFILES[profile], lively=profile == "people", verbose=verbose)
    world.logs = logs
    if world.timeline.start in CHANGES:
        world.met("the clocks changed on this day")
    world.load.plan()
    plan_day(world, PROFILES[profile])
    if profile == "direct":
        plan_requests(world)
    if world.lively:
        plan_life(world)
    world.timeline.run_until(DAY)
    _quiet(world)
    world.timeline.run_until(DAY * (1 + QUIET_DAYS))
    world.watch.settled()
    return world


def _quiet(world: World) -> None:
    """Faults are off, and everybody who is dead comes back."""
    world.faults_on = False
    world.planted.clear()
    world.stir()


def _came_to(world: World) -> Day:
    tables, copies = world.store.tables, world.memory.copies
    doubts = world.memory.doubts
    further = [(message, found) for message, found in copies.items() if len(found) > 1]
    labels = {attempt.message for attempt in tables.attempts.values() if attempt.label}
    return Day(
        world.seed,
        world.timeline.digest,
        world.timeline.steps,
        world.load.events,
        len(tables.messages),
        sum(map(len, copies.values())),
        doubts["came"],
        sum(message in labels for message, _ in further),
        sum(message not in labels for message, _ in further),
        doubts["echo"],
        doubts["look-up"],
        doubts[AttemptState.ABSENT],
        doubts[AttemptState.UNRESOLVED],
        dict(world.sometimes),
    )
