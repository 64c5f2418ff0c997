"""The demo's home folder: keys and database stay, each run gets a folder of its own for ledger and logs."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import msgspec

#: Runs whose logs are kept.
KEPT = 10
RUN = re.compile(r"r(\d{4,})")


class Run(msgspec.Struct, frozen=True):
    """One run of the demo."""

    number: int
    folder: Path

    @property
    def name(self) -> str:
        """What stands before every id of this run."""
        return self.folder.name

    @property
    def ledger(self) -> Path:
        """The sandbox's ledger."""
        return self.folder / "ledger.ndjson"


def new_run(home: Path) -> Run:
    """Make the folder of the next run below `home`, readable by us alone; drop the oldest ones. Raises OSError."""
    runs = home / "runs"
    runs.mkdir(mode=0o700, parents=True, exist_ok=True)
    numbers = sorted(int(found[1]) for path in runs.iterdir() if (found := RUN.fullmatch(path.name)))
    number = numbers[-1] + 1 if numbers else 1
    folder = runs / f"r{number:04}"
    folder.mkdir(mode=0o700)
    for old in numbers[: 1 - KEPT]:
        shutil.rmtree(runs / f"r{old:04}", ignore_errors=True)
    return Run(number, folder)
