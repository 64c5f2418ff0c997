"""`POST /v1/acknowledgements`, plain ASGI: apps prove that a message arrived or was seen; the token is their proof."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec
import structlog
from msgspec import Meta

from outrider.api.asgi import Receive, Route, Scope, Send, answering, check_method, read_body, send_empty, send_json
from outrider.api.deps import ApiDeps
from outrider.api.problems import FORBIDDEN, REJECTED, TOO_MANY, UNREADABLE, Problem, Wrong
from outrider.contracts.provider import Forged
from outrider.delivery.throttle import TokenBucket
from outrider.domain.receipt import Receipt, ReceiptStatus, Reported, plausible
from outrider.receipts.acknowledgment import ACKNOWLEDGE_PATH, TooLate

log = structlog.get_logger(__name__)

PATH = ACKNOWLEDGE_PATH
#: Acknowledgments in one request, and the bytes they may take.
MOST, LARGEST = 100, 32 * 1024
#: Requests a second and process; beyond that apps are asked to come again. Far above what one process sends.
PER_SECOND = 2000.0
#: In the place of an account's name where receipts are stored.
ACCOUNT = "acknowledgements"
#: What became of one acknowledgment of a list.
STORED, FORGED, LATE = "stored", "forged", "late"
REFUSALS = {
    FORGED: "$.token: it is no token of ours",
    LATE: "$.token: the time to acknowledge this message is over",
}


class State(StrEnum):
    """What an app can say of a message."""

    DELIVERED = "delivered"
    SEEN = "seen"


STATUSES = {State.DELIVERED: ReceiptStatus.DELIVERED, State.SEEN: ReceiptStatus.SEEN}


class Acknowledgment(msgspec.Struct, frozen=True):
    """One message that arrived."""

    #: `outrider_acknowledgment` of the message's data.
    token: Annotated[str, Meta(min_length=1, max_length=200)]
    state: State
    #: When it happened, where that is not now.
    at: Annotated[datetime, Meta(tz=True)] | None = None


class AcknowledgmentResult(msgspec.Struct, frozen=True):
    """What became of one acknowledgment: stored, forged, or late (the time to acknowledge it is over)."""

    status: str


class AcknowledgmentAnswer(msgspec.Struct, frozen=True):
    """What became of a list, in its order."""

    results: list[AcknowledgmentResult]


_GIVEN = Acknowledgment | Annotated[list[Acknowledgment], Meta(min_length=1, max_length=MOST)]
_decode: Callable[[bytes], Acknowledgment | list[Acknowledgment]] = msgspec.json.Decoder(_GIVEN).decode
_encode = msgspec.json.Encoder().encode


def acknowledgements_route(deps: ApiDeps) -> Route:
    """The route as an ASGI application."""
    bucket = TokenBucket(PER_SECOND)

    async def take(scope: Scope, receive: Receive, send: Send) -> None:
        check_method(scope, "POST")
        if bucket.wait(deps.clock.monotonic()):
            raise Problem(TOO_MANY, headers=[("retry-after", "1")])
        given = read(await read_body(scope, receive, LARGEST))
        results = await store(deps, given if isinstance(given, list) else [given])
        if isinstance(given, list):
            answer = AcknowledgmentAnswer([AcknowledgmentResult(status) for status in results])
            await send_json(send, 200, _encode(answer))
        elif results == [STORED]:
            await send_empty(send, 204)
        else:
            raise Problem(FORBIDDEN, REFUSALS[results[0]])

    return answering(take)


def read(body: bytes) -> Acknowledgment | list[Acknowledgment]:
    """One or several acknowledgments. Raises Problem (400, 422) that names the place."""
    try:
        return _decode(body)
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at `")
        raise Problem(REJECTED, errors=[Wrong(path.rstrip("`") or "$", text[:1].lower() + text[1:])]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Problem(UNREADABLE, "expected JSON: an acknowledgment or a list of them") from None


async def store(deps: ApiDeps, given: Sequence[Acknowledgment]) -> list[str]:
    """Store what is genuine and in time, as receipts; what became of each. Raises Unavailable."""
    now = deps.clock.now()
    results, reported = [], []
    for one in given:
        try:
            message, number = deps.acknowledgments.read(one.token, now)
        except Forged:
            results.append(FORGED)
        except TooLate:
            results.append(LATE)
        else:
            results.append(STORED)
            reported.append(Reported(ACCOUNT, _receipt(one, now), now, (message, number)))
    if reported:
        await deps.reporter.report(reported)
    _count(deps, results)
    return results


def _receipt(given: Acknowledgment, now: datetime) -> Receipt:
    """An app's clock may be ahead: what it says cannot lie in the future."""
    at = min(plausible(given.at, now) or now, now)
    return Receipt("", STATUSES[given.state], detail="acknowledged by the app", at=at)


def _count(deps: ApiDeps, results: Sequence[str]) -> None:
    for status in results:
        deps.metrics.acknowledged.labels(status).inc()
    if FORGED in results:
        log.warning("an acknowledgment was forged", count=results.count(FORGED))
