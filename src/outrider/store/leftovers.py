"""Stops what a killed run left behind: a server, or children of one, that still work in a store's data folder.

Outrider's process can be killed without a chance to stop its server. The guard (launcher.py) then stops it, but the
guard can be killed too. So every start first looks for server processes whose working folder is the data folder, stops
them, and waits until they are gone. Only the holder of the folder's lock may call this, so what is found has no owner.
A found server is stopped, not adopted: its settings and programs may be older than ours, and only a child can be waited
for.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from outrider.store.accounts import CannotStart

log = logging.getLogger(__name__)

PROCESSES = Path("/proc")

STEPS = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))
"""Signals and the seconds each gets: fast shutdown with a checkpoint, immediate exit, the end.

(PostgreSQL manual, "Shutting Down the Server".) After the last two the next start replays the log; nothing is lost.
"""


def stop_leftovers(pgdata: Path, steps: tuple[tuple[signal.Signals, float], ...] = STEPS) -> list[int]:
    """Stop every server process that works in `pgdata`, and drop a pid file that names a stranger; give the pids.

    Raises CannotStart when a process survives every step.
    """
    found = workers_in(pgdata)
    if found:
        log.warning("stopping PostgreSQL left by an earlier run in %s: processes %s", pgdata, found)
        _stop_all(pgdata, steps)
    _drop_misleading_pid_file(pgdata)
    return found


def _stop_all(pgdata: Path, steps: tuple[tuple[signal.Signals, float], ...]) -> None:
    for step, seconds in steps:
        for pid in _leaders(pgdata):
            _signal(pid, step)
        if _gone_within(pgdata, seconds):
            return
    raise CannotStart(f"PostgreSQL left by an earlier run in {pgdata} cannot be stopped: {workers_in(pgdata)}")


def _leaders(pgdata: Path) -> list[int]:
    """The server's first process when it lives (it stops its children), else the orphaned children."""
    living = workers_in(pgdata)
    named = pid_in_file(pgdata)
    return [named] if named in living else living


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
    except PermissionError:
        raise CannotStart(f"process {pid} runs this store and belongs to another user: stop it first") from None


def _gone_within(pgdata: Path, seconds: float) -> bool:
    bound = time.monotonic() + seconds
    while time.monotonic() < bound:
        if not workers_in(pgdata):
            return True
        time.sleep(0.01)
    return not workers_in(pgdata)


def workers_in(pgdata: Path) -> list[int]:
    """Give the pids of the server processes that work in `pgdata`.

    From /proc by name and working folder (PostgreSQL's processes stay in their data folder). Where there is no /proc,
    only the process of the pid file is known, checked by its command line.
    """
    if (PROCESSES / "self").exists():
        return sorted(_by_folder(os.path.realpath(pgdata)))
    named = pid_in_file(pgdata)
    return [named] if named is not None and _commands_server(named, pgdata) else []


def _by_folder(folder: str) -> Iterator[int]:
    for process in PROCESSES.iterdir():
        if process.name.isdigit() and _works_in(process, folder):
            yield int(process.name)


def _works_in(process: Path, folder: str) -> bool:
    try:
        return (process / "comm").read_text().startswith("postgres") and os.readlink(process / "cwd") == folder
    except OSError:  # it has just ended, or belongs to somebody else
        return False


def _commands_server(pid: int, pgdata: Path) -> bool:
    command = ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (a fixed program)
    return "postgres" in run.stdout and str(pgdata) in run.stdout


def pid_in_file(pgdata: Path) -> int | None:
    """Give the pid of line 1 of `postmaster.pid`; None without file or number."""
    lines = pid_file_lines(pgdata)
    return int(lines[0]) if lines and lines[0].isdigit() else None


def pid_file_lines(pgdata: Path) -> list[str]:
    """Give the lines of `postmaster.pid`, stripped; none when there is no such file.

    1 pid, 2 data folder, 3 start, 4 port, 5 socket folder, 6 address, 7 shared memory, 8 state (`ready`).
    (PostgreSQL source, src/include/utils/pidfile.h.)
    """
    try:
        text = (pgdata / "postmaster.pid").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    return [line.strip() for line in text.splitlines()]


def _drop_misleading_pid_file(pgdata: Path) -> None:
    """Remove a pid file whose number is now a stranger's: PostgreSQL would refuse to start.

    Happens after a restart of the machine or container, where small pids come again. Safe, since nobody works in the
    folder and we hold its lock. A file whose process is gone stays: PostgreSQL clears its shared memory from it.
    """
    named = pid_in_file(pgdata)
    if named is not None and _is_alive(named) and not workers_in(pgdata):
        (pgdata / "postmaster.pid").unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
