"""The pool's own promises: bounded connections in order of arrival, exact failures, nothing kept too long or leaked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
import rude_server as rude
import uvloop
from http_stage import BODY, PATIENCE, Stage, outcome
from hypothesis import given, settings
from hypothesis import strategies as st
from rude_server import OK, RudeServer, Visit

from outrider.lib.http.connection import Call
from outrider.lib.http.pool import Pool
from outrider.lib.http.wire import Broken, Limits, NotSent, Request, Response

URL_OF_NOBODY = "http://127.0.0.1:1/"


@pytest.fixture(params=["asyncio", "uvloop"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    stage = Stage("pool", request.param)
    with stage.runner:
        yield stage


class Gate:
    """A server that holds every answer back until it is opened."""

    def __init__(self) -> None:
        self.is_open = asyncio.Event()
        self.asked: list[bytes] = []
        self.server = RudeServer(self._behave)

    async def _behave(self, visit: Visit) -> None:
        while request := await visit.request():
            self.asked.append(request.rpartition(b"\r\n\r\n")[2])
            self.server.changed.set()
            await self.is_open.wait()
            await visit.send(OK)

    async def until_asked(self, count: int) -> None:
        """Return when `count` requests have arrived."""
        while len(self.asked) < count:
            self.server.changed.clear()
            await self.server.changed.wait()


def posting(http: Pool, url: str, body: bytes, deadline: float = PATIENCE) -> asyncio.Task[Response | Exception]:
    return asyncio.create_task(outcome(http, url, deadline, body=body))  # type: ignore[arg-type]


@pytest.mark.parametrize("connections", [1, 3])
def test_calls_beyond_the_limit_wait_their_turn(stage: Stage, connections: int) -> None:
    async def scenario() -> None:
        gate = Gate()
        url = await gate.server.start()
        http = Pool(Limits(connections=connections))
        bodies = [b"%d" % number for number in range(9)]
        calls = [posting(http, url, body) for body in bodies]
        await gate.server.until_visits(connections)
        gate.is_open.set()
        assert {getattr(result, "status", result) for result in await asyncio.gather(*calls)} == {200}
        assert len(gate.server.visits) == connections
        assert sorted(gate.asked) == bodies
        if connections == 1:
            assert gate.asked == bodies
        await http.close()
        await gate.server.stop()

    stage.run(scenario())


def test_a_full_queue_refuses_at_once(stage: Stage) -> None:
    async def scenario() -> None:
        gate = Gate()
        url = await gate.server.start()
        http = Pool(Limits(connections=1, waiting=1))
        first = posting(http, url, b"1")
        await gate.server.until_visits(1)
        second = posting(http, url, b"2")
        await asyncio.sleep(0)
        refused = await outcome(http, url)
        assert isinstance(refused, NotSent)
        assert "pool full" in str(refused)
        gate.is_open.set()
        assert isinstance(await first, Response)
        assert isinstance(await second, Response)
        await http.close()
        assert (await gate.server.stop()).count(b"POST") == 2

    stage.run(scenario())


def test_a_deadline_while_waiting_for_a_connection_is_not_sent(stage: Stage) -> None:
    async def scenario() -> None:
        server = RudeServer(rude.is_silent)
        url = await server.start()
        http = Pool(Limits(connections=1))
        first = posting(http, url, b"1")
        await server.until_visits(1)
        assert isinstance(await outcome(http, url, 0.05), NotSent)
        await http.close()
        assert isinstance(await first, Broken)
        assert (await server.stop()).count(b"POST") == 1

    stage.run(scenario())


def test_a_waiting_call_gets_a_new_connection_when_the_one_before_it_breaks(stage: Stage) -> None:
    async def scenario() -> None:
        server = RudeServer(rude.answers_then_resets(), rude.answers(OK))
        url = await server.start()
        http = Pool(Limits(connections=1))
        results = await asyncio.gather(posting(http, url, b"1"), posting(http, url, b"2"))
        assert [type(result) for result in results] == [Broken, Response]
        await http.close()
        await server.stop()

    stage.run(scenario())


def test_canceling_a_call_closes_its_connection_and_no_other(stage: Stage) -> None:
    async def scenario() -> None:
        gate = Gate()
        url = await gate.server.start()
        http = Pool(Limits(connections=1))
        sent, waiting, last = (posting(http, url, body) for body in (b"sent", b"waiting", b"last"))
        await gate.server.until_visits(1)
        await gate.until_asked(1)
        waiting.cancel()
        sent.cancel()
        await gate.until_asked(2)
        gate.is_open.set()
        assert isinstance(await last, Response)
        assert sent.cancelled()
        assert waiting.cancelled()
        assert len(gate.server.visits) == 2
        assert gate.asked == [b"sent", b"last"]
        await http.close()
        await gate.server.stop()

    stage.run(scenario())


def test_a_call_canceled_at_the_very_moment_of_its_turn_is_not_sent(stage: Stage) -> None:
    async def scenario() -> None:
        gate = Gate()
        url = await gate.server.start()
        http = Pool(Limits(connections=1))
        sent, waiting, last = (posting(http, url, body) for body in (b"sent", b"waiting", b"last"))
        await gate.until_asked(1)
        waiting.cancel()
        next(iter(http.sockets)).data_received(OK)
        gate.is_open.set()
        await gate.until_asked(2)
        assert gate.asked == [b"sent", b"last"]
        assert [type(result) for result in await asyncio.gather(sent, last)] == [Response, Response]
        await http.close()
        await gate.server.stop()

    stage.run(scenario())


def test_a_refusing_server_ends_every_waiting_call_as_not_sent(stage: Stage) -> None:
    async def scenario() -> None:
        http = Pool(Limits(connections=3))
        results = await asyncio.gather(*(outcome(http, URL_OF_NOBODY) for _ in range(20)))
        assert {type(result) for result in results} == {NotSent}
        await http.close()

    stage.run(scenario())


def test_a_deadline_while_connecting_is_not_sent(stage: Stage) -> None:
    async def scenario() -> None:
        server = RudeServer(rude.is_silent)
        url = (await server.start()).replace("http:", "https:")
        http = Pool()
        assert isinstance(await outcome(http, url, 0.05), NotSent)
        await http.close()
        assert b"POST" not in await server.stop()

    stage.run(scenario())


def test_an_unused_connection_is_closed_after_the_idle_time_and_its_lane_forgotten(stage: Stage) -> None:
    async def scenario() -> None:
        server = RudeServer(rude.answers(OK))
        url = await server.start()
        http = Pool(Limits(idle=0.05))
        assert isinstance(await outcome(http, url), Response)
        await server.until_visits_end()
        assert isinstance(await outcome(http, url), Response)
        assert len(server.visits) == 2
        await server.until_visits_end()
        while http._lanes:
            await asyncio.sleep(0)
        await http.close()
        await server.stop()

    stage.run(scenario())


def test_a_call_may_take_longer_than_the_idle_time(stage: Stage) -> None:
    async def scenario() -> None:
        gate = Gate()
        url = await gate.server.start()
        http = Pool(Limits(idle=0.03))
        slow = posting(http, url, b"slow")
        await gate.until_asked(1)
        assert isinstance(await outcome(http, url, 0.1), Broken)
        gate.is_open.set()
        assert isinstance(await slow, Response)
        await http.close()
        await gate.server.stop()

    stage.run(scenario())


class Losing:
    """A loop whose connections are lost before their opening is reported."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loop, name)

    async def create_connection(self, *arguments: Any, **options: Any) -> Any:
        transport, connection = await self._loop.create_connection(*arguments, **options)
        connection.drop()
        return transport, connection


