"""The connections to one origin, and the line of calls that wait for one."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import deque
from collections.abc import Coroutine
from typing import Protocol

from outrider.lib.http.connection import Call, Connection
from outrider.lib.http.encode import Origin
from outrider.lib.http.wheel import Wheel
from outrider.lib.http.wire import Limits, NotSent


class Ground(Protocol):
    """What a lane stands on: the pool's loop, timer, TLS settings, and books of what is open."""

    loop: asyncio.AbstractEventLoop
    wheel: Wheel
    limits: Limits
    sockets: set[Connection]

    def spawn(self, work: Coroutine[object, object, None]) -> None:
        """Run `work` beside, until it ends or the pool is closed."""
        ...

    def lost(self, connection: Connection) -> None:
        """A socket is closed."""
        ...

    def forget(self, lane: Lane) -> None:
        """A lane has neither connections nor calls."""
        ...

    @property
    def tls(self) -> ssl.SSLContext:
        """The TLS context."""
        ...


class Lane:
    """Hands calls to unused connections, the one used last first; opens more while calls wait; else they queue."""

    __slots__ = ("_ground", "_opening", "_size", "_unused", "_waiting", "origin")

    def __init__(self, origin: Origin, ground: Ground) -> None:
        self.origin = origin
        self._ground = ground
        self._unused: deque[Connection] = deque()
        self._waiting: deque[Call] = deque()
        self._size = self._opening = 0
        ground.wheel.add(self, ground.limits.idle)

    def submit(self, call: Call) -> None:
        """Send a call now or queue it. Raises NotSent when the queue is full."""
        now = self._ground.loop.time()
        while self._unused:
            connection = self._unused.pop()
            if connection.is_quiet(now):
                connection.start(call)
                return
            connection.drop()
        if len(self._waiting) >= self._ground.limits.waiting:
            raise NotSent(f"pool full: {len(self._waiting)} calls wait for a connection to {self.origin}")
        self._waiting.append(call)
        self._grow()

    def release(self, connection: Connection, seconds: float) -> None:
        """A connection is free: the longest-waiting call gets it, else it is kept for `seconds`."""
        if call := self._next():
            connection.start(call)
            return
        connection.keep_until = self._ground.loop.time() + seconds
        self._unused.append(connection)

    def made(self, connection: Connection) -> None:
        """A socket is open."""
        self._ground.sockets.add(connection)

    def gone(self, connection: Connection) -> None:
        """One connection less; waiting calls get a new one."""
        if connection in self._unused:
            self._unused.remove(connection)
        self._shrink()

    def lost(self, connection: Connection) -> None:
        """A socket is closed."""
        self._ground.lost(connection)

    def overdue(self, call: Call) -> None:
        """End a waiting call whose deadline is over."""
        self.withdraw(call)
        call.answer.set_exception(NotSent(f"the deadline passed while waiting for a connection to {self.origin}"))

    def withdraw(self, call: Call) -> None:
        """Take a call out of the line, if it is there."""
        if call in self._waiting:
            self._waiting.remove(call)

    def expire(self) -> None:
        """Close what was unused for too long, and end the lane itself when nothing is left of it."""
        now = self._ground.loop.time()
        for connection in [kept for kept in self._unused if kept.keep_until <= now]:
            connection.drop()
        if self._size or self._waiting:
            rest = min((kept.keep_until - now for kept in self._unused), default=self._ground.limits.idle)
            self._ground.wheel.add(self, rest)
        else:
            self._ground.forget(self)

    def close(self) -> None:
        """End the calls that wait."""
        while call := self._next():
            call.answer.set_exception(NotSent("the HTTP client was closed"))

    def _next(self) -> Call | None:
        now = time.monotonic()
        while self._waiting:
            call = self._waiting.popleft()
            if call.answer.done():
                continue
            if now < call.until:
                return call
            self.overdue(call)
        return None

    def _grow(self) -> None:
        while self._size < self._ground.limits.connections and self._opening < len(self._waiting):
            self._size += 1
            self._opening += 1
            self._ground.spawn(self._open())

    def _shrink(self) -> None:
        self._size -= 1
        self._grow()

    async def _open(self) -> None:
        """Open one connection; when that fails, so does the call that waited longest."""
        try:
            connection = await self._connect()
        except BaseException as error:
            self._opening -= 1
            self._refuse(error)
            self._shrink()
            if not isinstance(error, Exception):
                raise
            return
        self._opening -= 1
        connection.admitted = True
        self.release(connection, self._ground.limits.idle)

    async def _connect(self) -> Connection:
        ground, origin = self._ground, self.origin
        async with asyncio.timeout(ground.limits.connect):
            _, connection = await ground.loop.create_connection(
                lambda: Connection(self, ground.limits),
                origin.host,
                origin.port,
                ssl=ground.tls if origin.tls else None,
                server_hostname=origin.host if origin.tls else None,
            )
        if connection.is_dropped:
            raise ConnectionResetError("the server closed it at once")
        return connection

    def _refuse(self, error: BaseException) -> None:
        if call := self._next():
            refusal = NotSent(f"no connection to {self.origin}: {_reason(error, self._ground.limits.connect)}")
            refusal.__cause__ = error
            call.answer.set_exception(refusal)


def _reason(error: BaseException, seconds: float) -> str:
    if isinstance(error, asyncio.CancelledError):
        return "the HTTP client was closed"
    if isinstance(error, TimeoutError) and not error.args:
        return f"not open within {seconds:g} s"
    return str(error) or type(error).__name__
