"""Connections over TCP notice that their server vanished; the test's server is reached through a TCP door."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest
import uvloop

from outrider.store.losing import KEEPALIVE, notice_loss
from outrider.store.postgres import open_pool


@asynccontextmanager
async def tcp_door(url: str) -> AsyncIterator[str]:
    """The connection URL that leads over TCP to the server behind a socket folder."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    behind = Path(query["host"][0]) / f".s.PGSQL.{query['port'][0]}"
    copies: set[asyncio.Task[None]] = set()

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_unix_connection(behind)
        for end in ((reader, forth), (back, writer)):
            copies.add(asyncio.create_task(copy(*end)))

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        yield f"postgresql://outrider@127.0.0.1:{port}{parts.path}?sslmode=disable"
    finally:
        server.close()
        await asyncio.gather(*copies, return_exceptions=True)


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_connections_of_the_pool_are_probed_over_tcp(database_url: str, loop: object) -> None:
    async def play() -> dict[str, int]:
        async with tcp_door(database_url) as url:
            pool = await open_pool(url)
            async with pool.acquire() as connection:
                assert await connection.fetchval("select 1") == 1
                link = connection._transport.get_extra_info("socket")
                found = {name: link.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)) for name in KEEPALIVE}
                found["on"] = link.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
                found["unacknowledged"] = link.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            await pool.close()
        return found

    with asyncio.Runner(loop_factory=loop) as runner:  # type: ignore[arg-type]
        assert runner.run(play()) == {**KEEPALIVE, "on": 1, "unacknowledged": 20_000}


def test_a_socket_of_this_machine_needs_no_probes(database_url: str) -> None:
    async def play() -> int:
        connection = await asyncpg.connect(database_url)
        await notice_loss(connection)
        on: int = connection._transport.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        await connection.close()
        return on

    assert asyncio.run(play()) == 0
