"""Events go to the API in batches, consents before them; what the API refuses ends the demo with its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from outrider.contracts.http import NotSent, Request, Response
from outrider.demo import feeding
from outrider.demo.feeding import CannotFeed, Feeder
from outrider.demo.story import Told

NOW = datetime(2026, 7, 14, 9, 30, tzinfo=UTC)


class StillClock:
    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0


class Api:
    """Answers as told and remembers what it got."""

    def __init__(self, *answers: Response | Exception | Callable[[list[Any]], Response]) -> None:
        self.answers = list(answers)
        self.requests: list[Request] = []

    async def send(self, request: Request, deadline: float) -> Response:
        self.requests.append(request)
        if request.url.endswith("/v1/consents"):
            return Response(202)
        answer = self.answers.pop(0) if self.answers else accept
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Response) else answer(msgspec.json.decode(request.body))

    async def close(self) -> None:
        return None


def accept(events: list[Any], status: str = "accepted") -> Response:
    counts = {"accepted": 0, "duplicates": 0, "rejected": 0}
    counts["duplicates" if status == "duplicate" else status] = len(events)
    return Response(202, body=msgspec.json.encode({**counts, "results": [{"status": status}] * len(events)}))


def told(identifier: str, *, offers: bool = False, late: float = 0.0) -> Told:
    customer = {"id": f"c-{identifier}", "offers": offers}
    event = {"id": identifier, "source": "/bookings", "type": "booking.confirmed", "data": {"customer": customer}}
    return Told(NOW - timedelta(seconds=late), event)


def fed(api: Api, *events: Told) -> Feeder:
    feeder = Feeder(api, StillClock(), "http://api", "ork_key")
    asyncio.run(feeder.feed(events))
    return feeder


def test_what_is_due_goes_in_one_batch_with_the_key() -> None:
    api = Api()
    feeder = fed(api, told("1", late=1), told("2"))
    (request,) = api.requests
    assert [event["id"] for event in msgspec.json.decode(request.body)] == ["1", "2"]
    assert dict(request.headers) == {
        "content-type": "application/cloudevents-batch+json",
        "authorization": "Bearer ork_key",
    }
    assert (feeder.accepted, feeder.names) == (2, [("/bookings", "1"), ("/bookings", "2")])


def test_more_than_the_api_takes_at_once_goes_in_several_batches_in_order() -> None:
    api = Api()
    feeder = fed(api, *(told(str(number), late=1) for number in range(feeding.MOST + 2)))
    assert [len(msgspec.json.decode(request.body)) for request in api.requests] == [feeding.MOST, 2]
    assert [name for _, name in feeder.names] == [str(number) for number in range(feeding.MOST + 2)]


def test_a_consent_is_recorded_before_the_booking_it_came_with() -> None:
    api = Api()
    fed(api, told("1", offers=True), told("2"))
    assert [request.url for request in api.requests] == ["http://api/v1/consents", "http://api/v1/events"]
    assert msgspec.json.decode(api.requests[0].body) == {
        "profile": "c-1",
        "purpose": "commercial",
        "state": "granted",
        "source": "booking form",
    }


def test_a_repeat_the_api_knows_counts_as_accepted_and_a_rejected_event_does_not() -> None:
    assert fed(Api(lambda events: accept(events, "duplicate")), told("1")).accepted == 1
    rejected = fed(Api(lambda events: accept(events, "rejected")), told("1"))
    assert (rejected.accepted, rejected.rejected, rejected.names) == (0, 1, [])


def test_a_batch_is_sent_again_after_a_broken_connection_and_after_a_server_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feeding, "TICK", 0)
    api = Api(NotSent("nobody there"), Response(503), accept)
    assert fed(api, told("1")).accepted == 1
    assert len(api.requests) == 3


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ([Response(401, body=b"no such key")], "POST /v1/events answered 401: no such key"),
        ([Response(503, body=b"busy")] * feeding.TRIES, "POST /v1/events answered 503: busy"),
        ([NotSent("nobody there")] * feeding.TRIES, "POST /v1/events: nobody there"),
    ],
)
def test_what_does_not_work_out_says_what_the_api_answered(
    answers: list[Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeding, "TICK", 0)
    with pytest.raises(CannotFeed, match=words):
        fed(Api(*answers), told("1"))
