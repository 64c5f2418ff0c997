"""Every pack is complete, every row says where it comes from; prices, ranges and words hold together."""

from __future__ import annotations

import re
from datetime import date, datetime

import phonenumbers
import pytest
from phonenumbers import timezone as phone_zones

from outrider.contracts.market import HOUSE_RULES, HOUSE_WORDS
from outrider.domain.policy import Habits, MarketRules, Price, Sourced, price_of
from outrider.domain.purpose import Purpose
from outrider.lib.discover import plugins
from outrider.orchestration.hours import rule_for
from outrider.orchestration.policy import build_policy
from outrider.orchestration.zones import find_zone, zone_of_phone
from outrider.profiles.opt_out import folded

PACKS: dict[str, MarketRules] = {pack.code: pack for pack in plugins("outrider.markets", "MARKET").values()}
RANGES = build_policy(PACKS.values(), "FR").ranges
ALL = pytest.mark.parametrize("pack", [pytest.param(pack, id=code) for code, pack in sorted(PACKS.items())])
#: Words that may mean the booking: never ours (provider facts D.2).
TRAPS = ["CANCEL", "CANCELAR", "CANCELLA", "ANNULER", "ANNULA", "ANNULLA", "FIN", "END", "FIM", "ENDE", "REMOVE"]


def rows(pack: MarketRules) -> list[Sourced | Price]:
    """Every row with a source."""
    told = (*pack.law, *filter(None, (pack.holidays_source, pack.retention)))
    return [*pack.quiet, *pack.phone_ranges, *pack.opt_out, *pack.senders, *pack.prices, *pack.habits, *told]


@ALL
def test_no_part_of_a_pack_is_missing(pack: MarketRules) -> None:
    optional = {"consent_also_for", "regional_holidays", "other_zones", "phone_ranges", "article"}
    missing = [name for name in MarketRules.__struct_fields__ if name not in optional and not getattr(pack, name)]
    assert missing == []
    assert {row.topic for row in pack.law} >= {"consent", "opt-out wording"}
    assert {row.channel for row in pack.senders} >= {"sms"}
    assert {row.channel for row in pack.prices} >= {"sms"}


@ALL
def test_a_name_reads_well_within_a_sentence(pack: MarketRules) -> None:
    takes_one = re.search(r"^United |Kingdom|Republic|States|Emirates|Islands|^Netherlands|^Philippines", pack.name)
    assert pack.article == ("the" if takes_one else "")
    assert pack.spoken == (f"the {pack.name}" if takes_one else pack.name)


@ALL
def test_every_row_has_a_source_and_a_day_of_review(pack: MarketRules) -> None:
    for row in rows(pack):
        assert row.source.endswith(".")
        assert date.fromisoformat(row.reviewed_on or pack.reviewed_on) >= date(2026, 1, 1)


@ALL
def test_what_is_a_price_or_an_hour_is_not_claimed_to_be_confirmed(pack: MarketRules) -> None:
    assert not any(row.confirmed for row in (*pack.prices, *pack.quiet))


@ALL
def test_every_pack_stands_on_the_common_rules_and_closes_commercial_messages_at_night(pack: MarketRules) -> None:
    assert set(HOUSE_RULES) <= set(pack.quiet)
    assert HOUSE_WORDS in pack.opt_out
    for channel in ("sms", "email", "push", "voice"):
        assert rule_for(pack, Purpose.COMMERCIAL, channel) is not None


@ALL
def test_every_language_of_a_pack_has_its_words_and_habits(pack: MarketRules) -> None:
    languages = {locale.partition("-")[0] for locale in pack.locales}
    assert languages <= {row.language for row in pack.opt_out}
    assert [row.locale for row in pack.habits] == list(pack.locales)
    for row in pack.habits:
        assert {row.address} <= {"formal", "informal"}
        assert row.decimal != row.group
        assert row.currency in ("before", "after")


