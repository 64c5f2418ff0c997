"""Batches: their boundaries change nothing, failures are cut down to the guilty one, lost leases write nothing."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worker_stage import NIGHT, World

from outrider.domain.decision import GateVerdict, Judgment, Phase
from outrider.domain.entry import Entry
from outrider.domain.work import Fenced, ParkedBody, Timer
from outrider.testing.memory_subject import HandClock, drive
from outrider.workers.engine import run as engine_run


class Poison:
    """A gate that breaks on one person."""

    name, phase, order = "poison", Phase.VALIDITY, 99

    def __init__(self, world_of, victim="victim"):
        self.world_of, self.victim = world_of, victim

    def judge(self, case):
        if case.candidate.stream == self.world_of().person(self.victim):
            raise ZeroDivisionError("a defect in a rule")
        return Judgment(GateVerdict.PASS, "fine")


def poisoned(**changes):
    made = []
    world = World([Poison(lambda: made[0])], **changes)
    made.append(world)
    return world


def crowd(world, size, kind="fleet.asked"):
    return [world.event(kind, f"c{number}") for number in range(size)]


def streams(world):
    return {row.message.stream for row in world.tables.messages.values()}


# ── poison ──


@pytest.mark.parametrize("place", [0, 1, 249, 498, 499])
def test_a_poison_stimulus_among_five_hundred_is_found_and_the_others_go_on(monkeypatch, place):
    monkeypatch.setattr(engine_run, "BATCH", 500)
    world = poisoned()
    entries = crowd(world, 499)
    entries.insert(place, world.event("fleet.asked", "victim"))
    world.feed(*entries)
    (letter,) = world.tables.dead_letters.values()
    assert letter.reason.startswith("ZeroDivisionError in test_engine_batches.py:")
    assert "defect" not in letter.reason
    assert msgspec.msgpack.decode(letter.raw, type=ParkedBody).error == "a defect in a rule"
    assert letter.place == str(place + 1)
    assert msgspec.msgpack.decode(letter.raw, type=ParkedBody).entry.stream == world.person("victim")
    assert len(streams(world)) == 499
    assert world.engine.quarantined == 1
    assert world.person("victim") in world.tables.blocked


def test_the_stream_behind_a_poison_waits_in_order_and_nobody_else_does():
    world = poisoned()
    bad = [world.event("fleet.asked", "victim")]
    bad += [world.event("person.seen", "victim", name=name) for name in ("one", "two", "three")]
    world.feed(bad[0], *crowd(world, 5), *bad[1:3], *crowd(world, 5), bad[3])
    world.feed(late := world.event("person.seen", "victim", name="four"))
    parked = [one.stimulus for one in drive(world.store.parked(world.person("victim"), 10))]
    assert [one.key for one in parked] == [one.key for one in (*bad[1:], late)]
    assert all(isinstance(one, Entry) for one in parked)
    assert world.person("victim") not in world.tables.profiles
    assert len(world.messages()) == 10


def test_two_poisons_in_one_batch_are_both_found():
    made = []
    world = World([Poison(lambda: made[0], name) for name in ("one", "two")][:1])
    made.append(world)
    world.gates = (*world.gates, Poison(lambda: world, "two"))
    world.engine = world.new_engine("engine")
    world.feed(*crowd(world, 3), world.event("fleet.asked", "one"), world.event("fleet.asked", "two"), *crowd(world, 3))
    assert len(world.tables.dead_letters) == 2
    assert len(streams(world)) == 3


def test_a_poison_timer_is_quarantined_and_leaves_the_agenda():
    world = World(at=HandClock().at + NIGHT)
    world.feed(world.booking(), world.booking(key="b2", customer="bert"))
    victim = next(one for one in world.messages() if one.stream == world.person())
    world.gates = (*world.gates, Poison(lambda: world, "anna"))
    world.engine = world.new_engine("engine")
    world.advance(hours=20)
    (letter,) = world.tables.dead_letters.values()
    timer = msgspec.msgpack.decode(letter.raw, type=ParkedBody).timer
    assert (timer.owner, timer.kind) == (victim.id, "held")
    assert isinstance(timer, Timer)
    assert letter.place.startswith("held ")
    assert not any(one.owner == victim.id for one in world.tables.timers.values())
    assert [str(one.status) for one in world.messages("confirm") if one.stream != victim.stream] == ["queued"]


def test_a_timer_that_comes_due_behind_a_poison_is_parked():
    world = poisoned()
    world.feed(world.booking("booking.moved", customer="victim"))
    world.tables.set_timer(Timer(b"t" * 16, "wait", world.clock.now(), world.person("victim")))
    world.tables.blocked[world.person("victim")] = object()
    world.work()
    assert [one.stimulus.kind for one in drive(world.store.parked(world.person("victim"), 10))] == ["wait"]
    assert world.tables.timers == {}


@pytest.mark.parametrize("fails_at", range(1, 5))
def test_an_engine_that_dies_while_it_cuts_a_batch_handles_nothing_twice(fails_at):
    """Journeys of this kind start anew each time: an event handled twice would be a second message."""
    world = poisoned()
    entries = crowd(world, 8)
    entries.insert(5, world.event("fleet.asked", "victim"))
    saves = 0

    def die(method, moment):
        nonlocal saves
        if (method, moment) == ("save", "before"):
            saves += 1
            if saves == fails_at:
                raise ConnectionResetError("the database went away")

    drive(world.store.append(entries))
    world.store.hook = die
    with pytest.raises(ConnectionResetError):
        world.work()
    assert saves == fails_at
    world.store.hook = lambda method, moment: None
    world.work()
    assert len(world.messages()) == 8
    assert len(world.tables.dead_letters) == 1


def test_trouble_of_the_store_blames_no_stimulus():
    world = World()

    def down(method, moment):
        if method == "profiles":
            raise ConnectionRefusedError

    world.store.hook = down
    with pytest.raises(ConnectionRefusedError):
        world.feed(world.event("fleet.asked"))
    assert world.tables.dead_letters == {}


# ── leases ──


def test_an_engine_whose_lease_is_lost_writes_nothing_and_goes_on_with_a_new_one():
    world = World()
    world.feed(world.event("person.seen"))
    for group in world.tables.groups.values():
        group.owner, group.fence = "another", group.fence + 1
    with pytest.raises(Fenced):
        world.feed(world.event("fleet.asked"))
    assert world.messages() == []
    for group in world.tables.groups.values():
        group.owner, group.until = None, world.clock.now()
    world.engine._lease = None
    world.work()
    assert [one.template for one in world.messages()] == ["car"]


def test_a_second_engine_without_a_group_takes_nothing():
    world = World()
    world.work()
    other = world.new_engine("another")
    drive(world.store.append([world.event("fleet.asked")]))
    assert drive(other.step()) is False
    assert world.messages() == []


# ── boundaries ──

KINDS = {
    "confirmed": lambda world, who: world.booking(key=f"b-{who}", customer=who, hours=30),
    "moved": lambda world, who: world.booking("booking.moved", key=f"b-{who}", customer=who, hours=40),
    "soon": lambda world, who: world.booking("booking.moved", key=f"b-{who}", customer=who, hours=1),
    "canceled": lambda world, who: world.booking("booking.canceled", key=f"b-{who}", customer=who),
    "offer": lambda world, who: world.event("offer.made", who),
    "granted": lambda world, who: world.consent("granted", key=who),
    "withdrawn": lambda world, who: world.consent("withdrawn", key=who),
    "bundle": lambda world, who: world.event("bundle.asked", who),
    "fleet": lambda world, who: world.event("fleet.asked", who),
    "drives": lambda world, who: world.relation(("profile", who), ("vehicle", "v1"), "driver"),
    "driven": lambda world, who: world.relation(("vehicle", "v1"), ("profile", who), "driver"),
    "parted": lambda world, who: world.relation(("profile", who), ("vehicle", "v1"), "driver", delete=True),
    "named": lambda world, who: world.event("person.seen", who, name=f"name {world.events}"),
    "forgotten": lambda world, who: world.forget(who),
    "reply": lambda world, who: world.reply("hello", who),
    "alarm": lambda world, who: world.event("alarm.raised", who, token="tok"),
}


def tables(world):
    """What the store holds, without what counts batches."""
    held = world.tables
    return {
        "profiles": held.profiles,
        "objects": held.objects,
        "relations": held.relations,
        "enrollments": held.enrollments,
        "timers": {key: one for key, one in held.timers.items() if one.kind == "wait" or _is_known(held, one.owner)},
        "decisions": held.decisions,
        "messages": {key: (row.current(), row.reason) for key, row in held.messages.items() if not row.erased},
        "consents": held.consents,
        "letters": held.dead_letters,
    }


def _is_known(held, message):
    """Of a message whose person was forgotten nothing is left but a tombstone, if it was ever saved."""
    return message in held.messages and not held.messages[message].erased


def handled_in_parts(entries, sizes):
    """The same stimuli at the same instant, taken in parts of these sizes."""
    world = World(at=HandClock().at + NIGHT / 2)
    made = [KINDS[kind](world, who) for kind, who in entries]
    drive(world.store.append(made))
    lease = drive(world.engine._hold_lease())
    turn = 0
    while True:
        work = drive(world.store.take(lease, max(1, sizes[turn % len(sizes)])))
        turn += 1
        if not work.entries and not work.timers:
            return tables(world)
        drive(world.engine._process(work, lease))


@settings(max_examples=150, deadline=None)
@given(
    entries=st.lists(
        st.tuples(st.sampled_from(sorted(KINDS)), st.sampled_from(["anna", "bert"])), min_size=1, max_size=10
    ),
    sizes=st.lists(st.integers(1, 8), min_size=1, max_size=4),
)
def test_batch_boundaries_change_no_result(entries, sizes):
    gone = {who: place for place, (kind, who) in reversed(list(enumerate(entries))) if kind == "forgotten"}
    # Whoever comes back at the very instant of being forgotten would ask for a message of the same id.
    entries = [one for place, one in enumerate(entries) if place <= gone.get(one[1], len(entries))]
    assert handled_in_parts(entries, sizes) == handled_in_parts(entries, [1])
