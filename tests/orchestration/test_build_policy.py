"""The policy: what a company may tighten, what it may not loosen, and errors that say where and what was expected."""

from __future__ import annotations

from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from orchestration_cases import DAY, market

from outrider.domain.policy import (
    EVERY_DAY,
    Calendar,
    Cap,
    Gap,
    Holiday,
    MarketOverride,
    MarketRules,
    PhoneRange,
    QuietRule,
    Window,
)
from outrider.domain.purpose import Purpose
from outrider.orchestration.hours import rule_for, week_minutes
from outrider.orchestration.policy import MOST_RECENT, PolicyError, build_policy

WEEKDAYS = (0, 1, 2, 3, 4)
COMMERCIAL = (Purpose.COMMERCIAL,)


def window(start: int, end: int, days: tuple[int, ...] = EVERY_DAY) -> Window:
    return Window(time(start), time(end), days)


def tightened(pack: MarketRules, *rules: QuietRule, place: str = "markets/fr.yaml") -> MarketRules:
    return build_policy([pack], "FR", overrides=[MarketOverride("FR", rules, place=place)]).markets["FR"]


def test_packs_and_caps_become_a_policy() -> None:
    caps = [Cap("weekly", 3, 7 * DAY)]
    by = build_policy([market(), market(code="DE")], "DE", caps, config=9)
    assert (set(by.markets), by.home_market, by.caps, by.config) == ({"FR", "DE"}, "DE", tuple(caps), 9)


@pytest.mark.parametrize(
    ("pack", "rule"),
    [
        pytest.param(window(8, 20), window(9, 19), id="shorter"),
        pytest.param(window(8, 20), window(8, 20), id="the same"),
        pytest.param(window(8, 20), window(8, 20, WEEKDAYS), id="fewer days"),
        pytest.param(window(22, 6), window(23, 2), id="over midnight"),
        pytest.param(window(22, 6), window(1, 5), id="after midnight"),
        pytest.param(window(22, 6, (6,)), window(1, 5, (0,)), id="Sunday night runs on into Monday"),
        pytest.param(window(0, 0), window(7, 7), id="all of the time"),
    ],
)
def test_an_override_that_tightens_takes_the_place_of_the_packs_rule(pack: Window, rule: Window) -> None:
    override = QuietRule((rule,), COMMERCIAL)
    result = tightened(market(QuietRule((pack,))), override)
    assert rule_for(result, Purpose.COMMERCIAL, "sms") == override
    assert rule_for(result, Purpose.SERVICE, "sms") == QuietRule((pack,))


def test_where_the_pack_has_no_rule_any_hours_are_tighter() -> None:
    override = QuietRule((window(6, 23),), (Purpose.SERVICE,))
    assert rule_for(tightened(market(QuietRule((window(8, 20),), COMMERCIAL)), override), Purpose.SERVICE, "sms")


def test_consents_and_holidays_are_added() -> None:
    pack = market(consent_also_for=(Purpose.SERVICE,), holidays=(Holiday("Christmas", 12, 25),))
    day = Holiday("Founder's Day", 5, 2)
    override = MarketOverride("FR", (), (Purpose.SERVICE, Purpose.TRANSACTIONAL), (day,))
    result = build_policy([pack], "FR", overrides=[override]).markets["FR"]
    assert result.consent_also_for == (Purpose.SERVICE, Purpose.TRANSACTIONAL)
    assert result.holidays == (*pack.holidays, day)


@pytest.mark.parametrize(
    ("on", "holds"),
    [
        (None, True),
        (date(2030, 1, 1), False),
        (date(2030, 2, 1), True),
        (date(2030, 2, 9), True),
        (date(2030, 3, 1), False),
    ],
)
def test_an_override_holds_on_its_days(on: date | None, holds: bool) -> None:
    override = MarketOverride(
        "FR", consent_also_for=(Purpose.SERVICE,), valid_from=date(2030, 2, 1), valid_to=date(2030, 2, 28)
    )
    by = build_policy([market()], "FR", overrides=[override], on=on)
    assert bool(by.markets["FR"].consent_also_for) is holds


def test_an_override_without_dates_always_holds() -> None:
    override = MarketOverride("FR", consent_also_for=(Purpose.SERVICE,))
    assert build_policy([market()], "FR", overrides=[override], on=date(2030, 1, 1)).markets["FR"].consent_also_for


def test_a_loosening_override_is_refused_with_place_hours_and_purposes() -> None:
    with pytest.raises(PolicyError) as refused:
        tightened(market(QuietRule((window(8, 20),))), QuietRule((window(8, 21),), COMMERCIAL, ("sms",)))
    assert refused.value.problems == (
        "markets/fr.yaml: every day 08:00-21:00 opens hours that the market pack closes for commercial by sms; "
        "expected no more than every day 08:00-20:00 (an override may tighten, never loosen)",
    )


