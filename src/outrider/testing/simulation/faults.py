"""Planted faults: what goes wrong around transactions, and the plan of a day's faults."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from random import Random
from typing import TYPE_CHECKING

import msgspec

from outrider.domain.profile import ConsentState
from outrider.domain.purpose import Purpose
from outrider.testing.simulation.carriers import SHOTS, WINDOWS, Window
from outrider.testing.simulation.company import NEXT, configuration
from outrider.testing.simulation.timeline import Died, Process

if TYPE_CHECKING:
    from outrider.testing.simulation.world import World

#: (what is met, transaction, moment, what happens, which process or any).
STORE_FAULTS = (
    ("C1 before the commit of an event", "append", "before", "error"),
    ("C2 after the commit of an event", "append", "after", "error"),
    ("C1 the API dies before the commit", "append", "before", "die"),
    ("C2 the API dies after the commit", "append", "after", "die"),
    ("C3 the engine dies before its commit", "save", "before", "die"),
    ("C4 the engine dies after its commit", "save", "after", "die"),
    ("commit applied but error returned (engine)", "save", "after", "error"),
    ("the engine's commit fails", "save", "before", "error"),
    ("the engine stands still before its commit", "save", "before", "pause"),
    ("C5 delivery dies before its intent", "commit", "before", "die"),
    ("C6 delivery dies between intent and socket", "commit", "after", "die"),
    ("commit applied but error returned (intent)", "commit", "after", "error"),
    ("delivery's intent fails", "commit", "before", "error"),
    ("C8 delivery dies between answer and outcome", "finish", "before", "die"),
    ("the outcome is not written at first", "finish", "before", "error"),
    ("C9 delivery dies after the outcome", "finish", "after", "die"),
    ("commit applied but error returned (outcome)", "finish", "after", "error"),
    ("C10 a receipt is not committed", "report", "before", "error"),
    ("C10 the API dies before a receipt's commit", "report", "before", "die"),
    ("commit applied but error returned (receipt)", "report", "after", "error"),
    ("the resolver's commit fails", "resolve", "before", "error"),
    ("commit applied but error returned (doubt)", "resolve", "after", "error"),
    ("withdrawal between decision and intent", "claim", "after", "withdraw"),
)
NAMES = tuple(name for name, *_ in STORE_FAULTS)
#: Everything a day can meet besides transactions.
OTHERS = (
    "shot",
    "shot",
    "shot",
    "shot",
    "window",
    "window",
    "all_down",
    "freeze",
    "kill",
    "clock",
    "database_clock",
    "withdraw",
    "suppress",
    "configuration",
    "poison",
    "gap",
)
DAY = 86_400.0


class Armed(msgspec.Struct, frozen=True):
    """A fault that strikes at the next such transaction."""

    name: str
    method: str
    moment: str
    what: str


class Planted:
    """Armed faults."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._armed: list[Armed] = []
        self._gaps: list[float] = []

    def arm(self, fault: Armed) -> None:
        """Strike at the next such transaction."""
        self._armed.append(fault)

    def clear(self) -> None:
        """Faults are off from now on."""
        self._armed.clear()
        self._gaps.clear()
        for carrier in self.world.carriers.values():
            carrier.shots.clear()

    def strike(self, method: str, moment: str, process: Process | None) -> None:
        """Let the first fitting fault happen. Raises OSError or Died, or lets time pass."""
        if not self._armed or process is None:
            return
        for fault in self._armed:
            if (fault.method, fault.moment) == (method, moment) and self._fits(fault):
                self._armed.remove(fault)
                self.world.met(fault.name)
                self.world.timeline.note(f"fault: {fault.name}")
                self._happen(fault, process)
                return

    def _fits(self, fault: Armed) -> bool:
        """A withdrawal or a STOP needs somebody who waits for a message; a claim without any is let pass."""
        if fault.what == "stop":
            return bool(self.world.wishes.claimed())
        return fault.what != "withdraw" or bool(self.world.store.tables.claimed)

    def _happen(self, fault: Armed, process: Process) -> None:
        if fault.what == "error":
            raise OSError(f"planted: {fault.name}")
        if fault.what == "die":
            raise Died(fault.name)
        if fault.what == "pause":
            self._pause(process)
        elif fault.what == "stop":
            self.world.wishes.stop(self.world.wishes.claimed()[0])
        else:
            self._withdraw()

    def _pause(self, process: Process) -> None:
        """The process stands still here while everybody else goes on."""
        seconds = self.world.chance.uniform(11.0, 60.0)
        process.freeze(seconds)
        before, Process.running = Process.running, None
        self.world.timeline.run_until(process.frozen_until - 1e-6)
        Process.running = before
        if not process.alive:
            raise Died("killed while it stood still")

    def _withdraw(self) -> None:
        tables = self.world.store.tables
        for message in sorted(tables.claimed):
            row = tables.messages[message]
            if row.message.purpose in (Purpose.COMMERCIAL, Purpose.SERVICE):
                person = self.world.person_of(row.message.stream)
                self.world.door.consent(person, row.message.purpose, ConsentState.WITHDRAWN)
                self.world.met("a consent was withdrawn under a claim")

    def gap(self, process: Process) -> float:
        """Seconds between an intent's commit and its socket."""
        if not self._gaps:
            return 0.001
        self.world.met("a worker stands still between intent and socket")
        return self._gaps.pop()

    def add_gap(self, seconds: float) -> None:
        """The next call begins late."""
        self._gaps.append(seconds)


