"""Callbacks are posted whatever happens to one of them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from outrider.contracts.http import NotSent, Request, Response
from outrider.sandbox.post import POSTERS, Post, Schedule

REQUEST = Request("POST", "http://127.0.0.1:9/cb")
TWICE = Schedule((1.0,), on_status=True)


class Transport:
    """Answers as told: a response, or an error to raise."""

    def __init__(self, *answers: Response | Exception) -> None:
        self.answers = list(answers)
        self.sent: list[Request] = []

    async def send(self, request: Request, deadline: float) -> Response:
        self.sent.append(request)
        answer = self.answers.pop(0) if self.answers else Response(204)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None:
        """Nothing to close."""


def test_an_error_nobody_expected_is_shown_and_stops_no_poster() -> None:
    shown: list[dict[str, Any]] = []

    async def scene() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: shown.append(context))
        letters = 2 * POSTERS
        transport = Transport(*[AttributeError("when")] * letters)
        post = Post(transport, retry_scale=0.0)
        for _ in range(letters):
            post.later(0.0, lambda: REQUEST, TWICE)
        await post.settled()
        assert (post.delivered, post.failed, post.lost, post.pending) == (letters, letters, 0, 0)
        assert len(transport.sent) == 2 * letters
        await post.close()

    asyncio.run(asyncio.wait_for(scene(), 30))
    assert {str(context["exception"]) for context in shown} == {"when"}
    assert len(shown) == 2 * POSTERS


def test_a_callback_that_cannot_be_written_is_lost_after_its_tries_and_the_others_go_out() -> None:
    async def scene() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        transport = Transport()
        post = Post(transport, retry_scale=0.0)

        def unwritable() -> Request:
            raise KeyError("token")

        post.later(0.0, unwritable, TWICE)
        post.later(0.0, lambda: REQUEST, TWICE)
        await post.settled()
        assert (post.delivered, post.failed, post.lost) == (1, 2, 1)
        await post.close()

    asyncio.run(asyncio.wait_for(scene(), 30))


def test_an_url_that_may_not_be_called_is_a_failed_try() -> None:
    async def scene() -> None:
        post = Post(Transport(ValueError("not a URL"), Response(500), Response(200)), retry_scale=0.0)
        post.later(0.0, lambda: REQUEST, TWICE)
        await post.settled()
        assert (post.delivered, post.failed, post.lost) == (0, 2, 1)
        post.later(0.0, lambda: REQUEST, Schedule((), on_status=False))
        await post.settled()
        assert (post.delivered, post.failed, post.lost) == (1, 2, 1)
        await post.close()

    asyncio.run(asyncio.wait_for(scene(), 30))


@pytest.mark.parametrize("answer", [Response(204), Response(500), NotSent("nobody there"), KeyError("token")])
def test_a_callback_under_way_at_a_reset_does_not_count_afterwards(answer: Response | Exception) -> None:
    class Slow(Transport):
        """Answers once it is told to."""

        async def send(self, request: Request, deadline: float) -> Response:
            await told.wait()
            return await super().send(request, deadline)

    told = asyncio.Event()

    async def scene() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)
        transport = Slow(answer)
        post = Post(transport, retry_scale=0.0)
        post.later(0.0, lambda: REQUEST, Schedule((), on_status=True))
        await asyncio.sleep(0)
        post.forget()
        told.set()
        post.later(0.0, lambda: REQUEST, TWICE)
        await post.settled()
        assert len(transport.sent) == 2
        assert (post.delivered, post.failed, post.lost, post.pending) == (1, 0, 0, 0)
        await post.close()

    asyncio.run(asyncio.wait_for(scene(), 30))
