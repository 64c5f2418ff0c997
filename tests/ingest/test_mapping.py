"""Source mappings: from an event to its profile, objects, relations and hops."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from outrider.domain.entry import Event, Hop, ObjectChange, ProfileChange
from outrider.domain.profile import Address, Relation
from outrider.ingest.mapping import EventMapping, Mapper, ObjectMapping, RelationMapping, SourceMapping, Unmapped

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
REGIONS = {"FR": "FR", "DE": "DE"}
BOOKING = EventMapping(
    subject=("data", "who", "id"),
    profile={"market": ("data", "market"), "locale": ("data", "who", "language"), "kind": ("data", "kind")},
    traits={"name": ("data", "who", "name"), "seen": ("time",)},
    addresses={"sms": ("data", "who", "phone"), "email": ("data", "who", "mail")},
    objects=(
        ObjectMapping("booking", ("data", "booking", "id"), {"*": ("data", "booking"), "spot": ("data", "spot")}),
        ObjectMapping("vehicle", ("data", "vin")),
    ),
    relations=(
        RelationMapping("booking", "profile", "renter"),
        RelationMapping("booking", "vehicle", "of"),
    ),
)


def mapper(*sources):
    return Mapper(sources, REGIONS, "FR")


SHOP = mapper(SourceMapping("/shop*", {"booked": BOOKING}))


def event(source="/shop/eu", kind="booked", subject=None, **data):
    return Event("e1", source, kind, NOW, subject, data)


def booked(**changes):
    who = {"id": "anna", "language": "fr", "name": "Zoé", "phone": "06 12 34 56 78", "mail": "z@example.test"}
    return event(who={**who, **changes.pop("who", {})}, **{"market": "fr", "booking": {"id": 7, "at": "x"}, **changes})


def test_an_event_is_read_into_effects_and_visits_objects_before_the_person():
    entry, notes = SHOP.map(booked(vin="V1", spot="B12"))
    assert notes == []
    effects = entry.effects
    assert effects.profile == ProfileChange(
        "anna",
        market="FR",
        locale="fr",
        traits={"name": "Zoé", "seen": NOW},
        addresses=(Address("sms", "+33612345678"), Address("email", "z@example.test")),
    )
    assert effects.objects == (
        ObjectChange("booking", "7", {"id": 7, "at": "x", "spot": "B12"}),
        ObjectChange("vehicle", "V1"),
    )
    assert effects.relations == (
        Relation("booking", "7", "profile", "anna", "renter"),
        Relation("booking", "7", "vehicle", "V1", "of"),
    )
    assert (entry.entity, entry.path) == (Hop("booking", "7"), (Hop("vehicle", "V1"), Hop("profile", "anna")))


def test_an_object_without_a_key_is_left_out_with_a_note_and_so_are_its_relations():
    entry, notes = SHOP.map(booked())
    assert notes == ["$.data.vin: no key for a vehicle; the object was left out"]
    assert [relation.to_kind for relation in entry.effects.relations] == ["profile"]


@pytest.mark.parametrize(
    ("phone", "market", "number"),
    [
        ("06 12 34 56 78", "fr", "+33612345678"),
        ("0151 23456789", "DE", "+4915123456789"),
        ("+4915123456789", "fr", "+4915123456789"),
        ("0612345678", "xx", "+33612345678"),
    ],
)
def test_phones_are_read_with_the_region_of_the_market(phone, market, number):
    entry, notes = SHOP.map(booked(who={"phone": phone}, market=market, vin="V"))
    assert (entry.effects.profile.addresses[0].value, notes) == (number, [])


def test_a_bad_phone_is_left_out_with_a_note_that_does_not_repeat_it():
    entry, notes = SHOP.map(booked(who={"phone": "12"}, vin="V"))
    assert [address.channel for address in entry.effects.profile.addresses] == ["email"]
    (note,) = notes
    assert note.startswith("$.data.who.phone: not a phone number")
    assert "12" not in note


@pytest.mark.parametrize("key", [None, "", True, 1.5, [], {}])
def test_an_event_without_a_usable_key_is_refused_with_the_path(key):
    with pytest.raises(Unmapped, match="names no profile") as error:
        SHOP.map(booked(who={"id": key}))
    assert error.value.path == "$.data.who.id"


def test_an_event_no_source_file_reads_is_refused_with_that_reason():
    with pytest.raises(Unmapped, match="since no file in sources/ reads booked from /elsewhere") as error:
        SHOP.map(event(source="/elsewhere"))
    assert error.value.path == "$.subject"


@pytest.mark.parametrize("key", ["anna", 7, 0])
def test_texts_and_whole_numbers_are_keys(key):
    assert SHOP.map(booked(who={"id": key}, vin="V"))[0].path[-1] == Hop("profile", str(key))


@pytest.mark.parametrize("source", ["/unknown", "/sho", "shop"])
def test_a_source_nobody_described_is_known_by_its_subject_alone(source):
    entry, notes = SHOP.map(event(source, subject="anna", phone="+33612345678"))
    assert (entry.entity, entry.path, notes) == (Hop("profile", "anna"), (), [])
    assert entry.effects.profile is None
    with pytest.raises(Unmapped):
        SHOP.map(event(source))


def test_the_first_source_that_fits_wins_and_its_default_serves_other_events():
    named = EventMapping(traits={"a": ("data", "a")})
    made = mapper(SourceMapping("/shop/*", {}, named), SourceMapping("*", {"booked": BOOKING}))
    for _ in range(2):
        entry, _notes = made.map(event(subject="anna", a=1))
        assert entry.effects.profile == ProfileChange("anna", traits={"a": 1})
    assert made.map(event(subject="anna"))[0].effects.profile is None, "nothing read is no change"


def test_a_path_through_something_else_finds_nothing():
    entry, _ = SHOP.map(booked(who={"name": None}, market=["fr"], vin="V"))
    assert "name" not in entry.effects.profile.traits
    assert entry.effects.profile.market is None
    assert SHOP.map(booked(booking="text", vin="V"))[0].entity == Hop("vehicle", "V")
