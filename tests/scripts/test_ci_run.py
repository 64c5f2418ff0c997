"""`.ci/run` in a small tree of its own: it reports every stage, and fails when one fails or a test was skipped."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / ".ci" / "run"
LINTERS = ("ruff", "mypy", "lint-imports", "python")
STAGES = ["environment", "tests", "ruff check", "ruff format", "mypy", "import contracts", "sizes"]


def tree(root: Path, closing: str = "===== 3 passed in 0.10s =====", status: int = 0, broken: str = "") -> Path:
    """A repository whose tests end with a line, and whose linters pass but one."""
    (root / ".ci").mkdir()
    shutil.copy(SCRIPT, root / ".ci" / "run")
    (root / "Makefile").write_text(
        f"environment-dev:\n\t@echo environment\ntest:\n\t@echo '{closing}'\n\t@exit {status}\n"
    )
    (root / ".venv" / "bin").mkdir(parents=True)
    for name in LINTERS:
        tool = root / ".venv" / "bin" / name
        tool.write_text(f"#!/bin/sh\necho {name} $*\nread -r line && exit 3\nexit {int(name == broken)}\n")
        tool.chmod(0o755)
    return root


def run(root: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "MAKEFLAGS": ""}
    return subprocess.run(
        [str(root / ".ci" / "run")], capture_output=True, text=True, timeout=60, env=environment, check=False
    )


def stages(output: str) -> dict[str, str]:
    """Stage → verdict, as the table at the end has them."""
    return {name: verdict for verdict, name in re.findall(r"^(ok|FAILED) +\d+ s  (.+)$", output, re.MULTILINE)}


def test_when_everything_passes_it_says_so_with_the_time_of_each_stage(tmp_path: Path) -> None:
    result = run(tree(tmp_path))
    assert result.returncode == 0, result.stdout + result.stderr
    assert stages(result.stdout) == dict.fromkeys(STAGES, "ok")
    assert result.stdout.endswith("together\nall passed\n")
    assert result.stdout.count("===== 3 passed in 0.10s =====") == 2


@pytest.mark.parametrize(
    ("broken", "failing"),
    [("ruff", ["ruff check", "ruff format"]), ("mypy", ["mypy"]), ("lint-imports", ["import contracts"])],
)
def test_a_linter_that_fails_fails_the_run_and_the_others_are_asked_all_the_same(
    tmp_path: Path, broken: str, failing: list[str]
) -> None:
    result = run(tree(tmp_path, broken=broken))
    assert result.returncode == 1
    assert list(stages(result.stdout)) == STAGES
    assert [name for name, verdict in stages(result.stdout).items() if verdict == "FAILED"] == failing


@pytest.mark.parametrize(
    ("closing", "status", "words"),
    [
        ("===== 1 failed, 2 passed in 0.10s =====", 1, "FAILED"),
        ("2 passed, 1 skipped in 0.10s", 0, "tests were skipped, or none ran"),
        ("nothing to do", 0, "tests were skipped, or none ran"),
    ],
)
def test_failed_skipped_and_missing_tests_fail_the_run(tmp_path: Path, closing: str, status: int, words: str) -> None:
    result = run(tree(tmp_path, closing, status))
    assert result.returncode == 1
    assert words in result.stdout
    assert list(stages(result.stdout)) == STAGES
