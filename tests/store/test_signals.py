"""Signals between processes over NOTIFY, also after their connection was lost."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import asyncpg
import pytest
import structlog

from outrider.store import pg_signals
from outrider.store.pg_signals import Signals

LISTENERS = "select pid from pg_stat_activity where datname = current_database() and query ilike 'listen%'"


class Ear:
    """Hears topics, and lets a test wait for one."""

    def __init__(self) -> None:
        self.heard: Counter[str] = Counter()
        self._news = asyncio.Event()

    def hear(self, topic: str) -> None:
        self.heard[topic] += 1
        self._news.set()

    async def until(self, topic: str, times: int = 1) -> None:
        async with asyncio.timeout(30):
            while self.heard[topic] < times:
                self._news.clear()
                await self._news.wait()


async def listening(side: Any, without: set[int] = frozenset()) -> set[int]:  # type: ignore[assignment]
    """The sessions that listen, as soon as there is one that was not there before."""
    async with asyncio.timeout(30):
        while True:
            rows = await side.fetch(f"{LISTENERS} and pg_sleep(0.01) is not null")
            if found := {row["pid"] for row in rows} - without:
                return found


def test_a_ring_reaches_the_other_process_and_not_its_own(database_url: str) -> None:
    async def play() -> None:
        side = await asyncpg.connect(database_url)
        here, there = Ear(), Ear()
        one, other = Signals(database_url, here.hear), Signals(database_url, there.hear)
        one.start()
        first = await listening(side)
        other.start()
        await listening(side, first)
        one.send("log")
        one.send("log")
        await there.until("log")
        other.send("outbox")
        await here.until("outbox")
        assert here.heard["log"] == 0
        assert there.heard["outbox"] == 0
        await one.stop()
        await other.stop()
        await side.close()

    asyncio.run(play())


def test_who_only_listens_notices_that_its_connection_is_lost(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It never sends, so nothing but the loss itself can tell it; each loss is logged once."""
    monkeypatch.setattr(pg_signals, "RECONNECT_SECONDS", 0.01)

    async def play() -> None:
        side = await asyncpg.connect(database_url)
        ear = Ear()
        listener = Signals(database_url, ear.hear)
        listener.start()
        session = await listening(side)
        for times in range(1, 4):
            await side.execute("select pg_terminate_backend(pid) from unnest($1::int[]) as pid", list(session))
            session = await listening(side, session)
            await side.execute("notify outrider, 'log'")
            await ear.until("log", times)
        await listener.stop()
        await side.close()

    with structlog.testing.capture_logs() as logged:
        asyncio.run(play())
    assert [line["event"] for line in logged] == ["signals are interrupted, polling goes on"] * 3
