"""The demo's own processes: started in a session of their own, ready when they say so, stopped within bounds."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

#: Seconds until a process must have said that it is ready.
READY_WITHIN = 60.0
#: Seconds for an orderly end; delivery may wait for answers that long (deadline of an account, 12 s at most).
STOP_WITHIN = 15.0
#: prctl(2).
PR_SET_PDEATHSIG = 1


class DidNotStart(ConnectionError):
    """A process ended or stayed silent instead of saying that it is ready; the text has its last words."""


@asynccontextmanager
async def child(arguments: Sequence[str], log: Path, env: Mapping[str, str]) -> AsyncIterator[dict[str, Any]]:
    """Run `outrider ARGUMENTS…` as long as the block; gives the JSON line it prints when ready.

    Its errors go to the file `log`. Raises DidNotStart. The end is an interrupt, and a kill when that does not help.
    """
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "outrider",
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            env={**os.environ, **env},
            # Ctrl-C in the terminal reaches us alone: we end the processes in their order.
            start_new_session=True,
            preexec_fn=_end_with_parent,
        )
    try:
        yield await _ready(process, arguments[0], log)
    finally:
        await _stop(process)


def _end_with_parent() -> None:
    """Runs in the new process: when the demo is killed, it is interrupted too (Linux only)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


async def _ready(process: asyncio.subprocess.Process, name: str, log: Path) -> dict[str, Any]:
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), READY_WITHIN)
        answer: dict[str, Any] = json.loads(line)
    except (TimeoutError, json.JSONDecodeError) as error:
        raise DidNotStart(f"outrider {name} did not start: {_last_words(log)}") from error
    return answer


def _last_words(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    words = "\n".join(lines[-12:]).strip()
    return f"(from {log})\n{words}" if words else f"it said nothing ({log} is empty)"


async def _stop(process: asyncio.subprocess.Process) -> None:
    for number, seconds in ((signal.SIGINT, STOP_WITHIN), (signal.SIGKILL, STOP_WITHIN)):
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        try:
            await asyncio.wait_for(process.wait(), seconds)
            return
        except TimeoutError:
            continue
