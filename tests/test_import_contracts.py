"""The import contracts hold, and each catches what it is there for: violations planted in a copy of the tree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import outrider

ROOT = Path(__file__).parents[1]
LINT = Path(sys.executable).parent / "lint-imports"

#: File → the import that is planted in it, the contract that must break, and the line that must name it.
PLANTED = {
    "domain/message.py": ("outrider.delivery.breaker", "Imports point down the page"),
    "ingest/mapping.py": ("outrider.profiles.apply", "Imports point down the page"),
    "workers/sweep.py": ("outrider.api.paging", "Imports point down the page"),
    "api/paging.py": ("outrider.store.vault", "Only the composition root and the command line name"),
    "configuration/kinds.py": ("outrider.providers.sms.twilio", "Only the composition root and the command line name"),
    "workers/wake.py": ("outrider.settings", "Only the composition root and the command line read"),
    "providers/sms/twilio.py": ("outrider.providers.sms.smsmode", "A plug-in stands alone"),
    "journeys/steps/wait.py": ("outrider.journeys.steps.branch", "A plug-in stands alone"),
    "orchestration/gates/consent.py": ("outrider.orchestration.gates.validity", "A plug-in stands alone"),
    "content/media/push.py": ("outrider.content.media.sms", "A plug-in stands alone"),
    "domain/decision.py": ("outrider.lib.clock", "Decisions touch no clock"),
    "journeys/advance.py": ("random", "Decisions touch no clock"),
    "delivery/next_move.py": ("time", "Decisions touch no clock"),
    "expressions/parser.py": ("logging", "Decisions touch no clock"),
    "contracts/gate.py": ("socket", "Words, conditions and gates reach no clock"),
    "workers/deliver.py": ("outrider.testing.builders", "Shipped code never imports the test kit"),
    "workers/resolve.py": ("asyncpg", "Only the store speaks to PostgreSQL"),
    "store/rows.py": ("litestar", "Only the API knows the web framework"),
    "newcomer/__init__.py": ("outrider.domain", "newcomer"),
}


def lint(source: Path) -> subprocess.CompletedProcess[str]:
    """The contracts over the package in a folder."""
    environment = {**os.environ, "PYTHONPATH": str(source), "COLUMNS": "200"}
    command = [str(LINT), "--no-cache", "--no-logo", "--config", str(ROOT / ".importlinter")]
    return subprocess.run(
        command, cwd=source, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(Path(outrider.__file__).parent, folder / "outrider", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture(scope="module")
def report(source: Path) -> str:
    """What is said about a tree with every violation planted; the tree without them is fine."""
    clean = lint(source)
    assert clean.returncode == 0, clean.stdout + clean.stderr
    assert "0 broken" in clean.stdout
    for file, (name, _) in PLANTED.items():
        path = source / "outrider" / file
        path.parent.mkdir(exist_ok=True)
        with path.open("a", encoding="utf-8") as text:
            text.write(f"\nimport {name}\n")
    found = lint(source)
    assert found.returncode == 1
    return found.stdout + found.stderr


def test_a_folder_without_a_place_in_the_list_stops_everything(source: Path, report: str) -> None:
    assert "newcomer" in report
    shutil.rmtree(source / "outrider" / "newcomer")
    assert "newcomer" not in lint(source).stdout


@pytest.mark.parametrize("file", [file for file in PLANTED if "newcomer" not in file])
def test_a_planted_violation_is_caught(report: str, file: str) -> None:
    name, contract = PLANTED[file]
    module = f"outrider.{file.removesuffix('.py').replace('/', '.')}"
    broken = re.search(rf"^{re.escape(contract)}[^\n]* BROKEN$", report, re.MULTILINE)
    assert broken is not None, report
    assert re.search(rf"{re.escape(module)} (->|is not allowed to import) {re.escape(name)}\b", report), report
