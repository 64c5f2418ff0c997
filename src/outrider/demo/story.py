"""One telling of the sample day: relative times become instants of today, ids and numbers become this run's own. Pure.

The day is told faster than it happened: `speed` seconds of the day pass in one second. Instants that Outrider acts
on are compressed; those that customers read (`|promised`) stay on the day's own clock, as the station promised them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

OFFSET = re.compile(r"T\+(\d+)h(\d\d)m(\|promised)?")
#: The day starts at this wall time (examples/rental/generate.py).
HOME = ZoneInfo("Europe/Paris")
MORNING = time(6, 0)
#: Ordinary customers' numbers; the last six digits turn from run to run, so that no ceiling of an address fills up.
ORDINARY = re.compile(r"(06 12 |612|912|07400 |01512 3|312 3)((?:\d ?){6})")
#: Ids, and the addresses that are names of our own making: each run has its own.
NAMED = frozenset({"id", "email", "token"})
#: Prime to a million: repeats come only after as many runs.
TURN = 100_003


class Telling(msgspec.Struct, frozen=True):
    """When and how the day is told."""

    #: Names the run; stands before every id.
    run: str
    number: int
    #: The real instant at which the day begins.
    start: datetime
    #: Seconds of the day in one real second.
    speed: float

    def real(self, offset: timedelta) -> datetime:
        """The real instant of a moment of the day."""
        return self.start + offset / self.speed

    def clock(self, at: datetime) -> datetime:
        """What the day's own clock shows at a real instant, in the company's home zone."""
        return (self._morning() + (at - self.start) * self.speed).astimezone(HOME)

    def promised(self, offset: timedelta) -> datetime:
        """A moment of the day on the day's own clock, in UTC."""
        return self._morning() + offset

    def _morning(self) -> datetime:
        return datetime.combine(self.start.astimezone(HOME).date(), MORNING, HOME).astimezone(UTC)

    def own(self, identifier: str) -> str:
        """An id of the sample as this run's own."""
        return f"{self.run}-{identifier}"


class Told(msgspec.Struct, frozen=True):
    """One event, ready to be sent."""

    at: datetime
    event: dict[str, Any]

    @property
    def customer(self) -> str:
        """The key of the person it is about."""
        return str(self.event["data"]["customer"]["id"])


def tell(event: dict[str, Any], telling: Telling) -> Told:
    """An event of the sample in this telling. Raises ValueError when its time is not relative."""
    told = _told(event, telling)
    return Told(telling.real(offset_of(event["time"])), told)


def offset_of(text: str) -> timedelta:
    """`T+6h30m` as a duration. Raises ValueError."""
    found = OFFSET.fullmatch(text)
    if found is None:
        raise ValueError(f"expected a time such as T+6h30m, got {text!r}")
    return timedelta(hours=int(found[1]), minutes=int(found[2]))


def _told(value: Any, telling: Telling, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _told(inner, telling, name) for name, inner in value.items()}
    if not isinstance(value, str):
        return value
    if key in NAMED:
        return telling.own(value)
    if key == "phone":
        return _turned(value, telling.number)
    return _moment(value, telling)


def _moment(value: str, telling: Telling) -> str:
    found = OFFSET.fullmatch(value)
    if found is None:
        return value
    offset = timedelta(hours=int(found[1]), minutes=int(found[2]))
    at = telling.promised(offset) if found[3] else telling.real(offset)
    return at.isoformat(timespec="milliseconds")


def _turned(phone: str, number: int) -> str:
    found = ORDINARY.fullmatch(phone)
    if found is None:
        return phone
    digits = (int(found[2].replace(" ", "")) + number * TURN) % 1_000_000
    return f"{found[1]}{digits:06}"
