"""What changes do to profiles and objects."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.domain.entry import ConsentEntry, ObjectChange, ProfileChange
from outrider.domain.profile import Address, ConsentState, Object
from outrider.profiles.apply import change_object, change_profile, drop_address, give_consent, new_profile
from outrider.testing.builders import changed
from outrider.testing.memory_subject import HandClock

AT = HandClock().at
WHO = bytes(16)
SMS, OTHER, MAIL = Address("sms", "+33600000001"), Address("sms", "+33600000002"), Address("email", "a@example.test")


def person(**traits):
    made = new_profile(WHO, "anna", AT)
    return change_profile(
        made, ProfileChange("anna", traits=traits, addresses=(SMS, MAIL), market="FR", zone="Europe/Paris")
    )


def test_a_new_profile_has_its_key_and_nothing_else():
    made = new_profile(WHO, "anna", AT)
    assert (made.key, made.version, made.created_at, made.identity.addresses) == ("anna", 0, AT, ())


@pytest.mark.parametrize(
    ("before", "change", "replace", "after"),
    [
        ({"a": 1}, {"b": 2}, False, {"a": 1, "b": 2}),
        ({"a": 1}, {"a": 2}, False, {"a": 2}),
        ({"a": 1, "b": 2}, {"a": None}, False, {"b": 2}),
        ({"a": 1, "b": 2}, {"b": 3}, True, {"b": 3}),
        ({"a": 1}, {"a": None}, True, {}),
        ({"a": 1}, {"missing": None}, False, {"a": 1}),
    ],
)
def test_traits_are_merged_or_replaced_and_none_removes(before, change, replace, after):
    found = change_profile(person(**before), ProfileChange("anna", traits=change, replace=replace))
    assert found.identity.traits == after
    thing = change_object(
        change_object(None, WHO, ObjectChange("car", "c", before)), WHO, ObjectChange("car", "c", change, replace)
    )
    assert thing.traits == after


def test_traits_that_are_declared_open_move_out_of_the_sealed_part_and_back():
    opened = change_profile(person(tier="gold", name="Zoé"), ProfileChange("anna"), {"tier"})
    assert (opened.traits, opened.identity.traits) == ({"tier": "gold"}, {"name": "Zoé"})
    closed = change_profile(opened, ProfileChange("anna"), ())
    assert (closed.traits, closed.identity.traits) == ({}, {"tier": "gold", "name": "Zoé"})
    assert closed.version == opened.version + 1


@pytest.mark.parametrize(
    ("addresses", "replace", "after"),
    [
        (None, False, (SMS, MAIL)),
        (None, True, ()),
        ((OTHER,), False, (MAIL, OTHER)),
        ((OTHER,), True, (OTHER,)),
        ((), False, (SMS, MAIL)),
        ((SMS, OTHER), False, (MAIL, SMS, OTHER)),
    ],
)
def test_a_channel_that_is_named_gets_the_new_addresses_and_the_others_keep_theirs(addresses, replace, after):
    found = change_profile(person(), ProfileChange("anna", addresses=addresses, replace=replace))
    assert found.identity.addresses == after


def test_what_is_known_of_an_address_stays_when_it_is_named_again():
    known = changed(SMS, verified=True, alive=False)
    before = change_profile(person(), ProfileChange("anna", addresses=(known,)))
    assert known in change_profile(before, ProfileChange("anna", addresses=(SMS,))).identity.addresses
    proved = changed(SMS, verified=True)
    assert proved in change_profile(before, ProfileChange("anna", addresses=(proved,))).identity.addresses


@pytest.mark.parametrize(("replace", "zone", "market"), [(False, "Europe/Paris", "DE"), (True, None, "DE")])
def test_fields_are_kept_unless_named_or_everything_is_replaced(replace, zone, market):
    found = change_profile(person(), ProfileChange("anna", market="DE", replace=replace))
    assert (found.zone, found.market, found.kind) == (zone, market, "person")
    assert change_profile(found, ProfileChange("anna", kind="organization")).kind == "organization"


CHANGES = st.builds(
    ProfileChange,
    st.just("anna"),
    market=st.sampled_from([None, "FR", "DE"]),
    traits=st.dictionaries(st.sampled_from("abc"), st.none() | st.integers(0, 3)),
    addresses=st.none() | st.lists(st.sampled_from([SMS, OTHER, MAIL]), unique=True).map(tuple),
    replace=st.booleans(),
)


@given(st.lists(CHANGES, max_size=5), CHANGES)
def test_the_same_change_twice_is_one_version(changes, last):
    found = person()
    for change in changes:
        found = change_profile(found, change, {"a"})
    once = change_profile(found, last, {"a"})
    assert change_profile(once, last, {"a"}) is once
    assert once is found or once.version == found.version + 1
    assert not set(once.traits) & set(once.identity.traits)
    assert None not in {**once.traits, **once.identity.traits}.values()


@pytest.mark.parametrize(
    ("purpose", "channel", "key"), [("commercial", "", "commercial"), ("commercial", "sms", "commercial/sms")]
)
def test_the_last_word_of_a_consent_counts(purpose, channel, key):
    granted = give_consent(person(), ConsentEntry("anna", purpose, "granted", channel))
    assert granted.consents == {key: ConsentState.GRANTED}
    assert give_consent(granted, ConsentEntry("anna", purpose, "granted", channel)) is granted
    withdrawn = give_consent(granted, ConsentEntry("anna", purpose, "withdrawn", channel))
    assert (withdrawn.consents[key], withdrawn.version) == (ConsentState.WITHDRAWN, granted.version + 1)


def test_an_object_begins_with_version_one_and_the_same_facts_are_no_new_one():
    first = change_object(None, WHO, ObjectChange("car", "c", {"plate": "AB", "gone": None}))
    assert first == Object(WHO, "car", "c", 1, {"plate": "AB"})
    assert change_object(first, WHO, ObjectChange("car", "c", {"plate": "AB"})) is first
    assert change_object(first, WHO, ObjectChange("car", "c", {"plate": "CD"})).version == 2


def test_an_address_that_is_gone_leaves_the_others_as_they_are():
    before = person(name="Zoé")
    after = drop_address(before, lambda one: one.channel == "sms")
    assert (after.identity.addresses, after.version) == ((MAIL,), before.version + 1)
    assert after.identity.traits == before.identity.traits
    assert drop_address(after, lambda one: one.channel == "sms") is after
