"""The guide to a new market works: one file, and every command and test knows it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from page_runner import page

ROOT = Path(__file__).parents[2]


def test_the_guide_adds_a_market_with_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("src", "tests/markets"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    shutil.copy(ROOT / "tests/conftest.py", tmp_path / "tests/conftest.py")
    rest = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'src'}{os.pathsep}{rest}")
    assert not (tmp_path / "src/outrider/markets/be.py").exists()
    with page((ROOT / "docs/how-to/add-a-market.md").read_text(encoding="utf-8"), tmp_path) as guide:
        guide.run()
