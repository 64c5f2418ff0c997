"""The in-memory store passes the store suites, and offers the simulator its faults, atomicity and inspection."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from outrider.domain.attempt import Reason
from outrider.domain.entry import ForgetEntry, ReplyEntry
from outrider.domain.message import Rendition, Status
from outrider.domain.receipt import ReceiptStatus
from outrider.domain.work import Ceiling, Fenced, Refusal, Verdictless
from outrider.testing.builders import (
    RESOLVE_WITHIN,
    batch,
    by_id,
    changed,
    enrollment,
    entry,
    event,
    intent,
    message,
    stream,
)
from outrider.testing.memory_store import MemoryStore
from outrider.testing.memory_subject import HandClock, MemorySubject, drive, memory_subject
from outrider.testing.store_subject import Driver, StoreFactory
from outrider.testing.store_suite import AnswerSuite, DeliveryStoreSuite, EngineStoreSuite, LogSuite, RouteSuite

ANNA = stream("anna", 1)


class InMemory:
    @pytest.fixture
    def store_factory(self) -> StoreFactory:
        return memory_subject


class TestMemoryLog(InMemory, LogSuite):
    pass


class TestMemoryAnswers(InMemory, AnswerSuite):
    pass


class TestMemoryEngineStore(InMemory, EngineStoreSuite):
    pass


class TestMemoryDeliveryStore(InMemory, DeliveryStoreSuite):
    pass


class TestMemoryRouteStore(InMemory, RouteSuite):
    pass


@pytest.fixture
def driver() -> Driver:
    return Driver(MemorySubject(Ceiling()))


@pytest.fixture
def store(driver: Driver) -> MemoryStore:
    assert isinstance(driver.store, MemoryStore)
    return driver.store


def test_the_journal_says_what_was_handled_when_and_under_which_fence(driver: Driver, store: MemoryStore) -> None:
    driver.save()
    driver.save(handled=((ANNA, "timer", b"owner"), (ANNA, "entry", b"7")))
    [row] = store.tables.journal
    assert (row.at, row.fence) == (driver.now(), driver.lease.fences[1])
    assert row.stimuli == ((ANNA, "timer", b"owner"), (ANNA, "entry", b"7"))


def test_receipts_leave_reason_price_and_engagement(driver: Driver, store: MemoryStore) -> None:
    tried = driver.accepted(message(ANNA, driver.now()))
    row, attempt = store.tables.messages[tried.message.id], store.tables.attempts[tried.message.id, 1]
    lost = by_id("p-1", ReceiptStatus.UNDELIVERED, driver.now(), reason=Reason.ABSENT_SUBSCRIBER, segments=3)
    driver.run(store.report([lost]))
    assert (row.reason, row.engagement, attempt.segments, attempt.price) == ("absent_subscriber", 0, 3, None)
    driver.run(store.report([by_id("p-1", ReceiptStatus.SEEN, driver.now(), price=0.2, currency="GBP")]))
    assert (row.reason, row.engagement, attempt.segments) == ("", 1, 3)
    assert (attempt.price, attempt.currency) == (0.2, "GBP")


def test_forgetting_a_person_leaves_no_personal_data_in_the_tables(driver: Driver, store: MemoryStore) -> None:
    bert = stream("bert", 9)
    driver.save(enrollments=(enrollment(ANNA, driver.now(), data={"name": "Zoé"}), enrollment(bert, driver.now())))
    driver.accepted(message(ANNA, driver.now()))
    hop = entry(ANNA, ReplyEntry("sms", "+33600000000", "Zoé", "p"), driver.now())
    driver.run(store.append([hop, event(bert, driver.now()), hop]))
    driver.save(forgotten=((ANNA, ForgetEntry("anna")),), cursors={1: 2})
    tables = store.tables
    assert tables.forgotten == {ANNA: driver.now()}
    assert [attempt.body for attempt in tables.attempts.values()] == [Rendition("")]
    assert ANNA not in tables.profiles
    assert "Zoé" not in repr([tables.messages, tables.enrollments])
    assert [each.stream for each in tables.enrollments.values()] == [bert]
    assert [(each.stream, each.position) for each in tables.entries.values()] == [(bert, 2), (ANNA, 3)]


def test_a_doubt_about_a_forgotten_person_is_not_looked_up(driver: Driver, store: MemoryStore) -> None:
    driver.queue(message(ANNA, driver.now()))
    driver.sending(message(ANNA, driver.now()), driver.fence(1))
    driver.advance(60)
    assert driver.run(store.rescue(1, RESOLVE_WITHIN)) == 1
    driver.save(forgotten=((ANNA, ForgetEntry("anna")),))
    assert len(store.tables.doubts) == 1
    assert driver.run(store.doubts(5)) == []


def test_messages_that_were_not_claimed_are_left_alone(driver: Driver, store: MemoryStore) -> None:
    future = message(ANNA, driver.now(), not_before=driver.now() + timedelta(seconds=1), awaited=True)
    driver.queue(future)
    closed = Verdictless(future, "closed", status=Status.FAILED)
    assert driver.commit(driver.fence(), intent(future), others=[closed]) == [Refusal(future.id, "moved")]
    assert driver.status(future) is Status.QUEUED
    assert store.tables.attempts == {}
    assert driver.run(store.next_due()) == future.not_before
    assert driver.bodies() == []


def test_a_stale_fence_of_another_owner_holds_nothing(driver: Driver, store: MemoryStore) -> None:
    stale = changed(driver.lease, owner="nobody")
    with pytest.raises(Fenced, match="nobody no longer holds groups"):
        driver.run(store.save(batch(stale, driver.now())))


def test_a_message_canceled_in_an_open_claim_is_not_sent(driver: Driver, store: MemoryStore) -> None:
    sent = message(ANNA, driver.now())
    driver.queue(sent)
    fence, cancel = driver.fence(), batch(driver.lease, driver.now(), closed=((sent.id, Status.CANCELED, "left"),))

    async def race() -> list[Refusal]:
        async with store.claim(10) as claim:
            await store.save(cancel)
            return await claim.commit(fence, [intent(sent)], [Verdictless(sent, "stale")])

    assert driver.run(race()) == [Refusal(sent.id, "moved")]
    assert driver.status(sent) is Status.CANCELED
    assert store.tables.attempts == {}


def test_a_message_twice_in_one_commit_is_sent_once(driver: Driver, store: MemoryStore) -> None:
    sent = message(ANNA, driver.now())
    driver.queue(sent)
    assert driver.commit(driver.fence(), intent(sent), intent(sent, 2)) == [Refusal(sent.id, "moved")]
    assert list(store.tables.attempts) == [(sent.id, 1)]


def test_an_open_append_loses_a_key_to_one_that_commits_first(driver: Driver, store: MemoryStore) -> None:
    opened = store.open_append([event(ANNA, driver.now(), "1"), event(ANNA, driver.now(), "2")])
    assert driver.run(store.append([event(ANNA, driver.now(), "1")])) == [3]
    assert driver.run(opened.commit()) == [None, 2]
    assert [each.position for each in driver.handle()] == [2, 3]


def test_only_coroutines_that_never_wait_can_be_driven_by_hand() -> None:
    with pytest.raises(RuntimeError, match="waits for something"):
        drive(asyncio.sleep(0))


def test_a_hand_clock_counts_the_seconds_it_was_moved() -> None:
    clock = HandClock()
    before = clock.monotonic()
    clock.at += timedelta(seconds=2.5)
    assert clock.monotonic() - before == 2.5
