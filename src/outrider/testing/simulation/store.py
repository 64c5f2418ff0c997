"""The in-memory store under watch: what was committed is looked at, and planted faults strike around it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from outrider.domain.entry import Entry, Stop
from outrider.domain.outbox import Ceiling
from outrider.domain.work import Batch, Timer
from outrider.testing.memory_store import MemoryStore
from outrider.testing.simulation.timeline import Timeline


class DatabaseClock:
    """The database's clock: true time, and how far it is off."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.skew = timedelta(0)
        #: When it last jumped, in seconds from the start.
        self.jumped_at = -1.0

    def now(self) -> datetime:
        """What the database takes for the time."""
        return self.timeline.now() + self.skew

    def monotonic(self) -> float:
        """Seconds from the start."""
        return self.timeline.seconds

    def seconds_until(self, at: datetime) -> float:
        """How long until the database's clock shows an instant; not below 0."""
        return max(0.0, (at - self.now()).total_seconds())


class WatchedStore(MemoryStore):
    """Keeps the arguments of the transaction under way, for those who look at it right after its commit."""

    def __init__(self, clock: DatabaseClock, ceiling: Ceiling, hook: Callable[[str, str], None]) -> None:
        super().__init__(clock, ceiling)
        self.hook = hook
        self.batch: Batch | None = None
        self.timers_before: dict[tuple[bytes, str], Timer] = {}
        self.appended: Sequence[Entry] = ()
        self.stopped: Sequence[Stop] = ()
        self.lifted: Sequence[str] = ()

    async def save(self, batch: Batch) -> None:
        """See the port."""
        owners = [(owner, kind.removeprefix("timer.")) for _, kind, owner in batch.handled if kind != "entry"]
        before = {key: self.tables.timers[key] for key in owners if key in self.tables.timers}
        self.batch, self.timers_before = batch, before
        await super().save(batch)

    async def append(self, entries: Sequence[Entry], stops: Sequence[Stop] = ()) -> list[int | None]:
        """See the port."""
        self.appended, self.stopped = entries, stops
        return await super().append(entries, stops)

    async def lift(self, keys: Sequence[str]) -> None:
        """See the port."""
        self.lifted = keys
        await super().lift(keys)
