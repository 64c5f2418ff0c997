"""`scripts/stages.py` runs every stage, tells the time of each, and fails when one does."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "stages.py"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("stages_script", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up while it is made.
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def call(script: ModuleType, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    good, bad = (sys.executable, "-c", ""), (sys.executable, "-c", "raise SystemExit(7)")
    monkeypatch.setattr(
        script, "STAGES", {"good": (("one", good), ("two", good)), "bad": (("one", bad), ("two", good))}
    )
    monkeypatch.setattr(sys, "argv", ["stages.py", *arguments])
    status: int = script.main()
    return status


@pytest.mark.parametrize(
    ("name", "status", "rows"),
    [
        ("good", 0, [("ok", "one"), ("ok", "two"), ("", "together")]),
        ("bad", 1, [("FAILED", "one"), ("ok", "two"), ("", "together")]),
    ],
)
def test_every_stage_runs_and_has_its_row_in_the_table(
    name: str,
    status: int,
    rows: list[tuple[str, str]],
    script: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call(script, monkeypatch, name) == status
    table = capsys.readouterr().out.split(f"\n{name}:\n")[1].splitlines()
    assert [(row.split()[0] if row.split()[0].isalpha() else "", row.split()[-1]) for row in table] == rows
    assert all(" s  " in row for row in table)


@pytest.mark.parametrize("arguments", [(), ("unknown",), ("good", "bad")])
def test_an_unknown_name_prints_how_it_is_called(
    arguments: tuple[str, ...],
    script: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call(script, monkeypatch, *arguments) == 2
    assert "usage: python scripts/stages.py good|bad" in capsys.readouterr().err
