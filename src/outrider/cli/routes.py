"""`outrider routes`: every way out, how well it is, and where it may not be used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from outrider.api.routes import ChangeOut, HealthOut, RouteOut


#: What a process does with a route, by what it did before and does now.
RESTS = {
    ("in use", "resting"): "lets it rest",
    ("on trial", "resting"): "lets it rest longer, the trial message failed",
    ("on trial", "in use"): "uses it again",
}


@click.command(short_help="List the routes, their weight and their health.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def routes(as_json: bool) -> None:
    """List the routes of the applied configuration with weight, state, health, last changes and barred countries.

    A route is well; or weakened: it gets less than its weight, because messages on it are refused, answered slowly or
    stay without a receipt; or resting: a process sends nothing on it until a trial message gets an answer.
    """
    import msgspec

    from outrider.cli._running import run

    found = run(_read())
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
    else:
        click.echo("\n".join(line for route in found for line in lines(route)) or "no routes are configured")


COMMAND = routes


async def _read() -> list[RouteOut]:
    from outrider.api.routes import read_routes
    from outrider.cli._listing import opened_reading
    from outrider.installation import current_configuration

    async with opened_reading() as (reading, opened):
        return await read_routes(reading, await current_configuration(opened))


def lines(route: RouteOut) -> Iterator[str]:
    """One route in a few lines."""
    weight = f"weight {route.effective_weight:g}"
    if route.effective_weight != route.weight:
        weight += f" of {route.weight}"
    rests = f" in {route.resting_in} processes" if route.resting_in > 1 else ""
    way = f"{route.channel} as {route.sender} by {route.account} ({route.provider})"
    yield f"{route.name}: {way}, {weight}, {route.state}{rests}"
    if seen := list(_seen(route.health)):
        yield f"    lately: {', '.join(seen)}"
    for country, reason in route.barred.items():
        yield f"    not in {country}: {reason}"
    for change in route.changes:
        yield f"    {_change(change)}"


def _seen(health: HealthOut) -> Iterator[str]:
    if health.refused is not None:
        yield f"{health.attempts:.0f} attempts"
        yield f"{health.refused:.1%} refused or broken off"
        yield f"{health.slow:.1%} slow"
        yield f"{health.seconds:.2f} s to an answer"
    if health.missing_receipts is not None:
        yield f"{health.missing_receipts:.1%} without a receipt (usually {1 - health.usual_receipts:.1%})"


def _change(change: ChangeOut) -> str:
    what = f"gets {change.after} of its weight, {change.before} before"
    if change.kind != "weight":
        what = f"{change.process} {RESTS.get((change.before, change.after), f'has it {change.after}')}"
    return f"{change.at:%Y-%m-%d %H:%M:%S %Z} {what}: {change.reason}"
