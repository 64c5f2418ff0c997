"""The template engine, set up for texts: strict, limited in steps and size, plain values only, with filters that
write dates, numbers and money.

MiniJinja reports no place for an error raised in Python (a filter, the output check). Then, and only then, the template
is rendered once more with a marker before each block, and the last marker passed tells the place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from minijinja import Environment, TemplateError, pass_state

from outrider.content import scan
from outrider.content.pen import Pen
from outrider.content.source import HTML, Source

#: Steps of the engine for one text; a text of 12 variables takes about 50, a runaway loop is stopped after about 2 ms.
FUEL = 20_000

MARKER = "outrider_place"

#: Where the renderer puts the pen of the text: no name that a template could write.
PEN = "outrider pen"


class Failure(Exception):
    """A template cannot be parsed or rendered; `start` and `length` are code points in its source.

    A negative `start` means the source as a whole; `piece` names the source when it is not the one at hand.
    """

    def __init__(self, message: str, start: int = 0, length: int = 1, hint: str = "", piece: str = "") -> None:
        super().__init__(message)
        self.message, self.start, self.length, self.hint, self.piece = message, start, length, hint, piece


class NotPlain(ValueError):
    """An expression gave a value that is no text and no number."""


def environment() -> Environment:
    """An empty engine; templates are added by `add`."""
    return Environment(
        undefined_behavior="strict",
        fuel=FUEL,
        debug=False,
        pycompat=False,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_escape_callback=_is_html,
        finalizer=_written,
        filters=FILTERS,
    )


def add(engine: Environment, source: Source) -> None:
    """Parse a template and keep it under its key. Raises `Failure` at the place of a syntax error."""
    try:
        engine.add_template(source.key, source.text)
    except TemplateError as error:
        raise _failure(error, source) from None


def parse(source: Source) -> None:
    """Parse a template without keeping it. Raises `Failure` at the place of a syntax error."""
    add(environment(), source)


def render(engine: Environment, source: Source, context: Mapping[str, Any]) -> str:
    """The text. Raises `Failure` for an undefined variable, a value that cannot be written, too many steps, a text
    that is empty or too long."""
    try:
        text: str = engine.render_template(source.key, **context)
    except TemplateError as error:
        raise _failure(error, source) from None
    except (ValueError, TypeError, OverflowError) as error:
        raise _located(error, source, context) from None
    if not 0 < len(text) <= source.most and not (source.may_be_empty and not text):
        raise _wrong_size(text, source.most)
    return text


def used(engine: Environment, source: Source) -> frozenset[str]:
    """Paths of the variables a template reads, such as `booking.spot`, without those it sets itself."""
    return frozenset(engine.undeclared_variables_in_str(source.text, nested=True)) - scan.FUNCTIONS


def knows_filter(engine: Environment, name: str) -> bool:
    """True when a filter of this name exists."""
    try:
        engine.eval_expr(f"''|{name}")
    except TemplateError as error:
        return bool(error.kind != "UnknownFilter")
    except (ValueError, TypeError):
        return True
    return True


def _is_html(name: str) -> bool:
    return name.endswith(HTML)


def _written(value: Any) -> Any:
    """Refuse what has no agreed written form: nobody wants to read `None`, `True` or a list in a message."""
    if type(value) is str or (isinstance(value, str | int | float) and not isinstance(value, bool)):
        return value
    raise NotPlain(WRITTEN_AS.get(type(value).__name__, f"a value of type {type(value).__name__} cannot be written"))


WRITTEN_AS = {
    "NoneType": "the value is null: nothing can be written; ask `is none` first or give a `default`",
    "bool": "a truth value cannot be written: use `if`",
    "datetime": "a date and time needs a filter: date, time or datetime",
    "date": "a date needs the filter `date`",
    "list": "a list cannot be written: use `for` or the filter `join`",
    "dict": "a group of values cannot be written: name one of them",
}


def _of_moment(write: Callable[..., str], usage: str) -> Callable[..., str]:
    """A filter for moments. `zone` is that of the context unless the text names another; one without value fails."""

    def apply(state: Any, value: object, *style: object, **given: object) -> str:
        zone = given.pop("zone") if "zone" in given else state.lookup("zone")
        try:
            return write(_pen(state), value, zone, *style, **given)
        except TypeError:
            raise ValueError(f"expected {usage}") from None

    return pass_state(apply)


def _of_figure(write: Callable[..., str], usage: str) -> Callable[..., str]:
    def apply(state: Any, value: object, *given: object, **named: object) -> str:
        try:
            return write(_pen(state), value, *given, **named)
        except TypeError:
            raise ValueError(f"expected {usage}") from None

    return pass_state(apply)


def _pen(state: Any) -> Pen:
    pen: Pen | None = state.lookup(PEN)
    if pen is None:
        raise ValueError("the context has no pen")
    return pen


#: Filters that write a moment; they need a zone.
MOMENTS = {
    "date": _of_moment(Pen.date, 'date or date("long"), perhaps with zone=…'),
    "time": _of_moment(Pen.time, "time or time(zone=…)"),
    "datetime": _of_moment(Pen.datetime, "datetime or datetime(zone=…)"),
    "weekday": _of_moment(Pen.weekday, 'weekday or weekday("short"), perhaps with zone=…'),
}
FILTERS = MOMENTS | {
    "number": _of_figure(Pen.number, "number, or number(2) for two decimals"),
    "money": _of_figure(Pen.money, 'money with the ISO 4217 code of the currency, such as money("EUR")'),
}


def _failure(error: TemplateError, source: Source) -> Failure:
    start, length = _code_points(error.range, source.text)
    named = source.text[start : start + length]
    if error.kind == "UndefinedError":
        return Failure(f"{named!r} is undefined: the context has no such value", start, length)
    if error.kind == "OutOfFuel":
        return Failure(f"the template takes more than {FUEL} steps", start, length)
    return Failure(error.detail or error.message.partition(" (in ")[0], start, length)


def _code_points(span: tuple[int, int] | None, text: str) -> tuple[int, int]:
    """The engine counts bytes of UTF-8; people and editors count characters."""
    if span is None:
        return 0, 1
    encoded = text.encode()
    start = len(encoded[: span[0]].decode(errors="ignore"))
    return start, max(1, len(encoded[span[0] : span[1]].decode(errors="ignore")))


def _located(error: Exception, source: Source, context: Mapping[str, Any]) -> Failure:
    passed = [0]
    engine = environment()

    def mark(place: int) -> str:
        passed.append(place)
        return ""

    engine.add_global(MARKER, mark)
    try:
        engine.render_str(scan.marked(source.text, MARKER), None, **context)
    except (TemplateError, ValueError, TypeError, OverflowError):
        pass
    block = next((each for each in scan.blocks(source.text) if each.start == passed[-1]), None)
    if block is None:
        return Failure(str(error))
    code = block.code.strip(" \t\n-+")
    return Failure(f"{code!r}: {error}", block.code_start + block.code.index(code), len(code))


def _wrong_size(text: str, most: int) -> Failure:
    if not text:
        return Failure("the text is empty: no provider accepts an empty message")
    return Failure(f"the text has {len(text)} characters: expected at most {most}")
