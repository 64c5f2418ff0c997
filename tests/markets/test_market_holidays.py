"""The packs' holidays against the `holidays` library, 2026 to 2030, with every difference named."""

from __future__ import annotations

from datetime import date

import holidays as library
import pytest

from outrider.domain.policy import Holiday, MarketRules
from outrider.lib.discover import plugins
from outrider.orchestration.hours import holidays_in

PACKS: dict[str, MarketRules] = {pack.code: pack for pack in plugins("outrider.markets", "MARKET").values()}
YEARS = range(2026, 2031)

#: Of the library's national days, those we leave out, with the reason.
LEFT_OUT = {"IT": {"National Unity Day": "kept on a Sunday, closes nothing"}}
#: Our days the library leaves out, with the reason.
ADDED_ON = {
    "ES": (6, "the resolution of the BOE names no day that falls on a Sunday; for us that Sunday is closed anyway")
}

#: Of the library's regional days, beginnings of the names of those we leave out.
REGIONAL_LEFT_OUT = {
    # The Pacific territories, and a day of custom in the Antilles.
    "FR": ("Missionary", "Mi-Careme", "Feast of Saint Peter", "Saints Peter", "Territory", "Citizenship", "Matāri'i"),
    # One town's, and one that comes once.
    "DE": ("Augsburg", "75th anniversary"),
    "IT": ("National Unity Day",),
    # Of districts and towns: whoever lives there keeps one of some 300 municipal days anyway.
    "PT": (*("Saint", "Feast of", "Ascension", "Municipal", "Bocage"),),
    # The Monday some regions keep instead of a Sunday, and the moon's.
    "ES": ("Monday following", "Eid al-"),
    "GB": ("Scotland's participation",),
}
#: South Tyrol's Whit Monday is the only regional day of Italy we keep; the others are patron saints' of towns.
SUBDIVISIONS = {"IT": ("BZ",)}


def national(code: str, year: int) -> dict[date, str]:
    return dict(library.country_holidays(code, years=year, language="en_US").items())


def regional(code: str, year: int) -> dict[date, set[str]]:
    """The days of every subdivision, each with its names."""
    found: dict[date, set[str]] = {}
    for subdivision in SUBDIVISIONS.get(code, library.country_holidays(code).subdivisions):
        for day, name in library.country_holidays(code, subdiv=subdivision, years=year, language="en_US").items():
            found.setdefault(day, set()).add(name)
    return found


def test_every_difference_names_a_pack() -> None:
    assert LEFT_OUT.keys() | ADDED_ON.keys() | REGIONAL_LEFT_OUT.keys() <= PACKS.keys()


@pytest.mark.parametrize("year", YEARS)
@pytest.mark.parametrize("code", sorted(PACKS))
def test_national_holidays_are_those_of_the_library(code: str, year: int) -> None:
    expected = {day: name for day, name in national(code, year).items() if name not in LEFT_OUT.get(code, ())}
    ours = holidays_in(PACKS[code].holidays, year)
    assert expected.keys() - ours == set()
    weekday = ADDED_ON.get(code, (None,))[0]
    assert {day for day in ours - expected.keys() if day.weekday() != weekday} == set()


@pytest.mark.parametrize("year", YEARS)
@pytest.mark.parametrize("code", sorted(PACKS))
def test_with_the_regional_days_it_is_the_union_of_the_regions(code: str, year: int) -> None:
    pack = PACKS[code]
    ours = holidays_in((*pack.holidays, *pack.regional_holidays), year)
    theirs = regional(code, year)
    left_out = REGIONAL_LEFT_OUT.get(code, ())
    missing = {day: names for day, names in theirs.items() if day not in ours}
    assert {day: names for day, names in missing.items() if not all(name.startswith(left_out) for name in names)} == {}


def test_a_regional_day_is_one_some_region_really_keeps() -> None:
    for code, pack in PACKS.items():
        kept = {day for year in YEARS for day in regional(code, year)}
        for holiday in pack.regional_holidays:
            days = {day for year in YEARS for day in holidays_in((holiday,), year)}
            assert days & kept, f"{code}: {holiday.name}"


@pytest.mark.parametrize(
    ("year", "days"),
    [
        (2026, ["2026-12-25", "2026-12-26", "2026-12-28"]),
        (2027, ["2027-12-25", "2027-12-26", "2027-12-27", "2027-12-28"]),
        (2029, ["2029-12-25", "2029-12-26"]),
    ],
)
def test_a_british_christmas_on_a_weekend_gives_its_days_back(year: int, days: list[str]) -> None:
    found = holidays_in(PACKS["GB"].holidays, year)
    assert sorted(str(day) for day in found if (day.month, day.day) > (12, 1)) == days


def test_a_holiday_is_kept_from_its_first_year_on() -> None:
    francis = Holiday("Saint Francis", 10, 4, since=2026)
    assert [len(holidays_in((francis,), year)) for year in (2025, 2026)] == [0, 1]
