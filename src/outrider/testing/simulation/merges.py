"""People with a second key: events and consents under both, a merge when somebody notices, and its undoing."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from outrider.domain.entry import Entry, MergeEntry
from outrider.domain.profile import ConsentState
from outrider.domain.purpose import Purpose
from outrider.testing.simulation.company import Person

if TYPE_CHECKING:
    from outrider.testing.simulation.world import World

DAY = 86_400.0
#: Of the people, by number: those with a second key.
DOUBLED = (0, 1, 4, 7, 10, 13)
#: Under each second key: visits and bookings a day.
VISITS, BOOKINGS = 14, 2
KINDS = ("app.opened", "tip.asked", "code.requested", "license.expires")
#: How many merges are undone, and how many of those are made again.
UNDONE, AGAIN = 0.6, 0.5


def doubles(people: tuple[Person, ...]) -> dict[str, Person]:
    """Key → the same person under a second key, with another number and without the app."""
    return {
        people[each].key: replace(
            people[each],
            key=f"d-{each:02d}",
            phone=f"{people[each].phone[:5]}9{people[each].phone[6:]}",
            token="",
            known_as=people[each].key,
        )
        for each in DOUBLED
    }


def plan_merges(world: World) -> None:
    """What is told under second keys, and when somebody merges them."""
    chance, timeline = world.chance, world.timeline
    for person in world.people:
        double = world.doubles.get(person.key)
        if double is None:
            continue
        number = {"phone": double.phone}
        timeline.at(chance.uniform(1.0, 60.0), partial(world.load.send, "app.opened", double, number))
        for _ in range(VISITS):
            timeline.at(chance.uniform(60.0, DAY), partial(world.load.send, chance.choice(KINDS), double))
        for _ in range(BOOKINGS):
            timeline.at(chance.uniform(60.0, DAY * 0.7), partial(world.load.book, double))
        for _ in range(2):
            said = chance.choice(
                ((Purpose.SERVICE, ConsentState.WITHDRAWN), (Purpose.COMMERCIAL, ConsentState.GRANTED))
            )
            timeline.at(chance.uniform(60.0, DAY), partial(world.door.consent, double, *said))
        _plan(world, double, person)


def _plan(world: World, double: Person, person: Person) -> None:
    chance, timeline = world.chance, world.timeline
    at = chance.uniform(DAY * 0.1, DAY * 0.6)
    timeline.at(at, partial(_merge, world, double, person))
    if chance.random() < UNDONE:
        at += chance.uniform(60.0, DAY * 0.3)
        timeline.at(at, partial(_merge, world, double, person, undo=True))
        if chance.random() < AGAIN:
            timeline.at(at + chance.uniform(1.0, DAY * 0.3), partial(_merge, world, double, person))


def _merge(world: World, double: Person, person: Person, *, undo: bool = False) -> None:
    """PUT or DELETE of /v1/profiles/{key}/merge, again and again until it is answered."""
    entry = Entry(world.stream(double), MergeEntry(double.key, person.key, undo), world.door.process.now())
    world.met("two keys parted" if undo else "two keys became one person")
    world.timeline.note(f"{double.key} {'leaves' if undo else 'joins'} {person.key}")
    world.door.insist(lambda: world.store.append([entry]), lambda _: None)
