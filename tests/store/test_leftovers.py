from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from outrider.store import leftovers
from outrider.store.accounts import CannotStart
from outrider.store.leftovers import pid_file_lines, pid_in_file, stop_leftovers, workers_in

PRETENDER = """
import ctypes, signal, sys, os
ctypes.CDLL(None).prctl(15, b"postgres", 0, 0, 0)  # PR_SET_NAME
# Test runs in the background of a shell would pass on that these are ignored.
for number in (signal.SIGINT, signal.SIGQUIT):
    signal.signal(number, signal.SIG_DFL)
for name in sys.argv[1:]:
    if name.startswith("SIG"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
print("up", flush=True)
signal.pause()
"""


@pytest.fixture
def pretenders() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def pretend(pretenders: list[subprocess.Popen[str]], folder: Path, *ignored: str) -> int:
    """Start a process that looks like a server in `folder` and ignores some signals."""
    process = subprocess.Popen(
        [sys.executable, "-c", PRETENDER, *ignored], cwd=folder, stdout=subprocess.PIPE, text=True
    )
    pretenders.append(process)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process.pid


def reap(pretenders: list[subprocess.Popen[str]]) -> list[int]:
    return [process.wait(30) for process in pretenders]


STEPS = ((signal.SIGINT, 0.05), (signal.SIGQUIT, 0.05), (signal.SIGKILL, 20.0))


def test_workers_are_known_by_name_and_folder_alone(
    tmp_path: Path, pretenders: list[subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, elsewhere = tmp_path / "ours", tmp_path / "elsewhere"
    ours.mkdir()
    elsewhere.mkdir()
    (tmp_path / "link").symlink_to(ours)
    pid = pretend(pretenders, ours)
    pretend(pretenders, elsewhere)
    monkeypatch.chdir(ours)  # an operator's shell in the folder is no server
    assert workers_in(ours) == workers_in(tmp_path / "link") == [pid]


def test_without_proc_the_pid_file_and_the_command_line_decide(
    tmp_path: Path, pretenders: list[subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leftovers, "PROCESSES", tmp_path / "no-proc")
    pgdata = tmp_path / "pgdata"
    pgdata.mkdir()
    assert workers_in(pgdata) == []
    pid = pretend(pretenders, tmp_path, "postgres", str(pgdata))
    (pgdata / "postmaster.pid").write_text(f"{pid}\n")
    assert workers_in(pgdata) == [pid]
    (pgdata / "postmaster.pid").write_text(f"{os.getpid()}\n")
    assert workers_in(pgdata) == []


@pytest.mark.parametrize(
    ("ignored", "last"),
    [((), signal.SIGINT), (("SIGINT",), signal.SIGQUIT), (("SIGINT", "SIGQUIT"), signal.SIGKILL)],
)
def test_each_step_is_harder_than_the_one_before(
    tmp_path: Path, pretenders: list[subprocess.Popen[str]], ignored: tuple[str, ...], last: signal.Signals
) -> None:
    pid = pretend(pretenders, tmp_path, *ignored)
    long = tuple((step, 20.0 if step == last else 0.05) for step, _ in STEPS)
    assert stop_leftovers(tmp_path, long) == [pid]
    assert reap(pretenders) == [-last]


def test_the_first_process_is_asked_and_its_children_are_left_to_it(
    tmp_path: Path, pretenders: list[subprocess.Popen[str]]
) -> None:
    leader, child = pretend(pretenders, tmp_path), pretend(pretenders, tmp_path)
    (tmp_path / "postmaster.pid").write_text(f"{leader}\n")
    assert stop_leftovers(tmp_path, ((signal.SIGINT, 0.05), (signal.SIGQUIT, 20.0))) == sorted([leader, child])
    assert reap(pretenders) == [-signal.SIGINT, -signal.SIGQUIT]


def test_what_survives_every_step_is_told(tmp_path: Path, pretenders: list[subprocess.Popen[str]]) -> None:
    pid = pretend(pretenders, tmp_path, "SIGINT")
    with pytest.raises(CannotStart, match=rf"cannot be stopped: \[{pid}\]"):
        stop_leftovers(tmp_path, ((signal.SIGINT, 0.0),))


def test_a_process_of_another_user_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int, number: int) -> None:
        raise PermissionError

    monkeypatch.setattr(leftovers, "workers_in", lambda pgdata: [4711])
    monkeypatch.setattr(os, "kill", refuse)
    with pytest.raises(CannotStart, match="process 4711 runs this store and belongs to another user"):
        stop_leftovers(tmp_path)


def test_a_pid_file_that_names_a_stranger_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "postmaster.pid").write_text(f"{os.getpid()}\n/elsewhere\n")
    assert stop_leftovers(tmp_path) == []
    assert not (tmp_path / "postmaster.pid").exists()


def test_a_pid_file_of_a_dead_process_stays_for_the_server_to_read(tmp_path: Path) -> None:
    with subprocess.Popen(["/bin/sh", "-c", ":"]) as ended:
        ended.wait()
    assert not psutil.pid_exists(ended.pid)
    (tmp_path / "postmaster.pid").write_text(f"{ended.pid}\n")
    assert stop_leftovers(tmp_path) == []
    assert pid_in_file(tmp_path) == ended.pid


@pytest.mark.parametrize(("text", "pid"), [("", None), ("\n", None), ("-5\n", None), ("x\n", None), ("12\n/d\n", 12)])
def test_the_pid_is_read_from_the_first_line(tmp_path: Path, text: str, pid: int | None) -> None:
    (tmp_path / "postmaster.pid").write_text(text)
    assert pid_in_file(tmp_path) == pid


def test_the_lines_of_the_pid_file_lose_their_padding(tmp_path: Path) -> None:
    assert pid_file_lines(tmp_path) == []
    (tmp_path / "postmaster.pid").write_text("12\n/data\n1\n5432\n/run\n\n  1 2\nready   \n")
    assert pid_file_lines(tmp_path)[7] == "ready"
