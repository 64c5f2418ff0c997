"""Appends of concurrent requests go into the event log together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from outrider.api.coalesce import Coalescer
from outrider.contracts.store import Log
from outrider.domain.entry import Entry, Stop
from outrider.domain.request import KeptAnswer, KeyedRequest

#: Entries in one transaction; an import's limit too (design: at most 1,000 rows a transaction).
MOST = 1000


class Appender:
    """`Log.append` for many callers; the engine is woken after each commit."""

    def __init__(self, log: Log, ring: Callable[[], None]) -> None:
        self._log = log
        self._ring = ring
        self._coalescer: Coalescer[Entry | Stop, int | None] = Coalescer("event log", self._append, MOST)
        self._requests: Coalescer[KeyedRequest, KeptAnswer] = Coalescer("event log", self._append_once, MOST)

    async def append(self, entries: Sequence[Entry], stops: Sequence[Stop] = ()) -> Sequence[int | None]:
        """The positions of the entries, None for a repeat, once entries and stops are durable. Raises NotStored."""
        positions = await self._coalescer.put([*entries, *stops] if stops else entries)
        return positions[: len(entries)]

    async def append_once(self, request: KeyedRequest) -> KeptAnswer:
        """What is kept of a request's key, once its entry is durable. Raises NotStored."""
        (kept,) = await self._requests.put([request])
        return kept

    async def _append_once(self, requests: list[KeyedRequest]) -> Sequence[KeptAnswer]:
        kept = await self._log.append_once(requests)
        self._ring()
        return kept

    async def _append(self, items: list[Entry | Stop]) -> Sequence[int | None]:
        """One transaction; stops keep their callers' places with no position."""
        stops = [item for item in items if type(item) is Stop]
        entries = [item for item in items if type(item) is Entry]
        positions = await self._log.append(entries, stops)
        self._ring()
        if not stops:
            return positions
        found = iter(positions)
        return [next(found) if type(item) is Entry else None for item in items]
