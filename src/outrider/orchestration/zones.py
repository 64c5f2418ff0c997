"""Time zones: looked up by name without ever failing, their offset changes, and the one zone of a country."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

#: How far apart offsets are compared. No zone changed its offset twice within 6 hours (tz database, 1970 to 2037).
PROBE = timedelta(hours=6)
SECOND = timedelta(seconds=1)

#: Region (ISO 3166-1 alpha-2) → E.164 country calling code and its one zone. Only countries whose whole territory under
#: that code keeps one time (tz database ``zone.tab``; calling codes from ITU-T E.164): so not ES, PT, CY, UA.
ONE_ZONE: dict[str, tuple[str, str]] = {
    "AD": ("376", "Europe/Andorra"),
    "AL": ("355", "Europe/Tirane"),
    "AT": ("43", "Europe/Vienna"),
    "BA": ("387", "Europe/Sarajevo"),
    "BE": ("32", "Europe/Brussels"),
    "BG": ("359", "Europe/Sofia"),
    "CH": ("41", "Europe/Zurich"),
    "CZ": ("420", "Europe/Prague"),
    "DE": ("49", "Europe/Berlin"),
    "DK": ("45", "Europe/Copenhagen"),
    "DZ": ("213", "Africa/Algiers"),
    "EE": ("372", "Europe/Tallinn"),
    "FI": ("358", "Europe/Helsinki"),
    "FR": ("33", "Europe/Paris"),
    "GB": ("44", "Europe/London"),
    "GI": ("350", "Europe/Gibraltar"),
    "GR": ("30", "Europe/Athens"),
    "HR": ("385", "Europe/Zagreb"),
    "HU": ("36", "Europe/Budapest"),
    "IE": ("353", "Europe/Dublin"),
    "IS": ("354", "Atlantic/Reykjavik"),
    "IT": ("39", "Europe/Rome"),
    "LI": ("423", "Europe/Vaduz"),
    "LT": ("370", "Europe/Vilnius"),
    "LU": ("352", "Europe/Luxembourg"),
    "LV": ("371", "Europe/Riga"),
    "MA": ("212", "Africa/Casablanca"),
    "MC": ("377", "Europe/Monaco"),
    "MD": ("373", "Europe/Chisinau"),
    "ME": ("382", "Europe/Podgorica"),
    "MK": ("389", "Europe/Skopje"),
    "MT": ("356", "Europe/Malta"),
    "NL": ("31", "Europe/Amsterdam"),
    "NO": ("47", "Europe/Oslo"),
    "PL": ("48", "Europe/Warsaw"),
    "RO": ("40", "Europe/Bucharest"),
    "RS": ("381", "Europe/Belgrade"),
    "SE": ("46", "Europe/Stockholm"),
    "SI": ("386", "Europe/Ljubljana"),
    "SK": ("421", "Europe/Bratislava"),
    "SM": ("378", "Europe/San_Marino"),
    "TN": ("216", "Africa/Tunis"),
    "TR": ("90", "Europe/Istanbul"),
}
BY_CALLING_CODE = dict(ONE_ZONE.values())
#: How many digits tell a range, calling code included; the longest counts.
RANGE_DIGITS = (7, 6, 5, 4, 3)
NO_RANGES: Mapping[str, str] = {}


class Segment(msgspec.Struct, frozen=True):
    """A stretch of one offset from UTC; `start` (included) and `end` (excluded) are UTC without a zone."""

    start: datetime
    end: datetime
    offset: timedelta


@lru_cache(maxsize=1024)
def find_zone(name: str) -> ZoneInfo | None:
    """The zone of an IANA name; None when there is none of that name."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # not found, not a name, a folder of names
        return None


def zone_of_country(region: str) -> str | None:
    """The one zone of a country (ISO 3166-1 alpha-2); None for countries of several zones or not in the table."""
    known = ONE_ZONE.get(region.upper())
    return known[1] if known else None


def zone_of_phone(number: str, ranges: Mapping[str, str] = NO_RANGES) -> str | None:
    """The zone of an E.164 number: by the range it is in, else the one zone of its country.

    ranges: first digits → zone. None when the country has several zones, is not in the table, or it is no number.
    """
    if not number.startswith("+"):
        return None
    for digits in RANGE_DIGITS if ranges else ():
        if zone := ranges.get(number[1 : 1 + digits]):
            return zone
    codes = (number[1 : 1 + digits] for digits in (1, 2, 3))
    return next((BY_CALLING_CODE[code] for code in codes if code in BY_CALLING_CODE), None)


@lru_cache(maxsize=2048)
def segments(zone: ZoneInfo, first: date, last: date) -> tuple[Segment, ...]:
    """The stretches of constant offset from the start of `first` to the start of `last` (UTC days), in order."""
    at = begin = datetime.combine(first, time())
    end = datetime.combine(last, time())
    offset = _offset(zone, at)
    found = []
    while at < end:
        after = min(at + PROBE, end)
        if (following := _offset(zone, after)) != offset:
            change = _change(zone, at, after)
            found.append(Segment(begin, change, offset))
            begin, offset = change, following
        at = after
    return (*found, Segment(begin, end, offset))


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The first second of the offset that holds at `after`."""
    wanted = _offset(zone, after)
    while after - before > SECOND:
        middle = before + (after - before) // 2 // SECOND * SECOND
        before, after = (before, middle) if _offset(zone, middle) == wanted else (middle, after)
    return after


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.replace(tzinfo=UTC).astimezone(zone).utcoffset() or timedelta()
