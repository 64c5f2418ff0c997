"""How the loops tell each other that there is work; a poll is the net below."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Wake:
    """A signal that is remembered until somebody waits for it."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        #: Called at each ring, to tell other processes.
        self.pass_on: Callable[[], None] = lambda: None

    def ring(self) -> None:
        """There is work, for whoever can do it."""
        self._event.set()
        self.pass_on()

    def hear(self) -> None:
        """Another process rang."""
        self._event.set()

    async def wait(self, seconds: float) -> None:
        """Until it rings, at most `seconds`. One ring wakes one wait."""
        if not self._event.is_set() and seconds > 0:
            timer = asyncio.get_running_loop().call_later(seconds, self._event.set)
            try:
                await self._event.wait()
            finally:
                timer.cancel()
        self._event.clear()


class Wakes:
    """The signals between the stages."""

    def __init__(self) -> None:
        #: Entries were appended.
        self.log = Wake()
        #: Messages were queued.
        self.outbox = Wake()
        #: The engine handled entries.
        self.applied = asyncio.Condition()

    async def tell_applied(self) -> None:
        """Wake everybody who waits for an entry to be applied."""
        async with self.applied:
            self.applied.notify_all()

    def topics(self) -> dict[str, Wake]:
        """Topic → signal, for passing between processes."""
        return {"log": self.log, "outbox": self.outbox}
