"""`POST /v1/events`, plain ASGI: CloudEvents in, durable, answered."""

from __future__ import annotations

import msgspec

from outrider.api.asgi import Receive, Route, Scope, Send, answering, check_method, header, read_body, send_json
from outrider.api.deps import ApiDeps
from outrider.api.intake import REJECTED, Intake, IntakeAnswer, Taken
from outrider.api.problems import REJECTED as REJECTED_KIND
from outrider.api.problems import Problem, Wrong
from outrider.contracts.reading_store import Unavailable
from outrider.ingest.cloudevents import LARGEST_BODY

REFUSED = "it was rejected and is kept with the dead letters"

_encode = msgspec.json.Encoder().encode


def events_route(deps: ApiDeps) -> Route:
    """The route as an ASGI application."""
    intake = Intake(deps.hasher)

    async def take(scope: Scope, receive: Receive, send: Send) -> None:
        check_method(scope, "POST")
        await deps.keys.needs(header(scope, b"authorization"), "events:write")
        body = await read_body(scope, receive, LARGEST_BODY)
        taken = intake.take(scope["headers"], body, deps.configuration().mapper, deps.clock.now())
        answer = await store(deps, taken)
        if not taken.batch and answer.rejected:
            raise _refusal(answer)
        await send_json(send, 202, _encode(answer))

    return answering(take)


async def store(deps: ApiDeps, taken: Taken) -> IntakeAnswer:
    """Append what was accepted, then keep what was rejected. Raises Unavailable when either is not confirmed.

    In this order a repeat after a failure finds duplicates and buries the rejected ones once.
    """
    positions = await deps.appender.append(taken.entries) if taken.entries else []
    if taken.letters:
        try:
            await deps.log.bury(taken.letters)
        except Exception as error:
            raise Unavailable(f"the dead letters did not confirm ({type(error).__name__})") from error
    answer = taken.settle(positions)
    deps.metrics.accepted.inc(answer.accepted)
    deps.metrics.duplicates.inc(answer.duplicates)
    deps.metrics.rejected.inc(answer.rejected)
    return answer


def _refusal(answer: IntakeAnswer) -> Problem:
    wrong = [Wrong(each.path or "$", each.reason or "") for each in answer.results if each.status == REJECTED]
    return Problem(REJECTED_KIND, REFUSED, wrong)
