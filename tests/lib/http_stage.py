"""Where the HTTP clients play: a loop, a client of one kind on it, and what is checked after every scene."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable
from typing import Any, TypeVar

import uvloop
from rude_server import LISTENING, Certificate

from outrider.contracts.http import Http
from outrider.lib.http.fallback import Reqwest
from outrider.lib.http.pool import Pool
from outrider.lib.http.wire import Broken, Limits, NotSent, Request, Response

T = TypeVar("T")
LIMITS = Limits(answer=100_000, connect=0.2)
BODY = b'{"to":"+491700000000"}'
PATIENCE = 5.0


class Stage:
    """A loop with one kind of client on it, which must leave neither tasks nor complaints behind."""

    def __init__(self, kind: str, loop: str) -> None:
        self.is_pool = kind == "pool"
        self.runner = asyncio.Runner(loop_factory=uvloop.new_event_loop if loop == "uvloop" else None)

    def open(self, certificate: Certificate | None = None, limits: Limits = LIMITS) -> Http:
        if self.is_pool:
            return Pool(limits, certificate.client_side() if certificate else None)
        return Reqwest(limits, certificate.pem if certificate else None)

    def run(self, scenario: Awaitable[T]) -> T:
        complaints: list[dict[str, Any]] = []

        async def bounded() -> T:
            asyncio.get_running_loop().set_exception_handler(lambda _, complaint: complaints.append(complaint))
            try:
                async with asyncio.timeout(20):
                    result = await scenario
            finally:
                for server in tuple(LISTENING):
                    await server.stop()
            if ending := asyncio.all_tasks() - {asyncio.current_task()}:
                _, leftover = await asyncio.wait(ending, timeout=1)
                assert not leftover
            return result

        result = self.runner.run(bounded())
        gc.collect()
        assert not complaints
        return result


async def outcome(
    http: Http, url: str, deadline: float = PATIENCE, method: str = "POST", body: bytes = BODY
) -> Response | Exception:
    """The answer or the failure of one call, which must be one of the two promised kinds."""
    try:
        return await http.send(Request(method, url, (("Content-Type", "application/json"),), body), deadline)
    except (NotSent, Broken) as failure:
        return failure
