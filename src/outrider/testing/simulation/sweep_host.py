"""A simulated sweeper: the real resolver, rescue and orphans, each when there is something to do."""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import timedelta
from functools import partial
from typing import Any

from outrider.domain.outbox import OpenDoubt, Resolved
from outrider.domain.purpose import PURPOSES
from outrider.testing.simulation.carriers import Wire
from outrider.testing.simulation.delivery_host import desk_for
from outrider.testing.simulation.hosts import Host
from outrider.workers.resolve import Resolver
from outrider.workers.sweep import GRACE_SECONDS, HEALTH_EVERY
from outrider.workers.weigh import Weigher

#: Doubts looked at together.
MOST_DOUBTS = 100


class SweepHost(Host):
    """Doubts, rescue and orphans, each when there is something to do."""

    def begin(self) -> None:
        """A new resolver."""
        world = self.world
        self.desk = desk_for(self.library, world.accounts)
        self.resolver = Resolver(world.store, self.desk, Wire(world.carriers, self.process), self.process)
        names = tuple(route.name for route in self.library.current.toml.routes)
        self.weigher = Weigher(world.store, lambda: self.library.current.toml.health, lambda: names)
        self._looking = False
        self._orphans_at = 0.0
        self._weigh_at = 0.0

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
        if world.timeline.seconds >= self._weigh_at:
            self._weigh_at = world.timeline.seconds + HEALTH_EVERY
            self._try(self.weigher.step())
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
