"""The embedded PostgreSQL in a process of its own, so that it can be killed: ``python -m … FOLDER``."""

from __future__ import annotations

import json
import signal
import sys
import threading
from pathlib import Path

from outrider.store.launcher import Running, start


def main(folder: Path) -> None:
    """Start the server, say so in one JSON line, and stop it when interrupted; end when it ends."""
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: over.set())
    with start(folder) as running:
        print(json.dumps({"ready": True, "database": running.address.dsn(), "pid": running.process_id}), flush=True)
        threading.Thread(target=_watch, args=(running, over), daemon=True).start()
        over.wait()


def _watch(running: Running, over: threading.Event) -> None:
    running.wait()
    over.set()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
