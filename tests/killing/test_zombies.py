"""Paused processes: they wake after their lease is over, and must not act under it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg

from outrider.testing.killing.evidence import at_rest, read_copies, read_messages
from outrider.testing.killing.feeder import Feeder
from outrider.testing.killing.installation import Installation, installed
from outrider.testing.killing.verdict import Verdict, judge

#: Seconds within which what is waited for must come.
BOUND = 60


class Scene:
    """An installation with a feeder and a look into its database."""

    def __init__(self, its: Installation, side: Any) -> None:
        self.its = its
        self.side = side
        self.feeder = Feeder(its.url, its.key, its.zone, pace=100, most_open=10**6, open_now=lambda: 0)

    async def until(self, query: str, *, least: int = 1) -> int:
        """Return when a count reaches `least`; what it is then."""
        async with asyncio.timeout(BOUND):
            while (found := await self.count(f"select ({query}) from pg_sleep(0.01)")) < least:
                pass
        return found

    async def count(self, query: str) -> int:
        return int(await self.side.fetchval(query))

    async def verdict(self) -> Verdict:
        await self.its.set_faults(())
        await at_rest(self.its.dsn, BOUND)
        confirmed = self.feeder.confirmed
        messages = await read_messages(self.its.dsn, self.its.settings.home, range(1, max(confirmed) + 1))
        return judge(confirmed, messages, read_copies(self.its.ledger))


def play(folder: Path, scene: Callable[[Scene], Awaitable[Verdict]]) -> Verdict:
    async def go() -> Verdict:
        async with installed(folder) as its:
            side = await asyncpg.connect(its.dsn)
            try:
                return await scene(Scene(its, side))
            finally:
                await side.close()

    return asyncio.run(go())


OPEN_CALLS = "select count(*) from attempts where state = 'intent'"


def test_a_paused_delivery_worker_begins_no_call_under_its_old_lease(tmp_path: Path) -> None:
    """Its calls in flight are rescued as doubts; when it wakes, their late answers count and the rest is left alone."""

    async def scene(s: Scene) -> Verdict:
        deliver = s.its.roles["deliver"]
        old = await s.until("select coalesce(max(fence), 0) from delivery_leases")
        await s.its.set_faults([{"kind": "latency", "share": 1.0, "ms": 400}, {"kind": "lost_receipt", "share": 1.0}])
        await s.feeder.send(range(1, 41))
        await s.until(OPEN_CALLS)
        deliver.signal(signal.SIGSTOP)
        # What it has sent to the database is done there, whether it stands still or not.
        await s.side.execute("select pg_sleep(0.3)")
        paused = await s.count(f"select count(*) from attempts where fence = {old}")
        in_flight = await s.count(OPEN_CALLS)
        await s.until("select 1 - count(*) from attempts where state = 'intent'")
        doubts = await s.count(f"select count(*) from attempts where fence = {old} and detail like '%ended before%'")
        assert doubts == in_flight
        second = s.its.role("deliver-2", "deliver")
        await second.start()
        await s.feeder.send(range(41, 61))
        deliver.signal(signal.SIGCONT)
        await s.until(f"select count(*) from delivery_leases where fence > {old + 1}")
        verdict = await s.verdict()
        assert await s.count(f"select count(*) from attempts where fence = {old}") == paused
        await second.stop()
        return verdict

    verdict = play(tmp_path, scene)
    assert verdict.holds, verdict
    assert verdict.unknown_created > 0


def test_a_paused_engine_commits_nothing_after_another_took_over(tmp_path: Path) -> None:
    """It is fenced, says so, takes a new lease and goes on: killed is then the other one."""

    async def scene(s: Scene) -> Verdict:
        engine = s.its.roles["engine"]
        await s.feeder.send(range(1, 11))
        await s.until("select count(*) from messages", least=10)
        engine.signal(signal.SIGSTOP)
        # These wait for whoever leads their streams.
        await s.feeder.send(range(11, 41))
        second = s.its.role("engine-2", "engine")
        await second.start()
        await s.until("select count(*) from messages", least=40)
        owners = await s.count("select count(distinct owner) from shard_groups")
        engine.signal(signal.SIGCONT)
        await s.feeder.send(range(41, 61))
        await s.until("select count(*) from messages", least=60)
        await second.kill()
        await s.feeder.send(range(61, 81))
        await s.until("select count(*) from messages", least=80)
        assert owners == 1
        assert not s.its.ended()
        return await s.verdict()

    verdict = play(tmp_path, scene)
    assert verdict.holds, verdict
    assert verdict.events == 80