def test_a_connection_lost_while_it_opens_is_not_sent(stage: Stage) -> None:
    async def scenario() -> None:
        server = RudeServer(rude.is_silent)
        url = await server.start()
        http = Pool(Limits(connections=2))
        http.loop = Losing(http.loop)  # type: ignore[assignment]
        results = await asyncio.gather(*(outcome(http, url) for _ in range(5)))
        assert {type(result) for result in results} == {NotSent}
        assert [lane._size for lane in http._lanes.values()] == [0]
        await http.close()
        assert not await server.stop()

    stage.run(scenario())


def test_a_deadline_after_the_answer_changes_nothing(stage: Stage) -> None:
    async def scenario() -> None:
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        call = Call(None, answer, b"GET ")  # type: ignore[arg-type]
        answer.set_result(Response(200))
        call.expire()
        assert answer.result() == Response(200)

    stage.run(scenario())


def test_a_server_that_keeps_connections_for_a_second_gets_a_new_one_each_time(stage: Stage) -> None:
    async def scenario() -> None:
        server = RudeServer(rude.answers(b"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1\r\nContent-Length: 0\r\n\r\n"))
        url = await server.start()
        http = Pool()
        for _ in range(3):
            assert isinstance(await outcome(http, url), Response)
        assert len(server.visits) == 3
        await http.close()
        await server.stop()

    stage.run(scenario())


def test_a_close_that_the_loop_has_not_come_to_yet_is_seen_before_writing(stage: Stage) -> None:
    async def scenario() -> None:
        server = RudeServer(rude.answers(OK))
        url = await server.start()
        http = Pool()
        for _ in range(3):
            assert isinstance(await outcome(http, url), Response)
            server.visits[-1].hang_up()
        assert len(server.visits) == 3
        await http.close()
        assert (await server.stop()).count(b"POST") == 3

    stage.run(scenario())


