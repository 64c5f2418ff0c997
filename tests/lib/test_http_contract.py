"""One suite for both HTTP clients: what they must answer, and that NotSent is never said of what a server saw."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import rude_server as rude
from http_stage import BODY, PATIENCE, Stage, outcome
from rude_server import OK, Certificate, RudeServer

from outrider.lib.http import open_http
from outrider.lib.http.fallback import Reqwest
from outrider.lib.http.pool import Pool
from outrider.lib.http.wire import Broken, Limits, NotSent, Request, Response


@pytest.fixture(params=["pool-asyncio", "pool-uvloop", "reqwest-asyncio"])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    stage = Stage(*request.param.split("-"))
    with stage.runner:
        yield stage


async def one_call(
    stage: Stage, behavior: rude.Behavior, deadline: float = PATIENCE, method: str = "POST"
) -> tuple[Response | Exception, bytes]:
    """One call to a server of that behavior: how it ended, and what the server saw of it."""
    server = RudeServer(behavior)
    url = await server.start()
    http = stage.open()
    result = await outcome(http, url, deadline, method)
    await http.close()
    return result, await server.stop()


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ANSWERS = [
    pytest.param((OK,), 200, b"ok", id="with a length"),
    pytest.param((OK[:9], OK[9:30], OK[30:]), 200, b"ok", id="with a length, in pieces"),
    pytest.param((CHUNKED, b"2\r\nok\r\n", b"0\r\n\r\n"), 200, b"ok", id="chunked"),
    pytest.param((CHUNKED + b"1;x=y\r\no\r\n1\r\nk\r\n0\r\nX-Sum: 7\r\n\r\n",), 200, b"ok", id="chunked with trailer"),
    pytest.param((b"HTTP/1.1 100 Continue\r\n\r\n", OK), 200, b"ok", id="after 100 Continue"),
    pytest.param((b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK,), 200, b"ok", id="after 103 Early Hints"),
    pytest.param((b"HTTP/1.1 204 No Content\r\n\r\n",), 204, b"", id="204 without a body"),
    pytest.param((b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",), 304, b"", id="304 without a body"),
    pytest.param((b"HTTP/1.1 500 Oops\r\nContent-Length: 3\r\n\r\nbad",), 500, b"bad", id="a server error"),
    pytest.param((b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",), 302, b"", id="a redirect"),
]


@pytest.mark.parametrize(("parts", "status", "body"), ANSWERS)
def test_an_answer_arrives_whole(stage: Stage, parts: tuple[bytes, ...], status: int, body: bytes) -> None:
    result, seen = stage.run(one_call(stage, rude.answers(*parts)))
    assert isinstance(result, Response), result
    assert (result.status, result.body) == (status, body)
    assert seen.startswith(b"POST /messages HTTP/1.1\r\n")
    assert seen.endswith(BODY)
    assert seen.count(b"POST") == 1


@pytest.mark.parametrize(
    "parts",
    [
        pytest.param((b"HTTP/1.1 200 OK\r\n\r\n", b"o", b"k"), id="1.1"),
        pytest.param((b"HTTP/1.0 200 OK\r\n\r\nok",), id="1.0"),
        pytest.param((b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",), id="announced close"),
    ],
)
def test_a_body_may_end_with_the_connection(stage: Stage, parts: tuple[bytes, ...]) -> None:
    result, _ = stage.run(one_call(stage, rude.answers_then_closes(*parts)))
    assert isinstance(result, Response), result
    assert result.body == b"ok"


def test_the_answer_to_head_has_no_body(stage: Stage) -> None:
    result, _ = stage.run(one_call(stage, rude.answers(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), method="HEAD"))
    assert isinstance(result, Response), result
    assert (result.status, result.body, result.headers["content-length"]) == (200, b"", "5")


def test_headers_are_lower_case_and_repeats_are_joined(stage: Stage) -> None:
    head = b"HTTP/1.1 200 OK\r\nX-One: a\r\nx-one:b \r\nX-Empty:\r\nX-Last: z\r\nContent-Length: 0\r\n\r\n"
    result, _ = stage.run(one_call(stage, rude.answers(head)))
    assert isinstance(result, Response), result
    assert {name: result.headers[name] for name in ("x-one", "x-empty", "x-last")} == {
        "x-one": "a, b",
        "x-empty": "",
        "x-last": "z",
    }


FAILURES = [
    pytest.param(rude.answers_then_closes(), id="closed instead of an answer"),
    pytest.param(rude.answers_then_resets(), id="reset after the request"),
    pytest.param(rude.answers_then_resets(OK[:20]), id="reset within the headers"),
    pytest.param(rude.answers_then_resets(OK[:-1]), id="reset within the body"),
    pytest.param(rude.answers_then_closes(OK[:-1]), id="body cut short"),
    pytest.param(rude.answers_then_closes(CHUNKED + b"5\r\nab"), id="chunk cut short"),
    pytest.param(rude.answers_then_closes(CHUNKED + b"2\r\nok\r\n"), id="last chunk missing"),
    pytest.param(rude.answers(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"), id="another protocol"),
    pytest.param(rude.answers(CHUNKED + b"zz\r\n\r\n"), id="bad chunk size"),
    pytest.param(rude.answers(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), id="bad length"),
    pytest.param(rude.answers(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536, b"x" * 65536), id="endless body"),
    pytest.param(rude.answers(CHUNKED, b"ffff\r\n", b"x" * 65535, b"\r\n", b"ffff\r\n", b"x" * 65535), id="too large"),
]


@pytest.mark.parametrize("behavior", FAILURES)
def test_a_failure_after_the_request_is_broken(stage: Stage, behavior: rude.Behavior) -> None:
    result, seen = stage.run(one_call(stage, behavior))
    assert isinstance(result, Broken), result
    assert seen.count(b"POST") <= 1


@pytest.mark.parametrize("behavior", [rude.resets_at_once, rude.closes_at_once])
def test_an_end_before_reading_is_never_claimed_unsent_when_bytes_arrived(
    stage: Stage, behavior: rude.Behavior
) -> None:
    result, seen = stage.run(one_call(stage, behavior))
    assert isinstance(result, Broken | NotSent), result
    assert not (isinstance(result, NotSent) and seen)


@pytest.mark.parametrize("behavior", [rude.is_silent, rude.never_reads, rude.answers(OK[:-1])])
def test_a_deadline_after_the_request_is_broken_and_kept(stage: Stage, behavior: rude.Behavior) -> None:
    started = time.monotonic()
    result, _ = stage.run(one_call(stage, behavior, deadline=0.5))
    assert isinstance(result, Broken), result
    assert time.monotonic() - started < PATIENCE


def test_a_deadline_that_is_over_before_the_call_sends_nothing(stage: Stage) -> None:
    result, seen = stage.run(one_call(stage, rude.answers(OK), deadline=0.0))
    assert isinstance(result, NotSent)
    assert not seen


#: Nobody listens there, and no connection is ever given that port: one to itself would succeed.
NOBODY = "http://127.0.0.1:1"


@pytest.mark.parametrize(
    "url",
    [
        pytest.param(lambda: f"{NOBODY}/", id="refused"),
        pytest.param(lambda: "http://nonexistent.invalid/", id="unknown name"),
        pytest.param(lambda: f"http://{'a' * 70}.invalid/", id="impossible name"),
    ],
)
def test_a_server_that_cannot_be_reached_was_sent_nothing(stage: Stage, url: Callable[[], str]) -> None:
    async def scenario() -> Response | Exception:
        http = stage.open(limits=Limits())
        try:
            return await outcome(http, url(), 10.0)
        finally:
            await http.close()

    assert isinstance(stage.run(scenario()), NotSent)


@pytest.mark.parametrize(
    ("name", "trusted", "expected"),
    [("127.0.0.1", True, Response), ("127.0.0.1", False, NotSent), ("elsewhere.invalid", True, NotSent)],
)
def test_only_a_trusted_certificate_of_the_right_name_gets_a_request(
    stage: Stage, tmp_path: Path, name: str, trusted: bool, expected: type
) -> None:
    async def scenario() -> tuple[Response | Exception, bytes]:
        certificate = Certificate(tmp_path, name)
        server = RudeServer(rude.answers(OK))
        url = await server.start(certificate.server_side())
        http = stage.open(certificate if trusted else None, Limits())
        result = await outcome(http, url)
        await http.close()
        return result, await server.stop()

    result, seen = stage.run(scenario())
    assert isinstance(result, expected), result
    assert bool(seen) == (expected is Response)


def test_a_tls_handshake_without_end_is_not_sent(stage: Stage) -> None:
    async def scenario() -> tuple[Response | Exception, bytes]:
        server = RudeServer(rude.is_silent)
        url = await server.start()
        http = stage.open()
        result = await outcome(http, url.replace("http:", "https:"))
        await http.close()
        return result, await server.stop()

    result, seen = stage.run(scenario())
    assert isinstance(result, NotSent), result
    assert b"POST" not in seen


def test_a_server_that_closes_between_requests_costs_no_call(stage: Stage) -> None:
    async def scenario() -> tuple[list[Response | Exception], int]:
        server = RudeServer(rude.answers_then_hangs_up(OK))
        url = await server.start()
        http = stage.open()
        results = []
        for _ in range(5):
            results.append(await outcome(http, url))
            await server.until_visits_end()
        await http.close()
        return results, (await server.stop()).count(b"POST")

    results, requests = stage.run(scenario())
    assert [getattr(result, "status", result) for result in results] == [200] * 5
    assert requests == 5


def test_calls_one_after_another_share_a_connection(stage: Stage) -> None:
    async def scenario() -> tuple[int, int]:
        server = RudeServer(rude.answers(OK))
        url = await server.start()
        http = stage.open()
        for _ in range(5):
            assert isinstance(await outcome(http, url), Response)
        await http.close()
        return len(server.visits), (await server.stop()).count(b"POST")

    assert stage.run(scenario()) == (1, 5)


def test_canceling_a_call_ends_its_connection(stage: Stage) -> None:
    async def scenario() -> None:
        server = RudeServer(rude.is_silent)
        url = await server.start()
        http = stage.open()
        call = asyncio.create_task(outcome(http, url))
        await server.until_visits(1)
        call.cancel()
        await server.until_visits_end()
        assert call.cancelled()
        await http.close()
        await server.stop()

    stage.run(scenario())


def test_a_call_that_gets_no_connection_in_time_is_not_sent(stage: Stage) -> None:
    async def scenario() -> None:
        server = RudeServer(rude.is_silent)
        url = await server.start()
        http = stage.open(limits=Limits(connections=1, connect=0.2))
        first = asyncio.create_task(outcome(http, url))
        await server.until_visits(1)
        assert isinstance(await outcome(http, url, 0.5), NotSent)
        first.cancel()
        await http.close()
        assert (await server.stop()).count(b"POST") == 1

    stage.run(scenario())


@pytest.mark.parametrize(("method", "length"), [("POST", True), ("GET", False)])
def test_an_empty_body_is_announced_where_one_is_expected(stage: Stage, method: str, length: bool) -> None:
    async def scenario() -> bytes:
        server = RudeServer(rude.answers(OK))
        url = await server.start()
        http = stage.open()
        assert isinstance(await outcome(http, url, method=method, body=b""), Response)
        await http.close()
        return (await server.stop()).lower()

    assert (b"content-length: 0" in stage.run(scenario())) == length


BAD_REQUESTS = [
    pytest.param(Request("PO\r\nST", "http://127.0.0.1/"), id="line break in the method"),
    pytest.param(Request("CONNECT", "http://127.0.0.1/"), id="tunnel"),
    pytest.param(Request("GET", "http://127.0.0.1/a\r\nX: y"), id="line break in the URL"),
    pytest.param(Request("GET", "http://127.0.0.1/ä"), id="URL beyond ASCII"),
    pytest.param(Request("GET", "ftp://127.0.0.1/"), id="another scheme"),
    pytest.param(Request("GET", "http://user:pass@127.0.0.1/"), id="credentials in the URL"),
    pytest.param(Request("GET", "http://127.0.0.1/", (("X\nY", "1"),)), id="line break in a name"),
    pytest.param(Request("GET", "http://127.0.0.1/", (("X", "1\r\nY: 2"),)), id="line break in a value"),
    pytest.param(Request("GET", "http://127.0.0.1/", (("X", "1\0"),)), id="NUL in a value"),
    pytest.param(Request("GET", "http://127.0.0.1/", (("X", "ä"),)), id="value beyond ASCII"),
    pytest.param(Request("GET", "http://127.0.0.1/", (("Content-Length", "9"),)), id="own framing"),
    pytest.param(Request("GET", "http://127.0.0.1/", (("transfer-encoding", "chunked"),)), id="own chunking"),
]


@pytest.mark.parametrize("request_", BAD_REQUESTS)
def test_a_request_that_may_not_be_sent_is_refused_at_once(stage: Stage, request_: Request) -> None:
    async def scenario() -> None:
        http = stage.open()
        with pytest.raises(ValueError):
            await http.send(request_, PATIENCE)
        await http.close()

    stage.run(scenario())


def test_a_closed_client_sends_nothing(stage: Stage) -> None:
    async def scenario() -> tuple[Response | Exception, bytes]:
        server = RudeServer(rude.answers(OK))
        url = await server.start()
        http = stage.open()
        await http.close()
        return await outcome(http, url), await server.stop()

    result, seen = stage.run(scenario())
    assert isinstance(result, NotSent)
    assert not seen


def test_proxies_of_the_environment_are_ignored(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, NOBODY)
    result, _ = stage.run(one_call(stage, rude.answers(OK)))
    assert isinstance(result, Response), result


def test_a_secret_in_the_url_stays_out_of_the_failure(stage: Stage) -> None:
    async def scenario() -> Response | Exception:
        http = stage.open()
        try:
            return await outcome(http, f"{NOBODY}/?key=hunter2")
        finally:
            await http.close()

    failure = stage.run(scenario())
    assert isinstance(failure, NotSent)
    assert "hunter2" not in f"{failure!r} {failure.__cause__!r}"


@pytest.mark.parametrize(("kind", "expected"), [("pool", Pool), ("reqwest", Reqwest)])
def test_the_caller_chooses_the_client(kind: str, expected: type) -> None:
    async def scenario() -> None:
        http = open_http(kind)  # type: ignore[arg-type]
        assert isinstance(http, expected)
        await http.close()

    asyncio.run(scenario())
