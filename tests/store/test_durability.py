from __future__ import annotations

import asyncio
from collections.abc import Iterator

import asyncpg
import pytest

from outrider.store.durability import RULES, Durability, UnsafeDurability, assert_durable
from outrider.store.launcher import Running, start
from outrider.store.server_settings import SETTINGS, render_settings
from outrider.testing.postgres import execute, fresh_database, quick_folder


@pytest.fixture(scope="module")
def durable_server() -> Iterator[Running]:
    with quick_folder() as folder, start(folder) as running:
        yield running


def check(url: str, *accepted: str) -> Durability:
    async def ask() -> Durability:
        connection = await asyncpg.connect(url)
        try:
            return await assert_durable(connection, accepted=accepted)
        finally:
            await connection.close()

    return asyncio.run(ask())


def test_the_embedded_server_is_durable_and_has_checksums(durable_server: Running) -> None:
    found = check(durable_server.address.dsn())
    assert found.version == durable_server.version
    assert found.settings == {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
    assert found.checksums is True


def test_every_fault_is_told_at_once_with_value_expectation_and_remedy(database_url: str) -> None:
    with pytest.raises(UnsafeDurability) as refusal:
        check(database_url)
    lines = str(refusal.value).splitlines()
    assert [line.split(":")[0] for line in lines] == [
        "fsync is off, expected on",
        "synchronous_commit is off, expected on or remote_apply or remote_write or local",
        "full_page_writes is off, expected on",
    ]
    assert all("set " in line for line in lines)


def test_what_the_operator_accepted_is_no_fault(database_url: str) -> None:
    assert check(database_url, *(rule.setting for rule in RULES)).settings["fsync"] == "off"
    with pytest.raises(UnsafeDurability, match=r"^synchronous_commit is off[^\n]*$"):
        check(database_url, "fsync", "full_page_writes")


@pytest.mark.parametrize("value", ["on", "remote_apply", "remote_write", "local"])
def test_each_value_that_waits_for_a_disk_is_safe(durable_server: Running, value: str) -> None:
    with fresh_database(durable_server) as url:
        execute(url, f"alter database {url.split('@/')[1].split('?')[0]} set synchronous_commit = {value}")
        assert check(url).settings["synchronous_commit"] == value


def test_a_setting_of_the_role_counts_and_not_only_the_servers(durable_server: Running) -> None:
    with fresh_database(durable_server) as url:
        execute(url, f"alter database {url.split('@/')[1].split('?')[0]} set synchronous_commit = off")
        with pytest.raises(UnsafeDurability, match="synchronous_commit is off"):
            check(url)


def test_a_server_that_is_too_old_is_refused(durable_server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outrider.store.durability.OLDEST", 99)
    with pytest.raises(UnsafeDurability, match=r"the server is PostgreSQL \d+, expected 99 or newer: upgrade it"):
        check(durable_server.address.dsn())


def test_the_running_server_has_every_setting_of_the_table(durable_server: Running) -> None:
    async def differing() -> list[str]:
        connection = await asyncpg.connect(durable_server.address.dsn())
        rows = await connection.fetch("select name, source, sourcefile from pg_settings where source != 'default'")
        await connection.close()
        ours = {
            row["name"].lower()
            for row in rows
            if row["sourcefile"] == f"{durable_server.folder}/settings/postgresql.conf"
        }
        return [setting.name for setting in SETTINGS if setting.name.lower() not in ours]

    assert asyncio.run(differing()) == []


def test_rows_never_reach_the_servers_log(durable_server: Running) -> None:
    with fresh_database(durable_server) as url:
        execute(url, "create table person (email text primary key)")
        execute(url, "insert into person values ('secret@example.org')")
        with pytest.raises(asyncpg.UniqueViolationError):
            execute(url, "insert into person values ('secret@example.org')")
    text = (durable_server.folder / "server.log").read_text()
    assert "duplicate key" in text
    assert "secret" not in text


@pytest.mark.parametrize(
    ("major", "absent"), [(15, ("allow_alter_system", "io_method")), (17, ("io_method",)), (18, ())]
)
def test_a_version_gets_only_the_settings_it_knows(major: int, absent: tuple[str, ...]) -> None:
    names = {line.split(" = ")[0] for line in render_settings(major, {}).splitlines()}
    assert names == {setting.name for setting in SETTINGS} - set(absent)


def test_an_override_replaces_its_setting_and_quotes_are_doubled() -> None:
    lines = render_settings(18, {"fsync": "off", "cluster_name": "it's \\ here"}).splitlines()
    assert [line for line in lines if line.startswith("fsync")] == ["fsync = 'off'"]
    assert lines[-1] == "cluster_name = 'it''s \\\\ here'"


def test_every_setting_has_a_reason_and_stands_once() -> None:
    assert all(setting.reason for setting in SETTINGS)
    assert len({setting.name for setting in SETTINGS}) == len(SETTINGS)
