"""Housekeeping: doubts, rescue, orphan receipts, bounces, partitions; and, in every process, new configurations."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from outrider.contracts.store import DeliveryStore
from outrider.lib.clock import Clock
from outrider.workers.resolve import Resolver
from outrider.workers.trouble import Patience, is_store_trouble
from outrider.workers.wake import Wakes

#: A dead lease is rescued this long after its end: longer than any call's deadline, so that no answer is under way.
GRACE_SECONDS = 15.0
#: How often each duty is done, in seconds.
DOUBTS_EVERY = 0.5
RESCUE_EVERY = 2.0
ORPHANS_EVERY = 1.0
CONFIGURATION_EVERY = 1.0
BOUNCES_EVERY = 10.0
PARTITIONS_EVERY = 3600.0
HEALTH_EVERY = 15.0

log = structlog.get_logger(__name__)

Duty = Callable[[], Awaitable[object]]


@dataclass
class Sweep:
    """The housekeeping of one process; any number may run, the database keeps them apart."""

    store: DeliveryStore
    resolver: Resolver
    clock: Clock
    wakes: Wakes
    #: Makes and drops partitions.
    partitions: Duty
    grace_seconds: float = GRACE_SECONDS
    #: Looks at the routes and weighs them anew.
    health: Duty | None = None

    def __post_init__(self) -> None:
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Do every duty at its pace until `stop`."""
        duties: list[tuple[Duty, float]] = [
            (self.doubts, DOUBTS_EVERY),
            (self.rescue, RESCUE_EVERY),
            (self.orphans, ORPHANS_EVERY),
            (self.bounces, BOUNCES_EVERY),
            (self.partitions, PARTITIONS_EVERY),
        ]
        if self.health is not None:
            duties.append((self.health, HEALTH_EVERY))
        async with asyncio.TaskGroup() as group:
            for duty, seconds in duties:
                group.create_task(_repeat(duty, seconds, self._stopping))

    def stop(self) -> None:
        """End after the duties under way."""
        self._stopping.set()

    async def doubts(self) -> int:
        """Look doubts up and end those whose time is over."""
        resolved = await self.resolver.step()
        if resolved:
            self.wakes.outbox.ring()
            self.wakes.log.ring()
        return resolved

    async def rescue(self) -> int:
        """Turn the intents of dead workers into doubts."""
        within = {purpose: rules.resolve_within for purpose, rules in self.resolver.desk.purposes.items()}
        rescued = await self.store.rescue(self.grace_seconds, within)
        if rescued:
            log.warning("intents of a dead delivery worker are in doubt now", count=rescued)
        return rescued

    async def orphans(self) -> int:
        """Match receipts that came before their message was known."""
        return await self.store.match_orphans(500)

    async def bounces(self) -> int:
        """Suppress the addresses whose mail keeps coming back."""
        ended = await self.store.end_bouncing(self.resolver.desk.soft_bounces, 500)
        if ended:
            log.info("addresses are suppressed since their mail keeps bouncing", count=ended)
        return ended


class Watch:
    """Keeps one process up to date with what is applied, and with the health of the routes."""

    def __init__(self, refresh: Duty, weigh: Duty) -> None:
        """`refresh` takes over a newly applied configuration, if there is one; `weigh` the weights of the routes."""
        self._duties = (refresh, weigh)
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Look for a new configuration and new weights until `stop`."""
        async with asyncio.TaskGroup() as group:
            for duty in self._duties:
                group.create_task(_repeat(duty, CONFIGURATION_EVERY, self._stopping))

    def stop(self) -> None:
        """End after the look under way."""
        self._stopping.set()


async def _repeat(duty: Duty, seconds: float, stopping: asyncio.Event) -> None:
    name = getattr(duty, "__name__", "")
    patience = Patience(name)
    while not stopping.is_set():
        try:
            await duty()
            patience.answered()
        except Exception as error:
            if is_store_trouble(error):
                await patience.wait(error)
                continue
            log.error("a duty failed and is tried again", duty=name, error=repr(error))
        try:
            await asyncio.wait_for(stopping.wait(), seconds)
        except TimeoutError:
            continue
