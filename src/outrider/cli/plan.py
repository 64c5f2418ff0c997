"""`outrider plan`: what applying a company folder would change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from outrider.configuration.plan import Plan


@click.command(short_help="Show what applying the company folder would change.")
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option("--json", "as_json", is_flag=True, help="Print the plan as one JSON object.")
@click.option("--detailed-exitcode", "detailed", is_flag=True, help="Exit with 2 when there are changes.")
def plan(folder: Path, as_json: bool, detailed: bool) -> None:
    """Show what applying the company folder FOLDER would change; nothing is written.

    Journeys that change or go are shown with the number of people inside: they finish on the version they entered with.
    """
    from outrider.cli._planning import checked, show_as_json
    from outrider.cli._running import run
    from outrider.cli.check import read_files
    from outrider.configuration.plan import show_plan

    files = read_files(folder)
    checked(files, as_json)
    found = run(_plan(files))
    if as_json:
        show_as_json(found)
    else:
        click.echo(show_plan(found))
    if detailed and found.changes:
        raise SystemExit(2)


COMMAND = plan


async def _plan(files: dict[str, str]) -> Plan:
    from outrider.cli._planning import plan_against
    from outrider.installation import open_store, reach_database
    from outrider.settings import read_settings

    settings = read_settings()
    async with reach_database(settings) as dsn, open_store(settings, dsn, connections=2) as opened:
        return await plan_against(opened, files)
