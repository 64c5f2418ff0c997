"""When the store does not answer: how a loop knows it, and how it waits without flooding the log."""

from __future__ import annotations

import asyncio

import structlog

from outrider.contracts.reading_store import Unavailable

#: SQLSTATE classes that speak of the server, not of what was asked (PostgreSQL manual, appendix A): connection,
#: transaction rollback (deadlock, serialization), resources, object state (locks, read-only), operator, system.
CLASSES = frozenset({"08", "25", "40", "53", "55", "57", "58"})
#: The driver's own words for a connection that broke under it; its subclass for bad arguments is not among them.
DRIVER = frozenset({"InterfaceError", "InternalClientError", "ProtocolError"})

#: Waits between tries: doubled from the first to the longest, so that a database back within seconds is used at once.
FIRST_SECONDS = 0.05
LONGEST_SECONDS = 1.0

log = structlog.get_logger(__name__)


def is_store_trouble(error: BaseException) -> bool:
    """Whether the store itself is in trouble, so that no stimulus, message or code is to blame.

    The driver is known by its module's name: workers know the ports of the store, not its implementation.
    """
    if isinstance(error, OSError | Unavailable):
        return True
    if not type(error).__module__.startswith("asyncpg"):
        return False
    state = getattr(error, "sqlstate", None)
    return state[:2] in CLASSES if isinstance(state, str) else type(error).__name__ in DRIVER


class Patience:
    """One loop's waiting while the store does not answer: longer each time, logged when it begins and when it ends."""

    def __init__(self, what: str) -> None:
        """`what` names the loop in the log."""
        self._what = what
        self._failures = 0
        self._over = asyncio.Event()

    def answered(self) -> None:
        """The store answered."""
        if self._failures:
            log.info("the store answers again", loop=self._what, tries=self._failures)
            self._failures = 0

    async def wait(self, error: BaseException) -> None:
        """Wait before the next try; at once when `end` was called. Raises `error` when the store is not to blame."""
        if not is_store_trouble(error):
            raise error
        if not self._failures:
            log.warning("the store does not answer, trying again", loop=self._what, error=repr(error))
        seconds = min(FIRST_SECONDS * 2 ** min(self._failures, 10), LONGEST_SECONDS)
        self._failures += 1
        try:
            await asyncio.wait_for(self._over.wait(), seconds)
        except TimeoutError:
            return

    def end(self) -> None:
        """Wait no more: the process is stopping."""
        self._over.set()
