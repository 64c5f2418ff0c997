"""The delivery loop: claim, render, write the intents, and begin their calls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from outrider.contracts.http import Http
from outrider.contracts.store import Claim, DeliveryStore
from outrider.domain.attempt import Reason, Refused
from outrider.domain.outbox import Due, Intent, Past, Verdictless
from outrider.domain.work import Fenced
from outrider.lib.clock import Clock
from outrider.lib.redact import trace_of
from outrider.workers.authorized import AuthorizedHttp
from outrider.workers.conclude import conclude, forgo, not_begun
from outrider.workers.counters import Counters
from outrider.workers.desk import Desk
from outrider.workers.exchange import send
from outrider.workers.lease import LEASE_SECONDS, DeliveryLease
from outrider.workers.outcomes import Outcomes
from outrider.workers.prepare import prepare
from outrider.workers.trouble import Patience, is_store_trouble
from outrider.workers.wake import Wakes

#: Most messages in one intent transaction: about 25 ms of work.
BATCH = 250
#: Most calls under way in one process.
IN_FLIGHT = 500
#: Looks at the outbox without a signal.
POLL_SECONDS = 0.25
#: Until a message that could not be prepared is looked at again: a defect must not stop the others.
STUMBLED = timedelta(seconds=30)

log = structlog.get_logger(__name__)


@dataclass
class Delivery:
    """One delivery worker."""

    store: DeliveryStore
    desk: Desk
    http: Http
    clock: Clock
    wakes: Wakes
    owner: str
    #: Makes configuration versions ready that messages were decided under.
    ensure: Callable[[Iterable[int]], Awaitable[None]]
    counters: Counters = field(default_factory=Counters)

    def __post_init__(self) -> None:
        self.lease = DeliveryLease(self.store, self.clock, self.owner, LEASE_SECONDS)
        self.outcomes = Outcomes(self.store, self.lease, self.clock, self.wakes, self.counters)
        self._line = AuthorizedHttp(self.http, self.clock)
        self._calls: set[asyncio.Task[None]] = set()
        self._patience = Patience("deliver")
        self._has_room = asyncio.Event()
        self._stopping = False
        #: The database's time at some instant, and this machine's monotonic seconds then.
        self._known_time = (self.clock.now(), self.clock.monotonic())

    async def run(self) -> None:
        """Work until `stop`; then finish the calls under way. A lost lease is followed by a new one."""
        while not self._stopping:
            try:
                await self._run_one_lease()
            except Exception as error:
                await self._patience.wait(error)

    async def _run_one_lease(self) -> None:
        await self._open_lease()
        self._patience.answered()
        writer = asyncio.create_task(self.outcomes.run())
        keeper = asyncio.create_task(self._keep_lease())
        try:
            while not self._stopping and not self.lease.lost:
                if not await self._step():
                    await self.wakes.outbox.wait(await self._idle_seconds())
        except Fenced as lost:
            log.warning("delivery lease lost, taking a new one", reason=str(lost))
        finally:
            await self._wind_down(writer, keeper)

    def stop(self) -> None:
        """Begin no further call."""
        self._stopping = self.outcomes.stopping = True
        self._patience.end()
        self.wakes.outbox.ring()
        self._has_room.set()

    async def _open_lease(self) -> None:
        self.outcomes.ending = False
        await self.lease.begin()

    async def _keep_lease(self) -> None:
        while True:
            await asyncio.sleep(self.lease.seconds / 4)
            try:
                if not await self._renew_lease():
                    return
            except Exception as error:
                log.warning("the delivery lease was not renewed, trying again", error=repr(error))

    async def _renew_lease(self) -> bool:
        """Extend the lease; False when it is over, so that no further call may begin under it."""
        if await self.lease.renew():
            return True
        self._has_room.set()
        self.wakes.outbox.hear()
        return False

    async def _wind_down(self, writer: asyncio.Task[None], keeper: asyncio.Task[None]) -> None:
        if self._calls:
            await asyncio.wait(self._calls)
        keeper.cancel()
        self.outcomes.ending = True
        self.outcomes.has_some.set()
        await writer
        await asyncio.gather(keeper, return_exceptions=True)
        await self.lease.close()

    async def _idle_seconds(self) -> float:
        due = await self.store.next_due()
        if due is None:
            return POLL_SECONDS
        wait = (due - self._now()).total_seconds()
        return min(max(wait, 0.001), POLL_SECONDS)

    async def _step(self) -> bool:
        """Claim and begin one batch; False when there was nothing to do."""
        room = IN_FLIGHT - len(self._calls)
        if room < min(BATCH, IN_FLIGHT) // 4:
            self._has_room.clear()
            await self._has_room.wait()
            return not self.lease.lost
        intents: list[Intent] = []
        try:
            async with self.lease.floor, self.store.claim(min(BATCH, room)) as claim:
                if not claim.due:
                    return False
                await self._make_ready({due.message.config for due in claim.due})
                intents, pasts = await self._write_intents(claim)
            stopped = await self._stopped_meanwhile(intents)
        except Exception:
            self._surrender(intents)
            raise
        for intent in intents:
            if intent.message.id not in stopped:
                self._begin(intent, pasts[intent.message.id])
        return True

    async def _stopped_meanwhile(self, intents: Sequence[Intent]) -> set[bytes]:
        """Messages whose stop was committed while their intents became durable: no call follows.

        They are due again at once, and the next intent transaction sees the stop and does what it demands.
        """
        if not intents:
            return set()
        keys = {key for intent in intents for key in intent.stop_keys}
        stops = await self.store.newly_stopped(keys, self._known_time[0])
        found = [intent for intent in intents if not stops.isdisjoint(intent.stop_keys)] if stops else []
        for intent in found:
            self._take_back(intent, "a stop came while the intent was written; nothing was sent")
        return {intent.message.id for intent in found}

    def _take_back(self, intent: Intent, why: str) -> None:
        """No call follows a written intent, and that is its outcome."""
        forgo(intent, self.desk)
        self.outcomes.waiting.append(not_begun(intent, self._now(), why))
        self.outcomes.has_some.set()

    async def _make_ready(self, versions: set[int]) -> None:
        """Load configurations; a version that cannot be had sets only its own messages back."""
        try:
            await self.ensure(versions)
        except Exception as error:
            if is_store_trouble(error):
                raise
            log.error("a configuration cannot be loaded", versions=sorted(versions), error=repr(error))

    def _prepare(self, due: Due, now: datetime, ticks: float) -> Intent | Verdictless:
        try:
            return prepare(due, self.desk, now, ticks)
        except Exception as error:
            words = {"error": type(error).__name__, "trace": trace_of(error)}
            log.error("a message cannot be prepared and is set back", message=due.message.id.hex(), **words)
            return Verdictless(due.message, "retry", at=now + STUMBLED, reason="it cannot be prepared")

    def _surrender(self, intents: Sequence[Intent]) -> None:
        """Their commit was not confirmed, so they may be durable: no call follows, and that is their outcome.

        Should the commit become visible only after that outcome was written, the rescue of this lease, which ends
        now, still finds them.
        """
        for intent in intents:
            self.lease.unconfirmed.add(intent.message.id)
            self._take_back(intent, "the intent was not confirmed; nothing was sent")
            self.lease.lost = True

    async def _write_intents(self, claim: Claim) -> tuple[list[Intent], dict[bytes, tuple[Past, ...]]]:
        ticks = self.clock.monotonic()
        self._known_time = (claim.now, ticks)
        prepared = [self._prepare(due, claim.now, ticks) for due in claim.due]
        intents = [one for one in prepared if isinstance(one, Intent)]
        others = [one for one in prepared if isinstance(one, Verdictless)]
        # Known before the commit: a renewal in between must not move the floor above them.
        self.lease.open.update((intent.message.id, intent) for intent in intents)
        try:
            refused = {refusal.message for refusal in await claim.commit(self.lease.fence, intents, others)}
        except Fenced:
            self._forgo(intents)
            raise
        except BaseException:
            # The commit may have been applied: until the lease is over the floor stays below these intents.
            for intent in intents:
                forgo(intent, self.desk)
            raise
        self._forgo([intent for intent in intents if intent.message.id in refused])
        return [i for i in intents if i.message.id not in refused], _pasts(claim.due)

    def _forgo(self, intents: Sequence[Intent]) -> None:
        """No call follows these."""
        for intent in intents:
            self.lease.open.pop(intent.message.id, None)
            forgo(intent, self.desk)

    def _begin(self, intent: Intent, past: tuple[Past, ...]) -> None:
        self.counters.intents += 1
        self.counters.failovers += bool(past) and past[-1].route != intent.route
        self._spawn(self._call(intent, past))

    def _spawn(self, call: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(call)
        self._calls.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._calls.discard(task)
        self._has_room.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a call ended without an outcome", error=type(error).__name__, trace=trace_of(error))

    async def _call(self, intent: Intent, past: tuple[Past, ...]) -> None:
        unsent = self._unsent(intent)
        outcome = unsent or await send(intent, self.desk, self._line, self._now())
        now, ticks = self._now(), self.clock.monotonic()
        self.outcomes.waiting.append(conclude(intent, past, outcome, self.desk, now, ticks, about_route=unsent is None))
        self.outcomes.has_some.set()

    def _unsent(self, intent: Intent) -> Refused | None:
        """Why no call is made although its intent is written; None when it may be made."""
        account = self.desk.accounts.get(intent.account)
        if account is None:
            return Refused(Reason.NOT_BEGUN, f"account {intent.account} is configured no more; nothing was sent")
        if intent.route not in self.desk.by_name:
            return Refused(Reason.NOT_BEGUN, f"route {intent.route} is configured no more; nothing was sent")
        if self.clock.monotonic() > self.lease.until - account.deadline:
            return Refused(Reason.NOT_BEGUN, "the lease of this worker is nearly over; nothing was sent")
        now = self._now()
        if now > intent.message.not_after:
            return Refused(Reason.NOT_BEGUN, "its window ended before the call; nothing was sent")
        if all(route.name != intent.route for route in self.desk.ways(intent.message, now.date())):
            return Refused(Reason.NOT_BEGUN, f"route {intent.route} may not be taken there any more; nothing was sent")
        return None

    def _now(self) -> datetime:
        """The database's time: what is written with it is compared with the database's clock, never with ours."""
        at, ticks = self._known_time
        return at + timedelta(seconds=self.clock.monotonic() - ticks)


def _pasts(due: Sequence[Due]) -> dict[bytes, tuple[Past, ...]]:
    return {one.message.id: one.past for one in due}
