"""Sends the day's events over HTTP when they are due, and the consents that customers gave with their bookings."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from outrider.contracts.http import Broken, Http, NotSent, Request, Response
from outrider.demo.story import Told
from outrider.lib.clock import Clock

#: Events that are due within this are sent together.
TICK = 0.1
DEADLINE = 10.0
#: Events in one batch, as the API takes them.
MOST = 1000
#: An event is safe to repeat: the API knows it by source and id.
TRIES = 5
BATCH = "application/cloudevents-batch+json"


class CannotFeed(ConnectionError):
    """The API refuses what the demo sends; the text has its answer."""


@dataclass
class Feeder:
    """Feeds one run."""

    http: Http
    clock: Clock
    url: str
    key: str
    #: Events the API has accepted, those it knew already included.
    accepted: int = 0
    rejected: int = 0
    _names: list[tuple[str, str]] = field(default_factory=list)

    @property
    def names(self) -> list[tuple[str, str]]:
        """Source and id of every event the API confirmed."""
        return self._names

    async def feed(self, told: Sequence[Told]) -> None:
        """Send every event when it is due, in order. Raises CannotFeed."""
        waiting = list(told)
        while waiting:
            now = self.clock.now()
            due = [one for one in waiting[:MOST] if one.at <= now]
            if due:
                waiting = waiting[len(due) :]
                await self._send(due)
            else:
                await asyncio.sleep(TICK)

    async def _send(self, due: Sequence[Told]) -> None:
        await self._consents(due)
        events = [one.event for one in due]
        answer = await self._post("/v1/events", BATCH, events)
        counts = msgspec.json.decode(answer.body)
        self.accepted += counts["accepted"] + counts["duplicates"]
        self.rejected += counts["rejected"]
        taken = zip(events, counts["results"], strict=True)
        self._names += [(event["source"], event["id"]) for event, result in taken if result["status"] != "rejected"]

    async def _consents(self, due: Sequence[Told]) -> None:
        """A mapping carries facts, not consents: who agreed to offers is told to the ledger, with where and when."""
        agreed = {one.customer for one in due if one.event["data"]["customer"].get("offers")}
        lines = [
            {"profile": customer, "purpose": "commercial", "state": "granted", "source": "booking form"}
            for customer in sorted(agreed)
        ]
        await asyncio.gather(*(self._post("/v1/consents", "application/json", line) for line in lines))

    async def _post(self, path: str, media: str, document: object) -> Response:
        headers = (("content-type", media), ("authorization", f"Bearer {self.key}"))
        request = Request("POST", self.url + path, headers, msgspec.json.encode(document))
        for left in reversed(range(TRIES)):
            try:
                answer = await self.http.send(request, DEADLINE)
            except (NotSent, Broken) as error:
                if not left:
                    raise CannotFeed(f"POST {path}: {error}") from error
            else:
                if answer.status == 202:
                    return answer
                if answer.status < 500 or not left:
                    raise CannotFeed(f"POST {path} answered {answer.status}: {answer.body.decode()[:400]}")
            await asyncio.sleep(TICK)
        raise AssertionError("every try either returns or raises")
