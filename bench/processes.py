"""Child processes of the bench: each says as one JSON line that it is ready, and is ended by its own id."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

REPOSITORY = Path(__file__).parents[1]
END_WITHIN = 30.0


class DidNotStart(Exception):
    """A child ended before it was ready; its own words are in the text."""


class Child:
    """A running child."""

    def __init__(self, process: subprocess.Popen[str], ready: dict[str, Any]) -> None:
        self.process = process
        self.ready = ready

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def say(self, text: str) -> None:
        """One line to its standard input."""
        _pipe(self.process.stdin).write(text + "\n")
        _pipe(self.process.stdin).flush()

    def hear(self) -> dict[str, Any]:
        """Its next JSON line. Raises DidNotStart when it ended without one."""
        return _json_line(self.process)


@contextmanager
def child(command: Sequence[str], env: Mapping[str, str] | None = None, cwd: Path | None = None) -> Iterator[Child]:
    """Run a command until it says it is ready, then as long as the block."""
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **(env or {})},
        cwd=cwd or REPOSITORY,
    ) as process:
        try:
            yield Child(process, _json_line(process))
        finally:
            end(process)


def module(name: str, *arguments: str) -> list[str]:
    """The command that runs a module of ours with this Python."""
    return [sys.executable, "-m", name, *arguments]


def end(process: subprocess.Popen[str]) -> None:
    """Ask it to end; kill it when it does not."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(END_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _json_line(process: subprocess.Popen[str]) -> dict[str, Any]:
    for line in _pipe(process.stdout):
        if line.startswith("{"):
            found: dict[str, Any] = json.loads(line)
            return found
    raise DidNotStart(f"{' '.join(map(str, process.args))} ended with status {process.wait()}")  # type: ignore[arg-type]


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe
