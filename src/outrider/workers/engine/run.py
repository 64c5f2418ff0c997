"""The engine loop: lease, take, load, decide, save; bisect what fails, quarantine what is guilty."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import structlog

from outrider.contracts.gate import Gate
from outrider.contracts.store import EngineStore
from outrider.domain.entry import Entry
from outrider.domain.work import GROUPS, Batch, DeadLetter, Fenced, Lease, Parked, ParkedBody, Timer, Work
from outrider.lib.clock import Clock
from outrider.lib.ids import Hasher, new_id, shard_of_stream
from outrider.workers.engine.deciding import Desk
from outrider.workers.engine.draft import Draft, references
from outrider.workers.engine.facts import Loader, is_about_object
from outrider.workers.engine.library import Library
from outrider.workers.engine.people import People
from outrider.workers.engine.things import Things
from outrider.workers.wake import Wakes

#: Most stimuli in one batch: about 25 ms of work.
BATCH = 250
#: A lease, and how long before its end it is renewed.
LEASE_SECONDS = 10.0
RENEW_BEFORE = 6.0
#: Looks for work without a signal.
POLL_SECONDS = 0.25

log = structlog.get_logger(__name__)

Stimulus = Entry | Timer


@dataclass
class Engine:
    """One engine."""

    store: EngineStore
    library: Library
    gates: Sequence[Gate]
    hasher: Hasher
    clock: Clock
    wakes: Wakes
    owner: str
    most_groups: int = GROUPS
    handled: int = 0
    quarantined: int = 0

    def __post_init__(self) -> None:
        self._lease: Lease | None = None
        self._renew_at = 0.0
        self._stopping = False
        self._loader = Loader(self.store, self.library, self.hasher)

    async def run(self) -> None:
        """Work until `stop`."""
        while not self._stopping:
            try:
                busy = await self.step()
            except Fenced as lost:
                log.warning("lease lost, taking it anew", reason=str(lost))
                self._lease = None
                continue
            if not busy:
                await self.wakes.log.wait(POLL_SECONDS)
        if self._lease is not None:
            await self.store.release(self._lease)

    def stop(self) -> None:
        """Begin no further batch."""
        self._stopping = True
        self.wakes.log.ring()

    async def step(self) -> bool:
        """One batch; False when there was nothing to do. Raises Fenced when the lease was lost."""
        lease = await self._hold_lease()
        if not lease.fences:
            return False
        work = await self.store.take(lease, BATCH)
        if not work.entries and not work.timers:
            return False
        await self._process(work, lease)
        self.handled += len(work.entries) + len(work.timers)
        self.wakes.outbox.ring()
        await self.wakes.tell_applied()
        if work.more:
            self.wakes.log.ring()
        return True

    async def _hold_lease(self) -> Lease:
        now = self.clock.monotonic()
        if self._lease is None or now >= self._renew_at:
            self._lease = await self.store.lease(self.owner, LEASE_SECONDS, self.most_groups)
            self._renew_at = now + LEASE_SECONDS - RENEW_BEFORE
        return self._lease

    async def _process(self, work: Work, lease: Lease) -> None:
        """All of it in one batch; when that fails, halves, down to the guilty stimulus."""
        stimuli: list[Stimulus] = [*work.timers, *work.entries]
        ready = [one for one in stimuli if one.stream not in work.blocked]
        parked = [one for one in stimuli if one.stream in work.blocked]
        await self._run(ready, parked, work, lease, last=True)

    async def _run(
        self, stimuli: Sequence[Stimulus], parked: Sequence[Stimulus], work: Work, lease: Lease, *, last: bool
    ) -> list[Stimulus]:
        """Handle stimuli; gives back those that were quarantined. Cursors move with the last part only."""
        cursors = work.cursors if last else {}
        try:
            await self.store.save(await self._decide(stimuli, parked, work, lease, cursors))
            return []
        except (Fenced, OSError, asyncio.CancelledError):
            raise
        except Exception as error:
            if _is_store_trouble(error):
                raise
            if len(stimuli) <= 1:
                await self._quarantine(stimuli, parked, work, lease, cursors, error)
                return list(stimuli)
        return await self._bisect(stimuli, parked, work, lease, last=last)

    async def _bisect(
        self, stimuli: Sequence[Stimulus], parked: Sequence[Stimulus], work: Work, lease: Lease, *, last: bool
    ) -> list[Stimulus]:
        middle = len(stimuli) // 2
        guilty = await self._run(stimuli[:middle], [], work, lease, last=False)
        blocked = {one.stream for one in guilty}
        rest = [one for one in stimuli[middle:] if one.stream not in blocked]
        behind = [one for one in stimuli[middle:] if one.stream in blocked]
        return guilty + await self._run(rest, [*parked, *behind], work, lease, last=last)

    async def _decide(
        self,
        stimuli: Sequence[Stimulus],
        parked: Sequence[Stimulus],
        work: Work,
        lease: Lease,
        cursors: dict[int, int],
    ) -> Batch:
        working = await self._loader.load(stimuli, work.now)
        draft = Draft(work.now)
        desk = Desk(self.library, self.gates, self.hasher, working, draft)
        people, things = People(desk), Things(desk)
        for stimulus in stimuli:
            if isinstance(stimulus, Entry) and is_about_object(stimulus):
                things.handle(stimulus)
            else:
                people.handle(stimulus)
        draft.handled = references(stimuli)
        _park(draft, parked)
        return draft.batch(lease, cursors)

    async def _quarantine(
        self,
        stimuli: Sequence[Stimulus],
        parked: Sequence[Stimulus],
        work: Work,
        lease: Lease,
        cursors: dict[int, int],
        error: Exception,
    ) -> None:
        """Keep the guilty stimulus with its reason; its stream waits, everybody else goes on."""
        if not stimuli:
            raise error
        guilty = stimuli[0]
        reason = f"{type(error).__name__}: {error}"[:1000]
        log.error("a stimulus was quarantined", reason=type(error).__name__, stream=guilty.stream.hex())
        self.quarantined += 1
        draft = Draft(work.now)
        behind = [one for one in parked if one.stream == guilty.stream]
        _park(draft, [*behind, *(one for one in parked if one.stream != guilty.stream)])
        if isinstance(guilty, Timer):
            draft.drop_timer(guilty.owner, guilty.kind)
        batch = draft.batch(lease, cursors)
        await self.store.save(msgspec.structs.replace(batch, dead_letters=(_letter(guilty, reason, work),)))


def _park(draft: Draft, parked: Sequence[Stimulus]) -> None:
    """What waits behind a quarantined stimulus; a parked timer leaves the agenda."""
    for stimulus in parked:
        draft.parked.append(Parked(stimulus))
        if isinstance(stimulus, Timer):
            draft.drop_timer(stimulus.owner, stimulus.kind)


def _letter(guilty: Stimulus, reason: str, work: Work) -> DeadLetter:
    body = ParkedBody(entry=guilty) if isinstance(guilty, Entry) else ParkedBody(timer=guilty)
    place = str(guilty.position) if isinstance(guilty, Entry) else f"{guilty.kind} {guilty.owner.hex()}"
    unique = f"{place}{reason}".encode()
    return DeadLetter(
        id=new_id(work.now, shard_of_stream(guilty.stream), unique),
        at=work.now,
        kind="stimulus",
        reason=reason,
        raw=msgspec.msgpack.encode(body),
        place=place,
        stream=guilty.stream,
    )


def _is_store_trouble(error: Exception) -> bool:
    """Whether the store itself is in trouble, so that no stimulus is to blame."""
    name = type(error).__module__
    return name.startswith("asyncpg") and type(error).__name__ in _TROUBLE


_TROUBLE = frozenset(
    {
        "AdminShutdownError",
        "CannotConnectNowError",
        "ConnectionDoesNotExistError",
        "ConnectionFailureError",
        "CrashShutdownError",
        "DeadlockDetectedError",
        "DiskFullError",
        "InterfaceError",
        "InternalClientError",
        "LockNotAvailableError",
        "OutOfMemoryError",
        "PostgresConnectionError",
        "QueryCanceledError",
        "ReadOnlySQLTransactionError",
        "SerializationError",
        "TooManyConnectionsError",
    }
)
