"""Two keys, one person: what merging and un-merging do to facts, journeys, messages and consents."""

from __future__ import annotations

from typing import Any

import pytest
from worker_stage import STAYING, World

from outrider.domain.entry import AbsorbEntry, Entry, MergeEntry, ProfileChange, ProfileEntry
from outrider.domain.message import Status
from outrider.domain.profile import ConsentState
from outrider.workers.engine.identities import MERGED


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


def test_no_data_key_travels_with_a_merge():
    world = World()
    world.feed(world.event("person.seen", "app-7"), merge(world, "app-7", "anna"))
    (told,) = [one.body for one in world.tables.entries.values() if isinstance(one.body, AbsorbEntry)]
    assert told.profile.data_key == b""
