"""`outrider decisions`: every considered message, also those that were held or dropped, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from outrider.cli._listing import paged

if TYPE_CHECKING:
    from outrider.api.paging import Page
    from outrider.api.shown import DecisionOut

VERDICTS = ("send", "hold", "drop")
HEADINGS = ("decided (UTC)", "verdict", "by", "channel", "template", "id")


@click.command(short_help="List decisions: what was sent, held or dropped, and why.")
@click.option("--profile", metavar="KEY", help="Only on this person, under every merged key.")
@click.option("--verdict", type=click.Choice(VERDICTS), help="Only those that said so.")
@click.option("--gate", help="Only what this gate held or dropped.")
@click.option("--template", help="Only on this template.")
@click.option("--journey", help="Only from this journey.")
@paged
def decisions(
    profile: str | None,
    since: timedelta,
    limit: int,
    cursor: str | None,
    as_json: bool,
    **words: str | None,
) -> None:
    """List decisions, newest first; what was held or dropped with the gate that did it and its reason.

    `outrider explain ID` tells every gate's answer, and what would have had to be different.
    """
    import msgspec

    from outrider.cli._listing import page_text
    from outrider.cli._running import run

    page = run(_read(profile, since, limit, cursor, words))
    text = msgspec.json.format(msgspec.json.encode(page)).decode() if as_json else None
    click.echo(text or page_text(page, lines, "no decisions in this time"))


COMMAND = decisions


async def _read(
    profile: str | None, since: timedelta, limit: int, cursor: str | None, words: dict[str, str | None]
) -> Page[DecisionOut]:
    from outrider.api.decisions import Place
    from outrider.api.paging import id_range, page_of, read_cursor
    from outrider.api.person import person_streams
    from outrider.api.shown import show_decision
    from outrider.cli._listing import opened_reading
    from outrider.contracts.reading_store import DecisionFilter

    async with opened_reading() as (reading, opened):
        now = opened.clock.now()
        first, end = id_range(now, now - since, None)
        asked = DecisionFilter(
            since=first,
            before=(end, 0) if cursor is None else read_cursor(cursor, Place),  # type: ignore[arg-type]
            most=limit + 1,
            streams=None if profile is None else await person_streams(reading, opened.hasher, profile),
            **words,
        )
        found = await reading.decisions(asked)
    return page_of(found, limit, lambda line: show_decision(line, pii=False), lambda line: (line.id, line.number))


def lines(found: Sequence[DecisionOut]) -> list[str]:
    """Decisions in columns, each followed by the gate's reason."""
    from outrider.cli._listing import with_notes, written

    rows = [(written(one.at), one.verdict, one.gate or "-", one.channel or "-", one.template, one.id) for one in found]
    return with_notes(HEADINGS, rows, [one.reason for one in found])
