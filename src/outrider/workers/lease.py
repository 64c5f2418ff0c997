"""The lease of a delivery worker: until when it may call, and which of its intents are open."""

from __future__ import annotations

import asyncio

from outrider.contracts.store import DeliveryStore
from outrider.domain.outbox import Intent
from outrider.lib.clock import Clock

#: A delivery lease; a call's deadline is below a third of it, so that a zombie's calls are over before its rescue.
LEASE_SECONDS = 45.0
#: No open intent: nothing to find below the highest id.
NO_FLOOR = b"\xff" * 16


class DeliveryLease:
    """A worker's lease, one after the other. When it ends, its open intents belong to the rescue."""

    def __init__(self, store: DeliveryStore, clock: Clock, owner: str, seconds: float) -> None:
        self.store = store
        self.clock = clock
        self.owner = owner
        self.seconds = seconds
        self.fence = 0
        #: This machine's monotonic seconds.
        self.until = 0.0
        #: It ended before it was renewed: its open intents belong to the rescue now.
        self.lost = False
        self.open: dict[bytes, Intent] = {}
        #: Intents whose commit was not confirmed; they keep the floor down until their lease is rescued.
        self.unconfirmed: set[bytes] = set()
        #: Held while intents become durable: a renewal in between would write a floor above them.
        self.floor = asyncio.Lock()

    async def begin(self) -> None:
        """A new lease, with nothing open under it."""
        self.lost = False
        self.open.clear()
        self.unconfirmed.clear()
        self.until = self.clock.monotonic() + self.seconds
        self.fence = await self.store.open_lease(self.owner, self.seconds)

    async def renew(self) -> bool:
        """Extend it; False when it is over."""
        async with self.floor:
            began = self.clock.monotonic()
            floor = min((*self.open, *self.unconfirmed), default=NO_FLOOR)
            renewed = await self.store.renew_lease(self.fence, self.seconds, floor)
        if renewed:
            self.until = began + self.seconds
        else:
            self.lost = True
        return renewed

    async def close(self) -> None:
        """End it."""
        await self.store.close_lease(self.fence)
