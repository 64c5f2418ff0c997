"""Every planted fault is caught by the invariant it violates."""

from __future__ import annotations

import pytest

from outrider.testing.simulation import run_day
from outrider.testing.simulation.zoo import NOT_APPLICABLE, Patcher, hunt, planted
from outrider.testing.simulation.zoo_plants import PLANTS


@pytest.mark.timeout(900)
@pytest.mark.parametrize("number", PLANTS)
def test_a_planted_fault_is_caught_by_name(number):
    caught = hunt(number)
    print(f"{number:>3}  {caught.fault:<58} {caught.by or 'NOT CAUGHT':<10} day {caught.days}")
    assert caught.by in caught.expected


def test_every_fault_of_the_list_is_planted_or_has_a_reason():
    listed = {number for number in PLANTS if number <= 30} | NOT_APPLICABLE.keys()
    assert listed == set(range(1, 31))
    assert all(NOT_APPLICABLE.values())
    assert not PLANTS.keys() & NOT_APPLICABLE.keys()


def test_a_plant_is_taken_out_again():
    before = run_day(5, "calm").digest
    with planted(PLANTS[10][3]):
        pass
    assert run_day(5, "calm").digest == before


def test_the_patcher_puts_everything_back_the_last_first():
    class Thing:
        name = "old"

    words = {"a": 1}
    patcher = Patcher()
    assert patcher.set(Thing, "name", "new") == "old"
    patcher.set(Thing, "name", "newest")
    patcher.item(words, "a", 2)
    assert (Thing.name, words) == ("newest", {"a": 2})
    patcher.undo()
    assert (Thing.name, words) == ("old", {"a": 1})
