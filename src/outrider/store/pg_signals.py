"""Signals between processes: one coalesced NOTIFY every 10 ms from a connection of its own, and its listener."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import asyncpg
import structlog

from outrider.store.losing import notice_loss

CHANNEL = "outrider"
EVERY_SECONDS = 0.01
RECONNECT_SECONDS = 1.0
CONNECT_SECONDS = 10.0

log = structlog.get_logger(__name__)


class Signals:
    """Sends topics to the other processes and hears theirs; a lost signal costs one poll, never work."""

    def __init__(self, dsn: str, heard: Callable[[str], None]) -> None:
        """`heard` is called with each topic that another process sent."""
        self._dsn = dsn
        self._heard = heard
        self._topics: set[str] = set()
        self._waiting = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._own_process = 0
        self._interrupted = False

    def send(self, topic: str) -> None:
        """Tell the other processes soon."""
        self._topics.add(topic)
        self._waiting.set()

    def start(self) -> None:
        """Begin to send and to listen."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Close the connection."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self._serve()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
                if not self._interrupted:
                    log.warning("signals are interrupted, polling goes on", error=type(error).__name__)
                self._interrupted = True
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _serve(self) -> None:
        connection = await asyncpg.connect(self._dsn, timeout=CONNECT_SECONDS)
        await notice_loss(connection)
        # Who only listens would never notice that the connection is gone.
        connection.add_termination_listener(lambda _connection: self._waiting.set())
        self._interrupted = False
        try:
            self._own_process = connection.get_server_pid()
            await connection.add_listener(CHANNEL, self._receive)
            while True:
                await self._waiting.wait()
                self._waiting.clear()
                if connection.is_closed():
                    raise ConnectionResetError("the connection for signals was lost")
                topics, self._topics = sorted(self._topics), set()
                await connection.execute("select pg_notify($1, t) from unnest($2::text[]) as t", CHANNEL, topics)
                await asyncio.sleep(EVERY_SECONDS)
        finally:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(connection.close(), 1.0)

    def _receive(self, _connection: Any, process: int, _channel: str, payload: object) -> None:
        if process != self._own_process:
            self._heard(str(payload))
