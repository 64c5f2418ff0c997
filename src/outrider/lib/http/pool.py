"""An HTTP/1.1 client that knows for every failure whether the request may have left this machine.

asyncio's own clients are an order of magnitude dearer per call than what a provider's answer costs to read; this one
does without tasks and timers per call. One call is one future: a connection's protocol writes the request and
resolves the future, a wheel shared by all calls ends those whose deadline is over.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Coroutine

from outrider.lib.http.connection import Call, Connection
from outrider.lib.http.encode import Origin, encode
from outrider.lib.http.lane import Lane
from outrider.lib.http.wheel import Wheel
from outrider.lib.http.wire import Broken, Limits, NotSent, Request, Response


def verified_tls() -> ssl.SSLContext:
    """TLS with the system's trusted authorities, host names checked, HTTP/1.1 announced."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


class Pool:
    """Keep-alive connections to any number of origins. Belongs to the event loop it is created in.

    `limits` bounds connections, queues, idle times and sizes; `tls` replaces the verified default context.
    """

    def __init__(self, limits: Limits | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.loop = asyncio.get_running_loop()
        self.wheel = Wheel(self.loop)
        self.limits = limits or Limits()
        self._tls = tls
        self.sockets: set[Connection] = set()
        self._lanes: dict[Origin, Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self._last_lost: asyncio.Future[None] | None = None

    @property
    def tls(self) -> ssl.SSLContext:
        """The TLS context; the default one is made for the first connection that needs it (some 70 ms)."""
        if self._tls is None:
            self._tls = verified_tls()
        return self._tls

    async def send(self, request: Request, deadline: float) -> Response:
        """Send one request and read the whole answer within `deadline` seconds (kept to 25 ms).

        Raises ValueError for a request that may not be sent, NotSent when no byte of it was handed to the network,
        Broken for every failure after that. Nothing is retried or redirected. Cancellation closes the connection.
        """
        origin, payload = encode(request)
        if self._closed:
            raise NotSent("the HTTP client was closed")
        if not deadline > 0:
            raise NotSent("the deadline was over before the call")
        lane = self._lanes.get(origin) or self._lane(origin)
        call = Call(lane, self.loop.create_future(), payload, time.monotonic() + deadline)
        slot = self.wheel.add(call, deadline)
        try:
            lane.submit(call)
            return await call.answer
        except asyncio.CancelledError:
            call.abandon()
            raise
        finally:
            slot.discard(call)

    async def close(self) -> None:
        """End waiting calls as NotSent and calls under way as Broken; returns when every socket is closed."""
        self._closed = True
        for lane in self._lanes.values():
            lane.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in tuple(self.sockets):
            connection.fail(Broken("the HTTP client was closed"))
        if self.sockets:
            self._last_lost = self._last_lost or self.loop.create_future()
            await asyncio.shield(self._last_lost)
        self.wheel.stop()
        self._lanes.clear()

    def spawn(self, work: Coroutine[object, object, None]) -> None:
        """Run `work` beside, until it ends or the pool is closed."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def lost(self, connection: Connection) -> None:
        """A socket is closed."""
        self.sockets.discard(connection)
        if self._last_lost and not self.sockets and not self._last_lost.done():
            self._last_lost.set_result(None)

    def forget(self, lane: Lane) -> None:
        """A lane has neither connections nor calls."""
        self._lanes.pop(lane.origin, None)

    def _lane(self, origin: Origin) -> Lane:
        lane = self._lanes[origin] = Lane(origin, self)
        return lane
