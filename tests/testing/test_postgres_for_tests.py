from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest

from outrider.store.launcher import Running
from outrider.testing import postgres
from outrider.testing.postgres import execute, fresh_database, quick_folder, template_database


def count(url: str, table: str) -> int:
    async def ask() -> int:
        connection = await asyncpg.connect(url)
        try:
            return int(await connection.fetchval(f"select count(*) from {table}"))
        finally:
            await connection.close()

    return asyncio.run(ask())


def test_a_fresh_database_is_empty_and_gone_afterwards(postgres_server: Running) -> None:
    with fresh_database(postgres_server) as url:
        execute(url, "create table kept (id int)")
        assert count(url, "kept") == 0
    with fresh_database(postgres_server) as other, pytest.raises(asyncpg.UndefinedTableError):
        count(other, "kept")
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        count(url, "kept")


def test_databases_of_one_template_share_its_start_and_nothing_else(postgres_server: Running) -> None:
    template = template_database(postgres_server, lambda url: execute(url, "create table kept as select 1 as id"))
    with fresh_database(postgres_server, template) as one, fresh_database(postgres_server, template) as other:
        execute(one, "insert into kept values (2)")
        assert (count(one, "kept"), count(other, "kept")) == (2, 1)


def test_a_database_goes_even_with_somebody_connected(postgres_server: Running) -> None:
    async def connected() -> bool:
        with fresh_database(postgres_server) as url:
            connection = await asyncpg.connect(url)
        with pytest.raises((asyncpg.AdminShutdownError, asyncpg.ConnectionDoesNotExistError)):
            await connection.fetchval("select 1")
        return connection.is_closed()

    assert asyncio.run(connected())


def test_the_fixture_gives_an_empty_database(database_url: str) -> None:
    assert count(database_url, "pg_stat_user_tables") == 0


def test_without_room_in_memory_the_usual_temporary_folder_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for memory, room in ((str(tmp_path / "missing"), 1), (postgres.MEMORY, 2**62)):
        monkeypatch.setattr(postgres, "MEMORY", memory)
        monkeypatch.setattr(postgres, "ROOM", room)
        with quick_folder() as folder:
            assert folder.parent == tmp_path
        assert not folder.exists()
