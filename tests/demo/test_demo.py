"""`outrider demo` as it is run: real processes, twice in one home, and interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from outrider.demo.example import example_folder, sample_events
from outrider.sandbox.ledger import read_ledger, summarize
from outrider.store.launcher import find_running

BOOKINGS = 6
COMMAND = (sys.executable, "-m", "outrider", "demo", "--once", "--json", "--speed", "7200", "--bookings", str(BOOKINGS))
PARTS = ["delivered", "accepted", "failed", "held", "canceled", "moving"]
KEYS = ["events", "considered", "messages", *PARTS, "dropped", "failovers", "fallbacks", "cost_eur"]
KEYS += ["duplicates", "lost", "seconds"]
#: Seconds; a run takes about 15.
BOUND = 120
ENV = {name: value for name, value in os.environ.items() if not name.startswith("OUTRIDER_")}


def run(home: Path) -> dict[str, Any]:
    done = subprocess.run([*COMMAND, "--home", str(home)], capture_output=True, text=True, timeout=BOUND, env=ENV)
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def results(home: Path) -> list[dict[str, Any]]:
    """Two runs in one home: the second finds the first one's rows in the database."""
    return [run(home), run(home)]


def test_the_counts_agree_and_nothing_is_lost_or_sent_twice(results: list[dict[str, Any]]) -> None:
    for result in results:
        assert list(result) == KEYS
        assert (result["lost"], result["duplicates"]) == (0, 0)
        assert sum(result[part] for part in PARTS) == result["messages"]
        assert result["messages"] + result["dropped"] == result["considered"]
        assert result["moving"] == 0
        assert result["delivered"] > 2 * BOOKINGS


def test_every_run_counts_its_own_events_only(results: list[dict[str, Any]]) -> None:
    events = len(sample_events(example_folder(), 7, BOOKINGS))
    assert [result["events"] for result in results] == [events, events]
    assert results[1]["messages"] < 1.5 * results[0]["messages"]


def test_each_ledger_holds_what_that_run_delivered(home: Path, results: list[dict[str, Any]]) -> None:
    for number, result in enumerate(results, start=1):
        summary = summarize(read_ledger(home / "runs" / f"r{number:04}" / "ledger.ndjson"))
        assert summary.accepted >= result["delivered"] > 0
        assert summary.repeated_messages == {}
        assert summary.without_echo == 0


def test_an_interrupt_ends_every_process_of_the_demo(home: Path, results: list[dict[str, Any]]) -> None:
    process = subprocess.Popen([*COMMAND, "--home", str(home)], stderr=subprocess.PIPE, stdout=subprocess.PIPE, env=ENV)
    assert process.stderr is not None
    assert process.stdout is not None
    with process.stdout, process.stderr:
        assert any(b"delivery are ready" in line for line in process.stderr)
        started = psutil.Process(process.pid).children(recursive=True)
        assert len(started) >= 3
        process.send_signal(signal.SIGINT)
        assert process.wait(BOUND) == 130
        assert b"stopped" in process.stderr.read()
    _, alive = psutil.wait_procs(started, timeout=10)
    assert alive == []
    assert find_running(home / "postgres") is None