@pytest.mark.parametrize("surplus", [b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", b"junk"])
def test_an_answer_nobody_asked_for_is_never_given_to_the_next_call(stage: Stage, surplus: bytes) -> None:
    async def scenario() -> None:
        server = RudeServer(rude.answers(OK + surplus))
        url = await server.start()
        http = Pool()
        for _ in range(3):
            result = await outcome(http, url)
            assert isinstance(result, Response)
            assert result.body == b"ok"
        assert len(server.visits) == 3
        await http.close()
        await server.stop()

    stage.run(scenario())


def test_bytes_on_an_unused_connection_close_it(stage: Stage) -> None:
    async def scenario() -> None:
        server = RudeServer(rude.answers(OK))
        url = await server.start()
        http = Pool()
        assert isinstance(await outcome(http, url), Response)
        await server.visits[0].send(b"HTTP/1.1 408 Too Slow\r\nContent-Length: 0\r\n\r\n")
        await server.until_visits_end()
        result = await outcome(http, url)
        assert isinstance(result, Response)
        assert result.status == 200
        await http.close()
        await server.stop()

    stage.run(scenario())


def test_an_answer_before_the_whole_request_was_taken_is_heard_but_ends_the_connection(stage: Stage) -> None:
    async def refuse_early(visit: Visit) -> None:
        await visit.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await asyncio.Event().wait()

    async def scenario() -> None:
        server = RudeServer(refuse_early, rude.answers(OK))
        url = await server.start()
        http = Pool()
        results = [await outcome(http, url, body=b"x" * 30_000_000), await outcome(http, url)]
        assert [getattr(result, "status", result) for result in results] == [413, 200]
        await http.close()
        await server.stop()

    stage.run(scenario())


def test_closing_ends_waiting_calls_unsent_and_sent_ones_broken(stage: Stage) -> None:
    async def scenario() -> None:
        server = RudeServer(rude.is_silent)
        url = await server.start()
        http = Pool(Limits(connections=2))
        calls = [posting(http, url, b"%d" % number) for number in range(4)]
        opening = posting(http, url.replace("http:", "https:"), b"never")
        await server.until_visits(3)
        await http.close()
        ends = [type(result) for result in await asyncio.gather(*calls, opening)]
        assert ends == [Broken, Broken, NotSent, NotSent, NotSent]
        await server.until_visits_end()
        await asyncio.gather(http.close(), http.close())
        await server.stop()

    stage.run(scenario())


def test_a_large_request_arrives_whole(stage: Stage) -> None:
    async def scenario() -> None:
        server = RudeServer(rude.answers(OK))
        url = await server.start()
        http = Pool()
        body = bytes(range(256)) * 8000
        assert isinstance(await outcome(http, url, body=body), Response)
        await http.close()
        assert (await server.stop()).endswith(body)

    stage.run(scenario())


def test_many_calls_of_which_many_fail_leave_the_pool_in_order(stage: Stage) -> None:
    behaviors = (rude.answers(OK), rude.answers_then_resets(), rude.answers_then_closes(OK), rude.resets_at_once)

    async def scenario() -> None:
        server = RudeServer(*(behaviors * 40), rude.answers(OK))
        url = await server.start()
        http = Pool(Limits(connections=5))
        results = await asyncio.gather(*(outcome(http, url) for _ in range(300)))
        answered = sum(isinstance(result, Response) for result in results)
        unsent = sum(isinstance(result, NotSent) for result in results)
        assert 0 < answered < 300
        assert len(http.sockets) <= 5
        assert not [item for slot in http.wheel._slots.values() for item in slot if isinstance(item, Call)]
        await http.close()
        assert not http.sockets
        posts = (await server.stop()).count(b"POST")
        assert answered <= posts <= 300 - unsent

    stage.run(scenario())


PIECES = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.sampled_from(
            [b"HTTP/1.1 200 OK\r\n", b"Content-Length: 2\r\n", b"\r\n", b"ok", b"Transfer-Encoding: chunked"]
        ),
    ),
    max_size=8,
)


@pytest.fixture(params=[None, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest) -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=request.param) as runner:
        yield runner


def test_whatever_a_server_says_the_call_ends_as_promised(runner: asyncio.Runner) -> None:
    said: list[bytes] = []

    async def parrot(visit: Visit) -> None:
        await visit.request()
        await visit.send(*said)
        visit.close()

    async def start() -> tuple[RudeServer, str, Pool]:
        server = RudeServer(parrot)
        return server, await server.start(), Pool()

    async def one(http: Pool, url: str) -> None:
        async with asyncio.timeout(PATIENCE):
            try:
                assert isinstance(await http.send(Request("POST", url, (), BODY), PATIENCE), Response)
            except Broken:
                pass

    server, url, http = runner.run(start())

    @settings(max_examples=150, deadline=None)
    @given(PIECES)
    def fuzz(pieces: list[bytes]) -> None:
        said[:] = pieces
        runner.run(one(http, url))

    fuzz()
    runner.run(http.close())
    runner.run(server.stop())
