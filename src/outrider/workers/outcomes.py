"""Writing outcomes: none is lost, and none that the store refuses keeps back the others."""

from __future__ import annotations

import asyncio

import structlog
from msgspec.structs import replace

from outrider.contracts.store import DeliveryStore
from outrider.domain.attempt import Accepted, Outcome
from outrider.domain.outbox import Done
from outrider.lib.clock import Clock
from outrider.workers.counters import Counters
from outrider.workers.lease import DeliveryLease
from outrider.workers.trouble import is_store_trouble
from outrider.workers.wake import Wakes

#: Until outcomes that the store did not take are written again.
AGAIN_SECONDS = 0.25

log = structlog.get_logger(__name__)


class Outcomes:
    """The outcomes of one worker on their way to the store."""

    def __init__(
        self, store: DeliveryStore, lease: DeliveryLease, clock: Clock, wakes: Wakes, counters: Counters
    ) -> None:
        self.store = store
        self.lease = lease
        self.clock = clock
        self.wakes = wakes
        self.counters = counters
        #: Whoever adds one sets `has_some`.
        self.waiting: list[Done] = []
        self.has_some = asyncio.Event()
        #: No further outcome comes under this lease.
        self.ending = False
        #: No further lease comes: when this one is over, a store that does not answer is waited for no longer.
        self.stopping = False

    async def run(self) -> None:
        """Write whatever outcomes there are, again and again; ends when no more can come and all are written."""
        while True:
            await self.has_some.wait()
            self.has_some.clear()
            while self.waiting:
                if not await self.write():
                    await asyncio.sleep(AGAIN_SECONDS)
            if self.ending:
                return

    async def write(self) -> bool:
        """Write the outcomes there are; False when the store did not confirm them and they wait for another go.

        Writing them twice changes nothing. Raises what the store raised once the lease is over.
        """
        done, self.waiting = self.waiting, []
        try:
            await self.finish(done)
        except Exception as error:
            self.waiting = (done if is_store_trouble(error) else await self._finish_singly(done)) + self.waiting
            if self.waiting and self._gives_up(error):
                self.lease.lost = True
                raise
            log.warning("outcomes were not confirmed and are written again", count=len(done), error=repr(error))
            return False
        return True

    async def _finish_singly(self, done: list[Done]) -> list[Done]:
        """One outcome that the store refuses must not keep back the others: those left over, in a plainer form."""
        left = []
        for one in done:
            try:
                await self.finish([one])
            except Exception as error:
                log.error("an outcome cannot be written", message=one.message.hex(), error=repr(error))
                left.append(replace(one, outcome=plain(one.outcome)))
        return left

    def _gives_up(self, error: Exception) -> bool:
        """A store that does not answer is waited for beyond the lease: a late acceptance still ends a doubt."""
        is_over = self.clock.monotonic() > self.lease.until
        return is_over and (self.stopping or not is_store_trouble(error))

    async def finish(self, done: list[Done]) -> None:
        """Write these; messages that are due again are looked for at once."""
        await self.store.finish(self.lease.fence, done)
        again = False
        for one in done:
            # The next attempt may have begun while this one was being written: that intent is still open.
            if (intent := self.lease.open.get(one.message)) is not None and intent.number == one.number:
                del self.lease.open[one.message]
            again = again or one.next.retry_at is not None
            self.counters.count(one.outcome)
        if again:
            self.wakes.outbox.ring()


def plain(outcome: Outcome) -> Outcome:
    """An outcome without what a provider may have put into it that no column holds, such as the character U+0000."""
    if isinstance(outcome, Accepted):
        return Accepted("".join(char for char in outcome.provider_id if char.isprintable()))
    detail = "".join(char for char in outcome.detail if char.isprintable())
    return replace(outcome, detail=detail)
