"""The few words the hot routes need of ASGI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

import msgspec

from outrider.api.problems import MEDIA_TYPE, NO_METHOD, TOO_LARGE, Problem, problem_of

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Route = Callable[[Scope, Receive, Send], Awaitable[None]]

#: Nothing we answer belongs into a cache or may be guessed to be something else.
SAFE = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
_JSON = (*SAFE, (b"content-type", b"application/json"))


class Gone(Exception):
    """The client went away before its request was complete."""


def header(scope: Scope, name: bytes) -> bytes | None:
    """The first header of a lower-case name."""
    for key, value in scope["headers"]:
        if key == name:
            found: bytes = value
            return found
    return None


def check_method(scope: Scope, *allowed: str) -> None:
    """Raises Problem (405)."""
    if scope["method"] not in allowed:
        raise Problem(NO_METHOD, headers=[("allow", ", ".join(allowed))])


async def read_body(scope: Scope, receive: Receive, most: int) -> bytes:
    """The whole body. Raises Problem (413) without reading further than `most` bytes, and Gone."""
    length = header(scope, b"content-length")
    if length is not None and length.isdigit() and int(length) > most:
        raise _too_large(most)
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body", False):
        return _within(bytes(message.get("body", b"")), most)
    parts = []
    size = 0
    while message["type"] == "http.request":
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            raise _too_large(most)
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)
        message = await receive()
    raise Gone


def _within(body: bytes, most: int) -> bytes:
    if len(body) > most:
        raise _too_large(most)
    return body


def _too_large(most: int) -> Problem:
    return Problem(TOO_LARGE, f"the body is limited to {most} bytes")


async def send_json(send: Send, status: int, body: bytes) -> None:
    """Answer with JSON."""
    await _send(send, status, _JSON, body)


async def send_page(send: Send, body: bytes, policy: str, status: int = 200) -> None:
    """Answer with an HTML page under a content security policy; where it leads to learns nothing of its address."""
    own = (
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-security-policy", policy.encode()),
        (b"referrer-policy", b"no-referrer"),
    )
    await _send(send, status, (*SAFE, *own), body)


async def send_empty(send: Send, status: int) -> None:
    """Answer without a body."""
    await _send(send, status, SAFE, b"")


async def send_problem(send: Send, problem: Problem) -> None:
    """Answer with a problem document."""
    own = [(name.encode(), value.encode("latin-1", "replace")) for name, value in problem.headers]
    headers = [*SAFE, (b"content-type", MEDIA_TYPE.encode()), *own]
    await _send(send, problem.kind.status, headers, msgspec.json.encode(problem.document))


async def _send(send: Send, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> None:
    length = [] if status == 204 else [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
    await send({"type": "http.response.body", "body": body})


def answering(route: Route) -> Route:
    """A route whose exceptions become problem documents; a client that went away gets nothing."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await route(scope, receive, send)
        except Gone:
            return
        except Exception as error:
            await send_problem(send, problem_of(error))

    return answer