STRICT = QuietRule((window(8, 20),), not_on_holidays=True)


@pytest.mark.parametrize(
    ("pack", "rule"),
    [
        pytest.param(QuietRule((window(8, 20),)), QuietRule((window(20, 8),)), id="the other half of the day"),
        pytest.param(QuietRule((window(8, 20, WEEKDAYS),)), QuietRule((window(8, 20),)), id="more days"),
        pytest.param(QuietRule((window(8, 20),)), QuietRule((window(0, 0),)), id="all day"),
        pytest.param(STRICT, QuietRule((window(8, 20),)), id="open on holidays"),
        pytest.param(
            QuietRule((window(22, 0), window(0, 4)), not_on_holidays=True),
            QuietRule((window(22, 4),), not_on_holidays=True),
            id="the night into a holiday",
        ),
    ],
)
def test_every_way_to_loosen_is_found(pack: QuietRule, rule: QuietRule) -> None:
    with pytest.raises(PolicyError, match="may tighten, never loosen"):
        tightened(market(pack), rule)


def test_an_override_with_holidays_may_shorten_the_days() -> None:
    shorter = QuietRule((window(9, 18),), not_on_holidays=True)
    assert rule_for(tightened(market(STRICT), shorter), Purpose.SERVICE, "sms") == shorter


def test_a_second_override_is_measured_against_the_first() -> None:
    first, second = (MarketOverride("FR", (QuietRule((window(9, end),)),)) for end in (18, 19))
    with pytest.raises(PolicyError, match="override of market FR: every day 09:00-19:00 opens hours"):
        build_policy([market()], "FR", overrides=[first, second])


