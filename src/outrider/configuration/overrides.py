"""markets/*.yaml: what a company tightens in one market, with effective dates."""

from __future__ import annotations

import re
from datetime import date, time

from outrider.contracts.reading import Context, Reading
from outrider.contracts.shapes import FLAG, NAME, TEXT, Shape, listing, mapping, one_of_words
from outrider.contracts.surroundings import Surroundings
from outrider.domain.policy import EVERY_DAY, MarketOverride, QuietRule, Window
from outrider.domain.problem import Problem
from outrider.domain.purpose import Purpose
from outrider.lib.yaml12 import YamlError, read

DAYS = {"mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6}
TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


_CLOCK: Shape = {"type": "string", "pattern": f"^({TIME.pattern})$"}
_DAY: Shape = {"type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
_WINDOW: Shape = mapping({"from": _CLOCK, "to": _CLOCK, "days": listing(one_of_words(DAYS))}, ("from", "to"))
_RULE: Shape = mapping(
    {
        "purposes": listing(one_of_words(Purpose)),
        "channels": listing(NAME),
        "windows": listing(_WINDOW),
        "not_on_holidays": FLAG,
        "source": TEXT,
    },
    ("windows",),
)
#: What `read_override` accepts.
SHAPE: Shape = mapping(
    {
        "market": TEXT,
        "quiet": listing(_RULE),
        "consent_also_for": listing(one_of_words(Purpose)),
        "regional_holidays": FLAG,
        "valid_from": _DAY,
        "valid_to": _DAY,
    },
    ("market",),
)


def read_override(text: str, file: str) -> tuple[MarketOverride | None, list[Problem]]:
    """One market file, or None with what is wrong."""
    try:
        located = read(text, file)
    except YamlError as error:
        return None, [Problem(file, error.line, error.column, error.message)]
    reading = Reading(Context(located, Surroundings(), problems=[]))
    if not reading.mapping(*SHAPE["properties"], needed=("market",)):
        return None, reading.context.problems
    override = MarketOverride(
        market=reading.at("market").text("a market code, such as FR").upper(),
        quiet=tuple(_rule(rule) for rule in reading.at("quiet").items()) if reading.has("quiet") else (),
        consent_also_for=_purposes(reading, "consent_also_for"),
        regional_holidays=reading.at("regional_holidays").boolean() if reading.has("regional_holidays") else False,
        valid_from=_date(reading, "valid_from"),
        valid_to=_date(reading, "valid_to"),
        place=file,
    )
    return override, reading.context.problems


def _rule(reading: Reading) -> QuietRule:
    if not reading.mapping("purposes", "channels", "windows", "not_on_holidays", "source", needed=("windows",)):
        return QuietRule(windows=())
    channels = reading.at("channels").items() if reading.has("channels") else []
    return QuietRule(
        windows=tuple(_window(window) for window in reading.at("windows").items()),
        purposes=_purposes(reading, "purposes"),
        channels=tuple(channel.name("a channel") for channel in channels),
        not_on_holidays=reading.at("not_on_holidays").boolean() if reading.has("not_on_holidays") else False,
        source=reading.at("source").text("a source") if reading.has("source") else "",
    )


def _purposes(reading: Reading, key: str) -> tuple[Purpose, ...]:
    return tuple(each.word(Purpose) for each in reading.at(key).items()) if reading.has(key) else ()


def _window(reading: Reading) -> Window:
    if not reading.mapping("from", "to", "days", needed=("from", "to")):
        return Window(time(0), time(0))
    days = tuple(sorted(_day(day) for day in reading.at("days").items())) if reading.has("days") else EVERY_DAY
    return Window(_time(reading.at("from")), _time(reading.at("to")), days)


def _day(reading: Reading) -> int:
    value = reading.text("a day")
    if value not in DAYS:
        reading.wrong(f"'{value}' is no day", f"expected one of {', '.join(DAYS)}")
    return DAYS.get(value, 0)


def _time(reading: Reading) -> time:
    value = reading.text("a local time, such as 08:00")
    found = TIME.fullmatch(value)
    if found is None:
        reading.wrong(f"'{value}' is no local time", "expected 00:00 to 23:59")
        return time(0)
    return time(int(found[1]), int(found[2]))


def _date(reading: Reading, key: str) -> date | None:
    if not reading.has(key):
        return None
    place = reading.at(key)
    try:
        return date.fromisoformat(place.text("a date, such as 2026-01-31"))
    except ValueError:
        place.wrong("expected a date, such as 2026-01-31")
        return None
