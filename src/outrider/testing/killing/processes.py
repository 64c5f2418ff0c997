"""Processes that are started, killed without warning, paused and started again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

#: Seconds until a process must have said that it is ready: recovery of the database and a loaded machine included.
READY_WITHIN = 60.0
#: Seconds for an orderly end.
STOP_WITHIN = 20.0


class DidNotStart(Exception):
    """A process ended or stayed silent instead of saying that it is ready; the text has its last words."""


class Process:
    """One process that prints a JSON line when it is ready; it may live many times."""

    def __init__(self, name: str, arguments: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> None:
        """`arguments` follow ``python``; errors are appended to `log`."""
        self.name = name
        self._arguments = tuple(arguments)
        self._log = log
        self._env = {**os.environ, **(env or {})}
        self._child: asyncio.subprocess.Process | None = None
        #: What it said when it was ready.
        self.said: dict[str, Any] = {}
        self.kills = 0
        self._killed = False

    async def start(self) -> dict[str, Any]:
        """Start it; what it said when it was ready. Raises DidNotStart."""
        with self._log.open("ab") as errors:
            self._child = await asyncio.create_subprocess_exec(
                sys.executable,
                *self._arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                env=self._env,
                start_new_session=True,
            )
        self._killed = False
        self.said = await self._ready(self._child)
        return self.said

    async def _ready(self, child: asyncio.subprocess.Process) -> dict[str, Any]:
        assert child.stdout is not None
        try:
            line = await asyncio.wait_for(child.stdout.readline(), READY_WITHIN)
            said: dict[str, Any] = json.loads(line)
        except (TimeoutError, json.JSONDecodeError) as error:
            raise DidNotStart(f"{self.name} did not start: {self.last_words()}") from error
        return said

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._child is not None
        return self._child.pid

    def has_ended(self) -> bool:
        """Whether it ended by itself: nothing may do that."""
        return self._child is not None and self._child.returncode is not None and not self._killed

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to it alone."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    async def kill(self) -> None:
        """End it with SIGKILL and reap it."""
        assert self._child is not None
        self.kills += 1
        self._killed = True
        self.signal(signal.SIGKILL)
        await self._child.wait()

    async def stop(self) -> None:
        """Ask it to end; kill it when it does not."""
        if self._child is None or self._child.returncode is not None:
            return
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self._child.wait(), STOP_WITHIN)
        except TimeoutError:
            self.signal(signal.SIGKILL)
            await self._child.wait()

    def last_words(self) -> str:
        """The end of its log."""
        return self._log.read_text(encoding="utf-8", errors="replace")[-2000:]


class Database(Process):
    """The process that runs PostgreSQL; killing it kills the server and all its children first."""

    async def kill(self) -> None:
        """SIGKILL for the postmaster, then for every child it had, then for its parent."""
        server = int(self.said["pid"])
        for pid in (server, *children_of(server)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await super().kill()


def children_of(parent: int) -> list[int]:
    """The processes whose parent this is (Linux: field 4 of /proc/PID/stat, after the name in parentheses)."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError, IndexError):
            if int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(entry.name))
    return found
