"""The loop itself: under load, kill somebody at a busy instant, start it again, go on; at the end, judge."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from outrider.testing.killing.evidence import Tail, at_rest, read_copies, read_messages
from outrider.testing.killing.feeder import Feeder
from outrider.testing.killing.installation import Installation, Times, installed
from outrider.testing.killing.processes import Process
from outrider.testing.killing.verdict import Verdict, judge

#: Who dies, and how often in comparison: delivery is where a death can double or lose.
VICTIMS = {"deliver": 5, "engine": 3, "postgres": 3, "api": 2, "sweep": 1}
#: Most milliseconds between the signal that work moves and the kill.
SPREAD = 80
#: Copies that must have been taken since the last cycle before the next kill: proof that everything recovered.
MOVED = 12
#: How many of the newest events the feeder's brake looks at.
LATELY = 3000
#: Seconds the loop waits for work to move, and at the end for everything to come to rest.
MOVES_WITHIN = 60.0
RESTS_WITHIN = 120.0
#: Seconds between looks at the ledger.
LOOK = 0.005

#: What the providers do meanwhile: lose, double and delay receipts, take messages and break the connection.
FAULTS: tuple[dict[str, object], ...] = (
    {"kind": "lost_receipt", "share": 0.4},
    {"kind": "duplicate_receipt", "share": 0.1, "number": 2},
    {"kind": "early_receipt", "share": 0.1},
    {"kind": "late_receipt", "share": 0.1, "ms": 800},
    {"kind": "reset_after", "share": 0.02},
    {"kind": "reset_before", "share": 0.02},
    {"kind": "latency", "share": 1.0, "ms": 15, "spread": "exponential"},
)


class Stuck(Exception):
    """Nothing moved any more; the text has what the processes said last."""


class Plan(msgspec.Struct, frozen=True):
    """What to do."""

    cycles: int = 25
    seed: int = 0
    #: Events a second.
    pace: float = 120.0
    times: Times = Times()
    faults: tuple[dict[str, object], ...] = FAULTS


class Report(msgspec.Struct, frozen=True):
    """What happened and what it means."""

    cycles: int
    seed: int
    kills: dict[str, int]
    seconds: float
    seconds_per_cycle: float
    #: Requests of the feeder; above the number of events by those that were sent again.
    requests: int
    holds: bool
    verdict: Verdict


async def run(plan: Plan, folder: Path, told: Callable[[str], None] = lambda _: None) -> Report:
    """Run the loop in an empty folder; `told` hears of each cycle. Raises Stuck, NotAtRest, DidNotStart."""
    began = time.monotonic()
    async with installed(folder, plan.times, plan.seed) as installation:
        return await Loop(plan, installation, told).run(began)


class Loop:
    """One run."""

    def __init__(self, plan: Plan, installation: Installation, told: Callable[[str], None]) -> None:
        self._plan = plan
        self._its = installation
        self._told = told
        self._chance = random.Random(plan.seed)
        self._restarts: dict[str, asyncio.Task[object]] = {}
        self._tail = Tail(installation.ledger)
        self._feeder = Feeder(
            installation.url,
            installation.key,
            installation.zone,
            pace=plan.pace,
            most_open=1000,
            open_now=self._open_lately,
        )

    async def run(self, began: float) -> Report:
        """Every cycle, then the judgment."""
        await self._its.set_faults(self._plan.faults)
        async with asyncio.TaskGroup() as group:
            feeding = group.create_task(self._feeder.run())
            for cycle in range(1, self._plan.cycles + 1):
                await self._cycle(cycle)
            await asyncio.gather(*self._restarts.values())
            await self._busy("the last restart")
            self._feeder.stop()
            await feeding
        await self._its.set_faults(())
        await at_rest(self._its.dsn, RESTS_WITHIN)
        return self._report(await self._judge(), time.monotonic() - began)

    def _open_lately(self) -> int:
        """Events of late that nobody has taken a copy of. Old ones do not count: what rests in doubt for good, as its
        purpose wants it, would fill any limit in the end and stop the feeder."""
        confirmed, reached = self._feeder.confirmed, self._tail.reached
        lately = range(max(1, self._feeder.newest - LATELY), self._feeder.newest + 1)
        return sum(number in confirmed and number not in reached for number in lately)

    async def _cycle(self, cycle: int) -> None:
        await self._busy(f"cycle {cycle}")
        await asyncio.sleep(self._chance.random() * SPREAD / 1000)
        victims = self._victims()
        self._told(f"cycle {cycle}: {', '.join(victim.name for victim in victims)}")
        await asyncio.gather(*(self._strike(victim) for victim in victims))

    async def _strike(self, victim: Process) -> None:
        """Kill it; it starts again while the loop goes on, so that the next kill may find it starting."""
        if restart := self._restarts.pop(victim.name, None):
            await restart
        await victim.kill()
        self._restarts[victim.name] = asyncio.create_task(victim.start())

    def _victims(self) -> list[Process]:
        """One, or in a quarter of the cycles two."""
        count = 2 if self._chance.random() < 0.25 else 1
        names: set[str] = set()
        while len(names) < count:
            names.update(self._chance.choices(list(VICTIMS), list(VICTIMS.values())))
        everybody = {**self._its.roles, "postgres": self._its.database}
        return [everybody[name] for name in sorted(names)]

    async def _busy(self, when: str) -> None:
        """Return when copies are being taken again. Raises Stuck."""
        wanted = self._tail.look() + MOVED
        until = time.monotonic() + MOVES_WITHIN
        while self._tail.look() < wanted:
            self._see_restarts()
            if ended := self._its.ended():
                raise Stuck(f"{when}: a process ended by itself: {ended}")
            if time.monotonic() > until:
                raise Stuck(f"{when}: nothing was taken for {MOVES_WITHIN:g} s; {self._last_words()}")
            await asyncio.sleep(LOOK)

    def _see_restarts(self) -> None:
        """Raises DidNotStart when a restart failed."""
        for restart in self._restarts.values():
            if restart.done():
                restart.result()

    def _last_words(self) -> str:
        return "\n".join(f"--- {process.name}\n{process.last_words()}" for process in self._its.roles.values())

    async def _judge(self) -> Verdict:
        confirmed = self._feeder.confirmed
        numbers = range(1, max(confirmed) + 1)
        messages = await read_messages(self._its.dsn, self._its.settings.home, numbers)
        return judge(confirmed, messages, read_copies(self._its.ledger))

    def _report(self, verdict: Verdict, seconds: float) -> Report:
        everybody = [self._its.database, *self._its.roles.values()]
        return Report(
            cycles=self._plan.cycles,
            seed=self._plan.seed,
            kills={process.name: process.kills for process in everybody},
            seconds=round(seconds, 1),
            seconds_per_cycle=round(seconds / max(1, self._plan.cycles), 2),
            requests=self._feeder.tries,
            holds=verdict.holds,
            verdict=verdict,
        )
