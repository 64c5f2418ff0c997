"""The event log in memory."""

from __future__ import annotations

from collections.abc import Sequence

from outrider.domain.entry import Entry, Stop
from outrider.domain.stops import in_effect
from outrider.domain.work import DeadLetter, group_of
from outrider.testing.memory_part import MemoryPart, transaction
from outrider.testing.memory_tables import Tables


class OpenAppend:
    """An append of at least one entry that has its positions already and commits later, or never."""

    def __init__(self, tables: Tables, entries: Sequence[Entry]) -> None:
        self._tables = tables
        self._entries = [(tables.reserve(), entry) for entry in entries]
        self._first = self._entries[0][0]
        tables.open_positions.append(self._first)

    async def commit(self) -> list[int | None]:
        """Make the entries visible; positions in order, None where another append stored the key meanwhile."""
        await self.abort()
        return [self._tables.put_entry(entry, position) for position, entry in self._entries]

    async def abort(self) -> None:
        """Leave a hole in the positions."""
        self._tables.open_positions.remove(self._first)


class MemoryLog(MemoryPart):
    """The port `Log`, and an append held open for tests of the horizon."""

    def open_append(self, entries: Sequence[Entry]) -> OpenAppend:
        """Start an append: positions are taken now, entries become visible with `commit`."""
        return OpenAppend(self.tables, entries)

    @transaction
    async def append(self, entries: Sequence[Entry], stops: Sequence[Stop] = ()) -> list[int | None]:
        """See the port."""
        positions = [self.tables.append(entry) for entry in entries]
        for stop in in_effect(stops, entries, positions).values():
            if stop.lifts:
                self.tables.stops.pop(stop.key, None)
            else:
                self.tables.put_stop(stop)
        return positions

    @transaction
    async def bury(self, letters: Sequence[DeadLetter]) -> None:
        """See the port."""
        for letter in letters:
            self.tables.dead_letters.setdefault(letter.id, letter)

    @transaction
    async def lift(self, keys: Sequence[str]) -> None:
        """See the port."""
        for key in keys:
            self.tables.stops.pop(key, None)

    @transaction
    async def applied(self, stream: bytes) -> int:
        """See the port."""
        return self.tables.groups[group_of(stream)].cursor
