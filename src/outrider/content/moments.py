"""Dates and times as people of a locale write them, in figures: short, unambiguous to them, cheap in an SMS.

Formats: Unicode CLDR 46, Gregorian calendar, the shortest numeric form with a four-digit year; times by CLDR's
preferred hour cycle.
"""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

#: Locale or language → strftime pattern of a date; the longest matching tag wins. English without a region follows the
#: international form (CLDR en-001), not the American one.
DATES = {
    "cs": "%d.%m.%Y",
    "da": "%d.%m.%Y",
    "de": "%d.%m.%Y",
    "el": "%d/%m/%Y",
    "en": "%d/%m/%Y",
    "en-ca": "%Y-%m-%d",
    "en-us": "%m/%d/%Y",
    "es": "%d/%m/%Y",
    "fi": "%d.%m.%Y",
    "fr": "%d/%m/%Y",
    "fr-ca": "%Y-%m-%d",
    "fr-ch": "%d.%m.%Y",
    "hu": "%Y.%m.%d.",
    "it": "%d/%m/%Y",
    "it-ch": "%d.%m.%Y",
    "ja": "%Y/%m/%d",
    "nb": "%d.%m.%Y",
    "nl": "%d-%m-%Y",
    "nl-be": "%d/%m/%Y",
    "pl": "%d.%m.%Y",
    "pt": "%d/%m/%Y",
    "ro": "%d.%m.%Y",
    "sk": "%d.%m.%Y",
    "sv": "%Y-%m-%d",
    "tr": "%d.%m.%Y",
    "zh": "%Y/%m/%d",
}

#: ISO 8601, for a locale not in the table: nobody reads it wrongly.
ISO_DATE = "%Y-%m-%d"

#: Locales that write 2:05 PM; everybody else writes 14:05.
TWELVE_HOURS = frozenset({"en-us", "en-ca", "en-au", "en-nz"})

#: Languages that put a full stop between hours and minutes.
FULL_STOP = frozenset({"da", "fi"})


class BadMoment(ValueError):
    """A value cannot be written as a date or time; the text says what was expected, without the value itself."""


def write_date(value: object, zone: object, locale: str) -> str:
    """`24/12/2026` for fr: the day of an instant in `zone`, or a calendar day (a `date`, or `2026-12-24`) as it is."""
    day = _calendar_day(value)
    return (day or _local(value, zone)).strftime(_date_pattern(locale))


def write_time(value: object, zone: object, locale: str) -> str:
    """`14:05` for fr, `2:05 PM` for en-US: the time of day of an instant in `zone`."""
    local = _local(value, zone)
    tag = _tag(locale)
    if tag in TWELVE_HOURS:
        return f"{local.hour % 12 or 12}:{local.minute:02} {'AM' if local.hour < 12 else 'PM'}"
    return f"{local.hour:02}{'.' if tag.split('-')[0] in FULL_STOP else ':'}{local.minute:02}"


def write_datetime(value: object, zone: object, locale: str) -> str:
    """Date and time of an instant in `zone`, with a space between."""
    local = _local(value, zone)
    return f"{write_date(local, zone, locale)} {write_time(local, zone, locale)}"


def _tag(locale: str) -> str:
    return locale.replace("_", "-").lower()


def _date_pattern(locale: str) -> str:
    tag = _tag(locale)
    while tag and tag not in DATES:
        tag = tag.rpartition("-")[0]
    return DATES.get(tag, ISO_DATE)


def _calendar_day(value: object) -> date | None:
    if isinstance(value, str) and len(value) == len("2026-12-24"):
        return _read(value).date()
    return value if isinstance(value, date) and not isinstance(value, datetime) else None


def _local(value: object, zone: object) -> datetime:
    instant = _read(value) if isinstance(value, str) else value
    if not isinstance(instant, datetime):
        raise BadMoment(f"expected a date and time, got {type(value).__name__}")
    if instant.tzinfo is None:
        raise BadMoment(
            "expected a date and time with a UTC offset, such as 2026-12-24T14:05:00+01:00, got one without"
        )
    return instant.astimezone(_zone(zone))


def _read(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise BadMoment(
            f"expected an ISO 8601 date and time, such as 2026-12-24T14:05:00+01:00, got {len(text)} other characters"
        ) from None


def _zone(name: object) -> ZoneInfo:
    if not isinstance(name, str) or not name:
        raise BadMoment("the context has no `zone`: expected the name of a time zone, such as Europe/Paris")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadMoment(f"unknown time zone {name!r}: expected a name such as Europe/Paris") from None
