"""Dates and times in a template's values: read, and brought into a zone. How they are written: `pen`."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


class BadMoment(ValueError):
    """A value cannot be written as a date or time; the text says what was expected, without the value itself."""


def calendar_day(value: object) -> date | None:
    """The day that a `date` or a text such as `2026-12-24` names, in whatever zone; None for everything else."""
    if isinstance(value, str) and len(value) == len("2026-12-24"):
        return _read(value).date()
    return value if isinstance(value, date) and not isinstance(value, datetime) else None


def day_of(value: object, zone: object) -> date:
    """The day of an instant in `zone` (IANA), or a calendar day as it is. Raises BadMoment."""
    return calendar_day(value) or local(value, zone).date()


def local(value: object, zone: object) -> datetime:
    """An instant (aware, or ISO 8601 with an offset) on the clock of `zone`. Raises BadMoment."""
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
