"""Callers of POST /v1/messages who repeat themselves: the same request, and another one under the same key."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from outrider.api import sending
from outrider.api.problems import Problem
from outrider.api.send_checks import SendIn, To, check
from outrider.domain.request import KeptAnswer
from outrider.testing.simulation.faults import Armed

if TYPE_CHECKING:
    from outrider.testing.simulation.company import Person
    from outrider.testing.simulation.world import World

REQUESTS, FAULTS = 60, 8
CALLER = "caller"
DAY = 86_400.0
#: What goes wrong around the transaction that keeps a request.
REQUEST_FAULTS = (
    ("C1 before the commit of a request", "append_once", "before", "error"),
    ("C2 after the commit of a request", "append_once", "after", "error"),
    ("C1 the API dies before a request's commit", "append_once", "before", "die"),
    ("C2 the API dies after a request's commit", "append_once", "after", "die"),
)


def plan_requests(world: World) -> None:
    """A day's requests, half of them repeated, a fourth followed by another body; and what goes wrong at the door."""
    chance, timeline = world.chance, world.timeline
    for number in range(REQUESTS):
        person, at = chance.choice(world.people), chance.uniform(60.0, DAY * 0.8)
        tags = [f"tag-{900_000 + 2 * number}", f"tag-{900_001 + 2 * number}"]
        first, other = (partial(ask, world, f"k-{number}", person, tag) for tag in tags)
        timeline.at(at, first)
        if chance.random() < 0.5:
            timeline.at(at + chance.uniform(0.0, 3600.0), first)
        if chance.random() < 0.25:
            timeline.at(at + chance.uniform(0.0, 3600.0), other)
    for _ in range(FAULTS):
        fault = Armed(*chance.choice(REQUEST_FAULTS))
        timeline.at(chance.uniform(0.0, DAY * 0.8), partial(world.planted.arm, fault))


def ask(world: World, key: str, person: Person, tag: str) -> None:
    """One request, again and again until it is answered."""
    data = SendIn("tip", To(profile=person.key), {"event.data.tag": tag})
    asked = sending.identify(world.hasher, CALLER, key, data)
    checked = check(data, world.current)
    config, now = world.current.number, world.door.process.now()
    keyed = sending.keyed_request(world.hasher, asked, data, checked, config, now)

    async def append() -> KeptAnswer:
        (kept,) = await world.store.append_once([keyed])
        return kept

    world.door.insist(append, partial(_answered, world, asked))


def _answered(world: World, asked: sending.Asked, kept: KeptAnswer) -> None:
    try:
        sending.refuse_another_body(asked, kept)
    except Problem:
        world.met("another body under a known key was refused")
        world.watch.i2_a_refused_request_was_answered_before(asked)
        return
    if not kept.is_new:
        world.met("a repeat of a request found its answer")
    world.watch.i2_a_request_has_one_answer(asked, kept)
