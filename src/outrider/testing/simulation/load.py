"""What people do on a simulated day: bookings and what becomes of them, visits, questions, trouble."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from outrider.domain.entry import Event
from outrider.domain.profile import ConsentState
from outrider.domain.purpose import Purpose

if TYPE_CHECKING:
    from outrider.testing.simulation.company import Person
    from outrider.testing.simulation.world import World

DAY = 86_400.0
BOOKINGS, VISITS = 26, 150
#: Event types of visits, with their weights.
KINDS = {"app.opened": 5, "tip.asked": 4, "code.requested": 5, "license.expires": 2, "breakdown.reported": 2}
#: Events that come at the same instant as a poisonous one, itself counted.
BURST = 6
#: How often a caller sends the same event twice.
TWICE = 0.06


class Load:
    """Plans a day's events."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.events = 0
        self._bookings = 0

    def plan(self) -> None:
        """Everything of the day; consents come first."""
        chance, timeline = self.world.chance, self.world.timeline
        for person in self.world.people:
            if person.consents:
                give = partial(self.world.door.consent, person, Purpose.COMMERCIAL, ConsentState.GRANTED)
                timeline.at(chance.uniform(1.0, 60.0), give)
        for _ in range(BOOKINGS):
            timeline.at(chance.uniform(60.0, DAY * 0.9), partial(self.book, chance.choice(self.world.people)))
        kinds, weights = list(KINDS), list(KINDS.values())
        for kind in chance.choices(kinds, weights, k=VISITS):
            timeline.at(chance.uniform(60.0, DAY), partial(self.send, kind, chance.choice(self.world.people)))

    def send(self, kind: str, person: Person, more: dict[str, Any] | None = None) -> None:
        """One event; some callers send it twice."""
        self.events += 1
        world = self.world
        data = {**person.fields, "tag": f"tag-{self.events}", **(more or {})}
        event = Event(f"e-{self.events}", "app", kind, world.timeline.now(), data=data)
        world.door.event(event)
        if world.faults_on and world.chance.random() < TWICE:
            world.met("an event came twice")
            world.timeline.after(world.chance.uniform(0.0, 600.0), partial(world.door.event, event))

    def poison(self, person: Person) -> None:
        """A burst in which one event makes the planted step raise; it blocks its person's stream visibly."""
        chance = self.world.chance
        poisoned = chance.randrange(BURST)
        for index in range(BURST):
            if index == poisoned:
                self.send("odd.happened", person, {"poison": True})
            else:
                self.send(chance.choice(("tip.asked", "app.opened")), chance.choice(self.world.people))

    def book(self, person: Person) -> None:
        """A booking with everything that follows."""
        chance = self.world.chance
        self._bookings += 1
        starts = chance.choice((600.0, 4.0 * 3600, 8.0 * 3600, 20.0 * 3600)) + chance.uniform(0.0, 3600.0)
        ends = starts + chance.uniform(2.0, 30.0) * 3600
        booking = self._booking(f"b-{self._bookings}", starts, ends)
        self.send("booking.confirmed", person, {"booking": booking, "car": f"car-{self._bookings % 7}"})
        after = self.world.timeline.after
        if chance.random() < 0.5:
            moved = starts + chance.uniform(-4.0, 6.0) * 3600
            change = self._booking(booking["key"], moved, moved + 3 * 3600)
            after(chance.uniform(10.0, starts), partial(self.send, "booking.changed", person, {"booking": change}))
        if chance.random() < 0.25:
            gone = partial(self.send, "booking.canceled", person, {"booking": {"key": booking["key"]}})
            after(chance.uniform(5.0, starts), gone)
            return
        if chance.random() < 0.6:
            opened = partial(self.send, "vehicle.unlocked", person, {"booking": {"key": booking["key"]}})
            after(starts + chance.uniform(-1200.0, 5400.0), opened)
        after(ends, partial(self.send, "booking.returned", person, {"booking": {"key": booking["key"]}}))

    def _booking(self, key: str, starts: float, ends: float) -> dict[str, str]:
        now = self.world.timeline.now().replace(microsecond=0)
        begin, end = now + timedelta(seconds=int(starts)), now + timedelta(seconds=int(ends))
        return {"key": key, "starts_at": begin.isoformat(), "ends_at": end.isoformat()}
