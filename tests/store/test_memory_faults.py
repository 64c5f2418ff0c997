"""Every method of the in-memory store is atomic, can be disturbed from outside, and leaves tables to look at."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from outrider.domain.attempt import AttemptState
from outrider.domain.message import Status
from outrider.domain.outbox import Ceiling, Verdictless
from outrider.domain.receipt import ReceiptStatus
from outrider.domain.work import Fenced
from outrider.testing.builders import (
    RESOLVE_WITHIN,
    accepted,
    by_id,
    changed,
    decided,
    digest,
    echoed,
    enrollment,
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
from outrider.testing.memory_subject import MemorySubject
from outrider.testing.store_subject import Driver

ANNA = stream("anna", 1)


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
