"""The shipped packs: sound together, with the hours their sources give, and open about what is not confirmed."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from outrider.domain.policy import MarketRules
from outrider.domain.purpose import Purpose
from outrider.lib.discover import plugins
from outrider.orchestration.hours import closing_rule, holidays_in, opening_at
from outrider.orchestration.policy import build_policy

PACKS: dict[str, MarketRules] = {pack.code: pack for pack in plugins("outrider.markets", "MARKET").values()}


def is_open(code: str, purpose: Purpose, channel: str, wall: str) -> bool:
    """Whether a pack allows it at a wall time in the market's own zone."""
    pack = PACKS[code]
    if closing_rule(pack, purpose, channel) is None:
        return True
    at = datetime.fromisoformat(wall).replace(tzinfo=UTC)
    return opening_at(pack, purpose, channel, "UTC", at) is not None


def test_the_shipped_packs_make_a_policy() -> None:
    by = build_policy(PACKS.values(), "FR")
    assert set(by.markets) >= {"FR", "ES", "PT", "GB", "DE", "IT"}


def test_each_rule_names_its_source_and_none_claims_a_lawyer_confirmed_it() -> None:
    for pack in PACKS.values():
        assert date.fromisoformat(pack.reviewed_on) >= date(2026, 1, 1)
        assert all(rule.source.endswith(".") and not rule.confirmed for rule in pack.quiet)


@pytest.mark.parametrize(
    ("code", "first", "last", "saturday", "sunday"),
    [
        ("FR", "08:00", "19:59", True, False),
        ("ES", "09:00", "20:59", True, False),
        ("PT", "09:00", "19:59", False, False),
        ("GB", "08:00", "20:59", True, True),
        ("DE", "08:00", "19:59", True, False),
        ("IT", "08:00", "20:59", True, False),
    ],
)
def test_commercial_text_messages_keep_the_markets_hours(
    code: str, first: str, last: str, saturday: bool, sunday: bool
) -> None:
    tuesday = "2030-03-05T"
    opens = {wall: is_open(code, Purpose.COMMERCIAL, "sms", tuesday + wall) for wall in (first, last, "07:59", "21:00")}
    assert opens == {first: True, last: True, "07:59": False, "21:00": False}
    assert is_open(code, Purpose.COMMERCIAL, "sms", "2030-03-09T12:00") is saturday
    assert is_open(code, Purpose.COMMERCIAL, "sms", "2030-03-10T12:00") is sunday


def test_italian_saturdays_are_shorter() -> None:
    hours = [is_open("IT", Purpose.COMMERCIAL, "sms", f"2030-03-09T{wall}") for wall in ("09:59", "10:00", "19:00")]
    assert hours == [False, True, False]


@pytest.mark.parametrize("code", sorted(PACKS))
@pytest.mark.parametrize(
    ("purpose", "channel", "wall", "allowed"),
    [
        (Purpose.SERVICE, "sms", "07:59", False),
        (Purpose.SERVICE, "push", "08:00", True),
        (Purpose.SERVICE, "sms", "21:00", False),
        (Purpose.LEGAL, "sms", "07:59", False),
        (Purpose.TRANSACTIONAL, "sms", "06:59", False),
        (Purpose.TRANSACTIONAL, "sms", "07:00", True),
        (Purpose.TRANSACTIONAL, "sms", "22:00", False),
        (Purpose.TRANSACTIONAL, "email", "03:00", True),
        (Purpose.SERVICE, "email", "03:00", True),
        (Purpose.COMMERCIAL, "email", "03:00", False),
        (Purpose.COMMERCIAL, "a channel to come", "03:00", False),
        (Purpose.SAFETY, "voice", "03:00", True),
        (Purpose.SECURITY, "sms", "03:00", True),
    ],
)
def test_house_hours_are_the_same_everywhere(
    code: str, purpose: Purpose, channel: str, wall: str, allowed: bool
) -> None:
    assert is_open(code, purpose, channel, f"2030-03-10T{wall}") is allowed


@pytest.mark.parametrize(
    ("code", "day", "name"),
    [
        ("FR", date(2030, 5, 30), "Ascension"),
        ("FR", date(2030, 6, 10), "Whit Monday"),
        ("FR", date(2030, 7, 14), "National Day"),
        ("ES", date(2030, 4, 19), "Good Friday"),
        ("PT", date(2030, 6, 20), "Corpus Christi"),
        ("DE", date(2030, 10, 3), "German Unity Day"),
        ("IT", date(2030, 6, 2), "Republic Day"),
    ],
)
def test_public_holidays_fall_on_their_published_dates(code: str, day: date, name: str) -> None:
    (holiday,) = (holiday for holiday in PACKS[code].holidays if holiday.name == name)
    assert holidays_in((holiday,), 2030) == {day}
    assert is_open(code, Purpose.COMMERCIAL, "sms", f"{day}T12:00") is False
