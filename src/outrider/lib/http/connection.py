"""One connection to a server, carrying one call at a time."""

from __future__ import annotations

import asyncio
import math
import select
from typing import Protocol, cast

from outrider.lib.http.answer import Reader
from outrider.lib.http.wire import Broken, Limits, Response


class Owner(Protocol):
    """Who is told what becomes of a connection, and of a call that never got one."""

    def made(self, connection: Connection) -> None:
        """The connection's socket is open, TLS included."""
        ...

    def release(self, connection: Connection, seconds: float) -> None:
        """The connection is free again and may be kept for `seconds`."""
        ...

    def gone(self, connection: Connection) -> None:
        """The connection will carry no more calls."""
        ...

    def lost(self, connection: Connection) -> None:
        """The connection's socket is closed."""
        ...

    def overdue(self, call: Call) -> None:
        """The deadline of a call is over that still waits for a connection."""
        ...

    def withdraw(self, call: Call) -> None:
        """The caller of a waiting call has gone away."""
        ...


class Call:
    """One request on its way: waiting while `connection` is None and `answer` is open, in the server's hands after."""

    __slots__ = ("answer", "connection", "owner", "payload", "to_head", "until")

    def __init__(self, owner: Owner, answer: asyncio.Future[Response], payload: bytes, until: float = math.inf) -> None:
        self.owner = owner
        self.answer = answer
        self.payload = payload
        #: Monotonic seconds after which it may not begin: a paused process wakes with calls that are over.
        self.until = until
        self.to_head = payload.startswith(b"HEAD ")
        self.connection: Connection | None = None

    def expire(self) -> None:
        """The deadline is over: NotSent when still waiting, Broken otherwise."""
        if self.answer.done():
            return
        if self.connection is None:
            self.owner.overdue(self)
        else:
            self.connection.fail(Broken("the deadline passed after the request was sent"))

    def abandon(self) -> None:
        """The caller was canceled; a connection that carries the call is closed with it."""
        if self.connection is None:
            self.owner.withdraw(self)
        else:
            self.connection.drop()


class Connection(asyncio.Protocol):
    """A socket with a server behind it.

    Every path out of a call goes through `_conclude`, which frees the call before anything else happens.
    """

    __slots__ = ("_call", "_owner", "_poll", "_reader", "_transport", "admitted", "is_dropped", "keep_until")

    def __init__(self, owner: Owner, limits: Limits) -> None:
        self._owner = owner
        self._reader = Reader(limits)
        self._call: Call | None = None
        self._poll = select.poll()
        #: Loop time after which the server may have closed the connection; set while unused.
        self.keep_until = 0.0
        #: Whether the owner counts it; a connection may be lost before its opening is even reported.
        self.admitted = False
        self.is_dropped = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
        self._owner.made(self)

    def is_quiet(self, now: float) -> bool:
        """Whether an unused connection may carry a call: young enough, open, and nothing unread on the socket.

        The socket is asked because a close may have arrived that the event loop has not come to yet.
        """
        return now < self.keep_until and not self._transport.is_closing() and not self._poll.poll(0)

    def start(self, call: Call) -> None:
        """Send a call's bytes; from here on its failures are Broken."""
        self._call = call
        call.connection = self
        self._reader.begin(to_head=call.to_head)
        self._transport.write(call.payload)

    def fail(self, why: Broken) -> None:
        """End the call with `why` and close the connection."""
        if call := self._conclude():
            call.answer.set_exception(why)
        self.drop()

    def drop(self) -> None:
        """Close the connection at once; whatever it carries has no more interest in it."""
        self._call = None
        if not self.is_dropped:
            self.is_dropped = True
            self._transport.abort()
            if self.admitted:
                self._owner.gone(self)

    def data_received(self, data: bytes) -> None:
        """Read on; bytes that nobody asked for make the connection useless."""
        if self._call is None:
            self.drop()
            return
        try:
            if self._reader.feed(data):
                self._answer()
        except Broken as error:
            self.fail(error)

    def connection_lost(self, exc: Exception | None) -> None:
        """Complete an answer that lasts until the close; end any other call as Broken."""
        if self._call is not None:
            self._end(exc)
        self.drop()
        self._owner.lost(self)

    def _end(self, exc: Exception | None) -> None:
        try:
            if exc is not None:
                raise Broken(f"the connection broke: {exc}") from exc
            self._reader.finish()
            self._answer()
        except Broken as error:
            self.fail(error)

    def _answer(self) -> None:
        response = self._reader.take()
        seconds = self._reader.keep_for(response)
        if call := self._conclude():
            call.answer.set_result(response)
        if seconds > 0.0 and not self._transport.get_write_buffer_size():
            self._owner.release(self, seconds)
        else:  # also when the server answered before it took in the whole request
            self.drop()

    def _conclude(self) -> Call | None:
        """The call that was under way, let go; None when there was none or its caller is gone."""
        call, self._call = self._call, None
        if call is None:
            return None
        call.connection = None
        return None if call.answer.done() else call
