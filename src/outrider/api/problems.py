"""Errors as RFC 9457 problem documents, everywhere the same."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

import msgspec
import structlog
from litestar import MediaType, Request, Response, get
from litestar.exceptions import HTTPException, ValidationException
from litestar.params import FromPath

from outrider.api.wording import worded
from outrider.contracts.reading_store import Unavailable
from outrider.lib.redact import trace_of

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"


class Kind(msgspec.Struct, frozen=True):
    """One kind of problem: the last part of its type URI, its status, its title, and what to do."""

    slug: str
    status: int
    title: str
    advice: str


UNREADABLE = Kind("unreadable-request", 400, "The request cannot be read", "Correct the request as `errors` says.")
UNAUTHENTICATED = Kind(
    "unauthenticated", 401, "No valid API key", "Send `Authorization: Bearer ork_…` with a key that is not over."
)
FORBIDDEN = Kind("forbidden", 403, "The API key does not allow this", "Use a key with the scope `detail` names.")
NOT_FOUND = Kind("not-found", 404, "There is no such thing here", "Check the path and the id.")
NO_METHOD = Kind("method-not-allowed", 405, "The method is not allowed here", "The header Allow names those that are.")
CONFLICT = Kind("conflict", 409, "The request does not fit the present state", "Read the state again.")
TOO_LARGE = Kind("too-large", 413, "The request is too large", "Send less in one request; `detail` names the limit.")
MEDIA = Kind("unsupported-content-type", 415, "The content type is not read here", "Send one that `detail` names.")
TOO_MANY = Kind("too-many-requests", 429, "Too many requests at once", "Repeat the same request after `Retry-After`.")
KEY_REUSED = Kind(
    "idempotency-key-reused",
    422,
    "The Idempotency-Key belongs to another request",
    "Send a new request under a new key; repeat a request with the same body.",
)
REJECTED = Kind("rejected", 422, "The content is not acceptable", "Correct the places named in `errors`.")
INTERNAL = Kind("internal", 500, "Something went wrong on our side", "Tell the operator the id in `instance`.")
UNAVAILABLE = Kind("unavailable", 503, "The store does not answer", "Repeat the same request after `Retry-After`.")

KINDS = {
    kind.slug: kind
    for kind in (
        *(UNREADABLE, UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, NO_METHOD, CONFLICT, TOO_LARGE, MEDIA, KEY_REUSED),
        *(REJECTED, TOO_MANY, INTERNAL, UNAVAILABLE),
    )
}
_BY_STATUS = {kind.status: kind for kind in KINDS.values()}


class Wrong(msgspec.Struct, frozen=True):
    """One thing that is wrong: a JSON path into the body, or the name of a parameter, and the reason."""

    path: str
    reason: str


class ProblemDocument(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a client gets."""

    type: str
    title: str
    status: int
    detail: str = ""
    errors: tuple[Wrong, ...] = ()
    #: The id of this occurrence in our log.
    instance: str = ""


class Problem(Exception):
    """Ends a request with a problem document."""

    def __init__(
        self, kind: Kind, detail: str = "", errors: Sequence[Wrong] = (), headers: Sequence[tuple[str, str]] = ()
    ) -> None:
        super().__init__(detail or kind.title)
        self.kind = kind
        self.headers = headers
        self.document = ProblemDocument(f"/problems/{kind.slug}", kind.title, kind.status, detail, tuple(errors))


def rejected(path: str, reason: str) -> Problem:
    """One place of the body that is not acceptable."""
    return Problem(REJECTED, errors=[Wrong(path, reason)])


def unknown_parameter(name: str, reason: str) -> Problem:
    """A query parameter that cannot be read."""
    return Problem(UNREADABLE, errors=[Wrong(name, reason)])


def problem_of(error: Exception) -> Problem:
    """The problem behind any exception; what is not meant for the client is logged under an id."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Unavailable):
        return Problem(UNAVAILABLE, str(error), headers=[("retry-after", "1")])
    if isinstance(error, HTTPException) and error.status_code < 500:
        return _of_framework(error)
    if isinstance(error, RecursionError) and trace_of(error)[0].endswith(" decode_json"):
        return Problem(UNREADABLE, errors=[Wrong("$", "nested too deep")])
    return _unexpected(error)


def _of_framework(error: HTTPException) -> Problem:
    kind = _BY_STATUS.get(error.status_code, UNREADABLE)
    headers = [(name, value) for name, value in (error.headers or {}).items()]
    if isinstance(error, ValidationException):
        return Problem(kind, errors=_validation(error.extra), headers=headers)
    detail = error.detail if kind in (UNREADABLE, MEDIA) else ""
    return Problem(kind, detail, headers=headers)


def _validation(extra: Any) -> list[Wrong]:
    found = extra if isinstance(extra, list) else []
    return [_wrong(each) for each in found if isinstance(each, dict)]


def _wrong(each: dict[str, Any]) -> Wrong:
    """The framework's finding: a body's key as a JSON path, a parameter's name as it is."""
    key, message = str(each.get("key", "")), str(each.get("message", ""))
    path, reason = worded(message, key)
    if each.get("source") in (None, "body"):
        key = path or (f"$.{key}" if key and key != "data" else "$")
    return Wrong(key, reason)


def _unexpected(error: Exception) -> Problem:
    identifier = f"err_{secrets.token_hex(8)}"
    log.error("a request failed", error_id=identifier, error=type(error).__name__, trace=trace_of(error))
    problem = Problem(INTERNAL)
    problem.document = msgspec.structs.replace(problem.document, instance=identifier)
    return problem


def answer_problem(_: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The exception handler of the framework."""
    problem = problem_of(error)
    return Response(
        msgspec.json.encode(problem.document),
        media_type=MEDIA_TYPE,
        status_code=problem.kind.status,
        headers=dict(problem.headers),
    )


class ProblemKind(msgspec.Struct, frozen=True):
    """What a type URI stands for."""

    type: str
    title: str
    status: int
    advice: str


@get("/problems/{slug:str}", media_type=MediaType.JSON, tags=["operations"], summary="Explain a problem type")
async def show_problem(slug: FromPath[str]) -> ProblemKind:
    """What the `type` of a problem document stands for."""
    kind = KINDS.get(slug)
    if kind is None:
        raise Problem(NOT_FOUND)
    return ProblemKind(f"/problems/{slug}", kind.title, kind.status, kind.advice)
