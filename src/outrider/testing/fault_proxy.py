"""Stands between a client and an HTTP server and treats a share of the requests badly, each mode in its own way."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import StrEnum


class Mode(StrEnum):
    """What happens to a request."""

    PASS = "pass"
    # The server never sees it.
    RESET_BEFORE = "reset_before"
    CLOSE_BEFORE = "close_before"
    BLACK_HOLE = "black_hole"
    GATEWAY_PAGE = "gateway_page"
    # The server gets it, the client gets less than the answer.
    CUT_AFTER_REQUEST = "cut_after_request"
    CUT_MID_ANSWER = "cut_mid_answer"
    ANSWER_LATE = "answer_late"
    GARBAGE = "garbage"
    PAGE_INSTEAD = "page_instead"
    # The client gets the answer, in an unkind way.
    SLOW = "slow"
    TRICKLE = "trickle"
    CLOSE_AFTER_ANSWER = "close_after_answer"


#: Every mode but the kind one.
FAULTS = tuple(mode for mode in Mode if mode is not Mode.PASS)
UNSEEN = frozenset({Mode.RESET_BEFORE, Mode.CLOSE_BEFORE, Mode.BLACK_HOLE, Mode.GATEWAY_PAGE})
PAGE = b"HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: 25\r\n\r\n<html>Bad Gateway!</html>"
GARBAGE = b"\x00\x16\x03SSH-2.0-nobody\r\n\xff\xfe\r\n\r\n"
#: Longest request or answer it copies.
LIMIT = 1024 * 1024


class FaultProxy:
    """A proxy whose `mode` hits a `share` of the requests; the rest pass. Times in seconds."""

    def __init__(self, port: int, seed: int = 0, *, late: float = 1.5, slow: float = 0.2) -> None:
        """`port` is the server's; `late` must exceed the client's deadline, `slow` must not."""
        self._upstream = port
        self._chance = random.Random(seed)
        self._late, self._slow = late, slow
        self.mode, self.share = Mode.PASS, 1.0
        self.port = 0
        self.treated: Counter[Mode] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until it ends or a mode ends it."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._treat(await _read(reader), writer):
                pass
        except (OSError, EOFError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _treat(self, request: bytes, writer: asyncio.StreamWriter) -> bool:
        """One request; whether the connection goes on."""
        mode = self.mode if self._chance.random() < self.share else Mode.PASS
        self.treated[mode] += 1
        if mode in UNSEEN:
            return await self._keep_back(mode, writer)
        if mode is Mode.SLOW:
            await asyncio.sleep(self._slow)
        return await self._hand_over(mode, await self._ask(request), writer)

    async def _keep_back(self, mode: Mode, writer: asyncio.StreamWriter) -> bool:
        if mode is Mode.BLACK_HOLE:
            await asyncio.sleep(self._late)
        if mode is Mode.GATEWAY_PAGE:
            writer.write(PAGE)
            await writer.drain()
            return True
        if mode is Mode.CLOSE_BEFORE:
            writer.write_eof()
        return False

    async def _ask(self, request: bytes) -> bytes:
        back, forth = await asyncio.open_connection("127.0.0.1", self._upstream, limit=LIMIT)
        try:
            forth.write(request)
            return await _read(back)
        finally:
            forth.transport.abort()

    async def _hand_over(self, mode: Mode, answer: bytes, writer: asyncio.StreamWriter) -> bool:
        if mode is Mode.CUT_AFTER_REQUEST:
            return False
        if mode is Mode.ANSWER_LATE:
            await asyncio.sleep(self._late)
        if mode is Mode.TRICKLE:
            for byte in answer:
                writer.write(bytes((byte,)))
                await writer.drain()
            return True
        writer.write(_spoiled(mode, answer))
        await writer.drain()
        return mode in (Mode.PASS, Mode.SLOW, Mode.PAGE_INSTEAD)

    async def close(self) -> None:
        """End every connection."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _spoiled(mode: Mode, answer: bytes) -> bytes:
    match mode:
        case Mode.CUT_MID_ANSWER:
            return answer[: len(answer) // 2]
        case Mode.GARBAGE:
            return GARBAGE
        case Mode.PAGE_INSTEAD:
            return PAGE
    return answer


async def _read(reader: asyncio.StreamReader) -> bytes:
    """One message with a content-length. Raises EOFError when the connection ends before its end."""
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return head + await reader.readexactly(int(lengths[0].partition(b":")[2]) if lengths else 0)


@asynccontextmanager
async def fault_proxy(port: int, seed: int = 0) -> AsyncIterator[FaultProxy]:
    """A proxy before the server on a local port, as long as the block; its own port is `port` of what it gives."""
    proxy = FaultProxy(port, seed)
    server = await asyncio.start_server(proxy.take, "127.0.0.1", 0, limit=LIMIT)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
