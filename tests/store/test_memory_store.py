"""The in-memory store passes the store suites, and offers the simulator its faults, atomicity and inspection."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from outrider.domain.attempt import AttemptState, Reason
from outrider.domain.entry import ForgetEntry, ReplyEntry
from outrider.domain.message import Status
from outrider.domain.receipt import ReceiptStatus
from outrider.domain.work import Ceiling, Fenced, Refusal, Verdictless
from outrider.testing.builders import (
    RESOLVE_WITHIN,
    accepted,
    batch,
    by_id,
    changed,
    decided,
    digest,
    echoed,
    enrollment,
    entry,
    event,
    intent,
    letter,
    message,
    stop,
    stream,
    timer,
)
from outrider.testing.memory_agenda import Agenda
from outrider.testing.memory_store import Duplicate, MemoryStore
from outrider.testing.memory_subject import HandClock, MemorySubject, drive, memory_subject
from outrider.testing.store_subject import Driver, StoreFactory
from outrider.testing.store_suite import DeliveryStoreSuite, EngineStoreSuite, LogSuite

ANNA = stream("anna", 1)


class InMemory:
    @pytest.fixture
    def store_factory(self) -> StoreFactory:
        return memory_subject


class TestMemoryLog(InMemory, LogSuite):
    pass


class TestMemoryEngineStore(InMemory, EngineStoreSuite):
    pass


class TestMemoryDeliveryStore(InMemory, DeliveryStoreSuite):
    pass


def picture(store: MemoryStore) -> dict[str, Any]:
    """Everything in the tables, as it is now."""
    tables = copy.deepcopy(vars(store.tables))
    return {name: list(value) if isinstance(value, Agenda) else value for name, value in tables.items()}


@pytest.fixture
def driver() -> Driver:
    return Driver(MemorySubject(Ceiling()))


@pytest.fixture
def store(driver: Driver) -> MemoryStore:
    assert isinstance(driver.store, MemoryStore)
    return driver.store


class Crash(Exception):
    pass


def failing(method: str, moment: str) -> Callable[[str, str], None]:
    def hook(called: str, at: str) -> None:
        if (called, at) == (method, moment):
            raise Crash(f"{moment} {method}")

    return hook


def a_busy_day(driver: Driver) -> dict[str, Callable[[], Any]]:
    """One call of each method that writes, ready to be made, each with something to write."""
    store, run, at = driver.store, driver.run, driver.now()
    free, doubtful, waiting = (message(ANNA, at, name) for name in ("free", "doubtful", "waiting"))
    driver.queue(doubtful)
    dying = driver.fence(1)
    driver.sending(doubtful, dying)
    driver.queue(free)
    fence = driver.fence()
    tried = driver.sending(free, fence)
    driver.queue(waiting)
    run(store.append([], [stop("channel:push")]))
    run(store.report([by_id("p-5", ReceiptStatus.SENT, at)]))
    driver.accepted(message(stream("bert", 9), at, "fifth"), "p-5")
    driver.advance(60)
    late = timer(ANNA, at)
    return {
        "append": lambda: run(store.append([event(ANNA, at)], [stop("channel:sms")])),
        "bury": lambda: run(store.bury([letter(ANNA, at)])),
        "lift": lambda: run(store.lift(["channel:push"])),
        "lease": lambda: run(store.lease("engine", 10**8, 5)),
        "save": lambda: driver.save(timers=(late,), enrollments=(enrollment(ANNA, at),)),
        "commit": lambda: driver.commit(fence, intent(waiting)),
        "finish": lambda: run(store.finish(fence, [accepted(tried)])),
        "report": lambda: run(store.report([echoed(tried, ReceiptStatus.DELIVERED, at)])),
        "match_orphans": lambda: run(store.match_orphans(5)),
        "rescue": lambda: run(store.rescue(5, RESOLVE_WITHIN)),
        "open_lease": lambda: run(store.open_lease("new", 5)),
        "renew_lease": lambda: run(store.renew_lease(fence, 99, b"")),
        "close_lease": lambda: run(store.close_lease(dying)),
        "release": lambda: run(store.release(driver.lease)),
    }


METHODS = list(a_busy_day(Driver(MemorySubject(Ceiling()))))


@pytest.mark.parametrize("method", METHODS)
def test_a_fault_before_a_transaction_leaves_nothing(driver: Driver, store: MemoryStore, method: str) -> None:
    call = a_busy_day(driver)[method]
    before = picture(store)
    store.hook = failing(method, "before")
    with pytest.raises(Crash):
        call()
    assert picture(store) == before


@pytest.mark.parametrize("method", [name for name in METHODS if name != "close_lease"])
def test_a_fault_after_a_commit_loses_only_the_answer(driver: Driver, store: MemoryStore, method: str) -> None:
    calm = Driver(MemorySubject(Ceiling()))
    call, calm_call = a_busy_day(driver)[method], a_busy_day(calm)[method]
    before = picture(store)
    calm_call()
    store.hook = failing(method, "after")
    with pytest.raises(Crash):
        call()
    assert isinstance(calm.store, MemoryStore)
    assert picture(store) == picture(calm.store) != before


def test_a_fault_while_claiming_frees_what_was_claimed(driver: Driver, store: MemoryStore) -> None:
    driver.queue(message(ANNA, driver.now()))
    for moment in ("before", "after"):
        store.hook = failing("claim", moment)
        with pytest.raises(Crash):
            driver.due()
    store.hook = failing("claim", "never")
    assert len(driver.due()) == 1


def test_refused_calls_change_nothing(driver: Driver, store: MemoryStore) -> None:
    sent = message(ANNA, driver.now())
    driver.save(messages=(sent,), decisions=(decided(sent),))
    closed, made = driver.fence(), timer(ANNA, driver.now())
    driver.run(store.close_lease(closed))
    stale = changed(driver.lease, owner="nobody")
    other = message(ANNA, driver.now(), "other")
    before = picture(store)
    calls: dict[type[Exception], list[Callable[[], Any]]] = {
        Fenced: [
            lambda: driver.save(lease=stale, timers=(made,)),
            lambda: driver.save(cursors={40: 1}, timers=(made,)),
            lambda: driver.commit(closed, intent(sent), others=[Verdictless(sent, "stale")]),
        ],
        Duplicate: [
            lambda: driver.save(timers=(made,), messages=(sent,)),
            lambda: driver.save(timers=(made,), messages=(other, other)),
            lambda: driver.save(timers=(made,), decisions=(decided(sent),)),
        ],
    }
    for error, call in calls.items():
        for refused in call:
            with pytest.raises(error):
                refused()
            assert picture(store) == before


def test_the_same_calls_leave_the_same_tables() -> None:
    pictures = []
    for _ in range(2):
        driver = Driver(MemorySubject(Ceiling()))
        for call in a_busy_day(driver).values():
            call()
        assert isinstance(driver.store, MemoryStore)
        pictures.append(repr(picture(driver.store)))
    assert pictures[0] == pictures[1]


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
    assert [attempt.body for attempt in tables.attempts.values()] == [""]
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
    before = picture(store)
    closed = Verdictless(future, "closed", status=Status.FAILED)
    assert driver.commit(driver.fence(), intent(future), others=[closed]) == [Refusal(future.id, "moved")]
    for untouched in ("messages", "attempts", "entries", "outbox"):
        assert picture(store)[untouched] == before[untouched]


def test_what_stops_ceilings_and_doubts_leave_behind_can_be_inspected(driver: Driver, store: MemoryStore) -> None:
    for call in a_busy_day(driver).values():
        call()
    tables = store.tables
    assert set(tables.stops) == {"channel:sms"}
    assert {row.in_hour for row in tables.ceilings.values()} <= {1, 2, 3}
    assert [tables.attempts[key].state for key in tables.doubts] == [AttemptState.UNKNOWN]
    assert {row.status for row in tables.messages.values()} >= {Status.UNKNOWN, Status.DELIVERED}
    assert len(tables.receipts) == 2
    assert tables.orphans == {}
    assert tables.event_keys == {digest("event", "booked"): 1}
    assert tables.dead_letters[digest("letter", "poison")].reason == "it breaks"


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
