"""Absorbing and releasing a profile are each other's opposite, and never lose a word of the one that stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from outrider.domain.entry import ConsentEntry, ProfileChange
from outrider.domain.profile import Address, ConsentState, Identity, Profile
from outrider.profiles.apply import change_profile, give_consent
from outrider.profiles.merge import absorb, give_back, held_for, note_passages, release

ANNA = Profile(b"a", Identity("a"))
APP = Profile(b"b", Identity("b", {"name": "Ada"}, (Address("sms", "1"),)), market="FR")
NAMES = st.sampled_from(["name", "tier", "city"])
TRAITS = st.dictionaries(NAMES, st.text(max_size=3), max_size=3)
ADDRESSES = st.lists(
    st.builds(Address, st.sampled_from(["sms", "push"]), st.sampled_from(["1", "2", "3"])), max_size=3, unique=True
)
CONSENTS = st.dictionaries(st.sampled_from(["commercial", "service/sms"]), st.sampled_from(ConsentState), max_size=2)
PLACES = st.none() | st.sampled_from(["FR", "ES"])


@st.composite
def people(draw: st.DrawFn, key: str) -> Profile:
    identity = Identity(key, draw(TRAITS), tuple(draw(ADDRESSES)))
    opened = {name: "open" for name in draw(st.sets(NAMES)) if name not in identity.traits}
    return Profile(key.encode(), identity, market=draw(PLACES), traits=opened, consents=draw(CONSENTS))


def facts(profile: Profile) -> tuple[object, ...]:
    return (profile.identity, profile.traits, profile.market, profile.locale, profile.zone)


@given(people("anna"), people("app-7"))
def test_what_came_goes_again_and_only_objections_stay(anna: Profile, other: Profile) -> None:
    both = absorb(anna, other)
    apart = release(both, "app-7")
    assert facts(apart) == facts(anna)
    objections = {name for name, state in other.consents.items() if state is ConsentState.WITHDRAWN}
    assert apart.consents == anna.consents | dict.fromkeys(objections, ConsentState.WITHDRAWN)


@given(people("anna"), people("app-7"))
def test_the_own_word_counts_and_nothing_of_the_other_is_missing(anna: Profile, other: Profile) -> None:
    both = absorb(anna, other)
    told = {**both.identity.traits, **both.traits}
    assert told == {**other.identity.traits, **other.traits, **anna.identity.traits, **anna.traits}
    assert both.market == (anna.market or other.market)
    assert set(both.identity.addresses) == {*anna.identity.addresses, *other.identity.addresses}
    assert both.identity.addresses[: len(anna.identity.addresses)] == anna.identity.addresses


@given(people("anna"), people("app-7"))
def test_nobody_consents_to_what_they_objected_to_under_either_key(anna: Profile, other: Profile) -> None:
    both = absorb(anna, other)
    for name, state in both.consents.items():
        objected = ConsentState.WITHDRAWN in (anna.consents.get(name), other.consents.get(name))
        assert (state is ConsentState.WITHDRAWN) == objected


@given(people("anna"), people("app-7"))
def test_absorbing_twice_is_absorbing_once(anna: Profile, other: Profile) -> None:
    once = absorb(anna, other)
    assert facts(absorb(once, other)) == facts(once)


def test_releasing_a_key_that_never_came_changes_nothing() -> None:
    anna = Profile(b"anna", Identity("anna"))
    assert release(anna, "app-7") is anna


SAID = [
    ProfileChange("a", traits={"name": "Ada"}),
    ProfileChange("a", market="FR"),
    ProfileChange("a", addresses=(Address("sms", "1"),)),
    ProfileChange("a", addresses=(Address("sms", "1", verified=True),)),
    ProfileChange("a", market="FR", traits={"name": "Ada"}, addresses=(Address("sms", "1"),), replace=True),
]


@pytest.mark.parametrize("change", SAID)
def test_what_was_said_of_the_profile_itself_since_stays(change: ProfileChange) -> None:
    both = change_profile(absorb(ANNA, APP), change)
    apart = release(both, "b")
    assert {**apart.identity.traits} == dict(change.traits)
    assert apart.market == change.market
    assert apart.identity.addresses == (change.addresses or ())


@pytest.mark.parametrize("change", [replace(change, via="b") for change in SAID])
def test_what_was_said_under_the_merged_key_since_goes_with_it(change: ProfileChange) -> None:
    both = change_profile(absorb(ANNA, APP), change)
    assert release(both, "b").identity == ANNA.identity
    assert held_for(both, "b").market == "FR" or change.replace is False


def test_a_merged_key_takes_its_news_along_and_leaves_what_the_profile_knew_without_it() -> None:
    anna = change_profile(ANNA, ProfileChange("a", traits={"city": "Lyon", "tier": "gold"}))
    both = absorb(anna, APP)
    both = change_profile(both, ProfileChange("a", traits={"city": "Lyon", "tier": "blue", "seen": 1}, via="b"))
    assert release(both, "b").identity.traits == {"city": "Lyon"}
    assert held_for(both, "b").traits == {"name": "Ada", "tier": "blue", "seen": 1}
    assert give_back(APP, held_for(both, "b")).identity.traits == {"name": "Ada", "tier": "blue", "seen": 1}


def test_replacing_under_a_merged_key_forgets_only_what_came_from_it() -> None:
    anna = change_profile(ANNA, ProfileChange("a", traits={"city": "Lyon"}, addresses=(Address("push", "t"),)))
    both = change_profile(absorb(anna, APP), ProfileChange("a", traits={"tier": "blue"}, replace=True, via="b"))
    assert both.identity.traits == {"city": "Lyon", "tier": "blue"}
    assert both.identity.addresses == (Address("push", "t"),)


def test_the_same_news_twice_change_nothing() -> None:
    news = ProfileChange("a", traits={"name": "Eve"}, addresses=(Address("sms", "1"),), via="b")
    once = change_profile(absorb(ANNA, APP), news)
    assert change_profile(once, news) is once


@pytest.mark.parametrize("via", ["", "b"])
def test_a_grant_goes_with_the_key_it_was_given_under(via: str) -> None:
    granted = ConsentEntry("a", "commercial", "granted", via=via)
    both = give_consent(absorb(ANNA, APP), granted)
    assert release(both, "b").consents == ({} if via else {"commercial": ConsentState.GRANTED})
    assert give_consent(both, granted) is both


def test_keys_that_came_through_another_come_and_go_with_it() -> None:
    crm = Profile(b"c", Identity("c", {"city": "Lyon"}))
    both = absorb(crm, absorb(ANNA, APP))
    assert set(both.identity.merged) == {"a", "b"}
    assert release(both, "b").identity.traits == {"city": "Lyon"}
    assert list(release(both, "b").identity.merged) == ["a"]
    assert facts(release(both, "a")) == facts(crm)


def test_a_place_that_is_over_is_forgotten_when_the_next_is_noted() -> None:
    both = absorb(ANNA, APP)
    for number in range(50):
        both = note_passages(both, "b", [(bytes([number]), 0)], {bytes([number])})
    assert both.identity.merged["b"].passages == ((bytes([49]), 0),)
