"""Each run has a folder of its own; old ones go."""

from __future__ import annotations

import stat
from pathlib import Path

from outrider.demo.place import KEPT, new_run


def test_runs_are_numbered_from_one_and_nobody_else_may_read_them(tmp_path: Path) -> None:
    runs = [new_run(tmp_path / "demo") for _ in range(3)]
    assert [(run.number, run.name) for run in runs] == [(1, "r0001"), (2, "r0002"), (3, "r0003")]
    assert {stat.S_IMODE(run.folder.stat().st_mode) for run in runs} == {0o700}
    assert runs[0].ledger == tmp_path / "demo" / "runs" / "r0001" / "ledger.ndjson"


def test_a_number_is_never_given_twice_and_only_the_newest_runs_stay(tmp_path: Path) -> None:
    runs = [new_run(tmp_path) for _ in range(KEPT + 5)]
    assert [run.number for run in runs] == list(range(1, KEPT + 6))
    kept = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert kept == [run.name for run in runs[-KEPT:]]


def test_other_folders_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "runs" / "notes").mkdir(parents=True)
    for _ in range(KEPT + 2):
        new_run(tmp_path)
    assert (tmp_path / "runs" / "notes").is_dir()
