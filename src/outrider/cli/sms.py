"""`outrider sms count`: what a text costs as an SMS, which characters make it expensive, what to write instead."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from outrider.cli._sms_price import Cost
    from outrider.content.savings import Saving
    from outrider.content.sms import Count, Offender

#: Offenders described one by one; a text in a foreign script would fill the screen otherwise.
DESCRIBED = 20


@click.group()
def sms() -> None:
    """Look at SMS texts."""


@sms.command("count")
@click.option("--shift-table", "tables", multiple=True, help="Allow a national shift table (es, pt, tr); repeatable.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for programs instead of a summary.")
@click.option("--market", help="A market's code: adds the price there.")
@click.option("--provider", default="", help="With --market: a provider's own price, where there is one.")
def count_text(tables: tuple[str, ...], as_json: bool, market: str | None, provider: str) -> None:
    """Count the segments of the UTF-8 text on standard input, and what would save one.

    Exactly one newline at the end is left out, because most programs add one; further ones are part of the text.
    """
    from outrider.content.sms import count

    text, allowed = _read_text(), _tables(tables)
    counted = count(text, allowed)
    cost = _cost_in(market, provider, counted.segments) if market else None
    click.echo(_as_json(text, counted, allowed, cost) if as_json else "\n".join(_summary(text, counted, allowed)))
    if cost and not as_json:
        from outrider.cli._sms_price import cost_line

        click.echo(cost_line(cost))


COMMAND = sms


def _read_text() -> str:
    """Standard input as text; ends the program with code 2 and the place of the first byte that is not UTF-8."""
    raw = sys.stdin.buffer.read()
    try:
        return raw.decode("utf-8").removesuffix("\n")
    except UnicodeDecodeError as error:
        click.echo(
            f"error: standard input is not UTF-8: byte 0x{raw[error.start]:02X} at offset {error.start} "
            f"({error.reason})\n  hint: convert it first, for example with `iconv -f latin1 -t utf-8`",
            err=True,
        )
        raise SystemExit(2) from None


def _cost_in(market: str, provider: str, segments: int) -> Cost:
    """The cost in a market today. Raises click.UsageError for a market nobody knows."""
    from outrider.cli._sms_price import cost_of
    from outrider.cli.markets import pack_of
    from outrider.lib.clock import SystemClock

    return cost_of(pack_of(market), provider, segments, SystemClock().now().date())


def _tables(names: tuple[str, ...]) -> frozenset[str]:
    from outrider.content.shift import LETTERS

    for name in names:
        if name not in LETTERS:
            raise click.BadParameter(
                f"there is no national shift table {name!r}: expected {', '.join(LETTERS)}", param_hint="--shift-table"
            )
    return frozenset(names)


def _as_json(text: str, counted: Count, tables: frozenset[str], cost: Cost | None) -> str:
    import msgspec

    from outrider.content.savings import savings

    shown = msgspec.to_builtins(counted)
    if found := savings(text, tables):
        shown["savings"] = msgspec.to_builtins(found)
    if cost:
        shown["price"] = msgspec.to_builtins(cost)
    return msgspec.json.encode(shown).decode()


def _summary(text: str, counted: Count, tables: frozenset[str]) -> list[str]:
    if not counted.segments:
        return ["The text is empty: 0 segments; no provider accepts it."]
    from outrider.content.savings import savings

    ways = savings(text, tables)
    described = _described(text, counted, _worth_writing(text, counted, ways))
    told = [*_proposed(text, counted), *_savings(ways)]
    if counted.offenders and not told:
        told = ["\nNothing that could be written instead saves a segment."]
    return [_first_line(text, counted, tables), *_torn(text), *described, *told]


def _worth_writing(text: str, counted: Count, ways: tuple[Saving, ...]) -> frozenset[str]:
    """The characters that cost segments: writing or leaving out all such, or those of one way, saves one."""
    from outrider.content.sms import count, transliterate

    costly = {change.char for saving in ways for change in saving.changes}
    proposed = transliterate(text)
    if count(proposed).segments < counted.segments:
        costly |= {offender.char for offender in counted.offenders}
    if count(_without(proposed)).segments < counted.segments:
        costly |= {offender.char for offender in count(proposed).offenders}
    return frozenset(costly)


def _without(text: str) -> str:
    """The text without the characters GSM-7 cannot carry."""
    from outrider.content.sms import count

    left = {offender.char for offender in count(text).offenders}
    return "".join(char for char in text if char not in left)


def _savings(ways: tuple[Saving, ...]) -> list[str]:
    from outrider.content.savings import described

    return ["\nWhat saves segments:", *(f"- {described(saving)}" for saving in ways)] if ways else []


def _first_line(text: str, counted: Count, tables: frozenset[str]) -> str:
    from outrider.content.sms import capacity, parts, size_of

    last, room = size_of(parts(text, tables)[-1], counted.encoding, counted.table or ""), capacity(counted)
    table = f" with the table {counted.table}" if counted.table else ""
    return (
        f"{counted.encoding}{table}, {_many(counted.characters, 'character')}, {_many(counted.units, 'unit')}: "
        f"{_many(counted.segments, 'segment')}; the last one holds {last} of {room} units"
    )


def _torn(text: str) -> list[str]:
    from outrider.content.sms import torn

    return [f"note: a segment ends inside the character at index {index}" for index in torn(text)]


def _described(text: str, counted: Count, costly: frozenset[str]) -> list[str]:
    lines = [_describe(text, offender, costly) for offender in counted.offenders[:DESCRIBED]]
    rest = len(counted.offenders) - DESCRIBED
    return [*lines, f"and {_many(rest, 'more character')}; --json lists all"] if rest > 0 else lines


def _describe(text: str, offender: Offender, costly: frozenset[str]) -> str:
    import unicodedata

    from outrider.domain.problem import Problem, show

    before = text[: offender.index]
    line, column = before.count("\n") + 1, offender.index - (before.rfind("\n") + 1) + 1
    name = unicodedata.name(offender.char, "a character without a name")
    message = f"U+{ord(offender.char):04X} {name} forces UCS-2"
    hint = _hint(offender.replacement) if offender.char in costly else ""
    return "\n" + show(Problem("text", line, column, message, hint, severity="warning"), text)


def _hint(replacement: str | None) -> str:
    if replacement is None:
        return "nothing in GSM-7 says the same; leave it out if you can"
    return f"write {replacement!r} instead" if replacement else "leave it out, nothing is lost"


def _proposed(text: str, counted: Count) -> list[str]:
    """What the text would cost as proposed, and without the characters that have no replacement; where that saves."""
    from outrider.content.sms import count, transliterate

    if not counted.offenders:
        return []
    proposed = transliterate(text)
    lines = _saved("Written as proposed", proposed, counted)
    if count(proposed).offenders:
        lines += _saved("Without the characters that have no replacement", _without(proposed), counted)
    return lines


def _saved(what: str, text: str, before: Count) -> list[str]:
    from outrider.content.sms import count

    after = count(text)
    saved = before.segments - after.segments
    if saved <= 0:
        return []
    return [f"\n{what}: {after.encoding}, {_many(after.segments, 'segment')} (saves {_many(saved, 'segment')})"]


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
