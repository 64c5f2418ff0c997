"""Runs the embedded PostgreSQL: one folder, one server, our child, one unix socket.

The life of a run: find the folder and the account, take the folder's lock, stop what a killed run left, find the
programs, make the data folder once, write the settings, start the server, wait until it is ready, set a guard. The
guard (guard.py) stops the server when this process is killed; what it could not stop, the next start stops.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self
from urllib.parse import quote

import msgspec

from outrider.store.accounts import AlreadyRunning, CannotStart, own_account, spawn_options
from outrider.store.guard import guarded
from outrider.store.leftovers import pid_file_lines, stop_leftovers, workers_in
from outrider.store.new_store import made_by, make_pgdata
from outrider.store.place import SHELTERS, Place, find_place, known_place, locked
from outrider.store.programs import Programs, find_programs
from outrider.store.server_settings import DATABASE, PORT, USER, write_settings
from outrider.store.sockets import socket_folder

__all__ = ["Address", "AlreadyRunning", "CannotStart", "Running", "erase", "find_running", "launch", "start"]

log = logging.getLogger(__name__)

READY_WITHIN = 300.0
"""Seconds a start may take; replaying 2 GB of log after a crash is what takes long."""

STOP_WITHIN = 60.0
"""Seconds a fast shutdown may take, which writes a checkpoint; after that the server is told to leave at once."""

QUIT_WITHIN = 10.0
"""Seconds the server may take to leave at once, before it is killed."""

LONGEST_LOG = 10 * 1024 * 1024
"""Bytes of server.log above which a start sets it aside as server.log.1."""

Child = subprocess.Popen[bytes]


class Address(msgspec.Struct, frozen=True):
    """Where a server listens; every field is an argument of the same meaning to `asyncpg.connect`."""

    host: str
    port: int = PORT
    user: str = USER
    database: str = DATABASE

    def dsn(self, database: str | None = None) -> str:
        """Give it as a connection URL, to `database` instead of the store's when that is given."""
        return (
            f"postgresql://{self.user}@/{quote(database or self.database)}?host={quote(self.host, '')}&port={self.port}"
        )


class Running:
    """A server of ours that answers. Stop it with `stop`, or use it as a context, plain or asynchronous."""

    def __init__(self, address: Address, version: tuple[int, int], place: Place, child: Child, kept: ExitStack) -> None:
        self.address = address
        self.version = version
        self.folder = place.root
        self._pgdata = place.pgdata
        self._child = child
        self._kept = kept

    @property
    def process_id(self) -> int:
        """The pid of the server's first process."""
        return self._child.pid

    def exit_status(self) -> int | None:
        """None while the server runs; after it ended by itself or by `stop`, its exit status."""
        return self._child.poll()

    def wait(self) -> int:
        """Block until the server has ended, by itself or by `stop`, and give its exit status."""
        return self._child.wait()

    def processes(self) -> list[int]:
        """The pids of the server and its children."""
        return workers_in(self._pgdata)

    def stop(self) -> None:
        """Stop the server, wait until it is gone, let go of the folder. A second call does nothing."""
        self._kept.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)


def start(
    folder: Path,
    *,
    programs_folder: Path | None = None,
    overrides: Mapping[str, str] | None = None,
    ready_within: float = READY_WITHIN,
    shelters: tuple[Path, ...] = SHELTERS,
) -> Running:
    """Start the server of the store in `folder`, made when it is new, and give it when it answers. Blocks.

    `programs_folder` names the PostgreSQL to use, else it is searched (programs.py); `overrides` are server settings
    that replace ours; `ready_within` is in seconds. Raises AlreadyRunning when another process runs the store and
    CannotStart, with the server's own last words, for every other failure.
    """
    if os.name != "posix":
        raise CannotStart("the embedded store needs Linux or macOS: point Outrider at an external PostgreSQL")
    changed = dict(overrides or {})
    place = find_place(folder, shelters)
    with ExitStack() as kept:
        kept.enter_context(locked(place))
        stop_leftovers(place.pgdata)
        programs = find_programs(
            place.account, configured=programs_folder, major=made_by(place.pgdata), shelters=shelters
        )
        if not place.pgdata.exists():
            make_pgdata(place, programs, durable=changed.get("fsync") != "off")
        sockets = kept.enter_context(socket_folder(place))
        child = kept.enter_context(_server(place, programs, sockets, changed))
        _wait_until_ready(child, place, ready_within)
        kept.enter_context(guarded(child.pid, place))
        return Running(Address(str(sockets)), programs.version, place, child, kept.pop_all())


