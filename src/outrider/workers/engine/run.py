"""The engine loop: lease, take, load, decide, save; bisect what fails, quarantine what is guilty."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import structlog

from outrider.contracts.gate import Gate
from outrider.contracts.store import EngineStore
from outrider.domain.entry import Entry
from outrider.domain.work import GROUPS, Batch, DeadLetter, Fenced, Lease, Parked, ParkedBody, Timer, Work
from outrider.lib.clock import Clock
from outrider.lib.ids import Hasher, new_id, shard_of_stream
from outrider.workers.engine.deciding import Desk
from outrider.workers.engine.dispatch import handle
from outrider.workers.engine.draft import Draft, references
from outrider.workers.engine.library import Library
from outrider.workers.engine.load import Loader
from outrider.workers.engine.people import People
from outrider.workers.engine.stimuli import Stimulus, is_about_object
from outrider.workers.engine.things import Things
from outrider.workers.trouble import Patience, is_store_trouble
from outrider.workers.wake import Wakes

#: Most stimuli in one batch: about 25 ms of work.
BATCH = 250
#: A lease, and the share of it after which it is renewed.
LEASE_SECONDS = 10.0
RENEW_AFTER = 0.4
#: How soon an engine without its whole share of groups asks again.
SHARE_SECONDS = 0.5
#: Looks for work without a signal.
POLL_SECONDS = 0.25

log = structlog.get_logger(__name__)


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
    lease_seconds: float = LEASE_SECONDS
    handled: int = 0
    quarantined: int = 0

    def __post_init__(self) -> None:
        self._lease: Lease | None = None
        self._renew_at = 0.0
        self._stopping = False
        self._loader = Loader(self.store, self.library, self.hasher)
        self._patience = Patience("engine")

    async def run(self) -> None:
        """Work until `stop`, also over times in which the store does not answer."""
        while not self._stopping:
            try:
                busy = await self.step()
            except Fenced as lost:
                log.warning("lease lost, taking it anew", reason=str(lost))
                self._lease = None
                continue
            except Exception as error:
                # What was committed meanwhile is known only to the store: the next lease reads it anew.
                self._lease = None
                await self._patience.wait(error)
                continue
            self._patience.answered()
            if not busy:
                await self.wakes.log.wait(POLL_SECONDS)
        await self._release()

    async def _release(self) -> None:
        if self._lease is None:
            return
        try:
            await self.store.release(self._lease)
            await self.store.attend(self.owner, 0)
        except Exception as error:
            if not is_store_trouble(error):
                raise
            log.warning("the lease could not be given back and runs out by itself", error=repr(error))

    def stop(self) -> None:
        """Begin no further batch."""
        self._stopping = True
        self._patience.end()
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
            engines = await self.store.attend(self.owner, self.lease_seconds)
            share = min(self.most_groups, -(-GROUPS // max(engines, 1)))
            before, self._lease = self._lease, await self.store.lease(self.owner, self.lease_seconds, share)
            await self._give_up(before, self._lease)
            whole = len(self._lease.fences) >= share
            self._renew_at = now + (self.lease_seconds * RENEW_AFTER if whole else SHARE_SECONDS)
        return self._lease

    async def _give_up(self, before: Lease | None, kept: Lease) -> None:
        """Groups beyond this engine's share go to the engines that came since."""
        surplus = {} if before is None else {g: f for g, f in before.fences.items() if g not in kept.fences}
        if surplus:
            await self.store.release(msgspec.structs.replace(kept, fences=surplus))

    async def _process(self, work: Work, lease: Lease) -> None:
        """All of it in one batch; when that fails, halves, down to the guilty stimulus."""
        await self._run([*work.timers, *work.entries], _Rest(work, set(work.blocked)), lease)

    async def _run(self, stimuli: Sequence[Stimulus], rest: _Rest, lease: Lease) -> None:
        """Handle stimuli in order; each part that is saved moves the cursors behind it, so that none is handled twice.

        `rest` knows what comes after these and which streams wait; a stimulus of those is parked.
        """
        try:
            await self.store.save(await self._decide(stimuli, rest, lease))
        except (Fenced, OSError, asyncio.CancelledError):
            raise
        except Exception as error:
            if is_store_trouble(error) or not stimuli:
                raise
            if len(stimuli) == 1:
                await self._quarantine(stimuli[0], rest, lease, error)
            else:
                middle = len(stimuli) // 2
                await self._run(stimuli[:middle], rest.before(stimuli[middle:]), lease)
                await self._run(stimuli[middle:], rest, lease)

    async def _decide(self, stimuli: Sequence[Stimulus], rest: _Rest, lease: Lease) -> Batch:
        ready = [one for one in stimuli if one.stream not in rest.blocked]
        working = await self._loader.load(ready, rest.work.now)
        draft = Draft(rest.work.now)
        desk = Desk(self.library, self.gates, self.hasher, working, draft)
        people, things = People(desk), Things(desk)
        for stimulus in ready:
            if isinstance(stimulus, Entry) and is_about_object(stimulus):
                things.handle(stimulus)
            else:
                handle(people, stimulus)
        draft.handled = references(ready)
        _park(draft, [one for one in stimuli if one.stream in rest.blocked])
        return draft.batch(lease, rest.cursors())

    async def _quarantine(self, guilty: Stimulus, rest: _Rest, lease: Lease, error: Exception) -> None:
        """Keep the guilty stimulus with its reason; its stream waits, everybody else goes on."""
        log.error("a stimulus was quarantined", reason=reason_of(error), stream=guilty.stream.hex())
        draft = Draft(rest.work.now)
        if isinstance(guilty, Timer):
            draft.drop_timer(guilty.owner, guilty.kind)
        batch = draft.batch(lease, rest.cursors())
        await self.store.save(msgspec.structs.replace(batch, dead_letters=(_letter(guilty, error, rest.work),)))
        rest.blocked.add(guilty.stream)
        self.quarantined += 1