@pytest.mark.parametrize(
    ("packs", "caps", "overrides", "problem"),
    [
        ([market(code="fr")], [], [], "market fr: the code is written in upper case, for example FR"),
        ([market(), market()], [], [], "market FR: two packs have this code; expected one"),
        (
            [market(zone="Paris")],
            [],
            [],
            "market FR: 'Paris' is no time zone; expected an IANA name such as Europe/Paris",
        ),
        ([market(locales=())], [], [], "market FR: no locale is named; expected at least the default, for example fr"),
        (
            [market(QuietRule(()))],
            [],
            [],
            "market FR, quiet hours 1: there is no window; expected at least one (to stop a purpose, pause it)",
        ),
        (
            [market(QuietRule((window(8, 20, (7,)),)))],
            [],
            [],
            "market FR, quiet hours 1: days [7] are not understood; expected some of 0 (Monday) to 6 (Sunday)",
        ),
        (
            [market(QuietRule((Window(time(8, 0, 1), time(20)),)))],
            [],
            [],
            "market FR, quiet hours 1: 08:00:01 is not understood; expected a local time to the minute, for example "
            "21:00",
        ),
        (
            [market(holidays=(Holiday("Odd", 2, 30),))],
            [],
            [],
            "market FR, holiday Odd: 2/30 is no date; expected month and day",
        ),
        ([], [], [], "home market: there is no market 'FR'; expected one of none at all"),
        ([market(code="DE")], [], [], "home market: there is no market 'FR'; expected one of DE"),
        ([market()], [Cap("c", 0, DAY)], [], "cap c: at most 0 is not understood; expected 1 or more"),
        (
            [market()],
            [Cap("c", 1, timedelta())],
            [],
            "cap c: the time it looks back is not above zero; expected for example 7d",
        ),
        ([market()], [Cap("c", 1, DAY), Cap("c", 2, DAY)], [], "cap c: two caps have this name; expected one"),
        (
            [market()],
            [Cap("a", MOST_RECENT, DAY, COMMERCIAL), Cap("b", 1, DAY)],
            [],
            "caps of commercial messages: together they allow 41 messages; expected at most 40, so that a decision can "
            "hold all that it was based on",
        ),
        (
            [market()],
            [],
            [MarketOverride("XX", place="markets/xx.yaml")],
            "markets/xx.yaml: there is no market 'XX'; expected one of FR",
        ),
        (
            [market()],
            [],
            [MarketOverride("FR", (QuietRule((window(8, 20, ()),)),))],
            "override of market FR, quiet hours 1: days [] are not understood; expected some of 0 (Monday) to 6 "
            "(Sunday)",
        ),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_what_was_expected(
    packs: list[MarketRules], caps: list[Cap], overrides: list[MarketOverride], problem: str
) -> None:
    with pytest.raises(PolicyError) as refused:
        build_policy(packs, "FR", caps, overrides)
    assert problem in refused.value.problems


def test_every_mistake_is_named_at_once() -> None:
    with pytest.raises(PolicyError) as refused:
        build_policy([market(zone="Paris", locales=())], "DE", [Cap("c", 0, DAY)])
    assert len(refused.value.problems) == 4
    assert str(refused.value) == "\n".join(refused.value.problems)


def test_a_cap_may_be_as_large_as_the_facts_can_hold() -> None:
    assert build_policy([market()], "FR", [Cap("c", MOST_RECENT, DAY)]).caps


WINDOWS = st.lists(
    st.builds(window, st.integers(0, 23), st.integers(0, 23), st.sets(st.integers(0, 6), min_size=1).map(tuple)),
    min_size=1,
    max_size=2,
).map(tuple)


@given(WINDOWS, WINDOWS)
def test_an_accepted_override_opens_no_minute_of_the_week(
    before: tuple[Window, ...], after: tuple[Window, ...]
) -> None:
    loosens = bool(week_minutes(QuietRule(after)) & ~week_minutes(QuietRule(before)))
    try:
        tightened(market(QuietRule(before)), QuietRule(after))
    except PolicyError:
        assert loosens
    else:
        assert not loosens


def test_regional_holidays_are_closed_where_the_company_asks_for_it() -> None:
    regional = Holiday("Canary Islands Day", 5, 30)
    pack = market(holidays=(Holiday("Christmas", 12, 25),), regional_holidays=(regional,))
    by = build_policy([pack], "FR", overrides=[MarketOverride("FR", regional_holidays=True)])
    assert by.markets["FR"].holidays == (*pack.holidays, regional)
    assert build_policy([pack], "FR", overrides=[MarketOverride("FR")]).markets["FR"].holidays == pack.holidays


def test_the_ranges_of_every_market_are_known_together() -> None:
    ranges = (PhoneRange("34928", "Atlantic/Canary", "Las Palmas"), PhoneRange("262", "Indian/Reunion", "Reunion"))
    assert build_policy([market(phone_ranges=ranges)], "FR").ranges == {each.prefix: each.zone for each in ranges}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"other_zones": ("Mars/Base",)}, "market FR: 'Mars/Base' is no time zone"),
        ({"phone_ranges": (PhoneRange("34928", "Mars/Base", "x"),)}, "market FR: 'Mars/Base' is no time zone"),
        ({"phone_ranges": (PhoneRange("+34", "UTC", "x"),)}, "market FR, phone range +34: expected 3 to 7 digits"),
        ({"phone_ranges": (PhoneRange("34", "UTC", "x"),)}, "market FR, phone range 34: expected 3 to 7 digits"),
        ({"regional_holidays": (Holiday("Odd", 13, 1),)}, "market FR, holiday Odd: 13/1 is no date"),
        ({"holidays": (Holiday("Odd", 1, 1, weekday=7),)}, "market FR, holiday Odd: weekday 7; expected 0 (Monday)"),
    ],
)
def test_what_is_wrong_in_a_pack_is_named(changes: dict[str, object], problem: str) -> None:
    with pytest.raises(PolicyError) as refused:
        build_policy([market(**changes)], "FR")
    assert [one for one in refused.value.problems if one.startswith(problem)]


@pytest.mark.parametrize(
    ("caps", "gaps", "problem"),
    [
        ([], [Gap("g", timedelta())], "gap g: the time between messages is not above zero; expected for example 4h"),
        ([], [Gap("g", DAY), Gap("g", DAY)], "gap g: two gaps have this name; expected one"),
        ([Cap("c", 1)], [], "cap c: the time it looks back is not above zero; expected for example 7d"),
        (
            [Cap("c", 1, DAY, per=Calendar.DAY)],
            [],
            "cap c: it is both rolling and by the calendar; expected `within` or `per`",
        ),
        (
            [Cap("c", MOST_RECENT, DAY, COMMERCIAL)],
            [Gap("g", DAY)],
            "caps of commercial messages: together they allow 41 messages; expected at most 40, so that a decision can "
            "hold all that it was based on",
        ),
    ],
)
def test_what_is_wrong_in_caps_and_gaps_is_named(caps: list[Cap], gaps: list[Gap], problem: str) -> None:
    with pytest.raises(PolicyError) as refused:
        build_policy([market()], "FR", caps, gaps=gaps)
    assert problem in refused.value.problems


def test_caps_and_gaps_say_how_far_they_look_back() -> None:
    assert build_policy([market()], "FR").looks_back == timedelta()
    by = build_policy([market()], "FR", [Cap("c", 1, per=Calendar.MONTH)], gaps=[Gap("g", 7 * DAY)])
    assert by.looks_back == 32 * DAY
