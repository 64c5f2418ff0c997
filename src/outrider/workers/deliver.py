"""The delivery loop: claim, render, write the intent, send, write the outcome."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from msgspec.structs import replace

from outrider.contracts.http import Broken, Http, NotSent, Request
from outrider.contracts.provider import Direct, Outbound, direct
from outrider.contracts.store import Claim, DeliveryStore
from outrider.domain.attempt import Accepted, Outcome, Reason, Refused, Unknown
from outrider.domain.work import Done, Due, Fenced, Intent, Past, Verdictless
from outrider.lib.clock import Clock
from outrider.workers.authorized import AuthorizedHttp
from outrider.workers.prepare import Account, Desk, conclude, forgo, not_begun, outbound, prepare
from outrider.workers.trouble import Patience, is_store_trouble
from outrider.workers.wake import Wakes

#: Most messages in one intent transaction: about 25 ms of work.
BATCH = 250
#: Most calls under way in one process.
IN_FLIGHT = 500
#: A delivery lease; a call's deadline is below a third of it, so that a zombie's calls are over before its rescue.
LEASE_SECONDS = 45.0
#: Looks at the outbox without a signal.
POLL_SECONDS = 0.25
#: Until outcomes that the store did not take are written again.
AGAIN_SECONDS = 0.25
#: No open intent: nothing to find below the highest id.
NO_FLOOR = b"\xff" * 16
#: Until a message that could not be prepared is looked at again: a defect must not stop the others.
STUMBLED = timedelta(seconds=30)

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
    #: Makes configuration versions ready that messages were decided under.
    ensure: Callable[[Iterable[int]], Awaitable[None]]
    counters: Counters = field(default_factory=Counters)
    lease_seconds: float = LEASE_SECONDS

    def __post_init__(self) -> None:
        self._line = AuthorizedHttp(self.http, self.clock)
        self._fence = 0
        self._lease_until = 0.0
        self._calls: set[asyncio.Task[None]] = set()
        self._open: dict[bytes, Intent] = {}
        #: Intents whose commit was not confirmed; they keep the floor down until their lease is rescued.
        self._unconfirmed: set[bytes] = set()
        #: Held while intents become durable: a renewal in between would write a floor above them.
        self._floor = asyncio.Lock()
        self._patience = Patience("deliver")
        self._done: list[Done] = []
        self._has_done = asyncio.Event()
        self._has_room = asyncio.Event()
        self._stopping = False
        #: The lease ended before it was renewed: its open intents belong to the rescue now.
        self._lost = False
        #: No further call begins under this lease; the writer ends with the last outcome.
        self._closing = False
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
        self._patience.end()
        self.wakes.outbox.ring()
        self._has_room.set()

    async def _open_lease(self) -> None:
        self._lost = self._closing = False
        self._open.clear()
        self._unconfirmed.clear()
        self._lease_until = self.clock.monotonic() + self.lease_seconds
        self._fence = await self.store.open_lease(self.owner, self.lease_seconds)

    async def _keep_lease(self) -> None:
        while True:
            await asyncio.sleep(self.lease_seconds / 4)
            try:
                if not await self._renew_lease():
                    return
            except Exception as error:
                log.warning("the delivery lease was not renewed, trying again", error=repr(error))

    async def _renew_lease(self) -> bool:
        """Extend the lease; False when it is over, so that no further call may begin under it."""
        async with self._floor:
            began = self.clock.monotonic()
            floor = min((*self._open, *self._unconfirmed), default=NO_FLOOR)
            renewed = await self.store.renew_lease(self._fence, self.lease_seconds, floor)
        if renewed:
            self._lease_until = began + self.lease_seconds
            return True
        self._lost = True
        self._has_room.set()
        self.wakes.outbox.hear()
        return False

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
        intents: list[Intent] = []
        try:
            async with self._floor, self.store.claim(min(BATCH, room)) as claim:
                if not claim.due:
                    return False
                await self._make_ready({due.message.config for due in claim.due})
                intents, pasts = await self._write_intents(claim)
        except Exception:
            self._surrender(intents)
            raise
        for intent in intents:
            self._begin(intent, pasts[intent.message.id])
        return True

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
            log.error("a message cannot be prepared and is set back", message=due.message.id.hex(), error=repr(error))
            return Verdictless(due.message, "retry", at=now + STUMBLED, reason="it cannot be prepared")

    def _surrender(self, intents: Sequence[Intent]) -> None:
        """Their commit was not confirmed, so they may be durable: no call follows, and that is their outcome.

        Should the commit become visible only after that outcome was written, the rescue of this lease, which ends
        now, still finds them.
        """
        for intent in intents:
            forgo(intent, self.desk)
            self._unconfirmed.add(intent.message.id)
            self._done.append(not_begun(intent, self._now()))
        if intents:
            self._lost = True
            self._has_done.set()

    async def _write_intents(self, claim: Claim) -> tuple[list[Intent], dict[bytes, tuple[Past, ...]]]:
        ticks = self.clock.monotonic()
        self._known_time = (claim.now, ticks)
        prepared = [self._prepare(due, claim.now, ticks) for due in claim.due]
        intents = [one for one in prepared if isinstance(one, Intent)]
        others = [one for one in prepared if isinstance(one, Verdictless)]
        # Known before the commit: a renewal in between must not move the floor above them.
        self._open.update((intent.message.id, intent) for intent in intents)
        try:
            refused = {refusal.message for refusal in await claim.commit(self._fence, intents, others)}
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
            self._open.pop(intent.message.id, None)
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
            log.error("a call ended without an outcome", error=repr(error))

    async def _call(self, intent: Intent, past: tuple[Past, ...]) -> None:
        unsent = self._unsent(intent)
        outcome = unsent or await self._send(intent)
        now, ticks = self._now(), self.clock.monotonic()
        self._done.append(conclude(intent, past, outcome, self.desk, now, ticks, about_route=unsent is None))
        self._has_done.set()

    def _unsent(self, intent: Intent) -> Refused | None:
        """Why no call is made although its intent is written; None when it may be made."""
        account = self.desk.accounts.get(intent.account)
        if account is None:
            return Refused(Reason.NOT_CONNECTED, f"account {intent.account} is configured no more; nothing was sent")
        if self.clock.monotonic() > self._lease_until - account.deadline:
            return Refused(Reason.NOT_CONNECTED, "the lease of this worker is nearly over; nothing was sent")
        return None

    def _now(self) -> datetime:
        """The database's time: what is written with it is compared with the database's clock, never with ours."""
        at, ticks = self._known_time
        return at + timedelta(seconds=self.clock.monotonic() - ticks)

    async def _send(self, intent: Intent) -> Outcome:
        account = self.desk.accounts[intent.account]
        own = direct(account.provider)
        try:
            message = outbound(intent, self.desk, self._now())
            request = account.provider.request(message) if own is None else None
        except Exception as error:
            return Refused(Reason.BAD_REQUEST, f"the request cannot be written: {error}")
        if own is not None:
            return await self._send_directly(account, own, message)
        assert request is not None
        return await self._exchange(account, request)

    async def _send_directly(self, account: Account, provider: Direct, message: Outbound) -> Outcome:
        """One message by the provider's own transport, whose promise never to raise is not relied on."""
        try:
            return await provider.send(message, account.deadline)
        except Exception as error:
            log.error("a provider's transport broke its promise", account=account.name, error=repr(error))
            return Unknown(f"{type(error).__name__}: {error}")

    async def _exchange(self, account: Account, request: Request) -> Outcome:
        """One call; whatever goes wrong in it has an outcome, since an intent without one waits for its lease's end."""
        try:
            answer = await self._line.send(account, request)
            return answer if isinstance(answer, Refused) else account.provider.outcome(answer)
        except NotSent as error:
            return Refused(Reason.NOT_CONNECTED, str(error))
        except Broken as error:
            return Unknown(str(error))
        except Exception as error:
            log.error("a call failed in a way nobody foresaw", account=account.name, error=repr(error))
            return Unknown(f"{type(error).__name__}: {error}")

    async def _write_outcomes(self) -> None:
        """Write whatever outcomes there are, again and again; ends when the worker stops and all are written."""
        while True:
            await self._has_done.wait()
            self._has_done.clear()
            while self._done:
                if not await self._write_done():
                    await asyncio.sleep(AGAIN_SECONDS)
            if self._closing and not self._calls:
                return

    async def _write_done(self) -> bool:
        """Write the outcomes there are; False when the store did not confirm them and they wait for another go.

        Writing them twice changes nothing. Raises what the store raised once the lease is over.
        """
        done, self._done = self._done, []
        try:
            await self._finish(done)
        except Exception as error:
            self._done = (done if is_store_trouble(error) else await self._finish_singly(done)) + self._done
            if self._done and self._gives_up(error):
                self._lost = True
                raise
            log.warning("outcomes were not confirmed and are written again", count=len(done), error=repr(error))
            return False
        return True

    async def _finish_singly(self, done: list[Done]) -> list[Done]:
        """One outcome that the store refuses must not keep back the others: those left over, in a plainer form."""
        left = []
        for one in done:
            try:
                await self._finish([one])
            except Exception as error:
                log.error("an outcome cannot be written", message=one.message.hex(), error=repr(error))
                left.append(replace(one, outcome=plain(one.outcome)))
        return left

    def _gives_up(self, error: Exception) -> bool:
        """A store that does not answer is waited for beyond the lease: a late acceptance still ends a doubt."""
        is_over = self.clock.monotonic() > self._lease_until
        return is_over and (self._stopping or not is_store_trouble(error))

    async def _finish(self, done: list[Done]) -> None:
        await self.store.finish(self._fence, done)
        again = False
        for one in done:
            # The next attempt may have begun while this one was being written: that intent is still open.
            if (intent := self._open.get(one.message)) is not None and intent.number == one.number:
                del self._open[one.message]
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


def plain(outcome: Outcome) -> Outcome:
    """An outcome without what a provider may have put into it that no column holds, such as the character U+0000."""
    if isinstance(outcome, Accepted):
        return Accepted("".join(char for char in outcome.provider_id if char.isprintable()))
    detail = "".join(char for char in outcome.detail if char.isprintable())
    return replace(outcome, detail=detail)


def _pasts(due: Sequence[Due]) -> dict[bytes, tuple[Past, ...]]:
    return {one.message.id: one.past for one in due}
