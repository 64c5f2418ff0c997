"""A process that starts before its database waits for it; what no waiting cures is said at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import structlog

from outrider.cli._starting import started
from outrider.installation import NothingApplied, apply_files, open_store
from outrider.settings import Settings
from outrider.store.keeping import kept_running
from outrider.testing.killing.company import company
from outrider.testing.postgres import FORGETFUL, quick_folder

URLS = {"smsmode": "http://127.0.0.1:9", "twilio": "http://127.0.0.1:9"}
NOWHERE = "postgresql://outrider@127.0.0.1:9/outrider"


def settings_for(home: Path, dsn: str) -> Settings:
    return Settings(home=home, database_url=dsn, unsafe_durability=True)


def test_a_database_that_comes_later_is_waited_for_and_the_wait_is_logged_once(tmp_path: Path) -> None:
    async def play(folder: Path) -> int:
        async with kept_running(folder, overrides={**FORGETFUL, "synchronous_commit": "on"}) as address:
            settings = settings_for(tmp_path, address.dsn())
            async with open_store(settings, address.dsn(), connections=2) as opened:
                await apply_files(opened, company(URLS, 2.0, {}))
        starting = asyncio.create_task(number_of(settings, address.dsn()))
        async with kept_running(folder, overrides=FORGETFUL):
            return await starting

    with quick_folder() as folder, structlog.testing.capture_logs() as logged:
        assert asyncio.run(play(folder)) == 1
    assert [line["loop"] for line in logged] == ["start"]


async def number_of(settings: Settings, dsn: str) -> int:
    async with started(settings, dsn) as (opened, configuration):
        assert await opened.store.pool.fetchval("select 1") == 1
        return configuration.number


def test_patience_ends(tmp_path: Path) -> None:
    with pytest.raises(ConnectionError, match="the database does not answer"):
        asyncio.run(number_of_nowhere(tmp_path))


async def number_of_nowhere(home: Path) -> None:
    async with started(settings_for(home, NOWHERE), NOWHERE, patience=-1.0):
        raise AssertionError("somebody answered")


def test_what_waiting_does_not_cure_is_raised_at_once(database_url: str, tmp_path: Path) -> None:
    with pytest.raises(NothingApplied):
        asyncio.run(number_of(settings_for(tmp_path, database_url), database_url))
