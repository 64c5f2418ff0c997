"""The accepted messages the sandbox remembers, for look-ups: the newest ones, bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from outrider.sandbox.counterpart import Taken

#: Messages remembered per provider: about 100 MB at the most. The ledger file keeps all.
REMEMBERED = 100_000


class RecentBook:
    """Messages of one provider by id and by number; the oldest make room."""

    def __init__(self, remembered: int = REMEMBERED) -> None:
        self._remembered = remembered
        self._messages: dict[str, Taken] = {}
        self._numbers: dict[str, deque[Taken]] = {}

    def add(self, taken: Taken) -> None:
        """Remember one message."""
        self._messages[taken.id] = taken
        if (listed := self._numbers.get(taken.to)) is None:
            self._numbers[taken.to] = deque((taken,))
        else:
            listed.append(taken)
        if len(self._messages) > self._remembered:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        oldest = self._messages.pop(next(iter(self._messages)))
        listed = self._numbers[oldest.to]
        listed.popleft()
        if not listed:
            del self._numbers[oldest.to]

    def get(self, identifier: str) -> Taken | None:
        """One message by the provider's id."""
        return self._messages.get(identifier)

    def sent_to(self, number: str) -> Sequence[Taken]:
        """The messages to one number, oldest first."""
        return tuple(self._numbers.get(number, ()))

    def recent(self) -> Sequence[Taken]:
        """All remembered messages, oldest first."""
        return tuple(self._messages.values())
