"""Fixtures of the API's tests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from api_stage import Stage, make_template, memory_stage, postgres_stage

from outrider.store.launcher import Running
from outrider.testing.postgres import fresh_database, template_database

#: Runs a test's coroutine on a stage.
Play = Callable[[Callable[[Stage], Awaitable[None]]], None]


@pytest.fixture(scope="session")
def api_template(postgres_server: Running) -> str:
    """A migrated database to copy."""
    return template_database(postgres_server, make_template)


@pytest.fixture
def on_postgres(postgres_server: Running, api_template: str) -> Play:
    """Plays on an empty PostgreSQL store."""

    def play(act: Callable[[Stage], Awaitable[None]]) -> None:
        async def whole(url: str) -> None:
            async with postgres_stage(url) as stage:
                await act(stage)

        with fresh_database(postgres_server, api_template) as url:
            asyncio.run(whole(url))

    return play


@pytest.fixture
def in_memory() -> Play:
    """Plays on an empty store in memory, which has no pages to read."""

    def play(act: Callable[[Stage], Awaitable[None]]) -> None:
        async def whole() -> None:
            async with memory_stage() as stage:
                await act(stage)

        asyncio.run(whole())

    return play
