"""Which messages hold a slot of a cap or stand too near for a gap, how far each looks back, and until when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import TypeVar

from outrider.domain.decision import Recent
from outrider.domain.policy import Calendar, Cap, Gap, MarketRules, Policy
from outrider.domain.purpose import Purpose
from outrider.orchestration.zones import find_zone

DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)

Limit = TypeVar("Limit", Cap, Gap)


@lru_cache(maxsize=1024)
def fitting(limits: tuple[Limit, ...], purpose: Purpose, channel: str) -> tuple[Limit, ...]:
    """The caps or gaps that name the purpose and channel, or leave them open; in the given order."""
    return tuple(
        one
        for one in limits
        if (not one.purposes or purpose in one.purposes) and (not one.channels or channel in one.channels)
    )


def limits_for(policy: Policy, purpose: Purpose, channels: Iterable[str]) -> Iterator[tuple[Cap | Gap, int]]:
    """The caps and gaps that can apply to a purpose on some channels, each with how many messages it needs to see."""
    for channel in channels:
        yield from ((cap, cap.at_most) for cap in fitting(policy.caps, purpose, channel))
        yield from ((gap, 1) for gap in fitting(policy.gaps, purpose, channel))


def counts(limit: Cap | Gap, one: Recent, since: datetime) -> bool:
    """Whether a message counts for a cap or gap; one exactly at `since` counts no more."""
    return (
        one.at > since
        and (not limit.purposes or one.purpose in limit.purposes)
        and (not limit.channels or one.channel in limit.channels)
    )


def slots(limit: Cap | Gap, recent: Sequence[Recent], since: datetime) -> list[datetime]:
    """When the messages that count for a cap or gap were sent."""
    return [one.at for one in recent if counts(limit, one, since)]


def zone_of(name: str, market: MarketRules) -> tzinfo:
    """The zone of a name; the market's when it is unknown, UTC when that is too."""
    return find_zone(name) or find_zone(market.zone) or UTC


def since(limit: Cap | Gap, now: datetime, zone: tzinfo) -> datetime:
    """The instant after which a message counts at `now` (aware)."""
    if isinstance(limit, Gap):
        return now - limit.at_least
    if limit.per is None:
        return now - limit.within
    return stretch(limit.per, now, zone)[0] - MICROSECOND


def free_at(cap: Cap, taken: Sequence[datetime], now: datetime, zone: tzinfo) -> datetime:
    """When a full cap frees a slot: the calendar's next stretch, or when so many have fallen out that one fits."""
    if cap.per is not None:
        return stretch(cap.per, now, zone)[1]
    return sorted(taken, reverse=True)[cap.at_most - 1] + cap.within


def stretch(per: Calendar, now: datetime, zone: tzinfo) -> tuple[datetime, datetime]:
    """Start and end in UTC of the day, week or month around an instant, on the calendar of a zone.

    A day begins the first time its midnight is shown. No clock change of the tz database from 2020 on runs over a
    midnight (some end or begin there); one that did would shift that boundary by less than its own length.
    """
    first = _first(per, now.astimezone(zone).date())
    if _midnight(first, zone) > now:
        first = _first(per, first - DAY)
    elif _midnight(_following(per, first), zone) <= now:
        first = _following(per, first)
    return _midnight(first, zone), _midnight(_following(per, first), zone)


def _first(per: Calendar, day: date) -> date:
    if per is Calendar.DAY:
        return day
    return day - day.weekday() * DAY if per is Calendar.WEEK else day.replace(day=1)


def _following(per: Calendar, first: date) -> date:
    if per is Calendar.MONTH:
        return (first + 31 * DAY).replace(day=1)
    return first + (DAY if per is Calendar.DAY else 7 * DAY)


def _midnight(day: date, zone: tzinfo) -> datetime:
    """In UTC. PEP 495: of two such times the first; a skipped one is read with the offset before the change."""
    return datetime.combine(day, time(), zone).astimezone(UTC)
