"""What happens in object streams, and how word of it reaches people."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace
from worker_stage import World

from outrider.domain.entry import Entry, Hop, ObjectChange, ObjectChangedEntry, ObjectEntry
from outrider.domain.profile import Relation
from outrider.testing.memory_subject import drive


def vehicle(world, plate="AB-123", key="v1", **changes):
    body = ObjectEntry(ObjectChange("vehicle", key, {"plate": plate}, **changes))
    return Entry(world.hasher.stream("vehicle", key), body, world.clock.now())


def drives(world, customer="anna", key="v1", *, delete=False):
    return world.relation(("vehicle", key), ("profile", customer), "driver", delete=delete)


def told(world):
    return [one for one in world.tables.entries.values() if isinstance(one.body, ObjectChangedEntry)]


def bodies(world):
    return [intent.body.text for intent in world.deliver()]


def test_an_event_visits_its_object_before_its_person():
    world = World()
    first = world.booking()
    world.feed(first)
    visited = [entry.stream for entry in world.tables.entries.values()]
    assert visited == [world.hasher.stream("booking", "b1"), world.person()]


def with_car(entry, **traits):
    """The event tells about a vehicle, too, and relates the booking to it."""
    body = entry.body
    effects = replace(
        body.effects,
        objects=(*body.effects.objects, ObjectChange("vehicle", "v1", traits)),
        relations=(*body.effects.relations, Relation("booking", "b1", "vehicle", "v1", "car")),
    )
    return replace(entry, body=replace(body, effects=effects, path=(Hop("vehicle", "v1"), *body.path)))


@pytest.mark.parametrize("together", [True, False])
def test_events_about_an_object_reach_its_person_in_their_order_however_many_others_they_tell_about(together):
    world = World()
    entries = [with_car(world.booking(), plate="AB-123"), world.booking("booking.canceled")]
    for batch in [entries] if together else [[one] for one in entries]:
        world.feed(*batch)
    assert bodies(world)[-1] == "It is canceled."
    assert [one.end_reason for one in world.tables.enrollments.values()] == ["booking.canceled"]
    assert world.tables.timers == {}


@pytest.mark.parametrize("together", [True, False])
def test_the_only_relation_of_a_role_takes_the_place_of_the_one_before(together):
    world = World()
    world.feed(world.booking("booking.moved"), vehicle(world, key="v1"), vehicle(world, "CD-456", "v2"))
    entries = [world.only(("booking", "b1"), ("vehicle", key)) for key in ("v2", "v1", "v2")]
    for batch in [entries] if together else [[one] for one in entries]:
        world.feed(*batch)
    world.feed(world.event("fleet.asked"))
    assert bodies(world) == ["It is CD-456."]
    assert [relation.to_key for relation in world.tables.relations.values() if relation.to_kind == "vehicle"] == ["v2"]


def test_the_only_relation_of_a_role_leaves_other_roles_and_the_relations_of_others_alone():
    world = World()
    world.feed(drives(world), drives(world, "bert"), world.relation(("vehicle", "v1"), ("booking", "b1"), "of"))
    world.feed(world.only(("vehicle", "v2"), ("profile", "anna"), "driver"))
    assert len(world.tables.relations) == 4
    world.feed(world.only(("vehicle", "v1"), ("profile", "carl"), "driver"))
    drivers = {one.to_key for one in world.tables.relations.values() if (one.from_key, one.role) == ("v1", "driver")}
    assert drivers == {"carl"}


def test_a_person_reads_what_the_event_says_of_an_object_whose_own_stream_is_behind():
    world = World()
    wanted = world.hasher.stream("vehicle", "v1")
    save = world.store.save

    async def lagging(batch):
        """The vehicle's entry is still on its way, as with another engine's shard."""
        return await save(replace(batch, entries=tuple(one for one in batch.entries if one.stream != wanted)))

    world.store.save = lagging
    moved, asked = world.booking("booking.moved"), world.event("fleet.asked")
    world.feed(with_car(replace(moved, body=replace(moved.body, event=asked.body.event)), plate="AB-123"))
    assert wanted not in world.tables.objects
    assert bodies(world) == ["It is AB-123."]


def test_a_new_version_tells_every_related_person_once_and_not_the_one_the_event_is_about():
    world = World()
    world.feed(vehicle(world), drives(world), drives(world, "bert"))
    before = len(told(world))
    world.feed(vehicle(world, "CD-456"))
    assert {entry.stream for entry in told(world)[before:]} == {world.person("anna"), world.person("bert")}
    world.feed(vehicle(world, "CD-456"))
    assert len(told(world)) == before + 2, "the same facts are no new version"


def test_a_person_sees_the_object_two_hops_away():
    world = World()
    world.feed(
        vehicle(world), world.booking("booking.moved"), world.relation(("booking", "b1"), ("vehicle", "v1"), "of")
    )
    world.feed(world.event("fleet.asked"))
    assert bodies(world) == ["It is AB-123."]


def test_an_ended_relation_and_a_deleted_object_are_seen_no_more():
    for ending in (lambda world: drives(world, delete=True), lambda world: vehicle(world, delete=True)):
        world = World()
        world.feed(vehicle(world), drives(world))
        world.feed(ending(world), world.event("fleet.asked"))
        assert bodies(world) == []
        assert "vehicle" in world.reason(world.one("car"))


def test_a_deleted_object_may_come_back():
    world = World()
    world.feed(vehicle(world), drives(world), vehicle(world, delete=True), vehicle(world, "CD-456"))
    world.feed(world.event("fleet.asked"))
    assert bodies(world) == ["It is CD-456."]


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("start", [("profile", "anna"), ("vehicle", "v1")])
def test_a_relation_counts_from_the_next_stimulus_on_whichever_end_it_begins_at(start, together):
    world = World()
    world.feed(world.event("person.seen"), vehicle(world))
    end = ("vehicle", "v1") if start[0] == "profile" else ("profile", "anna")
    entries = [world.relation(start, end, "driver"), world.event("fleet.asked")]
    for batch in [entries] if together else [[one] for one in entries]:
        world.feed(*batch)
    assert bodies(world) == ["It is AB-123."]


def test_word_of_a_changed_object_moves_a_waiting_timer():
    world = World()
    world.feed(world.booking(hours=24))
    moved = ObjectChange("booking", "b1", {"starts_at": (world.clock.now() + timedelta(hours=30)).isoformat()})
    world.feed(Entry(world.hasher.stream("booking", "b1"), ObjectEntry(moved), world.clock.now()))
    assert [timer.due_at for timer in world.tables.timers.values()] == [world.clock.now() + timedelta(hours=27)]


def test_word_of_an_object_makes_no_profile():
    world = World()
    world.feed(drives(world, "nobody"), vehicle(world))
    assert world.tables.profiles == {}
    assert drive(world.store.applied(world.person("nobody"))) > 0
