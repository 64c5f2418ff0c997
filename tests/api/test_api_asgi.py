"""Bodies as the server hands them over: whole, in parts, too large, or broken off."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.api.asgi import Gone, answering, check_method, read_body
from outrider.api.problems import Problem

MOST = 20


def read(parts: list[bytes], *, length: bytes | None = None, gone: bool = False) -> tuple[bytes, int]:
    """The body of some parts, and how many messages were taken."""
    messages: list[MutableMapping[str, Any]] = [
        {"type": "http.request", "body": part, "more_body": gone or n < len(parts) - 1} for n, part in enumerate(parts)
    ]
    if gone:
        messages.append({"type": "http.disconnect"})
    waiting: Iterator[MutableMapping[str, Any]] = iter(messages)
    taken = 0

    async def receive() -> MutableMapping[str, Any]:
        nonlocal taken
        taken += 1
        return next(waiting)

    headers = [] if length is None else [(b"content-length", length)]
    return asyncio.run(read_body({"headers": headers}, receive, MOST)), taken


@given(st.lists(st.binary(max_size=6), min_size=1, max_size=6))
def test_a_body_is_whole_however_it_is_cut(parts: list[bytes]) -> None:
    whole = b"".join(parts)
    if len(whole) <= MOST:
        assert read(parts) == (whole, len(parts))
    else:
        with pytest.raises(Problem) as refused:
            read(parts)
        assert refused.value.kind.status == 413


def test_a_declared_length_beyond_the_limit_is_refused_before_anything_is_read() -> None:
    with pytest.raises(Problem) as refused:
        read([], length=b"21")
    assert refused.value.kind.status == 413
    assert read([b"x" * 20], length=b"20") == (b"x" * 20, 1)


@pytest.mark.parametrize("parts", [[], [b"half"]])
def test_a_client_that_goes_away_gets_no_answer(parts: list[bytes]) -> None:
    with pytest.raises(Gone):
        read(parts, gone=True)
    sent: list[Any] = []

    async def route(scope: Any, receive: Any, send: Any) -> None:
        raise Gone

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(answering(route)({"type": "http"}, None, send))  # type: ignore[arg-type]
    assert sent == []


def test_methods_are_checked_and_named() -> None:
    check_method({"method": "GET"}, "GET", "POST")
    with pytest.raises(Problem) as refused:
        check_method({"method": "PUT"}, "GET", "POST")
    assert refused.value.headers == [("allow", "GET, POST")]
