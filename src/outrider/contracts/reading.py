"""Reading configuration value by value: each gives a typed value or, when it is wrong, a problem with its place.

A wrong value gives a harmless stand-in, so that one reading finds everything that is wrong; what was read counts
only when no error was found.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from outrider.contracts.surroundings import Surroundings, suggest
from outrider.domain.problem import Problem, Severity
from outrider.expressions import (
    BOOL,
    Expr,
    ExpressionError,
    Verdict,
    compared_texts,
    find_errors,
    is_never_true,
    judge,
    parse,
)
from outrider.expressions import compile as compile_condition
from outrider.lib.yaml12 import Located, Mark, Path, meant_boolean

Word = TypeVar("Word", bound=StrEnum)

#: Seconds of a duration's unit.
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
#: The longest duration: ten years. Keeps dates far inside what a calendar can hold.
LONGEST = timedelta(days=3650)
#: Names of journeys, steps and templates.
NAME = re.compile(r"[a-z][a-z0-9_-]*")
#: Where a condition finds the person's market.
MARKET_PATHS = ("market", "profile.market")


class Condition(msgspec.Struct, frozen=True):
    """A condition as written, and its function."""

    text: str
    test: Callable[[Mapping[str, Any]], Any]

    def judge(self, view: Mapping[str, Any]) -> Verdict:
        """Whether it holds; an error counts as no."""
        return judge(self.test, view)


class Context(msgspec.Struct, frozen=True):
    """What all readings of one journey file share."""

    located: Located
    surroundings: Surroundings
    #: The event type that starts the journey.
    event: str = ""
    problems: list[Problem] = []


class Reading:
    """One value of a file and where it stands."""

    def __init__(self, context: Context, path: Path = ()) -> None:
        self.context = context
        self.path = path

    @property
    def surroundings(self) -> Surroundings:
        """What the rest of the configuration declares."""
        return self.context.surroundings

    @property
    def value(self) -> Any:
        """The plain value; None when there is none."""
        value = self.context.located.value
        for step in self.path:
            try:
                value = value[step]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    def at(self, *steps: str | int) -> Reading:
        """The reading further down."""
        return Reading(self.context, (*self.path, *steps))

    def has(self, key: str) -> bool:
        """Whether this is a mapping with the key."""
        return isinstance(self.value, dict) and key in self.value

    def items(self) -> list[Reading]:
        """The readings of a list's items; a problem when it is no list."""
        value = self.value
        if not isinstance(value, list):
            self.wrong(f"expected a list, found {describe(value)}", "start each item with a dash")
            return []
        return [self.at(index) for index in range(len(value))]

    def mapping(self, *known: str, needed: Collection[str] = ()) -> bool:
        """Whether this is a mapping; problems for unknown keys and for needed ones that are missing."""
        value = self.value
        if not isinstance(value, dict):
            self.wrong(f"expected a mapping with {listed(known)}, found {describe(value)}")
            return False
        for key in value:
            if key not in known:
                self.at(key).wrong_key(f"unknown key '{key}'", suggest(key, known) or f"known here: {', '.join(known)}")
        for key in needed:
            if key not in value:
                self.wrong(f"'{key}' is missing", f"add {key}: …")
        return True

    def text(self, what: str) -> str:
        """A text that is not empty; `what` says of what kind: "an event type"."""
        value = self.value
        if isinstance(value, str) and value:
            return value
        plain = isinstance(value, bool | int | float)
        self.wrong(f"expected {what}, found {describe(value)}", "put it in quotes" if plain else "")
        return ""

    def name(self, what: str) -> str:
        """A name: lower-case letters, digits, - and _."""
        value = self.text(what)
        if value and not NAME.fullmatch(value):
            self.wrong(f"'{value}' is not a name: expected a lower-case letter, then letters, digits, - or _")
        return value

    def boolean(self) -> bool:
        """True or false."""
        value = self.value
        if isinstance(value, bool):
            return value
        word = meant_boolean(value)
        self.wrong(f"expected true or false, found {describe(value)}", f"write {word}" if word else "")
        return False

    def duration(self) -> timedelta:
        """A time such as 30s, 10m, 3h, 2d or 1w. A day is 24 hours and a week seven such days of real time."""
        value = self.value
        match = re.fullmatch(r"([0-9]{1,9})([smhdw])", value) if isinstance(value, str) else None
        if match is None:
            number = isinstance(value, int) and not isinstance(value, bool)
            hint = f"write {value}h or {value}m" if number else "write a number and one of s m h d w, such as 10m"
            self.wrong(f"expected a duration, found {describe(value)}", hint)
            return timedelta(hours=1)
        length = timedelta(seconds=int(match[1]) * UNITS[match[2]])
        if not timedelta(0) < length <= LONGEST:
            self.wrong(f"{value} is out of range: expected more than 0s and at most {LONGEST.days}d")
            return timedelta(hours=1)
        return length

    def word(self, words: type[Word]) -> Word:
        """One word of a list."""
        value = self.value
        if isinstance(value, str) and value in words.__members__.values():
            return words(value)
        self.wrong(f"expected one of {', '.join(words)}, found {describe(value)}", suggest(value, words))
        return next(iter(words))

    def event_type(self) -> str:
        """An event type; a warning when no source is known to bring it."""
        value = self.text("an event type")
        known = self.surroundings.events
        if value and value not in known and not self.surroundings.unread:
            hint = suggest(value, known) or "check the spelling, or add it to a source"
            self.wrong(f"no source brings events of type '{value}'", hint, severity="warning")
        return value

    def condition(self, event: str | None = None) -> Condition:
        """A condition. `event` is the type of the event it judges; without one, ``event`` is the one of the start."""
        text = self.text("a condition")
        fields = self.surroundings.fields(event or self.context.event, timed=event is not None)
        try:
            tree = parse(text or "true")
        except ExpressionError as error:
            self._wrong_inside(error)
            tree = parse("true")
        mistakes = find_errors(tree, fields, BOOL)
        for mistake in mistakes:
            self._wrong_inside(mistake)
        if not mistakes and is_never_true(tree):
            self.wrong("this condition can never be true", "correct it, or take out what depends on it")
        self._unknown_markets(tree)
        return Condition(text, compile_condition(tree, fields))

    def _unknown_markets(self, tree: Expr) -> None:
        """Nobody is in a market that no pack is about: comparing with it is a slip of the pen."""
        known = self.surroundings.markets
        for path, text in compared_texts(tree):
            if known and path in MARKET_PATHS and text.value not in known:
                hint = suggest(str(text.value).upper(), known) or f"known: {', '.join(known)}"
                mark = self.context.located.inside(self.path, text.place.offset, text.place.length)
                self._note(mark, f"there is no market '{text.value}'", hint, "error")

    def wrong(self, message: str, hint: str = "", *, severity: Severity = "error") -> None:
        """Note a problem at the value."""
        self._note(self.context.located.at(self.path), message, hint, severity)

    def wrong_key(self, message: str, hint: str = "") -> None:
        """Note a problem at the key."""
        self._note(self.context.located.key(self.path), message, hint, "error")

    def _wrong_inside(self, error: ExpressionError) -> None:
        mark = self.context.located.inside(self.path, error.offset, error.length)
        self._note(mark, error.message, error.hint, "error")

    def _note(self, mark: Mark, message: str, hint: str, severity: Severity) -> None:
        file = self.context.located.file
        self.context.problems.append(Problem(file, mark.line, mark.column, message, hint, mark.length, severity))


class ShortForm(Reading):
    """A single value read as if it stood in a mapping of one key: ``then: name`` as ``{send: name}``."""

    def __init__(self, single: Reading, key: str) -> None:
        super().__init__(single.context, single.path)
        self.key = key

    @property
    def value(self) -> Any:
        """The mapping nobody wrote."""
        return {self.key: super().value}

    def at(self, *steps: str | int) -> Reading:
        """The single value for the key; nothing for any other."""
        return Reading(self.context, (*self.path, *(steps[1:] if steps[0] == self.key else steps)))


def write_duration(length: timedelta) -> str:
    """A duration as authors write it: 90m, not 1:30:00."""
    seconds = round(length.total_seconds())
    unit = max((unit for unit in UNITS if seconds % UNITS[unit] == 0), key=lambda unit: UNITS[unit])
    return f"{seconds // UNITS[unit]}{unit}"


def listed(words: Collection[str]) -> str:
    """Words for a sentence: a, b or c."""
    *head, last = words
    return f"{', '.join(head)} or {last}" if head else last


def describe(value: object) -> str:
    """A value in the words of somebody who writes YAML."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    return f"'{value}'" if isinstance(value, str) else f"the number {value}"
