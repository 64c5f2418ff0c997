"""Dates and times are written as people of the locale write them, in the zone asked for."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.content.moments import DATES, BadMoment, write_date, write_datetime, write_time

CHRISTMAS_EVE = "2026-12-24T14:05:00+01:00"


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
    assert write_date(CHRISTMAS_EVE, "Europe/Paris", locale) == expected


@pytest.mark.parametrize(
    ("locale", "expected"),
    [("fr", "14:05"), ("en-GB", "14:05"), ("de", "14:05"), ("da", "14.05"), ("fi-FI", "14.05"), ("en-US", "2:05 PM")],
)
def test_a_time_in_the_customary_figures(locale: str, expected: str) -> None:
    assert write_time(CHRISTMAS_EVE, "Europe/Paris", locale) == expected


@pytest.mark.parametrize(
    ("hour", "expected"), [(0, "12:05 AM"), (1, "1:05 AM"), (11, "11:05 AM"), (12, "12:05 PM"), (23, "11:05 PM")]
)
def test_the_american_clock_has_no_zero_hour(hour: int, expected: str) -> None:
    assert write_time(datetime(2026, 1, 1, hour, 5, tzinfo=UTC), "UTC", "en-US") == expected


@pytest.mark.parametrize(
    ("value", "zone", "expected"),
    [
        ("2026-12-31T23:30:00Z", "Europe/Paris", "01/01/2027 00:30"),
        ("2026-07-01T12:00:00Z", "Europe/Paris", "01/07/2026 14:00"),
        ("2026-07-01T12:00:00Z", "America/New_York", "01/07/2026 08:00"),
        (datetime(2026, 7, 1, 12, tzinfo=UTC), "Asia/Kolkata", "01/07/2026 17:30"),
    ],
)
def test_an_instant_is_written_in_the_zone(value: object, zone: str, expected: str) -> None:
    assert write_datetime(value, zone, "fr") == expected


@pytest.mark.parametrize("value", ["2026-12-24", date(2026, 12, 24)])
def test_a_calendar_day_needs_no_zone_and_never_moves(value: object) -> None:
    assert write_date(value, None, "fr") == "24/12/2026"


@pytest.mark.parametrize("write", [write_time, write_datetime])
@pytest.mark.parametrize("value", ["2026-12-24", date(2026, 12, 24)])
def test_a_calendar_day_has_no_time(write: object, value: object) -> None:
    with pytest.raises(BadMoment, match="date and time"):
        write(value, "UTC", "fr")  # type: ignore[operator]


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
        write_datetime(value, zone, "fr")
    assert "tomorrow" not in str(caught.value)


@given(st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1)), st.integers(-12, 14), st.sampled_from(sorted(DATES)))
def test_the_offset_an_instant_comes_with_makes_no_difference(moment: datetime, hours: int, locale: str) -> None:
    instant = moment.replace(tzinfo=UTC)
    elsewhere = instant.astimezone(timezone(timedelta(hours=hours)))
    assert write_datetime(elsewhere, "Europe/Paris", locale) == write_datetime(
        instant.isoformat(), "Europe/Paris", locale
    )