@dataclass
class _Rest:
    """What a part of the work must know of the whole."""

    work: Work
    #: Streams that wait; shared by all parts, grows with each quarantined stimulus.
    blocked: set[bytes]
    #: The first stimulus after the part; None for the last part.
    following: Stimulus | None = None

    def before(self, stimuli: Sequence[Stimulus]) -> _Rest:
        """The same for a part that ends where these begin."""
        return _Rest(self.work, self.blocked, stimuli[0])

    def cursors(self) -> dict[int, int]:
        """How far the log is handled after the part: timers come first, then entries in log order."""
        if self.following is None:
            return self.work.cursors
        if isinstance(self.following, Timer):
            return {}
        end = self.following.position - 1
        return {group: min(cursor, end) for group, cursor in self.work.cursors.items()}


def _park(draft: Draft, parked: Sequence[Stimulus]) -> None:
    """What waits behind a quarantined stimulus; a parked timer leaves the agenda."""
    for stimulus in parked:
        draft.parked.append(Parked(stimulus))
        if isinstance(stimulus, Timer):
            draft.drop_timer(stimulus.owner, stimulus.kind)


def reason_of(error: BaseException) -> str:
    """What may be said in clear about an error: its type and the place in the code, never its text.

    The text may quote a phone number or a name; it is kept sealed beside the stimulus.
    """
    frames = traceback.extract_tb(error.__traceback__)
    at = f" in {Path(frames[-1].filename).name}:{frames[-1].lineno} ({frames[-1].name})" if frames else ""
    return f"{type(error).__name__}{at}"


def _letter(guilty: Stimulus, error: Exception, work: Work) -> DeadLetter:
    reason, words = reason_of(error), str(error)[:2000]
    body = ParkedBody(entry=guilty, error=words) if isinstance(guilty, Entry) else ParkedBody(timer=guilty, error=words)
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
