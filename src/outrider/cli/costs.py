"""`outrider costs`: what was handed over, what it should have cost, and what providers charge."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from outrider.api.costs import CostOut

HEADINGS = ("", "messages", "segments", "theirs", "estimated", "charged", "drift", "")


class Duration(click.ParamType["timedelta"]):
    """A duration such as 30d or 12h."""

    name = "duration"

    def convert(self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """The duration; a friendly error for anything else."""
        from outrider.configuration.toml import read_duration

        found = value if isinstance(value, timedelta) else read_duration(value)
        if found is None or found > timedelta(days=366):
            self.fail(f"expected a duration of at most a year, such as 12h or 30d, got {value!r}", param, ctx)
        return found


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
    from outrider.installation import open_store, reach_database
    from outrider.settings import read_settings
    from outrider.store.pg_reading import PostgresReading

    settings = read_settings()
    async with reach_database(settings) as dsn, open_store(settings, dsn, connections=2) as opened:
        reading = PostgresReading(opened.store.pool, opened.store.vault)
        return [show_cost(line) for line in await reading.costs(opened.clock.now() - since, by)]


def table(found: list[CostOut]) -> list[str]:
    """The lines under their headings, in columns."""
    rows = [HEADINGS, *map(_row, found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    return [
        "  ".join(
            cell.ljust(width) if column in (0, len(widths) - 1) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


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
