"""A simulated delivery worker: the real one, its calls driven by virtual time."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec

from outrider.delivery.health import effective
from outrider.domain.attempt import Refused
from outrider.domain.outbox import Intent, Past
from outrider.domain.registration import Registration
from outrider.domain.work import Fenced
from outrider.testing.simulation.carriers import Wire
from outrider.testing.simulation.hosts import Host
from outrider.wiring import build_desk, renderer
from outrider.workers.deliver import Delivery
from outrider.workers.desk import Account, Desk
from outrider.workers.engine import Library
from outrider.workers.lease import LEASE_SECONDS
from outrider.workers.wake import Wakes


def desk_for(library: Library, accounts: Mapping[str, Account]) -> Desk:
    """As the composition root builds it; notifications carry the text of the message by SMS."""
    desk = build_desk(library, accounts, "https://us.test")
    render = renderer(library)
    desk.render = lambda message, tables=frozenset(): render(msgspec.structs.replace(message, channel="sms"), tables)
    return desk


class Worker(Delivery):
    """The real delivery worker; only its calls are driven by the simulator instead of asyncio."""

    host: DeliveryHost

    def _begin(self, intent: Intent, past: tuple[Past, ...]) -> None:
        self.host.world.registry.written(intent)
        super()._begin(intent, past)

    def _unsent(self, intent: Intent) -> Refused | None:
        unsent = super()._unsent(intent)
        if unsent is None:
            self.host.world.watch.call_begins(intent)
        return unsent

    def _spawn(self, call: Coroutine[Any, Any, None]) -> None:
        self.host.spawn(call)


class DeliveryHost(Host):
    """One delivery worker: claim, intent, socket, answer, outcome."""

    def begin(self) -> None:
        """A new worker with a lease."""
        world = self.world
        self.desk = desk_for(self.library, world.accounts)
        self._take_over_senders()
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
        self._take_over_senders()
        self.desk.replace_routes(self.library.current.toml.routes)

    def _take_over_senders(self) -> None:
        """The accounts of the simulator are simulated ones, of which nothing is demanded: here it is."""
        self.told_of_senders: Sequence[Registration] = ()
        if self.world.lively:
            self.desk.legality = self.world.registry.legality
            self.told_of_senders = self.desk.legality.registrations

    def work(self) -> None:
        """Claim a batch under a living lease."""
        if self.ends_with:
            self._wind_down()
        elif not self._leased:
            self.process.start(self.worker._open_lease(), self._opened, self._retry)
        else:
            self.make_up_renewals()
            board = self.world.store.tables.route_board
            self.desk.weights = effective({route.name: route.weight for route in self.desk.routes}, board)
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
        if (
            not self.process.alive
            or not self._leased
            or self.worker.lease.open
            or stood_still
            or self.world.database.jumped_at > self._renewed_at
        ):
            return
        lease = tables.delivery_leases.get(self.worker.lease.fence)
        if lease is not None and now - self._renewed_at > LEASE_SECONDS / 4:
            left = LEASE_SECONDS * 0.75
            lease.until = self.world.database.now() + timedelta(seconds=left)
            self.worker.lease.until, self._renewed_at = now + left, now

    def _stepped(self, found: bool) -> None:
        if self.worker.lease.lost:
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
        if self.worker.lease.open and not self._renewal:
            self._renewal = True
            self.process.after(LEASE_SECONDS / 4, self._renew)

    def _renew(self) -> None:
        self._renewal = False
        if self.worker.lease.open:
            self.process.start(self.worker._renew_lease(), self._renewed, lambda _: self._keep_lease())

    def _renewed(self, kept: bool) -> None:
        self._renewed_at = self.world.timeline.seconds
        if kept:
            self._keep_lease()
        else:
            self.wake(0.001)

    def _failed(self, error: Exception) -> None:
        """As `Delivery.run`: a new lease, also after trouble with the store; half of that is fatal here."""
        if not isinstance(error, Fenced | OSError):
            raise error
        fatal = isinstance(error, OSError) and self.world.chance.random() < 0.5
        self.ends_with = "process" if fatal else "lease"
        if self.worker.outcomes.waiting:
            self._plan_writing(0.001)
        self.wake(0.001)

    def _wind_down(self) -> None:
        """No further call; when the last outcome is written the lease ends."""
        if self.calls or self.worker.outcomes.waiting:
            self.wake(0.2)
            return
        self.process.start(self.worker.lease.close(), self._closed, self._retry)

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
        if self.worker.outcomes.waiting:
            self.process.start(self.worker.outcomes.write(), self._written, lambda _: self.process.die())

    def _written(self, confirmed: bool) -> None:
        if confirmed:
            self.wake_when_due()
        else:
            self._plan_writing(0.25)
