"""What a worker process of either stack holds: a pool, an HTTP session, and the work on one event."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import aiohttp
import asyncpg
import msgspec

from bench.reference.store import deliver


class Hands:
    """Connections of one worker process."""

    def __init__(self, connections: int) -> None:
        self._connections = connections

    async def open(self) -> None:
        """Connect."""
        self._pool = await asyncpg.create_pool(os.environ["REFERENCE_DSN"], min_size=1, max_size=self._connections)
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=100))
        self._url = f"{os.environ['REFERENCE_PROVIDER']}/sms/v1/messages"

    async def work(self, event: Mapping[str, Any]) -> None:
        """One event to its recorded message."""
        await deliver(self._pool, self._post, event)

    async def _post(self, body: Mapping[str, Any]) -> tuple[int, str | None]:
        content = msgspec.json.encode(body)
        async with self._session.post(self._url, data=content, headers={"content-type": "application/json"}) as answer:
            told = msgspec.json.decode(await answer.read())
            return answer.status, told.get("messageId")
