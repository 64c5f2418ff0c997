"""Dates and times are written as people of the locale write them, in the market and the zone asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.content.declaration import Policy
from outrider.content.moments import BadMoment
from outrider.content.pen import STYLES, WEEKDAYS, Pen, pen_for
from outrider.content.sms import count, transliterate
from outrider.plugged import shipped

CHRISTMAS_EVE = "2026-12-24T14:05:00+01:00"
PARIS = "Europe/Paris"
LOCALES = (
    "fr",
    "fr-CA",
    "de",
    "en",
    "en-US",
    "en-AU",
    "es",
    "es-MX",
    "it",
    "pt-PT",
    "nl",
    "sv",
    "hu",
    "ja",
    "ar",
    "xx",
)
HOMES = {"fr": "FR", "pt": "PT", "de": "DE"}


def pen(locale: str, market: str = "", *, gsm: bool = False, longest: Policy | None = None) -> Pen:
    packs = shipped().markets
    return pen_for(locale, packs.get(market), packs.get(HOMES.get(locale[:2], "")), gsm=gsm, longest=longest)


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("fr", "24/12/2026"),
        ("fr-FR", "24/12/2026"),
        ("fr_CA", "2026-12-24"),
        ("fr-CH", "24.12.2026"),
        ("de", "24.12.2026"),
        ("de-AT", "24.12.2026"),
        ("en", "24/12/2026"),
        ("en-GB", "24/12/2026"),
        ("en-US", "12/24/2026"),
        ("es", "24/12/2026"),
        ("it", "24/12/2026"),
        ("pt-PT", "24/12/2026"),
        ("nl", "24-12-2026"),
        ("sv", "2026-12-24"),
        ("hu", "2026.12.24."),
        ("zh-Hant-TW", "2026/12/24"),
        ("xx", "2026-12-24"),
        ("", "2026-12-24"),
    ],
)
def test_a_date_in_the_customary_figures(locale: str, expected: str) -> None:
    assert pen(locale).date(CHRISTMAS_EVE, PARIS) == expected


@pytest.mark.parametrize(
    ("locale", "market", "style", "expected"),
    [
        ("fr", "FR", "short", "24/12/2026"),
        ("fr", "FR", "day", "24/12"),
        ("fr", "FR", "long", "24 décembre 2026"),
        ("fr", "FR", "full", "jeudi 24 décembre 2026"),
        ("es", "ES", "full", "jueves, 24 de diciembre de 2026"),
        ("pt", "PT", "full", "quinta-feira, 24 de dezembro de 2026"),
        ("en", "GB", "full", "Thursday, 24 December 2026"),
        ("en-US", "GB", "long", "December 24, 2026"),
        ("de", "DE", "day", "24.12."),
        ("de", "DE", "full", "Donnerstag, 24. Dezember 2026"),
        ("it", "IT", "full", "giovedì 24 dicembre 2026"),
        ("nl", "", "day", "24-12"),
        ("sv", "", "day", "12-24"),
        ("hu", "", "day", "12.24."),
        ("en-US", "", "day", "12/24"),
    ],
)
def test_a_date_in_every_style(locale: str, market: str, style: str, expected: str) -> None:
    assert pen(locale, market).date(CHRISTMAS_EVE, PARIS, style) == expected


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("fr", "14h05"),
        ("en-GB", "14:05"),
        ("de", "14:05"),
        ("en", "14:05"),
        ("da", "14.05"),
        ("fi-FI", "14.05"),
        ("en-US", "2:05\u202fPM"),
        ("en-AU", "2:05\u202fpm"),
        ("xx", "14:05"),
    ],
)
def test_a_time_in_the_customary_figures(locale: str, expected: str) -> None:
    assert pen(locale).time(CHRISTMAS_EVE, PARIS) == expected


@pytest.mark.parametrize(
    ("locale", "market", "expected"),
    [
        ("fr", "FR", "09h05"),
        ("pt", "PT", "09h05"),
        ("es", "ES", "09:05"),
        ("en", "GB", "09:05"),
        # Elsewhere as at home, but where CLDR knows the language in that very country.
        ("fr", "DE", "09h05"),
        ("fr", "", "09h05"),
        ("fr-FR", "DE", "09h05"),
        ("fr-CA", "FR", "09 h 05"),
        ("fr-CH", "FR", "09:05"),
        ("en", "DE", "09:05"),
    ],
)
def test_the_habits_of_the_market_count_first(locale: str, market: str, expected: str) -> None:
    assert pen(locale, market).time("2026-12-24T09:05:00+01:00", PARIS) == expected


@pytest.mark.parametrize(
    ("hour", "expected"), [(0, "12:05 AM"), (1, "1:05 AM"), (11, "11:05 AM"), (12, "12:05 PM"), (23, "11:05 PM")]
)
def test_the_american_clock_has_no_zero_hour(hour: int, expected: str) -> None:
    assert pen("en-US", gsm=True).time(datetime(2026, 1, 1, hour, 5, tzinfo=UTC), "UTC") == expected


@pytest.mark.parametrize(
    ("locale", "style", "expected"),
    [("fr", "full", "jeudi"), ("fr", "short", "jeu."), ("de", "short", "Do."), ("pt-PT", "full", "quinta-feira")],
)
def test_a_weekday_has_its_name(locale: str, style: str, expected: str) -> None:
    assert pen(locale).weekday(CHRISTMAS_EVE, PARIS, style) == expected


@pytest.mark.parametrize(
    ("value", "zone", "expected"),
    [
        ("2026-12-31T23:30:00Z", PARIS, "01/01/2027 00h30"),
        ("2026-07-01T12:00:00Z", PARIS, "01/07/2026 14h00"),
        ("2026-07-01T12:00:00Z", "America/New_York", "01/07/2026 08h00"),
        (datetime(2026, 7, 1, 12, tzinfo=UTC), "Asia/Kolkata", "01/07/2026 17h30"),
    ],
)
def test_an_instant_is_written_in_the_zone(value: object, zone: str, expected: str) -> None:
    assert pen("fr").datetime(value, zone) == expected


@pytest.mark.parametrize("value", ["2026-12-24", date(2026, 12, 24)])
def test_a_calendar_day_needs_no_zone_and_never_moves(value: object) -> None:
    assert pen("fr").date(value, None) == "24/12/2026"
    assert pen("fr").weekday(value, None) == "jeudi"


@pytest.mark.parametrize("write", [Pen.time, Pen.datetime])
@pytest.mark.parametrize("value", ["2026-12-24", date(2026, 12, 24)])
def test_a_calendar_day_has_no_time(write: Callable[[Pen, object, str], str], value: object) -> None:
    with pytest.raises(BadMoment, match="date and time"):
        write(pen("fr"), value, "UTC")


@pytest.mark.parametrize(
    ("value", "zone", "message"),
    [
        ("tomorrow", "UTC", "8 other characters"),
        ("2026-12-24T14:05:00", "UTC", "got one without"),
        (datetime(2026, 12, 24), "UTC", "got one without"),
        (1798117500, "UTC", "got int"),
        (None, "UTC", "got NoneType"),
        (CHRISTMAS_EVE, None, "no `zone`"),
        (CHRISTMAS_EVE, "", "no `zone`"),
        (CHRISTMAS_EVE, "Europe/Atlantis", "unknown time zone 'Europe/Atlantis'"),
        (CHRISTMAS_EVE, "../etc/passwd", "unknown time zone"),
    ],
)
def test_what_cannot_be_written_is_told_without_the_value(value: object, zone: object, message: str) -> None:
    with pytest.raises(BadMoment, match=message) as caught:
        pen("fr").datetime(value, zone)
    assert "tomorrow" not in str(caught.value)


def test_an_unknown_style_names_the_known_ones() -> None:
    with pytest.raises(BadMoment, match="expected short, day, long, full"):
        pen("fr").date(CHRISTMAS_EVE, PARIS, "medium")
    with pytest.raises(BadMoment, match="expected full, short"):
        pen("fr").weekday(CHRISTMAS_EVE, PARIS, "tiny")


MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1))


@given(MOMENTS, st.integers(-12, 14), st.sampled_from(LOCALES))
def test_the_offset_an_instant_comes_with_makes_no_difference(moment: datetime, hours: int, locale: str) -> None:
    instant = moment.replace(tzinfo=UTC)
    elsewhere = instant.astimezone(timezone(timedelta(hours=hours)))
    assert pen(locale).datetime(elsewhere, PARIS) == pen(locale).datetime(instant.isoformat(), PARIS)


def every_form(one: Pen, at: datetime) -> list[str]:
    dates = [one.date(at, PARIS, style) for style in STYLES]
    return [
        *dates,
        *(one.weekday(at, PARIS, style) for style in WEEKDAYS),
        one.time(at, PARIS),
        one.datetime(at, PARIS),
    ]


@given(MOMENTS, st.sampled_from(LOCALES), st.sampled_from(["", "FR", "PT", "DE"]))
def test_no_moment_needs_more_of_an_sms_than_the_longest(moment: datetime, locale: str, market: str) -> None:
    at = moment.replace(tzinfo=UTC)
    usual = every_form(pen(locale, market, gsm=True), at)
    spelled = every_form(pen(locale, market, gsm=True, longest=Policy.TRANSLITERATE), at)
    kept = every_form(pen(locale, market, gsm=True, longest=Policy.UNICODE), at)
    assert all(
        count(transliterate(one)).units <= count(transliterate(most)).units
        for one, most in zip(usual, spelled, strict=True)
    )
    assert all(
        (count(most).encoding, len(most)) >= (count(one).encoding, len(one))
        for one, most in zip(usual, kept, strict=True)
    )


@pytest.mark.parametrize("locale", ["fr", "en-US", "es-MX", "sv", "de"])
def test_an_sms_gets_no_spaces_that_gsm_7_lacks(locale: str) -> None:
    one = pen(locale, gsm=True)
    assert count(one.datetime(CHRISTMAS_EVE, PARIS)).encoding == "GSM-7"


@pytest.mark.parametrize("code", sorted(shipped().markets))
def test_the_dates_of_every_pack_are_those_of_the_cldr(code: str) -> None:
    market = shipped().markets[code]
    for habits in market.habits:
        language, _, region = habits.locale.partition("-")
        assert pen_for(habits.locale, market).date(CHRISTMAS_EVE, PARIS) == pen(f"{language}-{region or code}").date(
            CHRISTMAS_EVE, PARIS
        )