async def launch(
    folder: Path,
    *,
    programs_folder: Path | None = None,
    overrides: Mapping[str, str] | None = None,
    ready_within: float = READY_WITHIN,
    shelters: tuple[Path, ...] = SHELTERS,
) -> Running:
    """Do what `start` does without blocking the loop. When canceled, a server that came up is stopped again."""
    starting = asyncio.ensure_future(
        asyncio.to_thread(
            start,
            folder,
            programs_folder=programs_folder,
            overrides=overrides,
            ready_within=ready_within,
            shelters=shelters,
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        await _abandon(starting)
        raise


async def _abandon(starting: asyncio.Future[Running]) -> None:
    try:
        running = await starting
    except CannotStart:
        return
    await asyncio.to_thread(running.stop)


def find_running(folder: Path) -> Address | None:
    """Give the address of the server that runs the store in `folder`, None when none does. Starts nothing."""
    place = known_place(folder)
    if place is None or not workers_in(place.pgdata):
        return None
    lines = pid_file_lines(place.pgdata)
    return Address(lines[4]) if len(lines) >= 8 and lines[7] == "ready" else None


def erase(folder: Path) -> None:
    """Delete the store of `folder` with everything in it, wherever it lives; no store, no effect.

    Raises AlreadyRunning when a process runs it.
    """
    place = known_place(folder)
    if place is None:
        return
    with locked(place):
        stop_leftovers(place.pgdata)
        shutil.rmtree(place.root)
    shutil.rmtree(folder, ignore_errors=True)


def _rotated_log(place: Place) -> BinaryIO:
    """Open server.log for appending, set aside first when it has grown; only we may read it."""
    if place.log.exists() and place.log.stat().st_size > LONGEST_LOG:
        place.log.rename(place.log.with_name("server.log.1"))
    return open(os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600), "ab", buffering=0)


@contextmanager
def _server(place: Place, programs: Programs, sockets: Path, overrides: Mapping[str, str]) -> Iterator[Child]:
    settings = write_settings(
        place.settings,
        sockets=sockets,
        major=programs.version[0],
        system_user=own_account().name,
        overrides=overrides,
    )
    command: list[str | Path] = [programs.postgres, "-D", place.pgdata, f"--config_file={settings}"]
    with _rotated_log(place) as output:
        # A session of its own: Ctrl-C in a terminal must not reach the server before we have finished with it.
        child = subprocess.Popen(  # noqa: S603 (no shell; the program is ours)
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            **spawn_options(place.account),
        )
    try:
        yield child
    finally:
        _stop_server(child)


def _wait_until_ready(child: Child, place: Place, seconds: float) -> None:
    """Return when line 1 of the pid file is our child's and line 8 says ready: a stale file can say ready too."""
    bound = time.monotonic() + seconds
    while time.monotonic() < bound:
        lines = pid_file_lines(place.pgdata)
        if len(lines) >= 8 and lines[0] == str(child.pid) and lines[7] == "ready":
            return
        if child.poll() is not None:
            raise CannotStart(f"PostgreSQL ended with status {child.returncode}: {_last_words(place)}")
        time.sleep(0.002)
    raise CannotStart(f"PostgreSQL was not ready within {seconds:g} seconds: {_last_words(place)}")


def _last_words(place: Place) -> str:
    lines = place.log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join([f"(from {place.log})", *lines[-8:]])


def _stop_server(child: Child) -> None:
    for step, seconds in ((signal.SIGINT, STOP_WITHIN), (signal.SIGQUIT, QUIT_WITHIN)):
        if child.poll() is None:
            child.send_signal(step)
        try:
            child.wait(seconds)
            return
        except subprocess.TimeoutExpired:
            log.warning("PostgreSQL (process %s) did not stop within %g seconds of %s", child.pid, seconds, step.name)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