def plan_day(world: World, faults: int) -> None:
    """Spread so many faults over the day."""
    chance = world.chance
    for _ in range(faults):
        at = chance.uniform(0.0, DAY)
        if chance.random() < 0.55:
            armed = Armed(*chance.choice(STORE_FAULTS))
            world.timeline.at(at, partial(world.planted.arm, armed))
        else:
            world.timeline.at(at, partial(_strike, world, chance.choice(OTHERS)))


def _strike(world: World, kind: str) -> None:
    """One fault that is not about a transaction."""
    chance = world.chance
    world.timeline.note(f"fault: {kind}")
    match kind:
        case "shot":
            carrier = world.carriers[chance.choice(sorted(world.carriers))]
            shots = chance.choices(SHOTS, k=chance.choice((1, 1, 2, 3)))
            carrier.shots.extend(shots)
        case "window":
            _misbehave(world, chance.choice(sorted(world.carriers)), chance)
        case "all_down":
            world.met("all providers down")
            for account in sorted(world.carriers):
                _misbehave(world, account, chance, "503")
        case "freeze":
            chance.choice([*world.workers, *world.engines]).process.freeze(chance.uniform(5.0, 150.0))
        case "kill":
            chance.choice(world.hosts()).process.die()
        case "clock":
            world.met("a process's clock jumps")
            world.set_skew(chance.choice(world.hosts()).name, chance.uniform(-7200.0, 7200.0))
        case "gap":
            world.planted.add_gap(chance.uniform(5.0, 120.0))
        case _:
            _strike_people(world, kind, chance)


def _strike_people(world: World, kind: str, chance: Random) -> None:
    person = chance.choice(world.people)
    match kind:
        case "database_clock":
            if world.seed % 4 == 0:
                world.met("the database's clock jumps")
                world.database.skew = timedelta(seconds=chance.uniform(-7200.0, 7200.0))
                world.database.jumped_at = world.timeline.seconds
                world.stir()
        case "withdraw":
            purpose = chance.choice((Purpose.COMMERCIAL, Purpose.SERVICE))
            world.door.consent(person, purpose, ConsentState.WITHDRAWN)
            again = partial(world.door.consent, person, purpose, ConsentState.GRANTED)
            world.timeline.after(chance.uniform(600.0, 30_000.0), again)
        case "suppress":
            world.door.suppress(person, chance.choice(("sms", "push") if person.token else ("sms",)))
        case "configuration":
            _apply(world)
        case _:
            world.met("poison in a burst")
            world.load.poison(person)
            if chance.random() < 0.6:
                fault = chance.choice([fault for fault in STORE_FAULTS if fault[1] == "save"])
                world.timeline.after(0.0005, partial(world.planted.arm, Armed(*fault)))


def _apply(world: World) -> None:
    """A new configuration is applied; each process takes it over a little later."""
    waiting = sum(1 for live in world.store.tables.live.values() for _ in live)
    if waiting > 10:
        world.met("version change with more than 10 waiting")
    world.current = configuration(NEXT[world.current.number])
    for host in world.hosts():
        host.process.after(world.chance.uniform(0.1, 5.0), host.refresh)


def _misbehave(world: World, account: str, chance: Random, kind: str | None = None) -> None:
    now = world.timeline.seconds
    window = Window(kind or chance.choice(WINDOWS), now, now + chance.choice((30.0, 120.0, 600.0, 1800.0)))
    world.carriers[account].windows.append(window)
