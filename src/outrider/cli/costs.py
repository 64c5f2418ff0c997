"""`outrider costs`: what was handed over, what it should have cost, and what providers charge."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from outrider.cli._listing import Duration, in_columns

if TYPE_CHECKING:
    from outrider.api.costs import CostOut

HEADINGS = ("", "messages", "segments", "theirs", "estimated", "charged", "drift", "")


@click.command(short_help="Compare estimated costs with what providers charge.")
@click.option("--since", type=Duration(), default="30d", show_default=True, help="How far back to look.")
@click.option(
    "--by",
    type=click.Choice(("market", "route", "template", "purpose")),
    default="market",
    show_default=True,
    help="What to sum up by.",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def costs(since: timedelta, by: str, as_json: bool) -> None:
    """Messages that were handed over, their segments and costs: estimated, as charged, and the drift.

    A line is marked when the drift is more than 2 % either way, or a provider counted other segments than Outrider.
    """
    import msgspec

    from outrider.cli._running import run

    found = run(_read(since, by))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        click.echo("\n".join(table(found)) if found else "nothing was handed over in this time")


COMMAND = costs


async def _read(since: timedelta, by: str) -> list[CostOut]:
    from outrider.api.costs import show_cost
    from outrider.cli._listing import opened_reading

    async with opened_reading() as (reading, opened):
        return [show_cost(line) for line in await reading.costs(opened.clock.now() - since, by)]


def table(found: list[CostOut]) -> list[str]:
    """The lines under their headings, in columns."""
    return in_columns([HEADINGS, *map(_row, found)], right=range(1, len(HEADINGS) - 1))


def _row(cost: CostOut) -> tuple[str, ...]:
    return (
        cost.key,
        str(cost.messages),
        str(cost.segments_estimated),
        str(cost.segments_told),
        _money(cost.estimated, cost.currency),
        _money(cost.told, cost.currency),
        "-" if cost.drift is None else f"{cost.drift:+.1f} %",
        "← look here" if cost.off else "",
    )


def _money(amount: float | None, currency: str | None) -> str:
    return "-" if amount is None else f"{amount:.4f} {currency or ''}".rstrip()
