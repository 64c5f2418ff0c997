"""The in-memory store as its suites and other tests use it: a clock moved by hand, coroutines driven by hand."""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine, Generator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from outrider.domain.entry import Entry
from outrider.domain.outbox import Ceiling
from outrider.testing.memory_log import OpenAppend
from outrider.testing.memory_store import Duplicate, MemoryStore
from outrider.testing.store_subject import Subject

T = TypeVar("T")


class HandClock:
    """A clock that stands still until it is moved."""

    def __init__(self, at: datetime = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)) -> None:
        self.at = at

    def now(self) -> datetime:
        """Where the clock stands."""
        return self.at

    def monotonic(self) -> float:
        """The same in seconds; goes back when the clock is set back."""
        return self.at.timestamp()


class Finished(Generic[T]):
    """The result of a coroutine that has run already, to be awaited."""

    def __init__(self, result: T) -> None:
        self.result = result

    def __await__(self) -> Generator[None, None, T]:
        yield from ()
        return self.result


def drive(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that never suspends. Raises RuntimeError for one that does."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result
    coroutine.close()
    raise RuntimeError("the coroutine waits for something: only code on the in-memory store can be driven by hand")


class MemorySubject:
    """An empty in-memory store and what the protocol `Subject` asks for."""

    duplicate = Duplicate

    def __init__(self, ceiling: Ceiling) -> None:
        self.clock = HandClock()
        self.store = MemoryStore(self.clock, ceiling)

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end."""
        return drive(coroutine)

    def start(self, coroutine: Coroutine[Any, Any, T]) -> Awaitable[T]:
        """Run a coroutine to its end now; its result can be awaited."""
        return Finished(drive(coroutine))

    def now(self) -> datetime:
        """The database's time."""
        return self.clock.now()

    def advance(self, seconds: float) -> None:
        """Move the database's time; back when negative."""
        self.clock.at += timedelta(seconds=seconds)

    async def open_append(self, entries: Sequence[Entry]) -> OpenAppend:
        """Start an append."""
        return self.store.open_append(entries)


def memory_subject(ceiling: Ceiling) -> Subject:
    """The store factory of the suites."""
    return MemorySubject(ceiling)
