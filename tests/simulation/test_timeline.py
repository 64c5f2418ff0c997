"""Virtual time: order, processes that die or stand still, coroutines driven by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from outrider.testing.simulation.timeline import Died, Later, Process, Timeline

START = datetime(2026, 3, 28, 12, tzinfo=UTC)


@pytest.fixture
def timeline():
    return Timeline(START)


async def nap(seen, *seconds):
    for each in seconds:
        seen.append(await Later(each, f"after {each}"))
    return len(seen)


def test_calls_happen_in_order_of_time_and_then_of_planning(timeline):
    seen = []
    for delay, name in ((2.0, "c"), (1.0, "a"), (1.0, "b")):
        timeline.after(delay, lambda name=name: seen.append((name, timeline.seconds)))
    timeline.run_until(1.5)
    assert seen == [("a", 1.0), ("b", 1.0)]
    timeline.run_until(5)
    assert seen[-1] == ("c", 2.0)
    assert timeline.now() == START + timedelta(seconds=5)


def test_a_call_planned_in_the_past_happens_now(timeline):
    timeline.run_until(10)
    seen = []
    timeline.at(3, lambda: seen.append(timeline.seconds))
    timeline.run_until(10)
    assert seen == [10]


def test_time_may_pass_inside_a_call(timeline):
    seen = []
    timeline.after(1, lambda: (timeline.run_until(4), seen.append("outer")))
    timeline.after(2, lambda: seen.append("inner"))
    timeline.run_until(3)
    assert (seen, timeline.seconds) == (["inner", "outer"], 4)


def test_a_coroutine_goes_on_when_its_time_has_come(timeline):
    seen, ends = [], []
    Process(timeline, "p").start(nap(seen, 1.0, 2.0), ends.append)
    timeline.run_until(1)
    assert (seen, ends) == (["after 1.0"], [])
    timeline.run_until(3)
    assert (seen, ends) == (["after 1.0", "after 2.0"], [2])


def test_an_awaited_error_is_raised_in_the_coroutine_and_given_to_failed(timeline):
    async def breaks():
        await Later(1.0, error=OSError("gone"))

    failed = []
    Process(timeline, "p").start(breaks(), failed=failed.append)
    timeline.run_until(2)
    assert [str(error) for error in failed] == ["gone"]


def test_a_dead_process_does_nothing_more_and_tells_so(timeline):
    seen, told = [], []
    process = Process(timeline, "p")
    process.at_death = lambda: told.append("dead")
    process.start(nap(seen, 1.0, 2.0))
    process.after(2.0, lambda: seen.append("call"), lambda: told.append("dropped"))
    timeline.run_until(1)
    process.die()
    process.die()
    timeline.run_until(9)
    assert (seen, told) == (["after 1.0"], ["dead", "dropped"])


def test_code_that_meets_died_ends_its_process_whatever_it_catches(timeline):
    async def stubborn():
        try:
            raise Died
        except Exception:
            return "survived"

    ends, process = [], Process(timeline, "p")
    process.start(stubborn(), ends.append)
    assert (ends, process.alive) == ([], False)


def test_a_process_that_stands_still_does_everything_when_it_wakes(timeline):
    seen, process = [], Process(timeline, "p")
    process.after(1.0, lambda: seen.append(timeline.seconds))
    process.freeze(10)
    timeline.run_until(5)
    assert seen == []
    timeline.run_until(20)
    assert seen == [10]


def test_a_wall_clock_may_be_wrong_and_the_monotonic_one_is_not(timeline):
    process = Process(timeline, "p", timedelta(hours=2))
    timeline.run_until(60)
    assert process.now() == START + timedelta(hours=2, seconds=60)
    assert process.monotonic() == 60


def test_the_running_process_is_known_while_it_runs(timeline):
    process, seen = Process(timeline, "p"), []
    process.after(1.0, lambda: seen.append(Process.running))
    timeline.run_until(2)
    assert seen == [process]
    assert Process.running is None


def test_the_digest_follows_from_what_was_noted_and_when(timeline):
    other = Timeline(START)
    timeline.note("one")
    other.note("one")
    assert timeline.digest == other.digest
    timeline.run_until(1)
    timeline.note("two")
    other.note("two")
    assert timeline.digest != other.digest


def test_a_verbose_timeline_prints_its_notes(capsys):
    Timeline(START, verbose=True).note("hello")
    assert capsys.readouterr().out == "03-28 12:00:00.000000 hello\n"
