"""The real engine over PostgreSQL: people are forgotten in the middle of their journeys, and come back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from outrider.configuration import build
from outrider.domain.entry import ConsentEntry, Entry, Event, ForgetEntry
from outrider.lib.clock import SystemClock
from outrider.lib.ids import Hasher
from outrider.lib.seal import KeyRing
from outrider.plugged import gates, shipped
from outrider.store.migrate import migrate
from outrider.store.partitions import ensure_partitions
from outrider.store.postgres import PostgresStore, open_pool
from outrider.workers.engine import Engine, Library, Version
from outrider.workers.wake import Wakes

SEND = "send: hello, purpose: transactional, time_critical: true, channels: {first: [sms]}"
FILES = {
    "outrider.toml": "",
    "sources/shop.yaml": (
        "source: /shop\nevents:\n  greeted: {subject: data.who, addresses: {sms: data.phone}}\n"
        "  met: {subject: data.who, addresses: {sms: data.phone}}\n"
    ),
    "journeys/greet.yaml": (
        f"journey: greet\nstart: {{on: greeted, again: after_exit}}\nsteps:\n  - {{{SEND}}}\n  - wait: 7d\n"
    ),
    "journeys/meet.yaml": f"journey: meet\nstart: {{on: met, again: after_exit}}\nsteps:\n  - {{{SEND}}}\n",
    "templates/hello/template.yaml": "languages: [fr]\nfallback: fr\n",
    "templates/hello/sms.fr.j2": "Bonjour.",
}


async def never(number):
    raise LookupError(number)


class Process:
    """A store with its own memory of keys, and an engine."""

    def __init__(self, pool, name):
        self.hasher = Hasher(bytes(32))
        self.store = PostgresStore(pool, KeyRing({1: b"k" * 32}), self.hasher)
        built, problems = build(FILES, shipped(), number=1)
        assert built is not None, problems
        self.library = Library(built, never, Version("1", "2026a"))
        self.engine = Engine(self.store, self.library, gates(), self.hasher, SystemClock(), Wakes(), name)

    async def feed(self, *entries):
        await self.store.append(entries)
        while await self.engine.step():
            continue

    async def rest(self):
        """Give the lease back, so that another process may work."""
        if self.engine._lease is not None:
            await self.store.release(self.engine._lease)
            self.engine._lease = None

    def greeted(self, name, number, phone="+33612345678"):
        event = Event(f"{name}{number}", "/shop", name, datetime.now(UTC), None, {"who": "anna", "phone": phone})
        body, _ = self.library.current.mapper.map(event)
        return Entry(self.anna, body, event.time, self.hasher.event(event.source, event.id))

    @property
    def anna(self):
        return self.hasher.stream("profile", "anna")

    def forget(self):
        return Entry(self.anna, ForgetEntry("anna"), datetime.now(UTC))


def run(url, act, processes=1):
    async def go():
        pool = await open_pool(url, most=8)
        try:
            async with pool.acquire() as connection:
                await migrate(connection)
                await ensure_partitions(connection, datetime.now(UTC))
            await asyncio.wait_for(act(pool, *(Process(pool, f"p{n}") for n in range(processes))), 60)
            assert await pool.fetch("select reason from dead_letters") == []
        finally:
            await pool.close()

    asyncio.run(go())


async def statuses(pool):
    return [row["status"] for row in await pool.fetch("select status from messages order by id")]


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("kind", ["greeted", "met"])
def test_forgetting_a_person_in_a_journey_or_behind_it_leaves_nothing_readable_and_nothing_waiting(
    database_url, kind, together
):
    async def act(pool, one):
        consent = Entry(one.anna, ConsentEntry("anna", "commercial", "granted"), datetime.now(UTC))
        await one.feed(one.greeted(kind, 1))
        await one.feed(*([consent, one.forget()] if together else [one.forget()]))
        assert await statuses(pool) == ["canceled"]
        assert await pool.fetchval("select count(*) from outbox") == 0
        assert await pool.fetchval("select count(*) from enrollments") == 0
        assert await pool.fetchval("select data_key from profiles") == b""
        assert await one.store.profiles([one.anna]) == {}
        assert await one.store.enrollments([one.anna]) == {}

    run(database_url, act)


def test_a_first_event_and_a_forgetting_in_one_batch_are_both_handled(database_url):
    async def act(pool, one):
        await one.feed(one.greeted("greeted", 1), one.forget())
        assert await statuses(pool) == []
        assert await one.store.profiles([one.anna]) == {}

    run(database_url, act)


def test_whoever_comes_back_is_a_new_person_in_every_process(database_url):
    """The other process remembers the data key of the former life."""

    async def act(pool, one, two):
        await one.feed(one.greeted("greeted", 1))
        await one.rest()
        await two.feed(two.greeted("greeted", 2))
        async with two.store.claim(10) as claim:
            assert len(claim.due) == 1
        await two.rest()
        await one.feed(one.forget())
        await one.feed(one.greeted("greeted", 3, "+33612345679"))
        assert await statuses(pool) == ["canceled", "queued"]
        async with two.store.claim(10) as claim:
            assert [due.message.content.address for due in claim.due] == ["+33612345679"]
        await one.rest()
        await two.feed(two.greeted("met", 4, "+33612345679"))
        assert await statuses(pool) == ["canceled", "queued", "queued"]
        (live,) = (await two.store.enrollments([two.anna]))[two.anna]
        assert live.journey == "greet"

    run(database_url, act, processes=2)


def test_a_profile_that_was_drafted_but_not_saved_harms_nobody(database_url):
    """Its key was never stored: what another process stored counts."""

    async def act(pool, one, two):
        save, failed = one.store.save, []

        async def lost(batch):
            one.store.save = save
            one.store.vault.new_person(one.anna)
            failed.append(batch)
            raise ConnectionResetError

        one.store.save = lost
        await one.store.append([one.greeted("greeted", 1)])
        with pytest.raises(ConnectionResetError):
            await one.engine.step()
        assert len(failed) == 1
        await one.rest()
        await two.feed()
        await two.rest()
        await one.feed(one.greeted("met", 2))
        assert await statuses(pool) == ["queued", "queued"]

    run(database_url, act, processes=2)
