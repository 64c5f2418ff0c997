"""A sandbox that has ended does nothing more, and its doors do as they were told last."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from callback_stage import AT_ONCE, Stage, stage

from outrider.contracts.http import Broken, NotSent
from outrider.domain.attempt import Accepted
from outrider.sandbox.faults import Fault, Kind
from outrider.sandbox.running import Sandbox


def play_on(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a scene that outlives its sandbox, bounded; the loop must have nothing to complain about."""
    complaints: list[dict[str, Any]] = []

    async def act() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, complaint: complaints.append(complaint))
        await scene()

    asyncio.run(asyncio.wait_for(act(), 30))
    assert complaints == []


def until(at: float) -> asyncio.Future[None]:
    """Done once the loop has come to what is due at an instant of its clock."""
    loop = asyncio.get_running_loop()
    passed = loop.create_future()
    loop.call_at(at, passed.set_result, None)
    return passed


def test_a_message_that_is_still_considered_at_the_end_is_written_nowhere(tmp_path: Path) -> None:
    async def scene() -> None:
        async with stage(tmp_path, AT_ONCE, [Fault(Kind.LATENCY, ms=300)]) as built:
            sending = asyncio.create_task(built.send("twilio"))
            while not built.sandbox._server.faults._visits:
                await asyncio.sleep(0)
            considered = asyncio.get_running_loop().time() + 0.3
        assert await sending in (Broken, NotSent)
        others = [(tmp_path / name).open("wb") for name in "abcdefgh"]  # one of them gets the ledger's old number
        await until(considered + 0.1)
        await asyncio.sleep(0)
        for other in others:
            other.close()
        assert [path.stat().st_size for path in tmp_path.iterdir()] == [0] * 9

    play_on(scene)


def listens(url: str) -> bool:
    """Whether somebody listens there; the kernel answers, so no loop is needed."""
    host, port = url.rpartition("/")[2].split(":")
    with socket.socket() as client:
        return client.connect_ex((host, int(port))) == 0


def test_an_outage_that_ends_after_the_sandbox_did_opens_no_door(tmp_path: Path) -> None:
    async def scene() -> None:
        async with stage(tmp_path) as built:
            url = built.sandbox.urls["twilio"]
            over = asyncio.get_running_loop().time() + 0.1
            built.sandbox.fault(Fault(Kind.OUTAGE, provider="twilio", seconds=0.1))
        await until(over + 0.2)
        await asyncio.sleep(0.0)
        assert not listens(url)

    play_on(scene)


async def _through(built: Stage, name: str) -> Any:
    return await built.send(name, own_address=True)


def test_a_door_that_is_told_to_open_twice_opens_once(tmp_path: Path) -> None:
    async def scene() -> None:
        async with stage(tmp_path) as built:
            built.sandbox.fault(Fault(Kind.OUTAGE, provider="twilio"))
            built.sandbox.lift_faults()
            built.sandbox.lift_faults()
            await built.sandbox.doors_are_as_told()
            assert isinstance(await _through(built, "twilio"), Accepted)

    play_on(scene)


def test_an_outage_that_begins_while_a_door_opens_keeps_it_closed(tmp_path: Path) -> None:
    async def scene() -> None:
        async with stage(tmp_path) as built:
            outage = Fault(Kind.OUTAGE, provider="twilio")
            built.sandbox.fault(outage)
            built.sandbox.lift_faults()
            built.sandbox.fault(outage)
            await built.sandbox.doors_are_as_told()
            assert not listens(built.sandbox.urls["twilio"])
            built.sandbox.lift_faults()
            await built.sandbox.doors_are_as_told()
            assert isinstance(await _through(built, "twilio"), Accepted)

    play_on(scene)


@pytest.mark.parametrize("name", ["twilio", "smtp"])
def test_who_comes_in_as_a_door_closes_is_sent_away(tmp_path: Path, name: str) -> None:
    class Coming(asyncio.Transport):
        """A connection that the listener had taken before it closed."""

        aborted = False

        def get_extra_info(self, name: str, default: Any = None) -> Any:
            return None

        def write(self, data: Any) -> None:
            pass

        def abort(self) -> None:
            self.aborted = True

    async def scene() -> None:
        async with stage(tmp_path) as built:
            sandbox: Sandbox = built.sandbox
            door = sandbox._doors[name]
            connection, transport = door._connection(), Coming()
            sandbox.fault(Fault(Kind.OUTAGE, provider=name))
            connection.connection_made(transport)
            assert transport.aborted
            connection.connection_lost(None)

    play_on(scene)
