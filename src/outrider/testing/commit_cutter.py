"""Stands between a client and PostgreSQL on a unix socket and breaks the connection around COMMIT, on command."""

from __future__ import annotations

import asyncio
import contextlib
import random
import threading
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

#: A startup message has no type byte (PostgreSQL manual, "Message Formats"): four bytes of length, then the rest.
LENGTH = 4
#: Type, length.
HEADER = 5
COMMIT = b"COMMIT"


class Cut(StrEnum):
    """Where the connection breaks."""

    #: The server never sees COMMIT and rolls back.
    BEFORE = "before"
    #: COMMIT is on its way when both ends lose each other: either outcome is possible.
    RACE = "race"
    #: The server committed; nobody hears of it.
    AFTER = "after"
    #: The server committed; its answer breaks off.
    WITHIN = "within"


class CommitCutter:
    """A proxy in a thread of its own. `armed` cuts are spent by the next COMMITs, one each."""

    def __init__(self, upstream: Path, listening: Path, seed: int) -> None:
        """`upstream` and `listening` are socket paths."""
        self._upstream = upstream
        self._listening = listening
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        self._armed, self._share = 0, 1.0
        self._open: set[asyncio.StreamWriter] = set()
        self.cuts: dict[Cut, int] = dict.fromkeys(Cut, 0)

    def arm(self, cuts: int = 1, share: float = 1.0) -> None:
        """Cut so many of the coming COMMITs, each one that comes with this chance."""
        with self._lock:
            self._armed, self._share = cuts, share

    @property
    def total(self) -> int:
        """Cuts so far."""
        return sum(self.cuts.values())

    def _take(self) -> Cut | None:
        with self._lock:
            if not self._armed or self._chance.random() >= self._share:
                return None
            self._armed -= 1
            cut = self._chance.choice(list(Cut))
            self.cuts[cut] += 1
            return cut

    async def serve(self, ready: threading.Event, over: asyncio.Event) -> None:
        """Take connections until `over`."""
        server = await asyncio.start_unix_server(self._connection, self._listening)
        ready.set()
        await over.wait()
        server.close()
        while self._open:
            for end in tuple(self._open):
                end.transport.abort()
            await asyncio.sleep(0)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            back, forth = await asyncio.open_unix_connection(self._upstream)
        except OSError:
            writer.close()
            return
        ends = {writer, forth}
        self._open |= ends
        answers = asyncio.create_task(_copy(back, writer))
        with contextlib.suppress(OSError, EOFError):
            await self._forward(reader, back, forth, writer, answers)
        for end in ends:
            end.transport.abort()
        answers.cancel()
        await asyncio.gather(answers, return_exceptions=True)
        self._open -= ends

    async def _forward(
        self,
        reader: asyncio.StreamReader,
        back: asyncio.StreamReader,
        forth: asyncio.StreamWriter,
        writer: asyncio.StreamWriter,
        answers: asyncio.Task[None],
    ) -> None:
        """Message by message, since a COMMIT must be seen before it leaves."""
        start = await reader.readexactly(LENGTH)
        forth.write(start + await reader.readexactly(int.from_bytes(start, "big") - LENGTH))
        while True:
            head = await reader.readexactly(HEADER)
            body = await reader.readexactly(int.from_bytes(head[1:], "big") - LENGTH)
            cut = self._take() if head[:1] == b"Q" and body.startswith(COMMIT) else None
            if cut is Cut.BEFORE:
                return
            forth.write(head + body)
            if cut is not None:
                await forth.drain()
                await _break_off(cut, back, writer, answers)
                return


async def _break_off(
    cut: Cut, back: asyncio.StreamReader, writer: asyncio.StreamWriter, answers: asyncio.Task[None]
) -> None:
    answers.cancel()
    await asyncio.gather(answers, return_exceptions=True)
    if cut is Cut.RACE:
        return
    answer = await back.read(65536)
    if cut is Cut.WITHIN:
        writer.write(answer[: len(answer) // 2])
        await writer.drain()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


@contextlib.contextmanager
def cutting(url: str, folder: Path, seed: int = 0) -> Iterator[tuple[CommitCutter, str]]:
    """A cutter before the server of a connection URL with a socket folder, and the URL that leads through it."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    name = f".s.PGSQL.{query['port'][0]}"
    cutter = CommitCutter(Path(query["host"][0]) / name, folder / name, seed)
    through = parts._replace(query=f"host={quote(str(folder), '')}&port={query['port'][0]}").geturl()
    ready, loop = threading.Event(), asyncio.new_event_loop()
    over = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(cutter.serve(ready, over),))
    thread.start()
    try:
        ready.wait(10)
        yield cutter, through
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()
