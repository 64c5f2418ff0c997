"""`outrider routes`: every way out, how well it is, and where it may not be used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from outrider.api.routes import ChangeOut, HealthOut, RouteOut


@click.command(short_help="List the routes, their weight and their health.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def routes(as_json: bool) -> None:
    """List the routes of the applied configuration with weight, state, health, last changes and barred countries."""
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
    what = "share of its weight" if change.kind == "weight" else f"breaker of {change.process}"
    return f"{change.at:%Y-%m-%d %H:%M:%S %Z} {what}: {change.before} to {change.after}, {change.reason}"
