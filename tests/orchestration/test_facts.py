"""Facts: the zone ladder, the market, and nothing that the gates do not need."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from orchestration_cases import DAY, GATES, GRANTED, HOUR, NOON, PUSH, SMS, WITHDRAWN, candidate, market, policy

from outrider.domain.decision import Candidate, ReachFact, Recent
from outrider.domain.policy import Calendar, Cap, Gap, Policy
from outrider.domain.profile import Address, Identity, Profile
from outrider.domain.purpose import Purpose
from outrider.domain.strategy import First
from outrider.orchestration.decide import decide
from outrider.orchestration.facts import facts_for
from outrider.orchestration.policy import MOST_RECENT

ITALIAN = Address("sms", "+393331234567")
GERMANY = market(code="DE", name="Germany", zone="Europe/Berlin", locales=("de",))


def person(*addresses: Address, **changes: Any) -> Profile:
    return msgspec.structs.replace(Profile(bytes(16), Identity("p-1", addresses=addresses)), **changes)


@pytest.mark.parametrize(
    ("profile", "country", "zone", "rung"),
    [
        pytest.param(
            person(ITALIAN, zone="Asia/Tokyo", traits={"device_zone": "Europe/Lisbon"}),
            "PL",
            "Asia/Tokyo",
            "person",
            id="the person's own zone first",
        ),
        pytest.param(
            person(ITALIAN, traits={"device_zone": "Europe/Lisbon"}), "PL", "Europe/Lisbon", "device", id="then device"
        ),
        pytest.param(person(ITALIAN), "pl", "Europe/Warsaw", "vehicle", id="then the vehicle's country"),
        pytest.param(person(ITALIAN), None, "Europe/Rome", "phone", id="then the phone's country"),
        pytest.param(person(), None, "Europe/Paris", "market", id="then the market"),
        pytest.param(person(ITALIAN, zone="Mars/Olympus"), None, "Europe/Rome", "phone", id="no such zone"),
        pytest.param(person(traits={"device_zone": 7}), None, "Europe/Paris", "market", id="a device's nonsense"),
        pytest.param(person(traits={"device_zone": "CET+1"}), None, "Europe/Paris", "market", id="no such device zone"),
        pytest.param(person(ITALIAN), "ES", "Europe/Rome", "phone", id="a country of several zones is passed over"),
        pytest.param(person(Address("sms", "+34600000000")), None, "Europe/Paris", "market", id="so is its phone code"),
        pytest.param(person(Address("sms", "+390", alive=False)), None, "Europe/Paris", "market", id="a dead address"),
        pytest.param(
            person(Address("email", "39@x.it"), ITALIAN), None, "Europe/Rome", "phone", id="e-mail is no phone"
        ),
        pytest.param(person(market="DE"), None, "Europe/Berlin", "market", id="the person's market"),
    ],
)
def test_the_zone_ladder_and_its_rung(profile: Profile, country: str | None, zone: str, rung: str) -> None:
    by = Policy({"FR": market(), "DE": GERMANY}, "FR")
    facts = facts_for(candidate(), profile, (), (), by, NOON, country)
    assert (facts.zone, facts.zone_rung) == (zone, rung)


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        (person(), ("FR", "fr")),
        (person(market="DE"), ("DE", "de")),
        (person(market="XX"), ("FR", "fr")),
        (person(market="DE", locale="tr"), ("DE", "tr")),
    ],
)
def test_the_market_and_locale_are_the_persons_or_the_home_markets(profile: Profile, expected: tuple[str, str]) -> None:
    facts = facts_for(candidate(), profile, (), (), Policy({"FR": market(), "DE": GERMANY}, "FR"), NOON)
    assert (facts.market, facts.locale) == expected


RANGES = {"34928": "Atlantic/Canary", "351291": "Atlantic/Madeira"}


@pytest.mark.parametrize(
    ("number", "zone", "rung"),
    [
        pytest.param("+34928123456", "Atlantic/Canary", "phone", id="a range of another zone"),
        pytest.param("+351291123456", "Atlantic/Madeira", "phone", id="a longer one"),
        pytest.param("+34911234567", "Europe/Paris", "market", id="the rest of a country of several zones"),
        pytest.param("+393331234567", "Europe/Rome", "phone", id="a country of one zone"),
    ],
)
def test_a_range_of_phone_numbers_tells_the_zone_where_the_country_does_not(number: str, zone: str, rung: str) -> None:
    by = Policy({"FR": market()}, "FR", ranges=RANGES)
    facts = facts_for(candidate(), person(Address("sms", number)), (), (), by, NOON)
    assert (facts.zone, facts.zone_rung) == (zone, rung)


def test_of_recent_messages_each_gap_and_calendar_cap_sees_what_it_needs() -> None:
    ages = [HOUR, 2 * HOUR, 12 * HOUR, 20 * HOUR, 3 * DAY]
    recent = [Recent("sms", Purpose.SERVICE, NOON - age) for age in ages]
    by = Policy({"FR": market()}, "FR", (Cap("two a day", 2, per=Calendar.DAY),), gaps=(Gap("gap", 2 * DAY),))
    kept = facts_for(candidate(), person(ITALIAN), (), recent, by, NOON).recent
    assert [NOON - one.at for one in kept] == ages[:2]
    only_gap = Policy({"FR": market()}, "FR", gaps=(Gap("gap", 2 * DAY, (), ("push",)),))
    pushed = [*recent, Recent("push", Purpose.SERVICE, NOON - DAY)]
    assert facts_for(candidate(), person(ITALIAN), (), pushed, only_gap, NOON).recent == (pushed[-1],)


@pytest.mark.parametrize(
    ("purpose", "counts"),
    [(purpose, purpose in (Purpose.TRANSACTIONAL, Purpose.SERVICE, Purpose.COMMERCIAL)) for purpose in Purpose],
)
def test_what_does_not_count_toward_caps_takes_no_slot_and_begins_no_gap(purpose: Purpose, counts: bool) -> None:
    by = Policy({"FR": market()}, "FR", (Cap("cap", 3, DAY),), gaps=(Gap("gap", DAY),))
    recent = [Recent("sms", purpose, NOON - HOUR)]
    assert bool(facts_for(candidate(), person(ITALIAN), (), recent, by, NOON).recent) is counts


def test_consents_are_only_those_the_candidate_can_ask_for() -> None:
    states = {"service": GRANTED, "service/sms": WITHDRAWN, "service/email": GRANTED, "commercial": GRANTED}
    facts = facts_for(candidate(), person(consents=states), (), (), policy(), NOON)
    assert facts.consents == {"service": GRANTED, "service/sms": WITHDRAWN}


def test_one_address_for_each_channel_of_the_strategy_is_kept_preferably_one_that_may_be_used() -> None:
    blocked, second = ReachFact("sms", "b1", "opted_out"), ReachFact("sms", "b2")
    reach = [ReachFact("email", "e1"), blocked, SMS, second, PUSH]
    assert facts_for(candidate(), person(), reach, (), policy(), NOON).reach == (PUSH, SMS)
    assert facts_for(candidate(), person(), [blocked], (), policy(), NOON).reach == (blocked,)


def sent(channel: str, *ago: timedelta, purpose: Purpose = Purpose.SERVICE) -> list[Recent]:
    return [Recent(channel, purpose, NOON - one) for one in ago]


@pytest.mark.parametrize(
    ("caps", "purpose", "kept"),
    [
        pytest.param((), Purpose.SERVICE, [], id="no cap, nothing kept"),
        pytest.param((Cap("c", 9, 7 * DAY),), Purpose.LEGAL, [], id="a purpose that obeys none"),
        pytest.param((Cap("c", 9, 7 * DAY),), Purpose.SERVICE, [1, 3, 5], id="as far back as the widest cap"),
        pytest.param((Cap("c", 2, 7 * DAY),), Purpose.SERVICE, [1, 3], id="no more than the cap can count"),
        pytest.param((Cap("c", 1, 7 * DAY), Cap("d", 9, 4 * DAY)), Purpose.SERVICE, [1, 3], id="what any cap needs"),
        pytest.param((Cap("c", 9, 7 * DAY, (), ("sms",)),), Purpose.SERVICE, [3], id="only its channels"),
        pytest.param((Cap("c", 9, 7 * DAY, (Purpose.COMMERCIAL,)),), Purpose.SERVICE, [], id="no cap for this purpose"),
        pytest.param((Cap("c", 9, 7 * DAY, (), ("email",)),), Purpose.SERVICE, [], id="no cap for these channels"),
    ],
)
def test_recent_messages_are_trimmed_to_what_the_caps_need(
    caps: tuple[Cap, ...], purpose: Purpose, kept: list[int]
) -> None:
    recent = [*sent("push", 5 * DAY, DAY), *sent("sms", 3 * DAY), *sent("push", 8 * DAY)]
    facts = facts_for(candidate(purpose), person(), (), recent, policy(*caps), NOON)
    assert [(NOON - one.at).days for one in facts.recent] == kept


CAPS = (
    Cap("weekly", 3, 7 * DAY),
    Cap("commercial", 2, DAY, (Purpose.COMMERCIAL,)),
    Cap("sms", 4, 10 * DAY, (), ("sms",)),
)
RECENT = st.lists(
    st.builds(
        Recent,
        st.sampled_from(["push", "sms", "email"]),
        st.sampled_from([Purpose.SERVICE, Purpose.COMMERCIAL]),
        st.integers(0, 20 * 24).map(lambda hours: NOON - hours * HOUR),
    ),
    max_size=30,
)
PURPOSES = st.sampled_from([Purpose.SERVICE, Purpose.COMMERCIAL])


@given(RECENT, PURPOSES)
def test_trimming_changes_no_verdict(recent: list[Recent], purpose: Purpose) -> None:
    by, what = policy(*CAPS), candidate(purpose, valid_until=NOON + 30 * DAY)
    trimmed = facts_for(what, person(consents={"commercial": GRANTED}), (PUSH, SMS), recent, by, NOON)
    whole = msgspec.structs.replace(trimmed, recent=tuple(recent))
    one, other = decide(what, trimmed, by, GATES), decide(what, whole, by, GATES)
    assert (one.verdict, one.channel, one.gate, one.until) == (other.verdict, other.channel, other.gate, other.until)


def test_the_facts_stay_below_two_kilobytes_with_every_cap_full_and_every_text_long() -> None:
    channels = ("headunit", "whatsapp", "telegram", "voicecal", "pushpush")
    by = policy(
        *(Cap(f"cap {n}", MOST_RECENT // 2, 30 * DAY, (), (channel,)) for n, channel in enumerate(channels[:2]))
    )
    what: Candidate = candidate(Purpose.COMMERCIAL, strategy=First(channels))
    states = {f"commercial/{channel}": WITHDRAWN for channel in channels} | {"commercial": WITHDRAWN}
    recent = [
        Recent(channel, Purpose.TRANSACTIONAL, NOON - timedelta(seconds=n, microseconds=1))
        for channel in channels
        for n in range(500)
    ]
    reach = [ReachFact(channel, "5e" * 16, "unknown_subscriber") for channel in channels]
    profile = person(consents=states, zone="America/Argentina/ComodRivadavia", locale="zh-Hant-TW")
    facts = facts_for(what, profile, reach, recent, by, NOON)
    assert len(facts.recent) == MOST_RECENT
    assert 1000 < len(msgspec.msgpack.encode(facts)) <= 2048
