"""Two keys, one person: what merging and un-merging do to facts, journeys, messages and consents."""

from __future__ import annotations

from typing import Any

import pytest
from worker_stage import STAYING, World

from outrider.domain.entry import (
    AbsorbEntry,
    Entry,
    MergeEntry,
    ObjectChange,
    ObjectEntry,
    ProfileChange,
    ProfileEntry,
    RelationEntry,
)
from outrider.domain.message import Status
from outrider.domain.profile import ConsentState, Relation
from outrider.workers.engine.identities import MERGED, UNMERGED


def merge(world: World, key: str, into: str, *, undo: bool = False) -> Entry:
    return Entry(world.person(key), MergeEntry(key, into, undo), world.clock.now())


def change(world: World, key: str, **traits: Any) -> Entry:
    return Entry(world.person(key), ProfileEntry(ProfileChange(key, traits=traits)), world.clock.now())


def profile(world: World, key: str) -> Any:
    return world.tables.profiles[world.person(key)]


def test_the_profile_that_stays_gets_what_only_the_other_knows():
    world = World()
    world.feed(world.event("person.seen", "anna", phone="+33611111111"))
    world.feed(world.event("person.seen", "app-7", name="Other", phone="+33622222222", token="t-7", tier="gold"))
    world.feed(merge(world, "app-7", "anna"))
    anna = profile(world, "anna")
    assert (anna.identity.traits["name"], anna.traits["tier"]) == ("Zoé", "gold")
    assert [(each.channel, each.value) for each in anna.identity.addresses] == [
        ("sms", "+33611111111"),
        ("sms", "+33622222222"),
        ("push", "t-7"),
    ]
    assert list(anna.identity.merged) == ["app-7"]
    assert profile(world, "app-7").identity.merged_into == "anna"


def test_un_merging_takes_back_what_came_and_nothing_else():
    world = World()
    world.feed(world.event("person.seen", "anna", phone="+33611111111"))
    before = profile(world, "anna")
    world.feed(world.event("person.seen", "app-7", phone="+33622222222", token="t-7", tier="gold"))
    world.feed(merge(world, "app-7", "anna"), merge(world, "app-7", "anna", undo=True))
    after = profile(world, "anna")
    assert (after.identity, after.traits, after.consents) == (before.identity, before.traits, before.consents)
    world.feed(change(world, "app-7", name="Apart"))
    assert profile(world, "app-7").identity.traits["name"] == "Apart"
    assert profile(world, "anna").identity.traits["name"] == "Zoé"


def test_what_comes_under_a_merged_key_reaches_the_profile_that_stays():
    world = World()
    world.feed(merge(world, "app-7", "anna"))
    world.feed(change(world, "app-7", tier="silver"), world.consent("granted", key="app-7"))
    assert profile(world, "anna").traits["tier"] == "silver"
    assert profile(world, "anna").consents == {"commercial": ConsentState.GRANTED}
    world.feed(world.booking(customer="app-7"))
    assert world.one("confirm").stream == world.person("anna")
    world.feed(world.reply("hello", key="app-7"))
    assert [one.stream for one in world.messages("hello")] == [world.person("anna")]


def test_keys_can_be_merged_in_a_row():
    world = World()
    world.feed(merge(world, "app-7", "anna"), merge(world, "anna", "crm-1"))
    world.feed(change(world, "app-7", tier="silver"))
    assert profile(world, "crm-1").traits["tier"] == "silver"


def test_a_running_journey_goes_on_under_the_other_key():
    world = World()
    world.feed(world.booking(customer="app-7", hours=24))
    world.feed(merge(world, "app-7", "anna"))
    (old,) = [one for one in world.tables.enrollments.values() if one.stream == world.person("app-7")]
    (new,) = [one for one in world.tables.enrollments.values() if one.stream == world.person("anna")]
    assert (old.end_reason, old.wait) == (MERGED, None)
    assert (new.position, new.about, new.ended_at) == (old.position, old.about, None)
    world.advance(hours=21)
    spots = world.messages("spot")
    assert [one.stream for one in spots] == [world.person("anna")]


