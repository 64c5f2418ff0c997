"""Absorbing and releasing a profile are each other's opposite, and never lose a word of the one that stays."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from outrider.domain.profile import Address, ConsentState, Identity, Profile
from outrider.profiles.merge import absorb, release

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


def test_what_was_said_again_since_is_not_known_to_have_come() -> None:
    """An address that the person confirmed after the merge is another value and stays."""
    anna, other = Profile(b"a", Identity("a")), Profile(b"b", Identity("b", addresses=(Address("sms", "1"),)))
    both = absorb(anna, other)
    confirmed = replace(both, identity=replace(both.identity, addresses=(Address("sms", "1", verified=True),)))
    assert release(confirmed, "b").identity.addresses == (Address("sms", "1", verified=True),)
