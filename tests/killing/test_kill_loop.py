"""Real processes under load, killed at busy instants: nothing lost, nothing doubled that its purpose does not allow."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import msgspec
import pytest

from outrider.testing.killing.__main__ import revision, written
from outrider.testing.killing.loop import VICTIMS, Plan, Report, run

#: Short runs hit few victims twice; this seed's 25 cycles hit every one.
SEED = 6


def check(report: Report) -> None:
    """What every run must show, however long."""
    assert report.holds, report.verdict
    assert set(report.kills) == set(VICTIMS)
    assert all(report.kills.values()), report.kills
    assert sum(report.kills.values()) >= report.cycles
    assert report.verdict.events > 10 * report.cycles
    assert report.verdict.unknown_created > 0
    assert "open" not in report.verdict.resolved_by


@pytest.mark.timeout(280)
def test_twenty_five_kills_lose_nothing_and_double_nothing_unlabelled(tmp_path: Path) -> None:
    report = asyncio.run(run(Plan(cycles=25, seed=SEED), tmp_path))
    print(msgspec.json.format(msgspec.json.encode(report)).decode())
    check(report)
    document = json.loads(written(report, revision()))
    assert document["verdict"]["lost"] == 0
    assert document["revision"] == revision()


@pytest.mark.soak
@pytest.mark.timeout(4 * 3600)
def test_a_thousand_kills_lose_nothing_and_double_nothing_unlabelled(tmp_path: Path) -> None:
    check(asyncio.run(run(Plan(cycles=1000, seed=1), tmp_path)))
