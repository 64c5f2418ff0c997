"""The functions of conditions: one table for the parser (names), the checker (kinds) and the compiler (code).

Names and meanings as in google/cel-spec, doc/langdef.md, List of Standard Definitions. `matches` is left out on
purpose: a pattern written by a customer can take exponential time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from outrider.expressions.errors import Undefined
from outrider.expressions.types import Kind
from outrider.expressions.values import instant, kind


class Overload(msgspec.Struct, frozen=True):
    """One way to call a function: the kinds it takes (target first), the kind it gives, and its code."""

    takes: tuple[Kind, ...]
    gives: Kind
    run: Callable[..., Any]


#: RFC 3339, section 5.6. A leap second (:60) has no place in Python's datetime and is refused.
RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)
DURATION = re.compile(r"([+-]?)((?:(?:\d+(?:\.\d*)?|\.\d+)(?:h|ms|m|s|us|µs|ns))+|0)", re.ASCII)
PART = re.compile(r"([0-9.]+)([a-zµ]+)", re.ASCII)
#: Microseconds of each unit of a duration. The notation is Go's time.ParseDuration, which CEL refers to.
UNITS = {
    "h": Decimal(3_600_000_000),
    "m": Decimal(60_000_000),
    "s": Decimal(1_000_000),
    "ms": Decimal(1_000),
    "us": Decimal(1),
    "µs": Decimal(1),
    "ns": Decimal("0.001"),
}
#: CEL's bound of a duration: 10,000 years in seconds (google.protobuf.Duration), here in microseconds.
LONGEST = Decimal(315_576_000_000) * UNITS["s"]
OFFSET = re.compile(r"([+-]?)(\d\d):([0-5]\d)", re.ASCII)


def timestamp(text: str) -> datetime:
    """The instant written as RFC 3339, to the microsecond."""
    try:
        if RFC3339.fullmatch(text):
            return instant(datetime.fromisoformat(text.upper()))
    except ValueError:
        pass
    raise Undefined(f"{text[:40]!r} is not a timestamp: expected RFC 3339 such as 2026-05-01T12:00:00Z")


def duration(text: str) -> timedelta:
    """The span written as numbers with units h, m, s, ms, us or ns, such as 1h30m; parts below 1 µs are cut off."""
    match = DURATION.fullmatch(text)
    if match is None:
        expected = "expected numbers with units h, m, s, ms, us or ns such as 1h30m; a day is 24h"
        raise Undefined(f"{text[:40]!r} is not a duration: {expected}")
    total = sum((Decimal(number) * UNITS[unit] for number, unit in PART.findall(match[2])), Decimal(0))
    if total > LONGEST:
        raise Undefined(f"the duration {text[:40]!r} is longer than 10,000 years")
    whole = timedelta(microseconds=int(total))
    return -whole if match[1] == "-" else whole


@lru_cache(maxsize=1024)
def zone(name: str) -> tzinfo:
    """The time zone of an IANA name such as Europe/Paris, or of a fixed offset such as +02:00."""
    match = OFFSET.fullmatch(name)
    if match and int(match[2]) < 24:
        span = timedelta(hours=int(match[2]), minutes=int(match[3]))
        return timezone(-span if match[1] == "-" else span)
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        raise Undefined(f"{name[:40]!r} is not a time zone: expected a name such as Europe/Paris or +02:00") from None


def _local(value: datetime, name: str) -> datetime:
    try:
        return instant(value).astimezone(zone(name))
    except OverflowError:
        raise Undefined("the timestamp is out of range") from None


#: The parts of a local time. Months, days of the month and of the year count from 0, getDate from 1, Sunday is 0.
PARTS: dict[str, Callable[[datetime], int]] = {
    "getFullYear": lambda local: local.year,
    "getMonth": lambda local: local.month - 1,
    "getDate": lambda local: local.day,
    "getDayOfMonth": lambda local: local.day - 1,
    "getDayOfWeek": lambda local: local.isoweekday() % 7,
    "getDayOfYear": lambda local: local.timetuple().tm_yday - 1,
    "getHours": lambda local: local.hour,
    "getMinutes": lambda local: local.minute,
    "getSeconds": lambda local: local.second,
    "getMilliseconds": lambda local: local.microsecond // 1000,
}
#: A whole duration in one unit, cut toward zero.
SPANS: dict[str, timedelta] = {
    "getHours": timedelta(hours=1),
    "getMinutes": timedelta(minutes=1),
    "getSeconds": timedelta(seconds=1),
}


def _part(read: Callable[[datetime], int]) -> Callable[..., int]:
    return lambda value, name="UTC": read(_local(value, name))


def _span(unit: timedelta) -> Callable[[timedelta], int]:
    return lambda value: value // unit if value >= timedelta() else -(-value // unit)


def _same(value: Any) -> Any:
    return value


def _getter(name: str) -> tuple[Overload, ...]:
    part = _part(PARTS[name])
    overloads = [
        Overload((Kind.TIMESTAMP,), Kind.INT, part),
        Overload((Kind.TIMESTAMP, Kind.STRING), Kind.INT, part),
    ]
    if name in SPANS:
        overloads.append(Overload((Kind.DURATION,), Kind.INT, _span(SPANS[name])))
    return tuple(overloads)


SIZE = tuple(Overload((taken,), Kind.INT, len) for taken in (Kind.STRING, Kind.LIST, Kind.MAP))


def _text_test(run: Callable[[str, str], bool]) -> tuple[Overload, ...]:
    return (Overload((Kind.STRING, Kind.STRING), Kind.BOOL, run),)


#: Called as name(argument).
FUNCTIONS: dict[str, tuple[Overload, ...]] = {
    "size": SIZE,
    "timestamp": (
        Overload((Kind.STRING,), Kind.TIMESTAMP, timestamp),
        Overload((Kind.TIMESTAMP,), Kind.TIMESTAMP, _same),
    ),
    "duration": (
        Overload((Kind.STRING,), Kind.DURATION, duration),
        Overload((Kind.DURATION,), Kind.DURATION, _same),
    ),
}
#: Called as target.name(arguments).
METHODS: dict[str, tuple[Overload, ...]] = {
    "size": SIZE,
    "startsWith": _text_test(str.startswith),
    "endsWith": _text_test(str.endswith),
    "contains": _text_test(str.__contains__),
    **{name: _getter(name) for name in PARTS},
}
#: Written like functions, but part of the grammar.
MACROS = ("has",)
QUANTIFIERS = ("exists", "all")
#: CEL has these, conditions do not; with what to do instead.
REFUSED = {
    "matches": "patterns are refused; use startsWith, endsWith, contains or `in` with a list",
    "map": "use exists or all",
    "filter": "use exists or all",
    "exists_one": "use exists",
    "int": "compare int and float directly",
    "uint": "compare int and float directly",
    "double": "compare int and float directly",
    "string": "compare with a value of the field's own type",
    "bool": "compare with true or false",
    "bytes": "bytes are not part of conditions",
    "type": "the declared fields have types already",
    "dyn": "leave it out",
}


def dispatch(name: str, overloads: Sequence[Overload]) -> Callable[..., Any]:
    """The function that picks the overload for the kinds of its arguments; raises Undefined when there is none."""
    table = {overload.takes: overload.run for overload in overloads}

    def run(*arguments: Any) -> Any:
        kinds = tuple([kind(argument) for argument in arguments])
        chosen = table.get(kinds)
        if chosen is None:
            raise Undefined(f"{name} does not take {' and '.join(kinds) or 'nothing'}")
        return chosen(*arguments)

    return run
