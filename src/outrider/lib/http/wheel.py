"""Many deadlines on one timer: a hashed wheel, so that a call costs a set insertion instead of a loop timer."""

from __future__ import annotations

from asyncio import AbstractEventLoop, TimerHandle
from heapq import heappop, heappush
from typing import Protocol

#: Deadlines are kept to this many seconds, never early; well below what any provider is given.
TICK = 0.025
#: Longer deadlines are cut to this many seconds (one day).
LONGEST = 86_400.0


class Expiring(Protocol):
    """Something with a deadline. Hashable by identity."""

    def expire(self) -> None:
        """The deadline is over."""
        ...


class Wheel:
    """Calls `expire` on each item when its seconds are over, unless it was discarded from its slot before."""

    __slots__ = ("_due", "_loop", "_order", "_slots", "_timer")

    def __init__(self, loop: AbstractEventLoop) -> None:
        self._loop = loop
        self._slots: dict[int, set[Expiring]] = {}
        self._order: list[int] = []
        self._timer: TimerHandle | None = None
        # Kept here: uvloop gives a plain Handle, without `when`, for a time that is due already.
        self._due = 0.0

    def add(self, item: Expiring, seconds: float) -> set[Expiring]:
        """Watch an item for `seconds`; take it out of the returned slot (`discard`) when it is done."""
        number = int((self._loop.time() + min(seconds, LONGEST)) / TICK) + 1
        slot = self._slots.get(number)
        if slot is None:
            slot = self._slots[number] = set()
            heappush(self._order, number)
            self._arm()
        slot.add(item)
        return slot

    def stop(self) -> None:
        """Forget every item."""
        self._slots.clear()
        self._order.clear()
        self._arm()

    def _arm(self) -> None:
        """Have the timer ring for the earliest slot."""
        due = self._order[0] * TICK if self._order else None
        if self._timer is not None:
            if due is not None and self._due <= due:
                return
            self._timer.cancel()
        self._due = due or 0.0
        self._timer = None if due is None else self._loop.call_at(due, self._ring)

    def _ring(self) -> None:
        self._timer = None
        now = self._loop.time()
        while self._order and self._order[0] * TICK <= now:
            for item in tuple(self._slots.pop(heappop(self._order))):
                item.expire()
        self._arm()
