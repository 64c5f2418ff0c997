"""The simulator over many days: nothing is violated, everything hard is met, and a day can be replayed."""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec
import pytest
from click.testing import CliRunner

from outrider.testing.simulation import Violated, replay_command, run_day, run_days, written
from outrider.testing.simulation.__main__ import main
from outrider.testing.simulation.report import CHUNK, CORE, LIVELY, LIVELY_DAYS, RARE, RARE_SEEDS, Report
from outrider.testing.simulation.requests import REQUEST_FAULTS
from outrider.testing.simulation.zoo import planted
from outrider.testing.simulation.zoo_plants import PLANTS

CHUNKS = 6


def days_with(number: int, days: int, seed: int = 0) -> Report:
    with planted(PLANTS[number][3]):
        return run_days(days, seed)


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_fifty_days_with_faults_violate_nothing_and_meet_every_core_counter(chunk):
    report = run_days(CHUNK, chunk * CHUNK)
    print(written(report))
    assert report.violated == "", report.violation + "\n" + report.replay
    assert report.missing == {}
    assert report.totals["events"] >= 200 * CHUNK
    assert report.totals["unlabelled"] == 0


@pytest.mark.timeout(600)
def test_days_full_of_faults_meet_the_rare_counters_too():
    report = run_days(len(RARE_SEEDS), RARE_SEEDS[0], "storm")
    print(written(report))
    assert report.violated == "", report.violation + "\n" + report.replay
    assert [name for name in RARE if not report.sometimes.get(name)] == []


@pytest.mark.timeout(600)
def test_days_without_faults_leave_no_doubt_and_no_further_copy():
    report = run_days(5, profile="calm")
    assert report.passed, report.violation
    assert report.totals["unknown"] == report.totals["labelled"] == report.totals["unlabelled"] == 0
    assert report.totals["accepted"] > 5 * 150


@pytest.mark.timeout(600)
def test_what_people_ask_for_is_done_at_once_and_holds():
    report = run_days(LIVELY_DAYS, profile="people")
    print(written(report))
    assert report.violated == "", report.violation + "\n" + report.replay
    assert {
        name: report.sometimes.get(name, 0) for name, least in LIVELY.items() if report.sometimes.get(name, 0) < least
    } == {}


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_any_number_of_days_for_the_soak():
    days = int(os.environ.get("OUTRIDER_SOAK_DAYS", "10000"))
    report = run_days(days, 1_000_000)
    print(written(report))
    assert report.passed, f"{report.violation}\n{report.replay}\n{report.missing}"


def test_the_same_seed_takes_the_same_steps_in_another_process_with_other_hashes():
    """I40: same seed and code, same trace."""
    here = run_day(7)
    command = [sys.executable, "-m", "outrider.testing.simulation", "--seed", "7", "--days", "1", "--json"]
    told = subprocess.run(command, capture_output=True, check=True, env={**os.environ, "PYTHONHASHSEED": "4711"})
    there = msgspec.json.decode(told.stdout)
    assert (there["digest"], there["totals"]["steps"]) == (here.digest, here.steps)


def test_another_seed_takes_other_steps():
    assert run_day(7).digest != run_day(8).digest


def test_a_violation_stops_the_run_and_names_the_command_that_replays_its_day():
    report = days_with(8, days=3, seed=40)
    assert (report.violated, report.days) == ("I24", 0)
    assert report.replay == "python -m outrider.testing.simulation --seed 40 --days 1 --verbose"
    assert report.replay in written(report)
    assert "A message's status only rises" in report.violation


def test_the_replayed_day_fails_alike_and_shows_its_steps(capsys):
    with planted(PLANTS[8][3]), pytest.raises(Violated) as first:
        run_day(40)
    with planted(PLANTS[8][3]), pytest.raises(Violated) as second:
        run_day(40, verbose=True)
    assert str(first.value) == str(second.value)
    assert "accepted" in capsys.readouterr().out


def test_the_replay_command_keeps_the_fault_profile():
    assert replay_command(3, "storm").endswith("--seed 3 --days 1 --fault-profile storm --verbose")


def test_a_run_that_misses_a_counter_has_not_passed(monkeypatch):
    monkeypatch.setitem(CORE, "something that never happens", 2)
    monkeypatch.setattr("outrider.testing.simulation.report.CHUNK", 2)
    report = run_days(4, profile="standard")
    assert report.missing["something that never happens"] == 4
    assert not report.passed
    assert "not met: something that never happens (expected 4)" in written(report)


def test_the_command_prints_a_report_and_as_json_one_object():
    plain = CliRunner().invoke(main, ["--days", "1", "--seed", "3", "--fault-profile", "calm"])
    assert (plain.exit_code, plain.output.split(" from")[0]) == (0, "1 days")
    told = CliRunner().invoke(main, ["--days", "1", "--seed", "3", "--fault-profile", "calm", "--json"])
    report = msgspec.json.decode(told.output, type=Report)
    assert (report.days, report.first_seed, report.profile, report.violated) == (1, 3, "calm", "")
    assert {"events", "messages", "accepted", "unknown", "echoed", "looked_up", "unresolved"} <= report.totals.keys()


def test_the_command_fails_when_an_invariant_does():
    with planted(PLANTS[8][3]):
        told = CliRunner().invoke(main, ["--days", "1", "--seed", "40"])
    assert told.exit_code == 1
    assert "I24 violated" in told.output


@pytest.mark.timeout(600)
def test_requests_under_a_key_take_effect_once_whatever_happens_at_the_door():
    """I2: byte-equal answers for a key, another body refused, one entry each."""
    report = run_days(4, profile="direct")
    assert report.violated == "", report.violation + "\n" + report.replay
    for name in (*(name for name, *_ in REQUEST_FAULTS), "a repeat of a request found its answer"):
        assert report.sometimes.get(name), name
    assert report.sometimes["another body under a known key was refused"] >= 4
