"""When a market allows a purpose on a channel, in a zone: which rule counts, whether it is open, when it opens next.

A time is allowed when the wall clock of the zone shows a time inside a window of the rule. So in the night the clocks
go back a window may open twice, and in the night they go forward it may be short or missing: what counts is what the
person reads on a clock. Days are worked out once for each (market, purpose, channel, zone, day) and kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import chain

from outrider.domain.policy import EVERY_DAY, Holiday, MarketRules, QuietRule, Window
from outrider.domain.purpose import Purpose
from outrider.orchestration.zones import find_zone, segments

DAY = timedelta(days=1)
#: Windows are worked out for the local days from two before a UTC day (a window may last 24 hours, a zone may be
#: 14 hours ahead) to eight after it; a window without a gap longer than that is cut, which only narrows it.
BEFORE, AFTER = 2, 8
STEP = 7
#: How many days ahead an opening is looked for: a weekly window may fall on holidays some weeks in a row.
HORIZON = 42
DAY_MINUTES = 1440
WEEKEND = (5, 6)
WEEK_MINUTES = 7 * DAY_MINUTES

Opening = tuple[datetime, datetime]


@lru_cache(maxsize=4096)
def rule_for(market: MarketRules, purpose: Purpose, channel: str) -> QuietRule | None:
    """The rule that counts: the market's first that fits; None when every hour is allowed."""
    for rule in market.quiet:
        if (not rule.purposes or purpose in rule.purposes) and (not rule.channels or channel in rule.channels):
            return rule
    return None


@lru_cache(maxsize=4096)
def closing_rule(market: MarketRules, purpose: Purpose, channel: str) -> QuietRule | None:
    """The rule that counts, if it ever closes; None when every hour is allowed."""
    rule = rule_for(market, purpose, channel)
    if rule is None or (not rule.not_on_holidays and week_minutes(rule) == (1 << WEEK_MINUTES) - 1):
        return None
    return rule


def week_minutes(rule: QuietRule) -> int:
    """The allowed minutes of a week without holidays as bits, Monday 00:00 lowest; Sunday night runs on into Monday."""
    bits = 0
    for day in EVERY_DAY:
        bits |= day_minutes(rule, day) << day * DAY_MINUTES
    return (bits | bits >> WEEK_MINUTES) & ((1 << WEEK_MINUTES) - 1)


def day_minutes(rule: QuietRule, day: int) -> int:
    """The minutes of the windows that start on a weekday (Monday 0), as bits from its 00:00 on, over two days."""
    bits = 0
    for window in rule.windows:
        if day in window.days:
            start, end = _minute(window.start), _minute(window.end)
            length = end - start if end > start else end - start + DAY_MINUTES
            bits |= ((1 << length) - 1) << start
    return bits


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


def opening_at(market: MarketRules, purpose: Purpose, channel: str, zone: str, now: datetime) -> Opening | None:
    """The open interval [start, end) around an aware instant; None when it is closed then.

    Only for purposes and channels that have a rule. An unknown `zone` counts as the market's own: hours always apply.
    """
    for opening in openings(market, purpose, channel, zone, now.astimezone(UTC).toordinal()):
        if opening[0] <= now < opening[1]:
            return opening
    return None


def next_opening(market: MarketRules, purpose: Purpose, channel: str, zone: str, now: datetime) -> datetime | None:
    """The first allowed instant after a closed one, in UTC; None when nothing opens within `HORIZON` days."""
    day = now.astimezone(UTC).toordinal()
    days = (openings(market, purpose, channel, zone, day + ahead) for ahead in range(0, HORIZON + 1, STEP))
    return next((start for start, _ in chain.from_iterable(days) if start > now), None)


@lru_cache(maxsize=4096)
def openings(market: MarketRules, purpose: Purpose, channel: str, zone: str, day: int) -> tuple[Opening, ...]:
    """Open intervals [start, end) in UTC around a UTC day (proleptic ordinal), in order and apart from each other."""
    rule = rule_for(market, purpose, channel)
    place = find_zone(zone) or find_zone(market.zone)
    if rule is None or place is None:
        return ()
    first, last = date.fromordinal(day - BEFORE), date.fromordinal(day + AFTER)
    found: list[Opening] = []
    for start, end in _walls(rule, market.holidays, first, last):
        for segment in segments(place, first - DAY, last + 3 * DAY):
            low, high = max(start - segment.offset, segment.start), min(end - segment.offset, segment.end)
            if low < high:
                found.append((low.replace(tzinfo=UTC), high.replace(tzinfo=UTC)))
    return tuple(_merged(sorted(found)))


def _walls(rule: QuietRule, holidays: tuple[Holiday, ...], first: date, last: date) -> Iterator[Opening]:
    """The windows that start on the local days from `first` to `last`, as wall times without a zone."""
    for ahead in range((last - first).days + 1):
        day = first + ahead * DAY
        if not (rule.not_on_holidays and day in holidays_in(holidays, day.year)):
            yield from (_wall(window, day) for window in rule.windows if day.weekday() in window.days)


def _wall(window: Window, day: date) -> Opening:
    """A window that ends at or before its start ends on the next day."""
    following = day + DAY if window.end <= window.start else day
    return datetime.combine(day, window.start), datetime.combine(following, window.end)


def _merged(found: list[Opening]) -> Iterator[Opening]:
    if not found:
        return
    start, end = found[0]
    for low, high in found[1:]:
        if low > end:
            yield start, end
            start, end = low, high
        else:
            end = max(end, high)
    yield start, end


@lru_cache(maxsize=4096)
def holidays_in(holidays: tuple[Holiday, ...], year: int) -> frozenset[date]:
    """The dates of the holidays in one year. A fixed date that the year does not have (29 February) is left out."""
    dates = {holiday: day for holiday in holidays if (day := _date(holiday, year))}
    found = set(dates.values())
    for holiday, day in dates.items():
        if holiday.moves and day.weekday() in WEEKEND:
            found.add(_next_free(day, found))
    return frozenset(found)


def _next_free(day: date, taken: set[date]) -> date:
    while day in taken or day.weekday() in WEEKEND:
        day += DAY
    return day


def _date(holiday: Holiday, year: int) -> date | None:
    if year < holiday.since:
        return None
    if holiday.after_easter is not None:
        return easter(year) + holiday.after_easter * DAY
    try:
        day = date(year, holiday.month, holiday.day)
    except ValueError:
        return None
    return day if holiday.weekday is None else day + (holiday.weekday - day.weekday()) % 7 * DAY


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar, by the Meeus/Jones/Butcher rule (Astronomical Algorithms, ch. 8)."""
    golden, century, rest = year % 19, year // 100, year % 100
    moon = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    sunday = (32 + 2 * (century % 4) + 2 * (rest // 4) - moon - rest % 4) % 7
    late = (golden + 11 * moon + 22 * sunday) // 451
    month, day = divmod(moon + sunday - 7 * late + 114, 31)
    return date(year, month, day + 1)
