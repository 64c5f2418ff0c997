"""`outrider versions`: every configuration that was applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from outrider.store.pg_configurations import VersionLine

#: Digits of the digest that people see.
SHOWN = 12


@click.command(short_help="List the applied versions, newest first.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def versions(as_json: bool) -> None:
    """List the applied versions, newest first: number, when, digest, who, note.

    `outrider apply --version N` applies an older one again, as a new version.
    """
    from outrider.cli._planning import show_as_json
    from outrider.cli._running import run

    found = run(_versions())
    if as_json:
        show_as_json(found)
        return
    for line in found:
        words = [str(line.number), f"{line.at:%Y-%m-%d %H:%M:%S %Z}", line.digest[:SHOWN], line.author, line.note]
        click.echo(" · ".join(word for word in words if word))
    if not found:
        click.echo("no configuration was applied yet", err=True)


COMMAND = versions


async def _versions() -> list[VersionLine]:
    from outrider.installation import open_store, reach_database
    from outrider.settings import read_settings
    from outrider.store.pg_configurations import list_versions

    settings = read_settings()
    async with reach_database(settings) as dsn, open_store(settings, dsn, connections=2) as opened:
        return await list_versions(opened.store.pool)
