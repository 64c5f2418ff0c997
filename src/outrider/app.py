"""The composition root: an open installation → a wired Outrider, one process with some of the roles."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from typing import Protocol

from outrider import wiring
from outrider.configuration import Configuration
from outrider.configuration.schemas import schemas
from outrider.domain.request import EVENT_KEYS_KEPT, KEPT, KEYS_AT_ONCE
from outrider.installation import Opened, current_configuration
from outrider.lib.collector import Collector
from outrider.lib.http import open_http
from outrider.plugged import gates, shipped
from outrider.receipts.acknowledgment import Acknowledgments
from outrider.settings import BadSetting, Settings
from outrider.store.partitions import drop_partitions, ensure_partitions
from outrider.store.pg_configurations import newest_number
from outrider.store.pg_keys import PostgresKeys
from outrider.store.pg_letters import PostgresLetters
from outrider.store.pg_reading import PostgresReading
from outrider.store.pg_signals import Signals
from outrider.workers.deliver import Delivery
from outrider.workers.desk import Account, Desk
from outrider.workers.engine import Engine, Library, Version
from outrider.workers.resolve import Resolver
from outrider.workers.sweep import Sweep, Watch
from outrider.workers.wake import Wakes
from outrider.workers.weigh import Weigher, Weights

ROLES = ("api", "engine", "deliver", "sweep")


class Part(Protocol):
    """A loop of this process."""

    async def run(self) -> None:
        """Work until `stop`."""

    def stop(self) -> None:
        """Finish what was begun, then end."""


class Door:
    """The HTTP API on a socket."""

    def __init__(self, outrider: Outrider, listener: socket.socket) -> None:
        # Loaded here: the framework takes a third of a second that processes without an API need not wait for.
        from outrider.api.app import build_api
        from outrider.api.deps import ApiDeps
        from outrider.api.keys import KeyVerifier
        from outrider.api.serve import make_server

        opened = outrider.opened
        deps = ApiDeps(
            log=opened.store,
            reading=PostgresReading(opened.store.pool, opened.store.vault),
            letters=PostgresLetters(opened.store.pool, opened.store.vault),
            receipts=opened.store,
            keys=KeyVerifier(PostgresKeys(opened.store.pool), opened.clock),
            configuration=lambda: outrider.library.current,
            accounts=lambda: outrider.accounts,
            hasher=opened.hasher,
            clock=opened.clock,
            wakes=outrider.wakes,
            public_url=lambda: outrider.public_url,
            acknowledgments=outrider.acknowledgments,
            schemas=lambda: schemas(shipped()),
            link_key=opened.keys.link_key(),
        )
        self._listener = listener
        self._server = make_server(build_api(deps), *listener.getsockname()[:2])

    async def run(self) -> None:
        """Serve until `stop`."""
        await self._server.serve(sockets=[self._listener])

    def stop(self) -> None:
        """Answer what is under way, then end."""
        self._server.should_exit = True


class Outrider:
    """One process with some of the roles, over an open store."""

    def __init__(self, opened: Opened, configuration: Configuration, roles: Iterable[str] = ROLES) -> None:
        self.opened = opened
        self.roles = tuple(roles)
        self.wakes = Wakes()
        # Containers that share a host name may have the same process id: a lease must know one from the other.
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{os.urandom(4).hex()}"
        self._listener = self._bind()
        code = Version(version("outrider"), version("tzdata"))
        self.library = Library(configuration, lambda number: current_configuration(opened, number), code)
        self.accounts = self._accounts(configuration)
        opened.store.ceiling = configuration.toml.ceiling
        self.http = open_http("pool")
        self.acknowledgments = Acknowledgments(opened.keys.acknowledgment_key())
        self.desk = self._desk()
        self.engine = Engine(opened.store, self.library, gates(), opened.hasher, opened.clock, self.wakes, self.owner)
        self.delivery = Delivery(
            opened.store, self.desk, self.http, opened.clock, self.wakes, self.owner, self.library.ensure
        )
        resolver = Resolver(opened.store, self.desk, self.http, opened.clock)
        weigher = Weigher(
            opened.store,
            lambda: self.library.current.toml.health,
            lambda: tuple(route.name for route in self.library.current.toml.routes),
        )
        self.sweep = Sweep(opened.store, resolver, opened.clock, self.wakes, self._partitions, health=weigher.step)
        self.watch = Watch(self.refresh, Weights(opened.store, self.desk, self.owner).step)
        _require_fitting_leases(opened.settings, self.accounts)
        self._set_leases(opened.settings)
        self.door = Door(self, bound) if (bound := self._listener) is not None else None
        self._signals = Signals(opened.dsn, self._hear)
        self._stop = asyncio.Event()

    def _bind(self) -> socket.socket | None:
        """The API's socket; bound before anything runs, so that its address is known and a taken port fails early."""
        if "api" not in self.roles:
            return None
        settings = self.opened.settings
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        try:
            return socket.create_server((settings.host, settings.port), family=family, backlog=4096)
        except OSError as error:
            raise BadSetting(f"cannot listen on {settings.host}:{settings.port}: {error.strerror}") from error

    @property
    def listen_url(self) -> str:
        """The API's own address, with the real port."""
        settings = self.opened.settings
        port = self._listener.getsockname()[1] if self._listener is not None else settings.port
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        return f"http://{host}:{port}"

    @property
    def public_url(self) -> str:
        """Where providers reach us."""
        settings = self.opened.settings
        return settings.public_url or self.library.current.toml.public_url or self.listen_url

    def _set_leases(self, settings: Settings) -> None:
        self.delivery.lease.seconds = settings.lease_seconds
        self.engine.lease_seconds = settings.engine_lease_seconds
        self.sweep.grace_seconds = settings.rescue_grace_seconds

    def _accounts(self, configuration: Configuration) -> dict[str, Account]:
        return wiring.build_accounts(configuration, self.opened.keys.index_key(), self.opened.settings.home)

    def _desk(self) -> Desk:
        return wiring.build_desk(
            self.library, self.accounts, self.public_url, self.acknowledgments, self.opened.keys.link_key()
        )

    def _hear(self, topic: str) -> None:
        wake = self.wakes.topics().get(topic)
        if wake is not None:
            wake.hear()

    async def refresh(self) -> None:
        """Take over a configuration applied meanwhile. Raises BadSetting when this process cannot work with it."""
        number = await newest_number(self.opened.store.pool)
        if number <= self.library.current.number:
            return
        configuration = await current_configuration(self.opened, number)
        accounts = self._accounts(configuration)
        _require_fitting_leases(self.opened.settings, accounts)
        self.library.replace_current(configuration)
        self.opened.store.ceiling = configuration.toml.ceiling
        before = dict(self.accounts)
        self.accounts.clear()
        self.accounts.update(accounts)
        self.desk.follow(self._desk())
        await wiring.close_accounts(before)

    async def _partitions(self) -> None:
        now = self.opened.clock.now()
        async with self.opened.store.pool.acquire() as connection:
            await ensure_partitions(connection, now)
            kept = self.library.current.toml.kept_for
            await drop_partitions(connection, now, route_changes=kept.route_changes)
        while await self.opened.store.drop_old(kept, KEYS_AT_ONCE) == KEYS_AT_ONCE:
            pass
        await self.opened.store.drop_answers(KEPT)
        while await self.opened.store.drop_event_keys(EVENT_KEYS_KEPT, KEYS_AT_ONCE) == KEYS_AT_ONCE:
            pass

    async def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Do the roles of this process until `stop`; calls `ready` once they run. An error in one ends them all."""
        for topic, wake in self.wakes.topics().items():
            wake.pass_on = lambda topic=topic: self._signals.send(topic)  # type: ignore[misc]
        self._signals.start()
        try:
            async with asyncio.TaskGroup() as group:
                parts = [*self._parts(), Collector()]
                for part in parts:
                    group.create_task(part.run())
                ready()
                await self._stop.wait()
                for part in parts:
                    part.stop()
        finally:
            await self._signals.stop()
            await self.http.close()
            await wiring.close_accounts(self.accounts)

    def _parts(self) -> list[Part]:
        parts: dict[str, Part | None] = {
            "api": self.door,
            "engine": self.engine,
            "deliver": self.delivery,
            "sweep": self.sweep,
        }
        return [self.watch, *(part for role, part in parts.items() if role in self.roles and part is not None)]

    def stop(self) -> None:
        """Let every part finish what it has begun, then end."""
        self._stop.set()


def _require_fitting_leases(settings: Settings, accounts: Mapping[str, Account]) -> None:
    """Raises BadSetting when a call could outlive its lease: it would be rescued, perhaps sent again, while it runs."""
    longest = max((account.deadline for account in accounts.values()), default=0.0)
    if longest > min(settings.lease_seconds / 3, settings.rescue_grace_seconds):
        raise BadSetting(
            f"a call may take {longest:g} s: OUTRIDER_LEASE_SECONDS must be at least {3 * longest:g} and"
            f" OUTRIDER_RESCUE_GRACE_SECONDS at least {longest:g}, or the account's deadline shorter"
        )