@ALL
def test_no_word_may_mean_the_booking_or_both_stop_and_start(pack: MarketRules) -> None:
    stop = {folded(word) for row in pack.opt_out for word in row.stop}
    start = {folded(word) for row in pack.opt_out for word in row.start}
    assert stop & {folded(word) for word in TRAPS} == set()
    assert stop & start == set()
    assert () not in stop | start


@ALL
def test_the_ranges_of_a_pack_are_in_its_zones(pack: MarketRules) -> None:
    assert all(find_zone(zone) for zone in (pack.zone, *pack.other_zones))
    assert {each.zone for each in pack.phone_ranges} <= {pack.zone, *pack.other_zones}


@pytest.mark.parametrize("prefix", sorted(RANGES))
def test_a_range_is_in_the_zone_the_phone_library_knows(prefix: str) -> None:
    country = int(prefix[:2] if prefix.startswith("34") else prefix[:3])
    regions = phonenumbers.region_codes_for_country_code(country)
    kinds = (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.MOBILE)
    examples = [phonenumbers.example_number_for_type(region, kind) for region in regions for kind in kinds]
    written = [phonenumbers.format_number(one, phonenumbers.PhoneNumberFormat.E164)[1:] for one in examples]
    tail = next((one for one in written if one.startswith(prefix)), written[0])[len(prefix) :]
    number = phonenumbers.parse(f"+{prefix}{tail}")
    winter = datetime(2026, 1, 1)
    zone = find_zone(RANGES[prefix])
    known = [find_zone(name) for name in phone_zones.time_zones_for_number(number)]
    assert zone is not None
    assert zone.utcoffset(winter) in {other.utcoffset(winter) for other in known if other}


@pytest.mark.parametrize(
    ("number", "zone"),
    [
        ("+34928000000", "Atlantic/Canary"),
        ("+34600000000", None),
        ("+351291000000", "Atlantic/Madeira"),
        ("+351296000000", "Atlantic/Azores"),
        ("+262692000000", "Indian/Reunion"),
        ("+262639000000", "Indian/Mayotte"),
        ("+33612345678", "Europe/Paris"),
    ],
)
def test_a_number_tells_its_zone_where_its_range_does(number: str, zone: str | None) -> None:
    assert zone_of_phone(number, RANGES) == zone


def price(provider: str, amount: float, since: str, channel: str = "sms") -> Price:
    return Price(provider, channel, amount, "EUR", date.fromisoformat(since), "A list.")


@pytest.mark.parametrize(
    ("provider", "on", "amount"),
    [
        pytest.param("", "2024-12-31", None, id="before any"),
        pytest.param("", "2025-01-01", 0.05, id="from its day on"),
        pytest.param("", "2026-07-01", 0.06, id="the newest"),
        pytest.param("twilio", "2026-07-01", 0.04, id="a provider's own before one for any"),
        pytest.param("twilio", "2025-02-01", 0.05, id="any, while the provider has none yet"),
        pytest.param("smsmode", "2026-07-01", 0.06, id="another provider's is not taken"),
    ],
)
def test_the_newest_price_that_holds_counts(provider: str, on: str, amount: float | None) -> None:
    prices = (price("", 0.06, "2026-01-01"), price("", 0.05, "2025-01-01"), price("twilio", 0.04, "2025-06-01"))
    prices += (price("", 9, "2026-01-01", "voice"),)
    found = price_of(
        MarketRules("XX", "X", "UTC", ("x",), "FR", prices=prices), provider, "sms", date.fromisoformat(on)
    )
    assert (found.amount if found else None) == amount


def test_habits_are_told_for_the_default_form_of_address() -> None:
    forms = {code: pack.habits[0].address for code, pack in PACKS.items()}
    assert (forms["DE"], forms["GB"]) == ("formal", "informal")
    assert all(type(row) is Habits for pack in PACKS.values() for row in pack.habits)
