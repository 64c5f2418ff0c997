"""Applied configurations, and signals between processes."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from outrider.store import pg_signals
from outrider.store.migrate import migrate
from outrider.store.pg_configurations import (
    Stored,
    VersionMoved,
    count_standing,
    known_texts,
    list_versions,
    load_configuration,
    newest_number,
    save_configuration,
)
from outrider.store.pg_signals import Signals
from outrider.store.postgres import open_pool


def run(url, act):
    async def go():
        pool = await open_pool(url, most=5)
        try:
            async with pool.acquire() as connection:
                await migrate(connection)
            return await asyncio.wait_for(act(pool), 60)
        finally:
            await pool.close()

    return asyncio.run(go())


def test_every_applied_version_is_kept(database_url):
    async def act(pool):
        assert await newest_number(pool) == 0
        assert await load_configuration(pool) is None
        first = await save_configuration(pool, "d1", {"outrider.toml": "é"}, "first")
        assert first == (1, True)
        assert await save_configuration(pool, "d1", {"outrider.toml": "é"}, "again") == (1, False)
        assert await save_configuration(pool, "d2", {"a": ""}, "second") == (2, True)
        assert await save_configuration(pool, "d1", {"outrider.toml": "é"}, "back") == (3, True)
        assert await newest_number(pool) == 3
        assert await load_configuration(pool) == Stored(3, "d1", {"outrider.toml": "é"})
        assert await load_configuration(pool, 2) == Stored(2, "d2", {"a": ""})
        assert await load_configuration(pool, 9) is None

    run(database_url, act)


def test_of_many_that_apply_the_same_at_once_one_makes_the_version(database_url):
    async def act(pool):
        found = await asyncio.gather(*(save_configuration(pool, "d", {"a": "b"}, "") for _ in range(5)))
        assert sorted(found) == [(1, False)] * 4 + [(1, True)]

    run(database_url, act)


def test_a_version_is_saved_only_after_the_one_it_was_made_against(database_url):
    async def act(pool):
        assert await save_configuration(pool, "d1", {"a": "1"}, "", author="zoe", after=0) == (1, True)
        with pytest.raises(VersionMoved, match="configuration 1 was applied meanwhile; this was made against none"):
            await save_configuration(pool, "d2", {"a": "2"}, "", after=0)
        assert await save_configuration(pool, "d2", {"a": "2"}, "why", after=1) == (2, True)
        # What is applied already is no conflict, whoever applied it.
        assert await save_configuration(pool, "d2", {"a": "2"}, "", after=1) == (2, False)
        lines = await list_versions(pool)
        assert [(line.number, line.digest, line.author, line.note) for line in lines] == [
            (2, "d2", "", "why"),
            (1, "d1", "zoe", ""),
        ]
        assert lines[0].at >= lines[1].at

    run(database_url, act)


def test_of_many_that_apply_different_things_against_one_version_one_wins(database_url):
    async def act(pool):
        saving = (save_configuration(pool, f"d{n}", {"a": str(n)}, "", after=0) for n in range(5))
        found = await asyncio.gather(*saving, return_exceptions=True)
        assert sorted(type(each).__name__ for each in found) == ["VersionMoved"] * 4 + ["tuple"]
        assert [each.number for each in found if isinstance(each, VersionMoved)] == [1] * 4

    run(database_url, act)


def test_a_text_is_known_when_some_version_has_it_at_that_path(database_url):
    async def act(pool):
        await save_configuration(pool, "d1", {"a": "old", "b": "é"}, "")
        await save_configuration(pool, "d2", {"a": "new"}, "")
        assert await known_texts(pool, {"a": "old", "b": "é", "c": "old"}) == {"a", "b"}
        assert await known_texts(pool, {"a": "new", "b": "new"}) == {"a"}
        assert await known_texts(pool, {}) == frozenset()
        assert await count_standing(pool) == []

    run(database_url, act)


class Ear:
    """Hears topics."""

    def __init__(self):
        self.heard = []
        self.moved = asyncio.Event()

    def __call__(self, topic):
        self.heard.append(topic)
        self.moved.set()

    async def until(self, *topics):
        while not set(topics) <= set(self.heard):
            self.moved.clear()
            await self.moved.wait()


async def talk(sender, ear, *topics):
    """Send until it is heard: until the other one listens a signal is lost, as it may be."""
    while not set(topics) <= set(ear.heard):
        for topic in topics:
            sender.send(topic)
        try:
            await asyncio.wait_for(ear.until(*topics), 0.05)
        except TimeoutError:
            continue


def test_what_one_process_sends_the_others_hear_and_it_does_not_itself(database_url):
    async def act(_pool):
        here, there = Ear(), Ear()
        sender, listener = Signals(database_url, here), Signals(database_url, there)
        sender.start()
        listener.start()
        await talk(sender, there, "log", "outbox")
        await talk(listener, here, "back")
        await sender.stop()
        await listener.stop()
        assert "log" not in here.heard
        assert "back" not in there.heard

    run(database_url, act)


def test_many_rings_are_one_signal(database_url):
    async def act(_pool):
        here, there = Ear(), Ear()
        sender, listener = Signals(database_url, here), Signals(database_url, there)
        listener.start()
        sender.start()
        await talk(sender, there, "log")
        await talk(sender, there, "mark")
        there.heard.clear()
        for _ in range(1000):
            sender.send("log")
        await talk(sender, there, "end")
        await sender.stop()
        await listener.stop()
        assert there.heard.count("log") <= 2

    run(database_url, act)


def test_a_broken_connection_is_made_anew(database_url, monkeypatch):
    monkeypatch.setattr(pg_signals, "RECONNECT_SECONDS", 0.01)

    async def act(pool):
        here, there = Ear(), Ear()
        sender, listener = Signals(database_url, here), Signals(database_url, there)
        sender.start()
        listener.start()
        await talk(sender, there, "one")
        await talk(listener, here, "two")
        await pool.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid() and query like '%notify%'"
        )
        await talk(sender, there, "three")
        await sender.stop()
        await listener.stop()

    run(database_url, act)


def test_signals_that_never_began_stop_at_once():
    asyncio.run(Signals("postgresql://nowhere", print).stop())


@pytest.mark.parametrize("dsn", ["postgresql://u@127.0.0.1:1/none"])
def test_a_database_that_is_not_there_is_tried_again(dsn, monkeypatch):
    monkeypatch.setattr(pg_signals, "RECONNECT_SECONDS", 0.0)
    tries = asyncio.Event()
    count = 0
    connect = asyncpg.connect

    async def counted(*args, **kwargs):
        nonlocal count
        count += 1
        if count == 3:
            tries.set()
        return await connect(*args, **kwargs)

    monkeypatch.setattr(pg_signals.asyncpg, "connect", counted)

    async def go():
        signals = Signals(dsn, print)
        signals.start()
        await asyncio.wait_for(tries.wait(), 30)
        await signals.stop()

    asyncio.run(go())
