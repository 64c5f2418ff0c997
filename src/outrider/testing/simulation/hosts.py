"""The processes of the simulated installation that work by themselves: engines, delivery workers, sweepers."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from outrider.domain.purpose import PURPOSES
from outrider.domain.work import Fenced, OpenDoubt, Resolved
from outrider.plugged import gates
from outrider.testing.simulation.carriers import Wire
from outrider.testing.simulation.company import configuration
from outrider.testing.simulation.timeline import Process
from outrider.wiring import build_desk, renderer
from outrider.workers.deliver import LEASE_SECONDS, Delivery
from outrider.workers.engine import Engine, Library, Version
from outrider.workers.prepare import Account, Desk
from outrider.workers.resolve import Resolver
from outrider.workers.sweep import GRACE_SECONDS
from outrider.workers.wake import Wakes

if TYPE_CHECKING:
    from outrider.testing.simulation.world import World

#: What decision records name as code and zone data.
VERSION = Version("simulated", "simulated")
#: Doubts looked at together.
MOST_DOUBTS = 100
#: Groups one engine takes: fewer than all, so that two engines share the work.
MOST_GROUPS = 20


def desk_for(library: Library, accounts: Mapping[str, Account]) -> Desk:
    """As the composition root builds it; notifications carry the text of the message by SMS."""
    desk = build_desk(library, accounts, "https://us.test")
    render = renderer(library)
    desk.render = lambda message: render(msgspec.structs.replace(message, channel="sms"))
    return desk


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
        """As `Engine.run`: a lost lease is taken anew, anything else ends the process."""
        self._busy = False
        if isinstance(error, Fenced):
            self.world.met("a paused engine was fenced off")
            self.engine._lease = None
            self.wake(0.01)
        elif isinstance(error, OSError):
            self.process.die()
        else:
            raise error


class Worker(Delivery):
    """The real delivery worker; only its calls are driven by the simulator instead of asyncio."""

    host: DeliveryHost

    def _spawn(self, call: Coroutine[Any, Any, None]) -> None:
        self.host.spawn(call)


class DeliveryHost(Host):
    """One delivery worker: claim, intent, socket, answer, outcome."""

    def begin(self) -> None:
        """A new worker with a lease."""
        world = self.world
        self.desk = desk_for(self.library, world.accounts)
        self.worker = Worker(
            world.store,
            self.desk,
            Wire(world.carriers, self.process),
            self.process,
            Wakes(),
            self.process.name,
            self.library.ensure,
        )
        self.worker.host = self
        self.calls = 0
        self.ends_with = ""
        self._leased = False
        self._writing = False
        self._renewal = False
        self._renewed_at = world.timeline.seconds

    def refresh(self) -> None:
        """Take over the current configuration and its routes."""
        super().refresh()
        self.desk.replace_routes(self.library.current.toml.routes)

    def work(self) -> None:
        """Claim a batch under a living lease."""
        if self.ends_with:
            self._wind_down()
        elif not self._leased:
            self.process.start(self.worker._open_lease(), self._opened, self._retry)
        else:
            self.make_up_renewals()
            self.process.start(self.worker._step(), self._stepped, self._failed)

    def _opened(self, _: None) -> None:
        self._leased, self._renewed_at = True, self.world.timeline.seconds
        self.wake(0.001)

    def _retry(self, error: Exception) -> None:
        self.wake(1.0)

    def make_up_renewals(self) -> None:
        """An idle worker's renewals change nothing but the lease's end: they are made up for when it works again."""
        now, tables = self.world.timeline.seconds, self.world.store.tables
        stood_still = self.process.frozen_until > self._renewed_at
        if not self.process.alive or not self._leased or self.worker._open or stood_still or self.world.database.jumped_at > self._renewed_at:
            return
        lease = tables.delivery_leases.get(self.worker._fence)
        if lease is not None and now - self._renewed_at > LEASE_SECONDS / 4:
            left = LEASE_SECONDS * 0.75
            lease.until = self.world.database.now() + timedelta(seconds=left)
            self.worker._lease_until, self._renewed_at = now + left, now

    def _stepped(self, found: bool) -> None:
        if self.worker._lost:
            self.ends_with = "lease"
            self.wake(0.001)
            return
        self._keep_lease()
        if found:
            self.wake(0.005)
        else:
            self.wake_when_due()

    def wake_when_due(self) -> None:
        """Work when the next message of the outbox is due."""
        due = self.world.store.tables.outbox.first()
        if due is not None:
            self.wake(self.world.database.seconds_until(due) + self.world.chance.uniform(0.001, 0.05))

    def _keep_lease(self) -> None:
        if self.worker._open and not self._renewal:
            self._renewal = True
            self.process.after(LEASE_SECONDS / 4, self._renew)

    def _renew(self) -> None:
        self._renewal = False
        if self.worker._open:
            self.process.start(self.worker._renew_lease(), self._renewed, lambda _: self._keep_lease())

    def _renewed(self, kept: bool) -> None:
        self._renewed_at = self.world.timeline.seconds
        if kept:
            self._keep_lease()
        else:
            self.wake(0.001)

    def _failed(self, error: Exception) -> None:
        """As `Delivery.run`: a lost lease is followed by a new one, trouble with the store ends the process."""
        if not isinstance(error, Fenced | OSError):
            raise error
        self.ends_with = "lease" if isinstance(error, Fenced) else "process"
        self.wake(0.001)

    def _wind_down(self) -> None:
        """No further call; when the last outcome is written the lease ends."""
        if self.calls or self.worker._done:
            self.wake(0.2)
            return
        self.process.start(self.worker.store.close_lease(self.worker._fence), self._closed, self._retry)

    def _closed(self, _: None) -> None:
        if self.ends_with == "process":
            self.process.die()
            return
        self.ends_with, self._leased = "", False
        self.wake(0.01)

    def spawn(self, call: Coroutine[Any, Any, None]) -> None:
        """A call begins: now, or after what stands between the commit and the socket."""
        self.calls += 1
        start = partial(self.process.start, call, self._called, self._call_failed)
        self.process.after(self.world.gap(self.process), start, call.close)

    def _called(self, _: None) -> None:
        self.calls -= 1
        self._plan_writing(0.001)

    def _call_failed(self, error: Exception) -> None:
        raise error

    def _plan_writing(self, delay: float) -> None:
        if not self._writing:
            self._writing = True
            self.process.after(delay, self._write)

    def _write(self) -> None:
        self._writing = False
        if self.worker._done:
            self.process.start(self.worker._write_done(), self._written, lambda _: self.process.die())

    def _written(self, confirmed: bool) -> None:
        if confirmed:
            self.wake_when_due()
        else:
            self._plan_writing(0.25)


class SweepHost(Host):
    """Doubts, rescue and orphans, each when there is something to do."""

    def begin(self) -> None:
        """A new resolver."""
        world = self.world
        self.desk = desk_for(self.library, world.accounts)
        self.resolver = Resolver(world.store, self.desk, Wire(world.carriers, self.process), self.process)
        self._looking = False
        self._orphans_at = 0.0

    def refresh(self) -> None:
        """Take over the current configuration and its routes."""
        super().refresh()
        self.desk.replace_routes(self.library.current.toml.routes)

    def work(self) -> None:
        """Every duty that has something to do."""
        world, tables = self.world, self.world.store.tables
        if tables.doubts and not self._looking:
            self._looking = True
            self.process.start(world.store.doubts(MOST_DOUBTS), self._look, self._not_looked)
        within = {purpose: rules.resolve_within for purpose, rules in PURPOSES.items()}
        if world.open_intents() and self._rescue_in() == 0.0:
            world.make_up_renewals()
            self._try(world.store.rescue(GRACE_SECONDS, within))
        if tables.orphans and world.timeline.seconds >= self._orphans_at:
            self._orphans_at = world.timeline.seconds + 120.0
            self._try(world.store.match_orphans(500))
        self.wake_when_due()

    def _try(self, duty: Coroutine[Any, Any, object]) -> None:
        self.process.start(duty, failed=lambda _: self.wake(1.0))

    def _look(self, doubts: list[OpenDoubt]) -> None:
        """As `Resolver.step`: all of them together, then one transaction."""
        resolved: list[Resolved] = []
        for doubt in doubts:
            collect = partial(self._resolved, resolved, len(doubts))
            self.process.start(self.resolver._resolve(doubt), collect, self._not_looked)
        if not doubts:
            self._looked(None)

    def _resolved(self, resolved: list[Resolved], expected: int, one: Resolved) -> None:
        resolved.append(one)
        if len(resolved) == expected:
            self.process.start(self.world.store.resolve(resolved), self._looked, self._not_looked)

    def _looked(self, _: None) -> None:
        self._looking = False
        self.wake_when_due()

    def _not_looked(self, error: Exception) -> None:
        self._looking = False
        if not isinstance(error, OSError):
            raise error
        self.wake(1.0)

    def _rescue_in(self) -> float | None:
        """Seconds until a lease with intents is to be rescued."""
        leases = self.world.store.tables.delivery_leases
        grace = timedelta(seconds=GRACE_SECONDS)
        until = self.world.database.seconds_until
        return min((until(lease.until + grace) for lease in leases.values()), default=None)

    def wake_when_due(self) -> None:
        """Work at the next look-up, the next rescue, or the next try with orphans."""
        tables = self.world.store.tables
        waits: list[float] = []
        if tables.doubts and not self._looking:
            first = min(doubt.check_at for doubt in tables.doubts.values())
            waits.append(self.world.database.seconds_until(first) + 0.25)
        rescue = self._rescue_in() if self.world.open_intents() else None
        if rescue is not None:
            waits.append(rescue + 1.0)
        if tables.orphans and self.world.has_matching_orphan():
            waits.append(max(1.0, self._orphans_at - self.world.timeline.seconds))
        if waits:
            self.wake(min(waits))