def test_a_journey_both_are_in_is_not_doubled():
    world = World()
    world.feed(world.booking(customer="anna"), world.booking(customer="app-7"))
    world.feed(merge(world, "app-7", "anna"))
    world.advance(hours=21)
    assert len(world.messages("spot")) == 1


def test_a_moved_date_still_moves_the_wait_of_a_moved_journey():
    world = World()
    world.feed(world.booking(customer="app-7", hours=24))
    world.feed(merge(world, "app-7", "anna"))
    world.feed(world.booking("booking.moved", customer="app-7", hours=48))
    world.advance(hours=21)
    assert world.messages("spot") == []
    world.advance(hours=24)
    assert [one.stream for one in world.messages("spot")] == [world.person("anna")]


def test_an_escalation_under_way_goes_on_although_the_journey_moved():
    world = World(alarm=STAYING)
    world.feed(world.event("alarm.raised", "app-7", token="t-7"), merge(world, "app-7", "anna"))
    world.advance(minutes=11)
    assert [one.channel for one in world.messages("hello")] == ["push", "sms"]


def test_a_consent_withdrawn_under_either_key_stays_withdrawn():
    world = World()
    world.feed(world.consent("granted"), world.consent("withdrawn", key="app-7"), merge(world, "app-7", "anna"))
    assert profile(world, "anna").consents == {"commercial": ConsentState.WITHDRAWN}
    world.feed(merge(world, "app-7", "anna", undo=True))
    assert profile(world, "anna").consents == {"commercial": ConsentState.WITHDRAWN}


def test_a_held_message_of_a_merged_key_obeys_a_consent_withdrawn_later_under_the_other():
    world = World()
    world.clock.at = world.clock.at.replace(hour=23)
    world.feed(world.consent("granted", key="app-7"), world.event("offer.made", "app-7"))
    assert world.one("offer").status is Status.HELD
    world.feed(merge(world, "app-7", "anna"), world.consent("withdrawn"))
    ledger = [stream for stream, _ in world.tables.consents]
    assert ledger == [world.person("app-7"), world.person("anna")]
    world.advance(hours=12)
    assert world.deliver() == []
    assert world.one("offer").status is Status.CANCELED


@pytest.mark.parametrize("key", ["anna", "app-7"])
def test_whoever_is_forgotten_under_one_key_is_forgotten_under_all(key):
    world = World()
    world.feed(world.event("person.seen", "anna"), world.event("person.seen", "app-7"), merge(world, "app-7", "anna"))
    world.feed(world.forget(key))
    assert world.tables.profiles == {}


@pytest.mark.parametrize("key", ["anna", "app-7", "web-3"])
def test_who_comes_back_right_after_the_deletion_is_not_forgotten_again(key):
    world = World()
    world.feed(
        change(world, "anna", name="Zoé"), change(world, "app-7", name="Zoé"), change(world, "web-3", name="Zoé")
    )
    world.feed(merge(world, "web-3", "app-7"), merge(world, "app-7", "anna"))
    world.feed(world.forget(key), change(world, key, name="Anew"))
    assert profile(world, key).identity.traits == {"name": "Anew"}
    assert list(world.tables.profiles) == [world.person(key)]


@pytest.mark.parametrize("steps", [[("a", "a")], [("a", "b"), ("b", "a")], [("a", "b"), ("b", "c"), ("c", "a")]])
def test_a_circle_of_merges_is_never_closed(steps):
    world = World()
    world.feed(*(merge(world, key, into) for key, into in steps))
    world.feed(change(world, "a", tier="gold"))
    assert any(one.traits.get("tier") == "gold" for one in world.tables.profiles.values())
    assert world.engine.quarantined == 0


def test_a_key_merged_elsewhere_takes_its_facts_along():
    world = World()
    world.feed(change(world, "app-7", tier="gold"), merge(world, "app-7", "anna"), merge(world, "app-7", "crm-1"))
    assert profile(world, "anna").traits == {}
    assert profile(world, "crm-1").traits == {"tier": "gold"}


def test_caps_count_what_was_sent_under_other_keys_of_the_person():
    world = World()
    world.feed(world.consent("granted", key="app-7"), world.consent("granted"))
    world.feed(world.event("offer.made", "app-7", token="t-7"))
    world.deliver()
    world.feed(merge(world, "app-7", "anna"))
    world.feed(world.event("offer.made", "anna"))
    assert [str(one.status) for one in world.messages("offer")].count("queued") == 0


