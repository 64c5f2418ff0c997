"""The load of the bench, a process of its own: posts the events and says when each left.

    python -m bench.load --url URL --key KEY --run NAME --count N --people N [--rate R]

Without a rate, bodies of 100 events go over several connections as fast as they are answered; with one, single events
leave at that pace. The events are made before the clock starts. Prints one JSON line when ready, waits for a line on
its standard input, and prints the result.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from array import array
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httptools
import uvloop

from bench.work import batches

CONNECTIONS = 4


class Sender(asyncio.Protocol):
    """One connection: a request, its answer, the next one."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[int] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("the platform closed the connection"))

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        if self._answer is not None:
            self._answer.set_result(self._parser.get_status_code())

    async def post(self, request: bytes) -> int:
        """Its status."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)  # type: ignore[attr-defined]
        return await self._answer


class Load:
    """Requests, made beforehand."""

    def __init__(self, url: str, key: str, kind: str, bodies: Iterator[bytes]) -> None:
        self.parts = urlsplit(url)
        head = (
            f"POST {self.parts.path} HTTP/1.1\r\nHost: {self.parts.netloc}\r\nAuthorization: Bearer {key}\r\n"
            f"Content-Type: {kind}\r\nContent-Length: "
        ).encode()
        self.requests = [b"%b%d\r\n\r\n%b" % (head, len(body), body) for body in bodies]
        self.left = array("d")
        self.refused: list[int] = []

    async def connect(self) -> Sender:
        """A connection."""
        loop = asyncio.get_running_loop()
        _, sender = await loop.create_connection(Sender, self.parts.hostname, self.parts.port)
        return sender

    async def flood(self) -> None:
        """Everything, as fast as it is answered."""
        line = iter(self.requests)

        async def one(sender: Sender) -> None:
            for request in line:
                self.left.append(time.monotonic())
                self.note(await sender.post(request))

        await asyncio.gather(*[one(await self.connect()) for _ in range(CONNECTIONS)])

    async def trickle(self, rate: float) -> None:
        """One after the other at a pace."""
        sender = await self.connect()
        begin = time.monotonic()
        for place, request in enumerate(self.requests):
            await asyncio.sleep(max(0.0, begin + place / rate - time.monotonic()))
            self.left.append(time.monotonic())
            self.note(await sender.post(request))

    def note(self, status: int) -> None:
        """Remember what was not accepted."""
        if status != 202:
            self.refused.append(status)


async def run(asked: argparse.Namespace) -> None:
    """Wait for the word, post, report."""
    size = 1 if asked.rate else 100
    kind = "application/cloudevents-batch+json"
    load = Load(asked.url, asked.key, kind, batches(asked.run, asked.count, asked.people, size))
    print(json.dumps({"ready": len(load.requests)}), flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await (load.trickle(asked.rate) if asked.rate else load.flood())
    if asked.moments:
        Path(asked.moments).write_bytes(load.left.tobytes())
    print(json.dumps({"first_at": load.left[0], "last_at": time.monotonic(), "refused": load.refused[:10]}), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--key", default="")
    parser.add_argument("--run", default="r")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--people", type=int, required=True)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--moments", default="")
    uvloop.run(run(parser.parse_args()))
