"""Sends events over HTTP, each again until it is confirmed: what was confirmed may never get lost."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from outrider.contracts.http import Broken, NotSent, Request, Response
from outrider.domain.purpose import Purpose
from outrider.lib.http import open_http
from outrider.testing.killing.company import event_of, person_of, purpose_of

#: Seconds for one request, and between tries of it.
DEADLINE = 5.0
AGAIN = 0.05


class Refused(Exception):
    """The API refused an event for good: a fault of the loop itself."""


class Feeder:
    """A number of senders that share one series of events."""

    def __init__(self, url: str, key: str, zone: str, *, pace: float, most_open: int, open_now: Callable[[], int]):
        """`pace` in events a second over all senders; while `open_now()` exceeds `most_open` nobody sends."""
        self._url = url
        self._headers = (("authorization", f"Bearer {key}"),)
        self._zone = zone
        self._pace = pace
        self._most_open = most_open
        self._open_now = open_now
        self._numbers = itertools.count(1)
        self._stopping = asyncio.Event()
        #: Events that were answered with success.
        self.confirmed: set[int] = set()
        self.tries = 0
        #: The highest number begun.
        self.newest = 0

    async def run(self, senders: int = 8) -> None:
        """Send until `stop`; returns when every event begun is confirmed. Raises Refused."""
        self._http = open_http()
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(senders):
                    group.create_task(self._send_on(senders))
        finally:
            await self._http.close()

    def stop(self) -> None:
        """Begin no further event."""
        self._stopping.set()

    async def _send_on(self, senders: int) -> None:
        while not self._stopping.is_set():
            if self._open_now() < self._most_open:
                self.newest = next(self._numbers)
                await self._send(self.newest)
            try:
                await asyncio.wait_for(self._stopping.wait(), senders / self._pace)
            except TimeoutError:
                continue

    async def send(self, numbers: range) -> None:
        """Send these events, one after the other, each until it is confirmed."""
        self._http = open_http()
        try:
            for number in numbers:
                await self._send(number)
        finally:
            await self._http.close()

    async def _send(self, number: int) -> None:
        if purpose_of(number) is Purpose.COMMERCIAL:
            consent = {"profile": person_of(number), "purpose": "commercial", "state": "granted", "source": "loop"}
            await self._post("/v1/consents", "application/json", consent)
        now = datetime.now(UTC)  # noqa: TID251 (real processes, real time)
        await self._post("/v1/events", "application/cloudevents+json", event_of(number, now, self._zone))
        self.confirmed.add(number)

    async def _post(self, path: str, kind: str, document: object) -> None:
        headers = (*self._headers, ("content-type", kind))
        request = Request("POST", self._url + path, headers, msgspec.json.encode(document))
        while True:
            self.tries += 1
            try:
                if self._is_done(await self._http.send(request, DEADLINE)):
                    return
            except (NotSent, Broken):
                pass
            await asyncio.sleep(AGAIN)

    @staticmethod
    def _is_done(answer: Response) -> bool:
        if 400 <= answer.status < 500 and answer.status != 429:
            raise Refused(f"{answer.status}: {answer.body.decode(errors='replace')}")
        return 200 <= answer.status < 300
