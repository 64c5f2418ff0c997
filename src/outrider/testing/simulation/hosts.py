"""The processes of the simulated installation that work by themselves, and among them the engine."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from outrider.domain.work import Fenced
from outrider.plugged import gates
from outrider.testing.simulation.company import configuration
from outrider.testing.simulation.timeline import Process
from outrider.workers.engine import Engine, Library, Version
from outrider.workers.wake import Wakes

if TYPE_CHECKING:
    from outrider.testing.simulation.world import World

#: What decision records name as code and zone data.
VERSION = Version("simulated", "simulated")
#: Groups one engine takes: fewer than all, so that two engines share the work.
MOST_GROUPS = 20


class Host:
    """Something that works when it is woken: at once, or when the next thing is due. Reboots after its death."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        self.boots = 0
        self.boot()

    def boot(self) -> None:
        """A new process of this kind."""
        self.boots += 1
        skew = timedelta(seconds=self.world.skew_of(self.name))
        self.process = Process(self.world.timeline, f"{self.name}.{self.boots}", skew)
        self.process.at_death = self._rise
        self._planned: float | None = None
        self.library = Library(self.world.current, self._load, VERSION)
        self.begin()
        self.wake(0.01)

    async def _load(self, number: int) -> Any:
        return configuration(number)

    def _rise(self) -> None:
        self.world.timeline.after(self.world.chance.uniform(0.5, 4.0), self.boot)

    def wake(self, delay: float) -> None:
        """Work after a time, unless that is planned sooner already."""
        at = self.world.timeline.seconds + delay
        if self._planned is None or at < self._planned:
            self._planned = at
            self.process.after(delay, partial(self._due, at))

    def _due(self, at: float) -> None:
        if at == self._planned:
            self._planned = None
            self.work()

    def refresh(self) -> None:
        """Take over the current configuration."""
        if self.library.current is not self.world.current:
            self.library.replace_current(self.world.current)

    def begin(self) -> None:
        """Make what runs in the process."""
        raise NotImplementedError

    def work(self) -> None:
        """One step."""
        raise NotImplementedError


class EngineHost(Host):
    """The real engine, step by step."""

    def begin(self) -> None:
        """A new engine."""
        world = self.world
        self.engine = Engine(
            world.store,
            self.library,
            gates(),
            world.hasher,
            self.process,
            Wakes(),
            self.process.name,
            MOST_GROUPS,
        )
        self._busy = False

    def work(self) -> None:
        """One batch."""
        if self._busy:
            return
        self._busy = True
        self.process.start(self.engine.step(), self._worked, self._failed)

    def _worked(self, handled: bool) -> None:
        self._busy = False
        groups = self.world.groups_with_work()
        if handled and groups:
            self.wake(0.005)
        else:
            self.stir(groups, again=True)

    def stir(self, groups: list[int], *, again: bool = False) -> None:
        """Work soon when there is something for this engine; later when another one seems to have it."""
        lease, chance = self.engine._lease, self.world.chance
        ours = lease is None or any(number in lease.fences for number in groups)
        if groups:
            self.wake(chance.uniform(0.001, 0.02) if ours and not again else chance.uniform(0.5, 2.0))
        else:
            self._wake_at_timer()

    def _wake_at_timer(self) -> None:
        """Work when the next timer is due."""
        due = self.world.store.tables.timers_due.first()
        if due is not None:
            self.wake(self.world.database.seconds_until(due) + 0.001)

    def _failed(self, error: Exception) -> None:
        """As `Engine.run`: a lost lease is taken anew, also after trouble with the store; half of that kills here."""
        self._busy = False
        if isinstance(error, Fenced):
            self.world.met("a paused engine was fenced off")
            self.engine._lease = None
            self.wake(0.01)
        elif isinstance(error, OSError) and self.world.chance.random() < 0.5:
            self.process.die()
        elif isinstance(error, OSError):
            self.engine._lease = None
            self.wake(self.world.chance.uniform(0.1, 2.0))
        else:
            raise error
