"""The embedded server is killed under its users, who find it again where it was."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from pathlib import Path

import asyncpg
import pytest

from outrider.store import keeping
from outrider.store.keeping import kept_running
from outrider.store.launcher import Address, CannotStart, find_running
from outrider.store.leftovers import pid_in_file, workers_in
from outrider.store.place import known_place
from outrider.testing.postgres import FORGETFUL, quick_folder
from outrider.workers.trouble import is_store_trouble


def pgdata_of(folder: Path) -> Path:
    place = known_place(folder)
    assert place is not None
    return place.pgdata


async def asked(address: Address, question: str) -> object:
    """An answer, as soon as somebody gives one."""
    async with asyncio.timeout(60):
        while True:
            try:
                connection = await asyncpg.connect(address.dsn())
            except Exception as error:
                if not is_store_trouble(error):
                    raise
                await asyncio.sleep(0.02)
                continue
            try:
                return await connection.fetchval(question)
            finally:
                await connection.close()


def test_a_killed_server_is_started_again_with_what_it_held(caplog: pytest.LogCaptureFixture) -> None:
    async def play(folder: Path) -> None:
        async with kept_running(folder, overrides={**FORGETFUL, "synchronous_commit": "on"}) as address:
            connection = await asyncpg.connect(address.dsn())
            await connection.execute("create table kept (n int); insert into kept values (7)")
            for _ in range(2):
                first = pid_in_file(pgdata_of(folder))
                assert first is not None
                os.kill(first, signal.SIGKILL)
                while pid_in_file(pgdata_of(folder)) == first or find_running(folder) is None:
                    await asyncio.sleep(0.02)
                assert await asked(address, "select n from kept") == 7
            connection.terminate()
        assert find_running(folder) is None
        assert workers_in(pgdata_of(folder)) == []

    with quick_folder() as folder, caplog.at_level(logging.ERROR):
        asyncio.run(play(folder))
    assert [record.message.partition(";")[0] for record in caplog.records if record.name == keeping.__name__] == [
        "PostgreSQL ended by itself and is started again"
    ] * 2


def test_a_server_that_cannot_start_yet_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(keeping, "AGAIN_SECONDS", 0.0)
    launch, failures = keeping.launch, iter((False, True, True))

    async def sometimes(*args: object, **named: object) -> object:
        if next(failures, False):
            raise CannotStart("the disk is full")
        return await launch(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(keeping, "launch", sometimes)

    async def play(folder: Path) -> None:
        async with kept_running(folder, overrides=FORGETFUL) as address:
            first = pid_in_file(pgdata_of(folder))
            assert first is not None
            os.kill(first, signal.SIGKILL)
            while pid_in_file(pgdata_of(folder)) == first or find_running(folder) is None:
                await asyncio.sleep(0.02)
            assert await asked(address, "select 1") == 1

    with quick_folder() as folder, caplog.at_level(logging.ERROR):
        asyncio.run(play(folder))
    assert [record.message for record in caplog.records].count(
        "PostgreSQL cannot be started again yet: the disk is full"
    ) == 2


def test_a_first_start_that_fails_is_raised(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async def never(*args: object, **named: object) -> object:
        raise CannotStart("no programs")

    monkeypatch.setattr(keeping, "launch", never)

    async def play() -> None:
        async with kept_running(tmp_path):
            raise AssertionError("it started")

    with pytest.raises(CannotStart, match="no programs"):
        asyncio.run(play())