def relation(world: World, key: str, *, end: bool = False) -> Entry:
    body = RelationEntry(Relation("profile", key, "vehicle", "v-1", "driver"), delete=end)
    return Entry(world.person(key), body, world.clock.now())


def vehicle(world: World, plate: str) -> Entry:
    change = ObjectChange("vehicle", "v-1", {"plate": plate})
    return Entry(world.hasher.stream("vehicle", "v-1"), ObjectEntry(change), world.clock.now())


def test_a_profile_that_a_merge_makes_has_its_own_key():
    world = World()
    world.feed(merge(world, "app-7", "anna"))
    assert profile(world, "anna").key == "anna"


@pytest.mark.parametrize("when", ["before the merge", "after it"])
def test_a_relation_set_under_a_merged_key_counts_and_ends_under_that_key(when):
    world = World()
    steps = [merge(world, "app-7", "anna"), relation(world, "app-7")]
    world.feed(vehicle(world, "AB-1"), *(steps if when == "after it" else steps[::-1]))
    world.feed(world.event("fleet.asked", "anna", phone="+33611111111"))
    assert world.one("car").content.values == {"vehicle": {"plate": "AB-1"}}
    world.feed(relation(world, "app-7", end=True))
    world.feed(world.event("fleet.asked", "anna"))
    assert [one.content.values for one in world.messages("car")][1:] == [{}]


def test_keys_merged_in_a_row_are_one_person_with_the_relations_of_all():
    world = World()
    world.feed(vehicle(world, "AB-1"), relation(world, "app-7"))
    world.feed(merge(world, "app-7", "anna"), merge(world, "anna", "crm-1"))
    world.feed(world.event("fleet.asked", "crm-1", phone="+33611111111"))
    assert world.one("car").content.values == {"vehicle": {"plate": "AB-1"}}


@pytest.mark.parametrize("order", [("app-7", "anna"), ("anna", "app-7")])
def test_a_key_that_leaves_a_row_takes_its_facts_from_every_profile_in_it(order):
    world = World()
    into = {"app-7": "anna", "anna": "crm-1"}
    world.feed(change(world, "app-7", tier="gold"), *(merge(world, key, into[key]) for key in order))
    assert profile(world, "crm-1").traits == {"tier": "gold"}
    world.feed(merge(world, "app-7", "anna", undo=True))
    assert [profile(world, key).traits for key in ("app-7", "anna", "crm-1")] == [{"tier": "gold"}, {}, {}]
    assert list(profile(world, "crm-1").identity.merged) == ["anna"]


def test_a_key_that_leaves_a_row_takes_along_those_merged_into_it():
    world = World()
    world.feed(change(world, "app-7", tier="gold"), merge(world, "app-7", "anna"), merge(world, "anna", "crm-1"))
    world.feed(merge(world, "anna", "crm-1", undo=True))
    assert [profile(world, key).traits for key in ("anna", "crm-1")] == [{"tier": "gold"}, {}]
    world.feed(change(world, "app-7", tier="blue"))
    assert [profile(world, key).traits for key in ("anna", "crm-1")] == [{"tier": "blue"}, {}]


def test_un_merging_gives_back_what_was_said_under_the_key_meanwhile():
    world = World()
    world.feed(change(world, "anna", name="Anna"), merge(world, "app-7", "anna"))
    world.feed(world.event("person.seen", "app-7", name="Zoé", phone="+33622222222", token="t-7", tier="gold"))
    world.feed(merge(world, "app-7", "anna", undo=True))
    anna, app = profile(world, "anna").identity, profile(world, "app-7")
    assert anna.addresses == ()
    assert {each.value for each in app.identity.addresses} == {"+33622222222", "t-7"}
    assert (app.identity.traits["name"], app.traits["tier"]) == ("Zoé", "gold")
    assert anna.merged == {}


