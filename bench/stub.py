"""The provider of the bench: answers like smsmode as cheaply as Python can, and counts what reached it.

    python -m bench.stub [--receipts]

What counts is the number of the event, read from the text: a number that comes twice is a duplicate, one that never
comes is lost. With --receipts one delivery report for each message is posted back, each as its own request.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from array import array
from collections import deque
from urllib.parse import urlsplit

import httptools
import msgspec
import uvloop

from bench.work import DIGITS, MARK

#: Connections for posting receipts.
POSTERS = 32

Answer = (
    b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nServer: bench\r\n"
    b"Date: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: %d\r\n\r\n%b"
)
RESOURCE = (
    b'{"messageId":"b-%d","acceptedAt":"2026-01-01T00:00:00.000+00:00","channel":{"channelId":"bench"},"type":"SMS",'
    b'"direction":"MT","body":{"messagePartCount":2},"price":{"amount":0.1,"currency":"EUR"},'
    b'"status":{"value":"ENROUTE"}}'
)
REPORT = b'{"messageId":"b-%d","status":{"value":"DELIVERED","deliveryDate":"2026-01-01T00:00:01.000+00:00"}}'


class _Callback(msgspec.Struct):
    url: str | None = msgspec.field(name="callbackUrlStatus", default=None)


_callback = msgspec.json.Decoder(_Callback)


class Tally:
    """What reached the provider."""

    def __init__(self) -> None:
        self.requests = 0
        self.unknown = 0
        self.arrivals: dict[int, float] = {}
        self.repeated = 0

    def note(self, body: bytes, now: float) -> None:
        """Count one request."""
        self.requests += 1
        place = body.find(MARK)
        if place < 0:
            self.unknown += 1
            return
        number = int(body[place + len(MARK) : place + len(MARK) + DIGITS])
        if number in self.arrivals:
            self.repeated += 1
        else:
            self.arrivals[number] = now

    def figures(self) -> dict[str, float]:
        """For the driver."""
        return {
            "requests": self.requests,
            "distinct": len(self.arrivals),
            "duplicates": self.repeated,
            "unknown": self.unknown,
            "last_at": max(self.arrivals.values(), default=0.0),
        }


class Posters:
    """Posts receipts over a few kept connections, one request at a time on each."""

    def __init__(self) -> None:
        self.waiting: deque[bytes] = deque()
        self.idle: list[Poster] = []
        self.opened = 0
        self.posted = self.refused = 0

    def post(self, url: str, number: int) -> None:
        """Send one report."""
        parts = urlsplit(url)
        body = REPORT % number
        head = (
            f"POST {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self.waiting.append(head.encode() + body)
        if self.idle:
            self.idle.pop().next()
        elif self.opened < POSTERS:
            self.opened += 1
            loop = asyncio.get_running_loop()
            self._task = loop.create_task(
                loop.create_connection(lambda: Poster(self), parts.hostname, parts.port)  # type: ignore[arg-type]
            )


class Poster(asyncio.Protocol):
    """One connection to the callback address."""

    def __init__(self, posters: Posters) -> None:
        self._posters = posters
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self.next()

    def next(self) -> None:
        """Send what waits, or rest."""
        if self._posters.waiting:
            self._transport.write(self._posters.waiting.popleft())  # type: ignore[attr-defined]
        else:
            self._posters.idle.append(self)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        if 200 <= self._parser.get_status_code() < 300:
            self._posters.posted += 1
        else:
            self._posters.refused += 1
        self.next()


class Provider(asyncio.Protocol):
    """One connection of a client."""

    def __init__(self, tally: Tally, posters: Posters | None) -> None:
        self._tally = tally
        self._posters = posters
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._parts: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._parts = []

    def on_url(self, url: bytes) -> None:
        self._url = url

    def on_body(self, body: bytes) -> None:
        self._parts.append(body)

    def on_message_complete(self) -> None:
        if self._url.startswith(b"/-/"):
            self._write(self._told())
            return
        tally, body = self._tally, b"".join(self._parts)
        tally.note(body, time.monotonic())
        number = tally.requests
        self._write(RESOURCE % number)
        if self._posters is not None and (url := _callback.decode(body).url):
            self._posters.post(url, number)

    def _told(self) -> bytes:
        if self._url == b"/-/arrivals":
            return array("d", [moment for _, moment in sorted(self._tally.arrivals.items())]).tobytes()
        figures = self._tally.figures()
        if self._posters is not None:
            figures |= {"receipts": self._posters.posted, "receipts_refused": self._posters.refused}
        return json.dumps(figures).encode()

    def _write(self, body: bytes) -> None:
        self._transport.write(Answer % (len(body), body))  # type: ignore[attr-defined]


async def serve(port: int, receipts: bool) -> None:
    """Listen until the process is ended."""
    tally, posters = Tally(), Posters() if receipts else None
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Provider(tally, posters), "127.0.0.1", port)
    print(json.dumps({"url": f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"}), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--receipts", action="store_true")
    asked = parser.parse_args()
    try:
        uvloop.run(serve(asked.port, asked.receipts))
    except KeyboardInterrupt:
        pass
