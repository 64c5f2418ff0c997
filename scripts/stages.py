"""Runs the stages of a check one after the other, all of them, and prints how long each took.

    python scripts/stages.py test|soak|lint

Exit status 1 when a stage failed.
"""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
PYTEST = (sys.executable, "-m", "pytest")

Command = tuple[str, ...]

STAGES: dict[str, tuple[tuple[str, Command], ...]] = {
    "lint": (
        ("ruff check", (str(BIN / "ruff"), "check", ".")),
        ("ruff format", (str(BIN / "ruff"), "format", "--check", ".")),
        ("mypy --strict", (str(BIN / "mypy"),)),
        ("import contracts", (str(BIN / "lint-imports"), "--no-logo")),
        ("sizes", (sys.executable, "scripts/check_sizes.py")),
    ),
    "test": (
        ("import contracts", (str(BIN / "lint-imports"), "--no-logo")),
        ("unit tests", (*PYTEST, "-n", "2", "-m", "not soak", "--ignore=tests/simulation", "--ignore=tests/demo")),
        ("simulator", (*PYTEST, "-m", "not soak", "tests/simulation")),
        ("demo", (*PYTEST, "tests/demo")),
    ),
    "soak": (("long runs", (*PYTEST, "-m", "soak", "--timeout", "0")),),
}


@dataclass(frozen=True)
class Outcome:
    """How one stage ended."""

    name: str
    passed: bool
    seconds: float

    def __str__(self) -> str:
        """A line of the table at the end."""
        return f"{'ok    ' if self.passed else 'FAILED'}  {self.seconds:7.1f} s  {self.name}"


def main() -> int:
    """Exit status: 0 when all passed, 1 when not, 2 for a name that is none."""
    name = sys.argv[1] if len(sys.argv) == 2 else ""
    if name not in STAGES:
        print(f"usage: python scripts/stages.py {'|'.join(STAGES)}", file=sys.stderr)
        return 2
    outcomes = [run(title, command) for title, command in STAGES[name]]
    total = sum(outcome.seconds for outcome in outcomes)
    print(f"\n{name}:", *outcomes, f"        {total:7.1f} s  together", sep="\n  ", flush=True)
    return 0 if all(outcome.passed for outcome in outcomes) else 1


def run(name: str, command: Command) -> Outcome:
    """Run one stage with its output as it comes."""
    print(f"\n── {name}: {' '.join(Path(word).name if word.startswith('/') else word for word in command)}", flush=True)
    begun = time.monotonic()
    status = subprocess.run(command, check=False, cwd=ROOT).returncode  # noqa: S603 (no shell; the commands stand above)
    return Outcome(name, status == 0, time.monotonic() - begun)


if __name__ == "__main__":
    sys.exit(main())
