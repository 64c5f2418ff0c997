"""CPU and memory of process trees, from /proc."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self

TICKS = os.sysconf("SC_CLK_TCK")
#: Fields of /proc/PID/stat after the name (proc(5)): parent, user and system time, and those of ended children.
PARENT, USER, SYSTEM, ENDED_USER, ENDED_SYSTEM = 1, 11, 12, 13, 14
EVERY_SECONDS = 0.5


def _fields(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def tree(roots: Iterable[int]) -> set[int]:
    """The processes and all that descend from them."""
    parents = {
        int(name): int(fields[PARENT])
        for name in os.listdir("/proc")
        if name.isdigit() and (fields := _fields(int(name)))
    }
    found = set(roots) & parents.keys()
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def cpu_seconds(roots: Iterable[int]) -> float:
    """User and system time of the trees so far, ended children included."""
    ticks = 0
    for pid in tree(roots):
        fields = _fields(pid)
        if fields:
            ticks += sum(int(fields[place]) for place in (USER, SYSTEM, ENDED_USER, ENDED_SYSTEM))
    return ticks / TICKS


def memory_mb(roots: Iterable[int]) -> float:
    """Proportional set size of the trees in MB: shared pages are counted once."""
    kilobytes = 0
    for pid in tree(roots):
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        kilobytes += sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
    return kilobytes / 1024


class Peak:
    """The highest memory of some trees while a block runs."""

    def __init__(self, roots: Callable[[], Iterable[int]]) -> None:
        self._roots = roots
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.mb = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.mb = max(self.mb, memory_mb(self._roots()))
            if self._ended.wait(EVERY_SECONDS):
                return
