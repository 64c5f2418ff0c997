"""The connection to PostgreSQL breaks around COMMIT: nobody knows what happened, and still nothing happens twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import asyncpg
import pytest

from outrider.contracts.http import Request, Response
from outrider.contracts.provider import Abilities, Outbound
from outrider.domain.attempt import Accepted, Outcome
from outrider.domain.message import Message, Rendition
from outrider.domain.purpose import Purpose
from outrider.domain.receipt import ReceiptStatus
from outrider.domain.route import Route
from outrider.domain.work import GROUPS, Fenced
from outrider.lib.clock import SystemClock
from outrider.lib.ids import Hasher
from outrider.lib.seal import KEY, KeyRing
from outrider.store.migrate import migrate
from outrider.store.partitions import ensure_partitions
from outrider.store.postgres import PostgresStore, open_pool
from outrider.testing import builders
from outrider.testing.commit_cutter import CommitCutter, Cut, cutting
from outrider.testing.postgres import quick_folder
from outrider.workers.deliver import Delivery
from outrider.workers.desk import Account, Desk
from outrider.workers.trouble import is_store_trouble
from outrider.workers.wake import Wakes

T = TypeVar("T")


class Stage:
    """A store behind the cutter, and a connection past it."""

    def __init__(self, store: PostgresStore, quiet: PostgresStore, side: Any, cutter: CommitCutter) -> None:
        self.store = store
        #: The same store past the cutter.
        self.quiet = quiet
        self.side = side
        self.cutter = cutter
        self.now = datetime.now(UTC)

    async def insist(self, act: Callable[[], Awaitable[T]]) -> T:
        """Do it until it is confirmed, as every caller of the store does."""
        while True:
            try:
                return await act()
            except Exception as error:
                if not is_store_trouble(error):
                    raise

    async def count(self, query: str) -> int:
        return int(await self.side.fetchval(query))

    async def stored(self, who: bytes, *, patient: bool) -> bool:
        """Whether an entry is there; `patient` gives a commit that nobody waits for any more its time."""
        for _ in range(250 if patient else 1):
            if await self.side.fetchval("select exists (select from entries where stream = $1)", who):
                return True
            await asyncio.sleep(0.02)
        return False

    async def readable(self, wanted: int) -> int:
        """How many entries a reader finds, once the server has noticed that the cut sessions are gone: until then the
        horizon stops at what they may still commit."""
        lease = await self.quiet.lease("reader", 600, GROUPS)
        found = 0
        for _ in range(500):
            found = len((await self.quiet.take(lease, wanted + 1)).entries)
            if found >= wanted:
                break
            await asyncio.sleep(0.02)
        return found

    async def queue(self, names: list[str], purpose: Purpose = Purpose.SERVICE) -> list[Message]:
        """Queued messages, one for each new person."""
        lease = await self.quiet.lease("engine", 600, GROUPS)
        people = [builders.stream(name) for name in names]
        messages = [builders.message(who, self.now, purpose=purpose) for who in people]
        await self.quiet.save(
            builders.batch(
                lease,
                self.now,
                profiles=tuple(builders.profile(who, self.now) for who in people),
                messages=tuple(messages),
                decisions=tuple(builders.decided(message) for message in messages),
            )
        )
        return messages


@pytest.fixture
def stage(database_url: str) -> Iterator[Callable[[Callable[[Stage], Coroutine[Any, Any, None]]], None]]:
    with quick_folder() as folder:

        def play(scene: Callable[[Stage], Coroutine[Any, Any, None]]) -> None:
            with cutting(database_url, folder, seed=11) as (cutter, url):
                asyncio.run(_play(scene, cutter, url, database_url))

        yield play


async def _play(scene: Any, cutter: CommitCutter, url: str, past: str) -> None:
    side = await asyncpg.connect(past)
    try:
        await migrate(side)
        await ensure_partitions(side, datetime.now(UTC))
        async with _store(url) as store, _store(past) as quiet:
            await scene(Stage(store, quiet, side, cutter))
    finally:
        await side.close()


@asynccontextmanager
async def _store(url: str) -> AsyncIterator[PostgresStore]:
    pool = await open_pool(url, most=4)
    try:
        yield PostgresStore(pool, KeyRing({1: bytes(range(KEY))}), Hasher(b"cuts"))
    finally:
        await pool.close()


def test_an_append_that_was_not_confirmed_is_repeated_and_stored_once(stage: Any) -> None:
    async def scene(s: Stage) -> None:
        for number in range(80):
            entry = builders.event(builders.stream(f"p{number}", number % 32), s.now, f"e{number}")
            s.cutter.arm()
            await s.insist(lambda entry=entry: s.store.append([entry]))
        assert await s.count("select count(*) from entries") == 80
        assert await s.count("select count(distinct position) from event_keys") == 80
        assert await s.readable(80) == 80
        assert s.cutter.total == 80
        assert all(s.cutter.cuts.values())

    stage(scene)


def test_a_batch_that_was_not_confirmed_is_decided_once(stage: Any) -> None:
    async def step(s: Stage) -> bool:
        """As the engine does: lease, take, save; False when there was nothing left to do."""
        lease = await s.store.lease("engine", 60, GROUPS)
        if len(lease.fences) < GROUPS:
            raise Fenced("a broken session still holds the rows of its groups")
        work = await s.store.take(lease, 3)
        if not work.entries:
            return await s.count("select count(*) from messages") < 150
        people = [entry.stream for entry in work.entries]
        messages = tuple(builders.message(who, s.now) for who in people)
        batch = builders.batch(
            lease,
            work.now,
            cursors=work.cursors,
            handled=tuple((who, "entry", b"") for who in people),
            profiles=tuple(builders.profile(who, s.now) for who in people),
            messages=messages,
            decisions=tuple(builders.decided(message) for message in messages),
        )
        await s.store.save(batch)
        return True

    async def scene(s: Stage) -> None:
        entries = [builders.event(builders.stream(f"p{n}", n % 32), s.now, f"e{n}") for n in range(150)]
        await s.store.append(entries)
        s.cutter.arm(50, share=0.5)
        while True:
            try:
                if not await s.insist(lambda: step(s)):
                    break
            except Fenced:
                continue  # the broken session's transaction still held its groups
        assert s.cutter.total == 50
        assert await s.count("select count(*) from messages") == 150
        assert await s.count("select count(*) from outbox") == 150
        assert await s.count("select count(*) from decisions") == 150

    stage(scene)


class Provider:
    """Takes everything."""

    name = "fake"
    abilities = Abilities(echo="url", signed_callbacks=False, lookup=False)

    def request(self, outbound: Outbound) -> Request:
        return Request("POST", "http://provider.invalid/", (), outbound.attempt.encode())

    def outcome(self, response: Response) -> Outcome:
        return Accepted(response.body.decode())


class Ledger:
    """The HTTP port in front of it, which counts what arrives by message."""

    def __init__(self) -> None:
        self.copies: Counter[str] = Counter()

    async def send(self, request: Request, deadline: float) -> Response:
        assert request.body is not None
        self.copies[bytes(request.body).decode().rpartition(".")[0]] += 1
        return Response(200, {}, bytes(request.body))

    async def close(self) -> None:
        pass


def desk() -> Desk:
    account = Account("main", Provider(), "token", deadline=1.0)  # type: ignore[arg-type]
    route = Route("sms/main", "sms", "main", "OUTRIDER")
    return Desk((route,), {"main": account}, lambda message: rendered(), "http://us.invalid")


def rendered() -> Any:
    return type("Text", (), {"body": Rendition("Hello"), "segments": 1})()


async def ready(_: object) -> None:
    """Every configuration is."""


@pytest.mark.parametrize("share", [0.3, 0.9])
def test_intents_and_outcomes_that_were_not_confirmed_send_nothing_twice(stage: Any, share: float) -> None:
    async def scene(s: Stage) -> None:
        messages = await s.queue([f"p{n}" for n in range(400)])
        ledger = Ledger()
        wakes = Wakes()
        worker = Delivery(s.store, desk(), ledger, SystemClock(), wakes, "worker", ready)
        s.cutter.arm(25, share)
        running = asyncio.create_task(worker.run())
        # Half of them are queued while the cuts go on, so that there is something to claim each time.
        for number in range(25):
            messages += await s.queue([f"late-{number}-{n}" for n in range(4)])
            wakes.outbox.ring()
        while await s.count("select count(*) from outbox, pg_sleep(0.02)") or s.cutter.total < 25:
            assert not running.done(), running.result()
        worker.stop()
        await running
        assert max(ledger.copies.values()) == 1
        accepted = await s.count("select count(*) from messages where status = 'accepted'")
        assert accepted == len(ledger.copies)
        left = await s.count("select count(*) from attempts where state = 'intent'")
        # An intent given up in the last moment is due again: its worker has stopped.
        due = await s.count("select count(*) from outbox")
        assert accepted + left + due == len(messages)
        rescued = await s.store.rescue(-1.0, builders.RESOLVE_WITHIN)
        assert rescued == left
        assert await s.count("select count(*) from messages where status = 'unknown'") == left
        assert await s.count("select count(*) from messages where status = 'queued'") == due

    stage(scene)


def test_receipts_that_were_not_confirmed_are_stored_and_told_once(stage: Any) -> None:
    async def scene(s: Stage) -> None:
        lease = await s.store.lease("engine", 600, GROUPS)
        people = [builders.stream(f"p{n}") for n in range(25)]
        messages = [builders.message(who, s.now, awaited=True) for who in people]
        await s.store.save(
            builders.batch(
                lease,
                s.now,
                profiles=tuple(builders.profile(who, s.now) for who in people),
                messages=tuple(messages),
                decisions=tuple(builders.decided(message) for message in messages),
            )
        )
        fence = await s.store.open_lease("worker", 60)
        async with s.store.claim(100) as claim:
            intents = [builders.intent(due.message) for due in claim.due]
            await claim.commit(fence, intents, [])
        await s.store.finish(fence, [builders.accepted(one, f"p-{n}") for n, one in enumerate(intents)])
        for intent in intents:
            s.cutter.arm()
            receipt = builders.echoed(intent, ReceiptStatus.DELIVERED, s.now)
            await s.insist(lambda receipt=receipt: s.store.report([receipt]))
        assert s.cutter.total == 25
        assert await s.count("select count(*) from receipts") == 25
        assert await s.count("select count(*) from messages where status = 'delivered'") == 25
        assert await s.count("select count(*) from entries where kind = 'receipt'") == 25

    stage(scene)


def test_an_append_whose_answer_is_lost_fails_loudly_and_may_be_stored(stage: Any) -> None:
    async def scene(s: Stage) -> None:
        stored: dict[Cut, set[bool]] = {cut: set() for cut in Cut}
        for number in range(24):
            who, before = builders.stream(f"p{number}"), dict(s.cutter.cuts)
            s.cutter.arm()
            with pytest.raises(Exception) as caught:
                await s.store.append([builders.event(who, s.now, f"e{number}")])
            assert is_store_trouble(caught.value), repr(caught.value)
            cut = next(cut for cut in Cut if s.cutter.cuts[cut] > before[cut])
            stored[cut].add(await s.stored(who, patient=cut is not Cut.BEFORE))
        assert stored[Cut.BEFORE] == {False}
        assert stored[Cut.AFTER] == {True}
        assert stored[Cut.WITHIN] == {True}

    stage(scene)
