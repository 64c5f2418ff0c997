"""`outrider messages`: what was made of candidates that may be sent, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from outrider.cli._listing import paged

if TYPE_CHECKING:
    from outrider.api.paging import Page
    from outrider.api.shown import MessageOut

STATUSES = (
    *("held", "queued", "sending", "unknown", "accepted", "delivered", "undelivered", "failed", "canceled", "expired"),
)
HEADINGS = ("created (UTC)", "status", "channel", "market", "template", "id")


@click.command(short_help="List messages, newest first.")
@click.option("--profile", metavar="KEY", help="Only this person's, under every merged key.")
@click.option("--status", type=click.Choice(STATUSES), help="Only those that stand so.")
@click.option("--channel", help="Only by this channel.")
@click.option("--market", help="Only in this market.")
@click.option("--template", help="Only from this template.")
@click.option("--journey", help="Only from this journey.")
@paged
def messages(
    profile: str | None,
    since: timedelta,
    limit: int,
    cursor: str | None,
    as_json: bool,
    **words: str | None,
) -> None:
    """List messages, newest first, and why those that failed did.

    Addresses are masked. What was never made into a message is with `outrider decisions`; `outrider explain ID` tells
    the whole story of one.
    """
    import msgspec

    from outrider.cli._listing import page_text
    from outrider.cli._running import run

    page = run(_read(profile, since, limit, cursor, words))
    text = msgspec.json.format(msgspec.json.encode(page)).decode() if as_json else None
    click.echo(text or page_text(page, lines, "no messages in this time"))


COMMAND = messages


async def _read(
    profile: str | None, since: timedelta, limit: int, cursor: str | None, words: dict[str, str | None]
) -> Page[MessageOut]:
    from outrider.api.messages import Id
    from outrider.api.paging import id_range, page_of, read_cursor
    from outrider.api.person import person_streams
    from outrider.api.shown import show_message
    from outrider.cli._listing import opened_reading
    from outrider.contracts.reading_store import MessageFilter

    async with opened_reading() as (reading, opened):
        now = opened.clock.now()
        first, end = id_range(now, now - since, None)
        asked = MessageFilter(
            since=first,
            before=end if cursor is None else read_cursor(cursor, Id),
            most=limit + 1,
            streams=None if profile is None else await person_streams(reading, opened.hasher, profile),
            **words,
        )
        found = await reading.messages(asked)
    return page_of(found, limit, lambda line: show_message(line, pii=False), lambda line: line.id)


def lines(found: Sequence[MessageOut]) -> list[str]:
    """Messages in columns, each followed by why it stands where it does, if there is more to say."""
    from outrider.cli._listing import with_notes, written

    rows = [(written(one.created_at), one.status, one.channel, one.market, one.template, one.id) for one in found]
    return with_notes(HEADINGS, rows, [_note(one) for one in found])


def _note(message: MessageOut) -> str:
    from outrider.cli._listing import written
    from outrider.orchestration.reasons import reason_words

    if message.status == "held":
        return f"decided again at {written(message.not_before)}"
    return reason_words(message.reason, message.channel) if message.reason else ""
