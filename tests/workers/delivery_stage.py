"""A world with a running delivery worker and a wire that says what it is told."""

from __future__ import annotations

import asyncio
from collections import Counter

from worker_stage import World

from outrider.contracts.http import Response
from outrider.domain.message import Status
from outrider.workers.deliver import Delivery
from outrider.workers.wake import Wakes

ACCEPTED = b'{"messageId": "%d", "status": {"value": "ENROUTE"}}'


class Wire:
    """A fake transport: answers when it is let, with what it is told, and counts calls under way."""

    def __init__(self):
        self.answers = asyncio.Event()
        self.answers.set()
        self.moved = asyncio.Event()
        self.told = lambda number: Response(201, {}, ACCEPTED % number)
        self.calls = self.open = self.most = 0

    async def send(self, request, deadline):
        self.calls += 1
        number = self.calls
        self.open += 1
        self.most = max(self.most, self.open)
        self.moved.set()
        try:
            await self.answers.wait()
            answer = self.told(number)
            if isinstance(answer, Exception):
                raise answer
            return answer
        finally:
            self.open -= 1

    async def close(self):
        return None


class Stage:
    """A world with a running delivery worker."""

    def __init__(self, messages=1):
        self.world = World()
        self.world.feed(
            *(self.world.booking(key=f"b{n}", customer=f"c{n}", phone=f"+336{n:08d}") for n in range(messages))
        )
        self.wire = Wire()
        self.wakes = Wakes()
        self.faults = Counter()
        self.seen = Counter()
        self.moved = self.wire.moved
        self.world.store.hook = self._hook
        self.worker = Delivery(
            self.world.store, self.world.desk, self.wire, self.world.clock, self.wakes, "w", self.world.library.ensure
        )

    def _hook(self, method, moment):
        self.seen[method, moment] += 1
        self.moved.set()
        if self.faults[method, moment] > 0:
            self.faults[method, moment] -= 1
            raise ConnectionResetError(f"{method} broke {moment}")

    async def until(self, true):
        """Wait until something holds that the store or the wire brings about."""
        while not true():
            self.moved.clear()
            await self.moved.wait()

    async def run(self, act):
        task = asyncio.create_task(self.worker.run())
        try:
            await asyncio.wait_for(act(self), 20)
        finally:
            self.wire.answers.set()
            self.worker.stop()
            await asyncio.wait_for(task, 20)

    def go(self, act):
        asyncio.run(self.run(act))
        return self

    def states(self):
        return Counter(str(one.state) for one in self.world.tables.attempts.values())

    def settled(self):
        rows = self.world.tables.messages.values()
        return all(row.status not in (Status.QUEUED, Status.SENDING) for row in rows)


async def settle(stage):
    await stage.until(stage.settled)
