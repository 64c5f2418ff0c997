"""HTTP/1.1 for the sandbox: a connection parses requests with httptools and answers them in order."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Protocol

import httptools

from outrider.contracts.http import Response
from outrider.lib.clock import Clock
from outrider.sandbox.counterpart import Call

PHRASES = {status.value: status.phrase for status in HTTPStatus}
#: Largest body taken, in bytes: no SMS submission comes near it.
LARGEST_BODY = 1_048_576
#: SO_LINGER on, zero seconds: closing then sends a reset instead of an orderly end.
RESET = struct.pack("ii", 1, 0)


class Caller(Protocol):
    """Whoever waits for the answer to a call, whatever the wire format."""

    def answer(self, response: Response) -> None:
        """Give the answer."""
        ...

    def reset(self) -> None:
        """Break the connection off without an answer."""
        ...


class Connection(asyncio.Protocol):
    """One client connection. Requests that come in while one is unanswered wait their turn."""

    def __init__(self, serve: Callable[[Connection, Call], None], clock: Clock, open_ones: set[Connection]) -> None:
        self._serve = serve
        self._clock = clock
        self._open_ones = open_ones
        self._parser = httptools.HttpRequestParser(self)
        self._waiting: deque[tuple[Call, bool]] = deque()
        self._busy = False
        self._keep_alive = True
        self._transport: Any = None
        self._begin()

    def _begin(self) -> None:
        self._target = b""
        self._headers: dict[str, str] = {}
        self._body = b""

    # asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        self._transport = transport
        self._open_ones.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone; whatever is still to be answered is answered into nothing."""
        self._open_ones.discard(self)
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Bytes of a request, or of several."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade, ValueError) as error:
            self._keep_alive = False
            self.answer(Response(400, {"content-type": "text/plain"}, f"not HTTP/1.1: {error}".encode()))

    # httptools calls these

    def on_url(self, url: bytes) -> None:
        """The target of the request line, perhaps in pieces."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._body += body
        if len(self._body) > LARGEST_BODY:
            raise ValueError(f"the body is longer than {LARGEST_BODY} bytes")

    def on_message_complete(self) -> None:
        """The request is complete: serve it now, or after the ones before it."""
        parser = self._parser
        target = self._target.decode("latin-1")
        call = Call(parser.get_method().decode(), target, self._headers, self._body, self._clock.now())
        self._begin()
        if self._busy:
            self._waiting.append((call, parser.should_keep_alive()))
            return
        self._start(call, parser.should_keep_alive())

    def _start(self, call: Call, keep_alive: bool) -> None:
        self._busy, self._keep_alive = True, keep_alive
        self._serve(self, call)

    # the server calls these

    def answer(self, response: Response) -> None:
        """Write the answer to the request being served and go on with the next one."""
        self._busy = False
        if self._transport is None:
            return
        self._transport.write(head(response, self._keep_alive) + response.body)
        if not self._keep_alive:
            self._transport.close()
        elif self._waiting:
            self._start(*self._waiting.popleft())

    def reset(self) -> None:
        """Break the connection off with a TCP reset, without an answer."""
        if self._transport is not None:
            break_off(self._transport)


def break_off(transport: Any) -> None:
    """End a connection with a TCP reset."""
    # A TLS transport has no socket between its connection's end and the moment the protocol hears of it.
    if (link := transport.get_extra_info("socket")) is not None:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    transport.abort()


def head(response: Response, keep_alive: bool) -> bytes:
    """The status line and headers of an answer."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in response.headers.items()])
    connection = "" if keep_alive else "connection: close\r\n"
    phrase = PHRASES.get(response.status, "Status")
    length = len(response.body)
    return f"HTTP/1.1 {response.status} {phrase}\r\n{lines}{connection}content-length: {length}\r\n\r\n".encode(
        "latin-1"
    )
