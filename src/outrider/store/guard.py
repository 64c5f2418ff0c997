"""Stops the server when the process that started it dies without a chance to do so itself.

The guard is a shell of the server's account that reads from a pipe only our process holds. However our process ends,
the pipe ends with it, and the guard asks the server to stop, unless it was told that the server is gone. (The
parent-death signal of Linux is no choice: it fires when the *thread* that started the child ends.)
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from outrider.store.accounts import spawn_options
from outrider.store.place import Place

GUARD = """
trap '' INT TERM HUP
read -r word
[ "$word" = stopped ] && exit 0
read -r running < "$1" && [ "$running" = "$2" ] && kill -INT "$2"
"""
"""Arguments: the server's pid file, the server's pid. The file is read again so that no stranger is stopped."""


@contextmanager
def guarded(server: int, place: Place) -> Iterator[None]:
    """Keep a shell waiting on a pipe that ends with this process; without /bin/sh the next start cleans up alone."""
    if not Path("/bin/sh").exists():
        yield
        return
    guard = subprocess.Popen(  # noqa: S603 (the text is GUARD; what varies is passed as arguments)
        ["/bin/sh", "-c", GUARD, "outrider-guard", place.pgdata / "postmaster.pid", str(server)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        **spawn_options(place.account),
    )
    try:
        yield
    finally:
        _dismiss(guard)


def _dismiss(guard: subprocess.Popen[bytes]) -> None:
    try:
        guard.communicate(b"stopped\n", timeout=10)
    except subprocess.TimeoutExpired:
        guard.kill()
        guard.wait()
