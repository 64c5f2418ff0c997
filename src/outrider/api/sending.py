"""`POST /v1/messages`: one template to one profile or address, once for each Idempotency-Key.

Keys follow draft-ietf-httpapi-idempotency-key-header-07: without one 400, with another body 422. They are kept for
seven days, within the API key that was used and this route. A repeat of a request that is under way waits for it and
gets the same bytes.
"""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec
from litestar import Request, Response, post
from litestar.di import Provide
from litestar.params import HeaderParameter, JSONBody

from outrider.api.deps import ApiDeps, Deps
from outrider.api.keys import needs
from outrider.api.problems import KEY_REUSED, UNREADABLE, Problem, Wrong
from outrider.api.send_checks import Checked, SendIn, check, check_storable
from outrider.api.shown import DecisionDetail, explain_decision
from outrider.api.writing import Seconds, until, wait_seconds
from outrider.contracts.reading_store import Unavailable
from outrider.domain.direct import address_profile
from outrider.domain.entry import Entry, SendEntry
from outrider.domain.request import KeptAnswer, KeyedRequest
from outrider.ingest.mapping import PROFILE
from outrider.lib.ids import Hasher, new_id, shard_of_stream, write_id

T = TypeVar("T")

ROUTE = "POST /v1/messages"
HEADER = "Idempotency-Key"
#: Longest key (Stripe's limit).
LONGEST = 255
#: Digits of the status before the body of a kept answer.
STATUS = 3

ChosenKey = Annotated[
    str | None,
    HeaderParameter(
        name=HEADER, description=f"Required: 1 to {LONGEST} characters of your choice, for this request only."
    ),
]


class SendAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of the request so far."""

    #: Of the message, and with `dec_` of its decision.
    id: str
    #: accepted: durable, not decided yet. decided: see `decision`.
    status: str
    #: The first decision, where the caller waited for it.
    decision: DecisionDetail | None = None


class Asked(msgspec.Struct, frozen=True):
    """Who asks what under which key, as hashes."""

    key: bytes
    fingerprint: bytes


@post(
    "/",
    status_code=202,
    guards=[needs("messages:write")],
    dependencies={"seconds": Provide(wait_seconds)},
    summary="Send a message",
)
async def post_message(
    data: JSONBody[SendIn],
    deps: Deps,
    request: Request[Any, Any, Any],
    seconds: Seconds,
    idempotency_key: ChosenKey = None,
) -> Response[SendAnswer]:
    """Ask for one message: it passes the same gates as every other, and its decision is recorded.

    202 with its id once durable; with `?wait=applied` 200 with the first decision. The same key and body get the same
    answer for seven days; the same key with another body is refused (422) and changes nothing.
    """
    check_storable(data)
    asked = identify(deps.hasher, request.state.grant.credential, idempotency_key, data)
    kept = await _keep(deps, asked, data, seconds)
    refuse_another_body(asked, kept)
    return _response(kept.answer or await _settled(deps, asked, kept, seconds))


def identify(hasher: Hasher, credential: str, key: str | None, data: SendIn) -> Asked:
    """The hashes of a request. Raises Problem (400) without a key that can be used."""
    if not key or len(key) > LONGEST:
        raise Problem(UNREADABLE, errors=[Wrong(HEADER, f"expected a key of 1 to {LONGEST} characters")])
    canonical = msgspec.json.encode(data, order="deterministic").decode()
    return Asked(hasher.request(credential, ROUTE, key), hasher.fingerprint(canonical))


async def _keep(deps: ApiDeps, asked: Asked, data: SendIn, seconds: float) -> KeptAnswer:
    """Append, or find what is kept. A repeat is answered even if the configuration no longer allows the request."""
    try:
        checked = check(data, deps.configuration())
    except Problem:
        kept = await _confirmed(deps.log.kept_answer(asked.key))
        if kept is None:
            raise
        return kept
    number = deps.configuration().number
    keyed = keyed_request(deps.hasher, asked, data, checked, number, deps.clock.now())
    if seconds:
        keyed = msgspec.structs.replace(keyed, answer=b"")
    return await deps.appender.append_once(keyed)


def refuse_another_body(asked: Asked, kept: KeptAnswer) -> None:
    """Raises Problem (422) when the key was used for another request."""
    if kept.fingerprint != asked.fingerprint:
        raise Problem(KEY_REUSED, "the key was used with another body before")


def keyed_request(
    hasher: Hasher, asked: Asked, data: SendIn, checked: Checked, config: int, now: datetime
) -> KeyedRequest:
    """The request's entry and the answer that says it is accepted."""
    key = data.to.profile or ""
    if checked.address is not None:
        key = address_profile(hasher.address(checked.address.channel, checked.address.value))
    stream = hasher.stream(PROFILE, key)
    message = new_id(now, shard_of_stream(stream), asked.key)
    body = SendEntry(
        message=message,
        profile=key,
        template=data.template,
        purpose=checked.purpose,
        strategy=checked.strategy,
        valid_for=checked.valid_for,
        config=config,
        values=checked.values,
        time_critical=data.time_critical,
        address=checked.address,
        market=checked.market,
        locale=data.to.locale,
        zone=data.to.zone,
        dedupe=hasher.dedupe(data.dedupe_key) if data.dedupe_key else None,
    )
    return KeyedRequest(asked.key, asked.fingerprint, Entry(stream, body, now), message, accepted(message))


def accepted(message: bytes) -> bytes:
    """The answer to a request that is durable and not decided yet."""
    return b"202" + msgspec.json.encode(SendAnswer(write_id("msg", message), "accepted"))


async def _settled(deps: ApiDeps, asked: Asked, kept: KeptAnswer, seconds: float) -> bytes:
    """The answer of a request that nobody was answered yet: with its decision, if that comes in time."""
    answer = accepted(kept.message)
    if await until(deps, seconds, lambda: _is_decided(deps, kept.message)):
        lines = await deps.reading.decision(kept.message)
        detail = explain_decision(lines[0], pii=False)
        answer = b"200" + msgspec.json.encode(SendAnswer(write_id("msg", kept.message), "decided", detail))
    return await _confirmed(deps.log.settle_answer(asked.key, answer))


async def _confirmed(question: Awaitable[T]) -> T:
    """What the store says. Raises Unavailable."""
    try:
        return await question
    except Exception as error:
        raise Unavailable(f"the event log did not confirm ({type(error).__name__})") from error


async def _is_decided(deps: ApiDeps, message: bytes) -> bool:
    return bool(await deps.reading.decision(message))


def _response(answer: bytes) -> Response[Any]:
    return Response(answer[STATUS:], status_code=int(answer[:STATUS]), media_type="application/json")
