"""Runs the stages of a check one after the other, all of them, and prints how long each took.

    python scripts/stages.py test|soak|lint

Exit status 1 when a stage failed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
PYTEST = (sys.executable, "-m", "pytest")

KILLING = (sys.executable, "-m", "outrider.testing.killing")
SIMULATION = (sys.executable, "-m", "outrider.testing.simulation")
#: Folders of tests with a stage of their own.
OWN_STAGE = ("tests/simulation", "tests/killing", "tests/demo")

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
        ("unit tests", (*PYTEST, "-n", "2", "-m", "not soak", *(f"--ignore={folder}" for folder in OWN_STAGE))),
        # These print what they found, also when they pass.
        ("simulator and bug zoo", (*PYTEST, "-n", "2", "-rP", "-m", "not soak", "tests/simulation")),
        ("kill loop", (*PYTEST, "-rP", "-m", "not soak", "tests/killing")),
        ("demo", (*PYTEST, "tests/demo")),
    ),
    "soak": (
        ("kill loop", (*KILLING, "--cycles", "1000", "--seed", "1", "--report", "docs/explanation/soak-report.json")),
        ("simulator", (*SIMULATION, "--days", os.environ.get("OUTRIDER_SOAK_DAYS", "3000"))),
        ("simulator, people", (*SIMULATION, "--days", "500", "--seed", "2000000", "--fault-profile", "people")),
    ),
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
