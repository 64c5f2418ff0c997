from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import asyncpg
import pytest
import structlog

from outrider.contracts.reading_store import Unavailable
from outrider.domain.work import Fenced
from outrider.workers import trouble
from outrider.workers.trouble import Patience, is_store_trouble

THE_STORES = [
    ConnectionRefusedError("nobody listens"),
    FileNotFoundError("the socket is gone"),
    TimeoutError(),
    Unavailable("the database does not answer"),
    asyncpg.ConnectionDoesNotExistError("closed in the middle of operation"),
    asyncpg.CannotConnectNowError("the database system is starting up"),
    asyncpg.AdminShutdownError("terminating connection"),
    asyncpg.CrashShutdownError("another server process crashed"),
    asyncpg.TooManyConnectionsError("too many clients"),
    asyncpg.DiskFullError("no space left"),
    asyncpg.DeadlockDetectedError("deadlock"),
    asyncpg.SerializationError("could not serialize"),
    asyncpg.StatementCompletionUnknownError("40003"),
    asyncpg.LockNotAvailableError("lock timeout"),
    asyncpg.ReadOnlySQLTransactionError("a replica"),
    asyncpg.IdleInTransactionSessionTimeoutError("25P03"),
    asyncpg.InterfaceError("connection is closed"),
    asyncpg.InternalClientError("unexpected state"),
]
NOT_THE_STORES = [
    Fenced("another has the lease"),
    KeyError("booking"),
    ValueError("negative"),
    asyncpg.UniqueViolationError("decided twice"),
    asyncpg.NumericValueOutOfRangeError("too large"),
    asyncpg.CharacterNotInRepertoireError("0x00"),
    asyncpg.UndefinedColumnError("no such column"),
    asyncpg.DataError("invalid input for query argument $1"),
]


@pytest.mark.parametrize("error", THE_STORES, ids=lambda error: type(error).__name__)
def test_a_store_that_does_not_answer_is_nobodys_fault(error: Exception) -> None:
    assert is_store_trouble(error)


@pytest.mark.parametrize("error", NOT_THE_STORES, ids=lambda error: type(error).__name__)
def test_what_a_stimulus_or_a_mistake_causes_is_not_blamed_on_the_store(error: Exception) -> None:
    assert not is_store_trouble(error)


def waits_of(patience: Patience, monkeypatch: pytest.MonkeyPatch, count: int) -> list[float]:
    """The seconds it would wait for, over a number of failures in a row."""
    waits: list[float] = []

    async def wait_for(waiting: Coroutine[Any, Any, object], seconds: float) -> None:
        waiting.close()
        waits.append(seconds)
        raise TimeoutError

    monkeypatch.setattr(trouble.asyncio, "wait_for", wait_for)

    async def fail() -> None:
        for _ in range(count):
            await patience.wait(ConnectionRefusedError("nobody listens"))

    asyncio.run(fail())
    return waits


def test_waits_double_up_to_the_longest_and_begin_anew_after_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    patience = Patience("engine")
    assert waits_of(patience, monkeypatch, 8) == [0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0]
    patience.answered()
    assert waits_of(patience, monkeypatch, 2) == [0.05, 0.1]


def test_an_outage_is_logged_once_when_it_begins_and_once_when_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    patience = Patience("engine")
    with structlog.testing.capture_logs() as logged:
        patience.answered()
        waits_of(patience, monkeypatch, 5)
        patience.answered()
        patience.answered()
    assert [line["log_level"] for line in logged] == ["warning", "info"]
    assert logged[1]["tries"] == 5
    assert {line["loop"] for line in logged} == {"engine"}


def test_what_is_not_the_stores_fault_is_raised() -> None:
    error = KeyError("booking")
    with pytest.raises(KeyError) as caught:
        asyncio.run(Patience("engine").wait(error))
    assert caught.value is error


def test_nobody_waits_once_the_process_ends() -> None:
    async def stop_while_waiting() -> None:
        patience = Patience("engine")
        for _ in range(6):
            patience.end()
            await patience.wait(ConnectionRefusedError("nobody listens"))

    asyncio.run(asyncio.wait_for(stop_while_waiting(), 60))
