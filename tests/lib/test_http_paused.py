"""A process that was paused wakes with calls in its queue whose time is over: they must not begin any more."""

from __future__ import annotations

import asyncio
import time

import pytest
import rude_server as rude
from http_stage import Stage, outcome
from rude_server import OK, RudeServer, Visit

from outrider.lib.http import lane
from outrider.lib.http.pool import Pool
from outrider.lib.http.wire import Limits, NotSent, Response


class Later:
    """The time of a process that stood still for so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def monotonic(self) -> float:
        return time.monotonic() + self._seconds


@pytest.mark.parametrize(("pause", "sent"), [(0.0, 3), (3.0, 3), (6.0, 1), (3600.0, 1)])
def test_a_call_that_waited_through_a_pause_longer_than_its_deadline_is_not_sent(
    monkeypatch: pytest.MonkeyPatch, pause: float, sent: int
) -> None:
    """The first answer comes in the same round of the loop in which the process wakes, before any timer."""
    asked: list[bytes] = []

    async def scenario() -> list[Response | Exception]:
        awake = asyncio.Event()

        async def answer(visit: Visit) -> None:
            while request := await visit.request():
                asked.append(request)
                await awake.wait()
                await visit.send(OK)

        server = RudeServer(answer, rude.answers(OK))
        url = await server.start()
        http = Pool(Limits(connections=1))
        calls = [asyncio.create_task(outcome(http, url, 5.0)) for _ in range(3)]
        await server.until_visits(1)
        monkeypatch.setattr(lane, "time", Later(pause))
        awake.set()
        results = await asyncio.gather(*calls)
        await http.close()
        await server.stop()
        return results

    stage = Stage("pool", "asyncio")
    with stage.runner:
        results = stage.run(scenario())
    assert isinstance(results[0], Response)
    assert len(asked) == sent
    assert sum(isinstance(result, NotSent) for result in results) == 3 - sent
