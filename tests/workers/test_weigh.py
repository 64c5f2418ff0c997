"""Route health at work: who looks, who decides, who follows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from worker_stage import World

from outrider.delivery.health import HealthRules
from outrider.domain.attempt import Accepted, Reason, Refused
from outrider.domain.health import Board, RouteChange, RouteHealth
from outrider.testing.memory_subject import drive
from outrider.workers.weigh import LONGEST_LOOK, SETTLED, Weigher, Weights

RULES = HealthRules(least=5)
REFUSED = Refused(Reason.UNROUTABLE)


@pytest.fixture
def world():
    return World()


def weigher(world, rules=RULES):
    return Weigher(world.store, lambda: rules, lambda: ("first", "second"))


def weights(world, process="p"):
    return Weights(world.store, world.desk, process)


def book(world, count, outcome=REFUSED):
    """So many people book, and each message gets one attempt."""
    start = len(world.tables.messages)
    for number in range(start, start + count):
        world.feed(world.booking(key=f"b{number}", customer=f"c{number}"))
    world.deliver(lambda _: outcome)


def later(world, seconds=15.0):
    world.clock.at += timedelta(seconds=seconds)


def test_a_route_that_refuses_loses_weight_and_every_process_follows(world):
    world.desk.replace_routes(world.desk.routes)
    looking, following = weigher(world), weights(world)
    drive(looking.step())
    drive(following.step())
    assert world.desk.weights == {"first": 100.0, "second": 0.0}
    book(world, 6)
    later(world, SETTLED.total_seconds())
    assert drive(looking.step()) == 1
    drive(following.step())
    assert world.desk.weights == {"first": 50.0, "second": 0.0}
    [change] = world.tables.route_changes
    assert (change.route, change.after, change.reason) == ("first", "50%", "6 of 6 attempts were refused or broke off")


def test_two_sweeps_do_not_decide_twice(world):
    one, two = weigher(world), weigher(world)
    drive(one.step())
    book(world, 6)
    later(world, SETTLED.total_seconds())
    assert (drive(one.step()), drive(two.step())) == (1, 0)
    assert drive(one.step()) == 0, "the next look comes later"


def test_a_sweep_that_was_overtaken_saves_nothing(world):
    looking = weigher(world)
    drive(looking.step())
    book(world, 6)
    later(world, SETTLED.total_seconds())
    board = world.tables.route_board

    def overtake(method, moment):
        if (method, moment) == ("save_board", "before"):
            world.tables.route_board = Board(board.version + 1)

    world.store.hook = overtake
    assert drive(looking.step()) == 0
    assert world.tables.route_changes == []


def test_no_attempt_is_counted_twice_and_none_of_a_long_standstill(world):
    looking = weigher(world, HealthRules(half_life=1e9, receipts_after=60.0))
    drive(looking.step())
    book(world, 3, Accepted("p"))
    for _ in range(8):
        later(world)
        drive(looking.step())
    health = world.tables.route_board.routes["first"]
    assert (round(health.tries), round(health.due), round(health.missing)) == (3, 3, 3)
    book(world, 3, Accepted("q"))
    later(world, 2 * LONGEST_LOOK.total_seconds())
    drive(looking.step())
    assert round(world.tables.route_board.routes["first"].tries) == 3


def test_a_longer_wait_for_receipts_looks_at_nothing_again(world):
    drive(weigher(world, HealthRules(receipts_after=10.0)).step())
    told = world.tables.route_board.told_until
    later(world)
    drive(weigher(world, HealthRules(receipts_after=3600.0)).step())
    assert world.tables.route_board.told_until == told


def test_breakers_are_recorded_under_the_name_of_their_process_also_after_a_failure(world):
    change = RouteChange(world.clock.now(), "first", "breaker", "closed", "open", "why")
    world.desk.changes.append(change)
    following = weights(world, "host:1")

    def fail(method, moment):
        if method == "note_changes":
            raise OSError("the database is away")

    world.store.hook = fail
    with pytest.raises(OSError, match="away"):
        drive(following.step())
    assert world.desk.changes == [change]
    world.store.hook = lambda method, moment: None
    drive(following.step())
    assert world.desk.changes == []
    assert [(one.route, one.process) for one in world.tables.route_changes] == [("first", "host:1")]


def test_a_new_weight_in_the_configuration_counts_at_once(world):
    world.tables.route_board = Board(3, routes={"first": RouteHealth(0.5), "gone": RouteHealth(0.1)})
    following = weights(world)
    drive(following.step())
    assert world.desk.weights["first"] == 50.0
    world.desk.replace_routes((world.desk.routes[0], world.desk.routes[1].__class__("new", "sms", "first", "ME", 7)))
    drive(following.step())
    assert world.desk.weights == {"first": 50.0, "new": 7.0}
