"""Readers of the log pass no entry that is still to become visible, and wait for nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from outrider.domain.outbox import Ceiling
from outrider.lib.ids import Hasher
from outrider.lib.seal import KEY, KeyRing
from outrider.store.launcher import Running
from outrider.store.postgres import PostgresStore, open_pool
from outrider.testing import builders
from outrider.testing.postgres import fresh_database, template_database
from outrider.testing.postgres_subject import PostgresSubject, prepare
from outrider.testing.store_subject import Driver

PEOPLE = [builders.stream(f"person {number}", group=number * 5 % 32) for number in range(6)]
UNFINISHED_WORK = "insert into stops (key, scope, reason, at) values ('open', 'journey', 'an open transaction', now())"


@pytest.fixture(scope="module")
def log_template(postgres_server: Running) -> str:
    return template_database(postgres_server, prepare)


class Log:
    """A log, appends that are open in sessions of their own, and a reader that takes as an engine does."""

    def __init__(self, url: str) -> None:
        self.subject = PostgresSubject(url, Ceiling())
        self.driver = Driver(self.subject)
        self.taken: list[int] = []
        self.committed: set[int] = set()
        self._open: dict[int, Any] = {}
        self._count = 0

    def _entry(self) -> Any:
        self._count += 1
        return builders.event(PEOPLE[self._count % len(PEOPLE)], self.subject.now(), f"event {self._count}")

    def append(self) -> None:
        self.committed.update(p for p in self.subject.run(self.subject.store.append([self._entry()])) if p)

    def open(self) -> int:
        """Begin an append; its number."""
        number = self._count
        self._open[number] = self.subject.run(self.subject.open_append([self._entry(), self._entry()]))
        return number

    def end(self, number: int, *, commit: bool) -> None:
        append = self._open.pop(number)
        self.subject.run(append.commit() if commit else append.abort())

    def end_some(self, chance: int, *, commit: bool) -> None:
        """End the append this number falls on, if any is open."""
        if self._open:
            self.end(sorted(self._open)[chance % len(self._open)], commit=commit)

    def end_all(self) -> None:
        for number in tuple(self._open):
            self.end(number, commit=True)

    def take(self) -> list[int]:
        """Handle what is visible; its positions."""
        found = [entry.position for entry in self.driver.handle()]
        self.taken += found
        return found

    def stored(self) -> list[int]:
        """Every position in the log, past the reader's rules."""
        rows = self.subject.run(self.subject.store.pool.fetch("select position from entries order by position"))
        return [row["position"] for row in rows]

    def horizon(self) -> tuple[int, int]:
        """How far readers go, and the last position given."""
        query = "select log_horizon(), (select last_value from log_position)"
        row = self.subject.run(self.subject.store.pool.fetchrow(query))
        return row[0], row[1]

    def close(self) -> None:
        self.end_all()
        self.subject.close()


@pytest.fixture
def log(postgres_server: Running, log_template: str) -> Iterator[Log]:
    with fresh_database(postgres_server, log_template) as url:
        made = Log(url)
        yield made
        made.close()


def test_what_was_committed_behind_an_open_append_waits_for_it(log: Log) -> None:
    first = log.open()
    log.append()
    assert log.take() == []
    log.end(first, commit=True)
    found = log.take()
    assert found == log.stored()
    assert len(found) == 3


def test_appends_committed_in_the_opposite_order_are_read_in_theirs(log: Log) -> None:
    numbers = [log.open() for _ in range(4)]
    for number in reversed(numbers):
        log.end(number, commit=True)
        log.take()
    assert log.taken == log.stored()
    assert len(log.taken) == 8


def test_an_abandoned_append_holds_nobody_up(log: Log) -> None:
    first = log.open()
    log.append()
    log.end(first, commit=False)
    assert log.take() == sorted(log.committed)


def test_what_stands_before_an_open_append_is_read_at_once(log: Log) -> None:
    log.append()
    log.open()
    log.append()
    assert log.take() == [min(log.committed)]


class OpenWriter:
    """A transaction that has written and does not end."""

    def __init__(self, log: Log, url: str, *statements: str) -> None:
        self._run = log.subject.run
        self._connection = self._run(asyncpg.connect(url))
        self._run(self._connection.execute("begin"))
        for statement in statements:
            self._run(self._connection.execute(statement))

    def close(self) -> None:
        self._run(self._connection.execute("rollback"))
        self._run(self._connection.close())


@pytest.mark.parametrize(
    ("where", "statements"),
    [
        ("here", (UNFINISHED_WORK,)),
        ("here", ("lock table stops in row exclusive mode", "select pg_current_xact_id()")),
        ("elsewhere", ("create table unrelated (n int)", "insert into unrelated values (1)")),
        # The same lock as an append's, taken in another database: two installations may share a server.
        ("elsewhere", ("create table unrelated (n int)", f"select pg_advisory_xact_lock_shared({79 << 56})")),
    ],
    ids=["writes here", "holds a transaction id here", "writes in another database", "appends in another database"],
)
def test_an_open_transaction_that_appends_nothing_here_delays_no_event(
    postgres_server: Running, log: Log, where: str, statements: tuple[str, ...]
) -> None:
    with fresh_database(postgres_server) as other:
        writer = OpenWriter(log, log.subject._url if where == "here" else other, *statements)
        try:
            for _ in range(3):
                log.append()
                horizon, last = log.horizon()
                assert horizon == last
                assert len(log.take()) == 1
        finally:
            writer.close()
    assert log.taken == log.stored()


def test_an_append_of_a_process_that_stands_still_is_ended_and_the_log_goes_on(log: Log) -> None:
    """Paused, or cut off from the network: else nobody would read the log until it comes back."""

    abandoned = builders.event(PEOPLE[0], log.subject.now(), "abandoned")

    async def stand_still() -> None:
        pool = await open_pool(log.subject._url, standstill=100)
        store = PostgresStore(pool, KeyRing({1: bytes(range(KEY))}), Hasher(b"suite"))
        async with pool.acquire() as connection:
            await connection.execute("begin")
            await store.append_within(connection, [abandoned])
            await log.subject.store.pool.execute("select pg_sleep(0.5)")
            with pytest.raises((asyncpg.IdleInTransactionSessionTimeoutError, asyncpg.InterfaceError)):
                await connection.execute("commit")
        await pool.close()

    log.subject.run(stand_still())
    log.append()
    assert log.take() == sorted(log.committed)


STEP = st.one_of(
    st.just(("append", 0)),
    st.just(("open", 0)),
    st.tuples(st.just("commit"), st.integers(0, 5)),
    st.tuples(st.just("abort"), st.integers(0, 5)),
    st.just(("take", 0)),
)


@given(steps=st.lists(STEP, max_size=25))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_in_whatever_order_appends_end_each_entry_is_read_once_and_in_order(
    postgres_server: Running, log_template: str, steps: list[tuple[str, int]]
) -> None:
    with fresh_database(postgres_server, log_template) as url:
        log = Log(url)
        try:
            for what, chance in steps:
                match what:
                    case "append":
                        log.append()
                    case "open":
                        log.open()
                    case "take":
                        log.take()
                    case _:
                        log.end_some(chance, commit=what == "commit")
            log.end_all()
            log.take()
            assert log.taken == log.stored()
        finally:
            log.close()
