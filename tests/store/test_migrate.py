from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import asyncpg
import pytest

from outrider.store import migrate as module
from outrider.store.migrate import MigrationFailed, MigrationRefused, Status, migrate, read_migrations, status

T = TypeVar("T")

FIRST = {"0001_people.sql": "create table person (id int primary key, name text, old text);"}
SECOND = {"0002_drop_old.contract.sql": "alter table person drop column old;"}
THIRD = {"0003_mail.sql": "alter table person add column mail text;\ncreate index on person (mail);"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path, FIRST | SECOND | THIRD)


def write(folder: Path, texts: dict[str, str]) -> Path:
    for name, text in texts.items():
        (folder / name).write_bytes(text.encode())
    return folder


def on(url: str, act: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
    async def run() -> T:
        connection = await asyncpg.connect(url)
        try:
            return await act(connection)
        finally:
            await connection.close()

    return asyncio.run(run())


def apply(url: str, folder: Path, *, contract: bool = False) -> list[str]:
    return [str(migration) for migration in on(url, lambda c: migrate(c, folder, contract=contract))]


def look(url: str, folder: Path) -> Status:
    return on(url, lambda c: status(c, folder))


def columns(url: str) -> list[str]:
    query = (
        "select attname from pg_attribute where attrelid = to_regclass('person') and attnum > 0 and not attisdropped"
    )
    return [row["attname"] for row in on(url, lambda c: c.fetch(query))]


def test_expanding_files_are_applied_in_order_once(database_url: str, folder: Path) -> None:
    assert apply(database_url, folder) == ["0001_people.sql", "0003_mail.sql"]
    assert apply(database_url, folder) == []
    assert columns(database_url) == ["id", "name", "old", "mail"]


def test_contracting_files_wait_until_asked(database_url: str, folder: Path) -> None:
    apply(database_url, folder)
    assert apply(database_url, folder, contract=True) == ["0002_drop_old.contract.sql"]
    assert columns(database_url) == ["id", "name", "mail"]


def test_a_new_database_takes_all_of_them_by_number_when_asked(database_url: str, folder: Path) -> None:
    assert apply(database_url, folder, contract=True) == [*FIRST, *SECOND, *THIRD]


def test_the_status_tells_what_is_applied_pending_and_waiting(database_url: str, folder: Path) -> None:
    before = look(database_url, folder)
    assert (before.applied, [m.number for m in before.pending], [m.number for m in before.contracting]) == (
        (),
        [1, 3],
        [2],
    )
    apply(database_url, folder)
    after = look(database_url, folder)
    assert [(row.number, row.name, row.phase) for row in after.applied] == [
        (1, "people", "expand"),
        (3, "mail", "expand"),
    ]
    assert [row.digest for row in after.applied] == [m.digest for m in read_migrations(folder) if m.phase == "expand"]
    assert all(row.applied_at.tzinfo for row in after.applied)
    assert (after.pending, [m.number for m in after.contracting]) == ((), [2])


def test_asking_for_the_status_changes_nothing(database_url: str, folder: Path) -> None:
    look(database_url, folder)
    assert on(database_url, lambda c: c.fetchval("select to_regclass('schema_migrations')")) is None


def test_no_files_are_no_work(database_url: str, tmp_path: Path) -> None:
    assert apply(database_url, tmp_path) == []


def test_a_changed_file_is_refused_before_anything_is_done(database_url: str, tmp_path: Path) -> None:
    apply(database_url, write(tmp_path, FIRST))
    write(tmp_path, SECOND | THIRD | {"0001_people.sql": "create table person (id int);"})
    for act in (apply, look):
        with pytest.raises(
            MigrationRefused, match=r"^0001_people.sql was changed after it was applied on \d{4}-\d\d-\d\d"
        ):
            act(database_url, tmp_path)
    assert columns(database_url) == ["id", "name", "old"]


def test_other_line_ends_are_no_change(database_url: str, tmp_path: Path) -> None:
    apply(database_url, write(tmp_path, {"0001_people.sql": "create table\nperson ();\n"}))
    assert apply(database_url, write(tmp_path, {"0001_people.sql": "create table\r\nperson ();\r\n"})) == []


def test_a_database_of_a_newer_release_is_refused(database_url: str, folder: Path) -> None:
    apply(database_url, folder)
    (folder / "0003_mail.sql").unlink()
    for act in (apply, look):
        with pytest.raises(MigrationRefused, match=r"newer than this release: it has 0003_mail of .* knows 2 files"):
            act(database_url, folder)


def test_a_failing_file_is_rolled_back_whole_and_told_with_its_line(database_url: str, folder: Path) -> None:
    write(folder, {"0003_mail.sql": "alter table person add column mail text;\n\nalter table nobody add x int;"})
    with pytest.raises(MigrationFailed, match=r'^0003_mail.sql: relation "nobody" does not exist$'):
        apply(database_url, folder)
    assert columns(database_url) == ["id", "name", "old"]
    write(folder, {"0003_mail.sql": "alter table person add column mail text;\n\nalter tabel nobody;"})
    with pytest.raises(MigrationFailed, match=r'^0003_mail.sql line 3: syntax error at or near "tabel"$'):
        apply(database_url, folder)
    assert apply(database_url, write(folder, THIRD)) == ["0003_mail.sql"]


def test_a_table_in_use_makes_the_change_give_up(
    database_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply(database_url, write(folder, FIRST | {"0003_mail.sql": "select 1;"}))
    monkeypatch.setattr(module, "LOCK_SECONDS", 0.05)
    before = columns(database_url)

    async def contract_while_reading(connection: asyncpg.Connection) -> None:
        reader = await asyncpg.connect(database_url)
        try:
            async with reader.transaction():
                await reader.fetch("select * from person")
                await migrate(connection, folder, contract=True)
        finally:
            await reader.close()

    with pytest.raises(MigrationFailed, match=r"0002_drop_old.contract.sql: a table stayed in use for 0.05 seconds"):
        on(database_url, contract_while_reading)
    assert columns(database_url) == before
    assert apply(database_url, folder, contract=True) == ["0002_drop_old.contract.sql"]


def test_processes_that_start_together_apply_each_file_once(database_url: str, folder: Path) -> None:
    async def together() -> list[str]:
        connections = [await asyncpg.connect(database_url) for _ in range(6)]
        results = await asyncio.gather(*(migrate(c, folder, contract=True) for c in connections))
        for connection in connections:
            await connection.close()
        return sorted(str(migration) for applied in results for migration in applied)

    assert asyncio.run(together()) == [*FIRST, *SECOND, *THIRD]


def test_waiting_too_long_for_another_process_is_told(
    database_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TURN_SECONDS", 0.05)

    async def migrate_while_another_does(connection: asyncpg.Connection) -> None:
        other = await asyncpg.connect(database_url)
        try:
            async with other.transaction():
                await other.execute(f"select pg_advisory_xact_lock({module.ADVISORY_LOCK})")
                await migrate(connection, folder)
        finally:
            await other.close()

    with pytest.raises(MigrationFailed, match=r"another process has been migrating this database for 0.05 seconds"):
        on(database_url, migrate_while_another_does)
    assert columns(database_url) == []


def test_a_connection_inside_a_transaction_is_refused(database_url: str, folder: Path) -> None:
    async def inside(connection: asyncpg.Connection) -> None:
        async with connection.transaction():
            await migrate(connection, folder)

    with pytest.raises(MigrationRefused, match="inside a transaction"):
        on(database_url, inside)


@pytest.mark.parametrize(
    ("names", "fault"),
    [
        (["0002_a.sql"], "0002_a.sql: expected number 0001"),
        (["0001_a.sql", "0003_b.sql"], "0003_b.sql: expected number 0002"),
        (["0001_a.sql", "0001_b.contract.sql"], "0001_b.contract.sql: expected number 0002"),
        (["1_a.sql"], "1_a.sql: expected a name like 0001_words.sql"),
        (["0001_A.sql"], "0001_A.sql: expected a name like 0001_words.sql"),
        (["0001_a.expand.sql"], "0001_a.expand.sql: expected a name like 0001_words.sql"),
    ],
)
def test_names_out_of_form_or_order_are_refused(tmp_path: Path, names: list[str], fault: str) -> None:
    write(tmp_path, dict.fromkeys(names, "select 1;"))
    with pytest.raises(MigrationRefused, match=fault):
        read_migrations(tmp_path)


@pytest.mark.parametrize("control", ["begin;", "COMMIT;", "  rollback ;", "start transaction;", "commit work;"])
def test_transaction_control_is_refused(tmp_path: Path, control: str) -> None:
    write(tmp_path, {"0001_a.sql": f"create table a ();\n{control}\n"})
    with pytest.raises(MigrationRefused, match=r"^0001_a.sql: `.*` ends the transaction each file runs in"):
        read_migrations(tmp_path)


def test_the_body_of_a_function_may_have_its_begin_and_end(database_url: str, tmp_path: Path) -> None:
    body = "create function one() returns int language plpgsql as $$\nbegin\n  return 1;\nend;\n$$;"
    assert apply(database_url, write(tmp_path, {"0001_one.sql": body})) == ["0001_one.sql"]
    assert on(database_url, lambda c: c.fetchval("select one()")) == 1


def test_the_packages_own_files_are_in_form() -> None:
    assert [migration.number for migration in read_migrations()] == list(range(1, len(read_migrations()) + 1))