def live(world: World) -> dict[tuple[bytes, str], int]:
    """Running passages: (person, booking) → how many."""
    found: dict[tuple[bytes, str], int] = {}
    for one in world.tables.enrollments.values():
        if one.ended_at is None:
            found[one.stream, one.about_key] = found.get((one.stream, one.about_key), 0) + 1
    return found


def test_un_merging_gives_back_the_journeys_that_came_or_began_under_the_key():
    world = World()
    anna, app = world.person("anna"), world.person("app-7")
    world.feed(world.booking(customer="anna", key="b-1"), world.booking(customer="app-7", key="b-2"))
    world.feed(merge(world, "app-7", "anna"))
    world.feed(world.booking(customer="app-7", key="b-3"), world.booking(customer="anna", key="b-4"))
    assert live(world) == {(anna, f"b-{number}"): 1 for number in (1, 2, 3, 4)}
    world.feed(merge(world, "app-7", "anna", undo=True))
    assert live(world) == {(anna, "b-1"): 1, (app, "b-2"): 1, (app, "b-3"): 1, (anna, "b-4"): 1}
    world.advance(hours=21)
    spots = sorted(one.stream for one in world.messages("spot"))
    assert spots == sorted([anna, anna, app, app])
    assert world.engine.quarantined == 0


def test_a_journey_that_went_there_and_back_is_left_by_its_exit_event():
    world = World()
    world.feed(world.booking(customer="app-7", key="b-2"), merge(world, "app-7", "anna"))
    world.feed(merge(world, "app-7", "anna", undo=True))
    world.feed(world.booking("booking.canceled", customer="app-7", key="b-2"))
    assert live(world) == {}
    world.advance(hours=21)
    assert world.messages("spot") == []


def test_journeys_go_back_through_every_profile_they_came_through():
    world = World()
    world.feed(world.booking(customer="app-7", key="b-2"))
    world.feed(merge(world, "app-7", "anna"), merge(world, "anna", "crm-1"))
    assert live(world) == {(world.person("crm-1"), "b-2"): 1}
    world.feed(merge(world, "anna", "crm-1", undo=True))
    assert live(world) == {(world.person("anna"), "b-2"): 1}
    world.feed(merge(world, "app-7", "anna", undo=True))
    assert live(world) == {(world.person("app-7"), "b-2"): 1}


def test_what_a_key_takes_back_goes_on_to_the_profile_it_is_merged_into_next():
    world = World()
    world.feed(merge(world, "app-7", "anna"), world.booking(customer="app-7", key="b-2"))
    world.feed(merge(world, "app-7", "crm-1"))
    assert live(world) == {(world.person("crm-1"), "b-2"): 1}
    assert profile(world, "crm-1").identity.traits["name"] == "Zoé"
    assert "name" not in profile(world, "anna").identity.traits


def test_an_escalation_under_way_goes_on_although_the_journey_went_back():
    world = World(alarm=STAYING)
    world.feed(merge(world, "app-7", "anna"), world.event("alarm.raised", "app-7", token="t-7"))
    world.feed(change(world, "anna", name="Anna"), merge(world, "app-7", "anna", undo=True))
    assert [one.end_reason for one in world.tables.enrollments.values() if one.stream == world.person("anna")] == [
        UNMERGED
    ]


def test_a_grant_under_one_key_is_not_the_others_when_they_part():
    world = World()
    world.feed(merge(world, "app-7", "anna"), world.consent("granted"))
    world.feed(merge(world, "app-7", "anna", undo=True))
    assert profile(world, "app-7").consents == {}
    assert profile(world, "anna").consents == {"commercial": ConsentState.GRANTED}


def test_a_grant_under_a_merged_key_is_its_own_when_they_part():
    world = World()
    world.feed(merge(world, "app-7", "anna"), world.consent("granted", key="app-7"))
    world.feed(merge(world, "app-7", "anna", undo=True))
    assert profile(world, "app-7").consents == {"commercial": ConsentState.GRANTED}
    assert profile(world, "anna").consents == {}


def test_no_data_key_travels_with_a_merge():
    world = World()
    world.feed(world.event("person.seen", "app-7"), merge(world, "app-7", "anna"))
    (told,) = [one.body for one in world.tables.entries.values() if isinstance(one.body, AbsorbEntry)]
    assert told.profile.data_key == b""
