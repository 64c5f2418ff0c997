"""How durations, instants and hours are written in reasons and margins: plain English, no locale of the machine."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from functools import lru_cache

from outrider.domain.policy import EVERY_DAY, QuietRule, Window
from outrider.orchestration.zones import find_zone

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def span(length: timedelta) -> str:
    """A duration in its two largest units, rounded down to minutes: ``7 h 12 min``. A negative one reads as none."""
    return _minutes(length // MINUTE)


@lru_cache(maxsize=16384)
def _minutes(minutes: int) -> str:
    if minutes < 1:
        return "less than 1 min"
    days, rest = divmod(minutes, 1440)
    hours, left = divmod(rest, 60)
    if days:
        return f"{_days(days)} {hours} h" if hours else _days(days)
    return " ".join(f"{amount} {unit}" for amount, unit in ((hours, "h"), (left, "min")) if amount)


def _days(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"


def instant(at: datetime, zone: str) -> str:
    """An aware instant in the wall time of an IANA zone (UTC when there is no such zone): ``Mon 3 Mar 2025 08:00``."""
    wall = at.astimezone(find_zone(zone) or UTC)
    return f"{DAYS[wall.weekday()]} {wall.day} {MONTHS[wall.month - 1]} {wall.year} {wall:%H:%M}"


def hours(rule: QuietRule) -> str:
    """The allowed windows of a rule: ``Mon-Sat 08:00-20:00, not on public holidays``."""
    text = "; ".join(map(_window, rule.windows)) or "never"
    return f"{text}, not on public holidays" if rule.not_on_holidays else text


def _window(window: Window) -> str:
    if window.start == window.end:
        return f"{_weekdays(window.days)} all day" if window.start == time(0) else f"{_days_from(window)} for 24 h"
    return f"{_days_from(window)}-{window.end:%H:%M}"


def _days_from(window: Window) -> str:
    return f"{_weekdays(window.days)} {window.start:%H:%M}"


def _weekdays(days: tuple[int, ...]) -> str:
    """Days 0 (Monday) to 6; a run of three or more is written as a range."""
    if set(days) == set(EVERY_DAY):
        return "every day"
    ordered = sorted(set(days))
    if len(ordered) > 2 and ordered[-1] - ordered[0] == len(ordered) - 1:
        return f"{DAYS[ordered[0]]}-{DAYS[ordered[-1]]}"
    return ", ".join(DAYS[day] for day in ordered)
