"""The delivery loop: claim, render, write the intent, send, write the outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from outrider.contracts.http import Broken, Http, NotSent
from outrider.contracts.store import Claim, DeliveryStore
from outrider.domain.attempt import Outcome, Reason, Refused, Unknown
from outrider.domain.work import Done, Due, Fenced, Intent, Past, Verdictless
from outrider.lib.clock import Clock
from outrider.workers.prepare import Desk, conclude, outbound, prepare
from outrider.workers.wake import Wakes

#: Most messages in one intent transaction: about 25 ms of work.
BATCH = 250
#: Most calls under way in one process.
IN_FLIGHT = 500
#: A delivery lease; a call's deadline is below a third of it, so that a zombie's calls are over before its rescue.
LEASE_SECONDS = 45.0
#: Looks at the outbox without a signal.
POLL_SECONDS = 0.25
#: No open intent: nothing to find below the highest id.
NO_FLOOR = b"\xff" * 16

log = structlog.get_logger(__name__)


@dataclass
class Counters:
    """What this worker has done since it started."""

    intents: int = 0
    accepted: int = 0
    refused: int = 0
    unknown: int = 0
    failovers: int = 0


@dataclass
class Delivery:
    """One delivery worker."""

    store: DeliveryStore
    desk: Desk
    http: Http
    clock: Clock
    wakes: Wakes
    owner: str
    counters: Counters = field(default_factory=Counters)

    def __post_init__(self) -> None:
        self._fence = 0
        self._lease_until = 0.0
        self._calls: set[asyncio.Task[None]] = set()
        self._open: dict[bytes, Intent] = {}
        self._done: list[Done] = []
        self._has_done = asyncio.Event()
        self._has_room = asyncio.Event()
        self._stopping = False
        #: The lease ended before it was renewed: its open intents belong to the rescue now.
        self._lost = False
        #: No further call begins under this lease; the writer ends with the last outcome.
        self._closing = False

    async def run(self) -> None:
        """Work until `stop`; then finish the calls under way. A lost lease is followed by a new one."""
        while not self._stopping:
            await self._run_one_lease()

    async def _run_one_lease(self) -> None:
        await self._open_lease()
        writer = asyncio.create_task(self._write_outcomes())
        keeper = asyncio.create_task(self._keep_lease())
        try:
            while not self._stopping and not self._lost:
                if not await self._step():
                    await self.wakes.outbox.wait(await self._idle_seconds())
        except Fenced as lost:
            log.warning("delivery lease lost, taking a new one", reason=str(lost))
        finally:
            await self._wind_down(writer, keeper)

    def stop(self) -> None:
        """Begin no further call."""
        self._stopping = True
        self.wakes.outbox.ring()
        self._has_room.set()

    async def _open_lease(self) -> None:
        self._lost = self._closing = False
        self._open.clear()
        self._lease_until = self.clock.monotonic() + LEASE_SECONDS
        self._fence = await self.store.open_lease(self.owner, LEASE_SECONDS)

    async def _keep_lease(self) -> None:
        while True:
            await asyncio.sleep(LEASE_SECONDS / 4)
            began = self.clock.monotonic()
            floor = min(self._open, default=NO_FLOOR)
            if not await self.store.renew_lease(self._fence, LEASE_SECONDS, floor):
                self._lost = True
                self._has_room.set()
                self.wakes.outbox.hear()
                return
            self._lease_until = began + LEASE_SECONDS

    async def _wind_down(self, writer: asyncio.Task[None], keeper: asyncio.Task[None]) -> None:
        self._closing = True
        if self._calls:
            await asyncio.wait(self._calls)
        keeper.cancel()
        self._has_done.set()
        await writer
        await asyncio.gather(keeper, return_exceptions=True)
        await self.store.close_lease(self._fence)

    async def _idle_seconds(self) -> float:
        due = await self.store.next_due()
        if due is None:
            return POLL_SECONDS
        wait = (due - self.clock.now()).total_seconds()
        return min(max(wait, 0.001), POLL_SECONDS)

    async def _step(self) -> bool:
        """Claim and begin one batch; False when there was nothing to do."""
        room = IN_FLIGHT - len(self._calls)
        if room < min(BATCH, IN_FLIGHT) // 4:
            self._has_room.clear()
            await self._has_room.wait()
            return not self._lost
        async with self.store.claim(min(BATCH, room)) as claim:
            if not claim.due:
                return False
            intents, pasts = await self._write_intents(claim)
        for intent in intents:
            self._begin(intent, pasts[intent.message.id])
        return True

    async def _write_intents(self, claim: Claim) -> tuple[list[Intent], dict[bytes, tuple[Past, ...]]]:
        ticks = self.clock.monotonic()
        prepared = [prepare(due, self.desk, claim.now, ticks) for due in claim.due]
        intents = [one for one in prepared if isinstance(one, Intent)]
        others = [one for one in prepared if isinstance(one, Verdictless)]
        # Known before the commit: a renewal in between must not move the floor above them.
        self._open.update((intent.message.id, intent) for intent in intents)
        try:
            refused = {refusal.message for refusal in await claim.commit(self._fence, intents, others)}
        except BaseException:
            self._close(intents)
            raise
        self._close([intent for intent in intents if intent.message.id in refused])
        return [i for i in intents if i.message.id not in refused], _pasts(claim.due)

    def _close(self, intents: Sequence[Intent]) -> None:
        for intent in intents:
            self._open.pop(intent.message.id, None)

    def _begin(self, intent: Intent, past: tuple[Past, ...]) -> None:
        self.counters.intents += 1
        self.counters.failovers += bool(past) and past[-1].route != intent.route
        task = asyncio.create_task(self._call(intent, past))
        self._calls.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._calls.discard(task)
        self._has_room.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a call ended without an outcome", error=repr(error))

    async def _call(self, intent: Intent, past: tuple[Past, ...]) -> None:
        outcome = await self._send(intent)
        now = self.clock.now()
        self._done.append(conclude(intent, past, outcome, self.desk, now, self.clock.monotonic()))
        self._has_done.set()

    async def _send(self, intent: Intent) -> Outcome:
        account = self.desk.accounts[intent.account]
        if self.clock.monotonic() > self._lease_until - account.deadline:
            return Refused(Reason.NOT_CONNECTED, "the lease of this worker is nearly over; nothing was sent")
        try:
            request = account.provider.request(outbound(intent, self.desk, self.clock.now()))
            response = await self.http.send(request, account.deadline)
        except NotSent as error:
            return Refused(Reason.NOT_CONNECTED, str(error))
        except Broken as error:
            return Unknown(str(error))
        except ValueError as error:
            return Refused(Reason.BAD_REQUEST, f"the request cannot be written: {error}")
        return account.provider.outcome(response)

    async def _write_outcomes(self) -> None:
        """Write whatever outcomes there are, again and again; ends when the worker stops and all are written."""
        while True:
            await self._has_done.wait()
            self._has_done.clear()
            while self._done:
                done, self._done = self._done, []
                await self._finish(done)
            if self._closing and not self._calls:
                return

    async def _finish(self, done: list[Done]) -> None:
        await self.store.finish(self._fence, done)
        again = False
        for one in done:
            self._open.pop(one.message, None)
            again = again or one.next.retry_at is not None
            self._count(one.outcome)
        if again:
            self.wakes.outbox.ring()

    def _count(self, outcome: Outcome) -> None:
        if isinstance(outcome, Refused):
            self.counters.refused += 1
        elif isinstance(outcome, Unknown):
            self.counters.unknown += 1
        else:
            self.counters.accepted += 1


def _pasts(due: Sequence[Due]) -> dict[bytes, tuple[Past, ...]]:
    return {one.message.id: one.past for one in due}
