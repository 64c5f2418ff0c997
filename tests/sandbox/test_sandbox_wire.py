"""The sandbox's HTTP survives what clients do to it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from callback_stage import Stage, play

from outrider.contracts.http import Broken, NotSent
from outrider.domain.attempt import Accepted
from outrider.sandbox.faults import Fault, Kind
from outrider.sandbox.wire import LARGEST_BODY


async def talk(stage: Stage, sent: bytes) -> bytes:
    host, port = stage.sandbox.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(sent)
    answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        pytest.param(b"nonsense\r\n\r\n", b"HTTP/1.1 400 ", id="not HTTP"),
        pytest.param(
            b"POST /_sandbox/faults HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % (LARGEST_BODY + 1)
            + b"x" * (LARGEST_BODY + 1),
            b"HTTP/1.1 400 ",
            id="a body one byte too long",
        ),
        pytest.param(
            b"GET /_sandbox/faults HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n", b"HTTP/1.1 200 ", id="one request"
        ),
        pytest.param(b"GET /_sandbox/faults HTTP/1.0\r\n\r\n", b"HTTP/1.1 200 ", id="HTTP/1.0"),
        pytest.param(
            b"POST /_sandbox/faults HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
            b'8\r\n{"kind":\r\nf\r\n"lost_receipt"}\r\n0\r\n\r\n',
            b"HTTP/1.1 201 ",
            id="chunks",
        ),
    ],
)
def test_a_connection_gets_its_answer_and_its_end(tmp_path: Path, sent: bytes, status: bytes) -> None:
    async def scene(stage: Stage) -> None:
        answer = await talk(stage, sent)
        assert answer.startswith(status)
        assert b"connection: close" in answer

    play(tmp_path, scene)


def test_a_client_that_leaves_early_harms_nobody(tmp_path: Path) -> None:
    """The answer comes only after the account's latency, long after this client gave up."""

    async def scene(stage: Stage) -> None:
        stage.sandbox.fault(Fault(Kind.SLOW_ACCEPT, ms=60_000, count=1))
        assert await stage.send("twilio", deadline=1.0) in (NotSent, Broken)
        assert isinstance(await stage.send("twilio", stage.message(2)), Accepted)

    play(tmp_path, scene)
