"""What one POST costs: CPU of the client process against a minimal server in a process of its own, over loopback.

    python -m bench http-client --json

Prints, for each client, microseconds of CPU per call (user and system, all threads) and calls per second.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from statistics import median
from typing import Literal

import click
import httptools
import msgspec
import uvloop

from outrider.lib.http import open_http
from outrider.lib.http.wire import Limits, Request, Response

ANSWER = (
    b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nServer: bench\r\n"
    b'Date: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: 30\r\n\r\n{"sid":"SM0123456789abcdef01"}'
)
BODY = msgspec.json.encode({"to": "+491700000000", "from": "Outrider", "body": "x" * 296})
HEADERS = (
    ("Content-Type", "application/json"),
    ("Authorization", "Bearer 0123456789abcdef0123456789abcdef"),
    ("Accept", "application/json"),
)

Send = Callable[[Request, float], Awaitable[Response]]


class Figures(msgspec.Struct, frozen=True):
    """One client's result."""

    client: str
    calls: int
    in_flight: int
    body_bytes: int
    cpu_microseconds_per_call: float
    calls_per_second: float


class Answering(asyncio.Protocol):
    """Answers every complete request with the same 201."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_message_complete(self) -> None:
        self.transport.write(ANSWER)  # type: ignore[attr-defined]


def serve(pipe: Pipe) -> None:
    """The server process: reports its port, runs until it is terminated."""

    async def forever() -> None:
        server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0)
        pipe.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(forever())


async def pour(send: Send, request: Request, calls: int, in_flight: int) -> None:
    """Make `calls` calls with `in_flight` of them under way at any time."""
    left = iter(range(calls))

    async def caller() -> None:
        for _ in left:
            response = await send(request, 30.0)
            assert response.status == 201

    await asyncio.gather(*(caller() for _ in range(in_flight)))


async def measure(kind: Literal["pool", "reqwest"], port: int, calls: int, in_flight: int, rounds: int) -> Figures:
    """The median of `rounds` after one round to warm up."""
    http = open_http(kind, Limits(connections=in_flight))
    request = Request("POST", f"http://127.0.0.1:{port}/2010-04-01/Messages.json", HEADERS, BODY)
    await pour(http.send, request, calls // 10, in_flight)
    cpu, wall = [], []
    for _ in range(rounds):
        cpu_before, wall_before = time.process_time(), time.perf_counter()
        await pour(http.send, request, calls, in_flight)
        cpu.append(time.process_time() - cpu_before)
        wall.append(time.perf_counter() - wall_before)
    await http.close()
    return Figures(
        kind, calls, in_flight, len(BODY), round(median(cpu) / calls * 1e6, 1), round(calls / median(wall), 0)
    )


@click.command()
@click.option("--calls", default=20_000, show_default=True, help="Calls per round.")
@click.option("--in-flight", default=200, show_default=True, help="Calls under way, and connections.")
@click.option("--rounds", default=5, show_default=True, help="Rounds; the median counts.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
def main(calls: int, in_flight: int, rounds: int, as_json: bool) -> None:
    """CPU per POST of both HTTP clients."""
    ours, theirs = get_context("spawn").Pipe()
    server = get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    try:
        port = ours.recv()
        both = [uvloop.run(measure(kind, port, calls, in_flight, rounds)) for kind in ("pool", "reqwest")]
    finally:
        server.terminate()
        server.join()
    if as_json:
        click.echo(msgspec.json.encode(both))
        return
    for one in both:
        click.echo(f"{one.client}: {one.cpu_microseconds_per_call} µs of CPU, {one.calls_per_second:.0f} calls/s")


COMMAND = main

if __name__ == "__main__":
    main()
