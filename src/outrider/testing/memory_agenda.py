"""Keys in order of the time at which they are due."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Hashable, Iterator
from datetime import datetime
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Agenda(Generic[K]):
    """Keys in order of their due times."""

    def __init__(self) -> None:
        self._due: dict[K, datetime] = {}
        self._order: list[tuple[datetime, K]] = []

    def set(self, key: K, due_at: datetime) -> None:
        """Set or move the due time of a key."""
        self.drop(key)
        self._due[key] = due_at
        insort(self._order, (due_at, key))

    def drop(self, key: K) -> None:
        """Forget a key; one that is not there is fine."""
        due_at = self._due.pop(key, None)
        if due_at is not None:
            del self._order[bisect_left(self._order, (due_at, key))]

    def due(self, now: datetime) -> Iterator[K]:
        """Keys due at an instant, earliest first, then in the order of the keys."""
        for due_at, key in self._order:
            if due_at > now:
                return
            yield key

    def at(self, key: K) -> datetime:
        """When a key is due. Raises KeyError for an unknown one."""
        return self._due[key]

    def first(self) -> datetime | None:
        """The earliest due time; None when there is nothing."""
        return self._order[0][0] if self._order else None

    def __contains__(self, key: K) -> bool:
        return key in self._due

    def __iter__(self) -> Iterator[K]:
        return (key for _, key in self._order)

    def __len__(self) -> int:
        return len(self._due)
