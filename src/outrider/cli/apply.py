"""`outrider apply`: make a company folder the configuration from now on."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option("--note", default="", help="Why, kept with the version.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
def apply(folder: Path, note: str, as_json: bool) -> None:
    """Check the company folder FOLDER and apply it. Running processes take it over within a second.

    Every applied version is kept; enrollments stay on the version they started with.
    """
    from outrider.cli._running import run
    from outrider.cli.check import read_files

    run(_apply(read_files(folder), note, as_json))


COMMAND = apply


async def _apply(files: dict[str, str], note: str, as_json: bool) -> None:
    import json

    from outrider.app import Refused, apply_files, open_store, reach_database
    from outrider.cli.check import show_problems
    from outrider.settings import read_settings

    settings = read_settings()
    async with reach_database(settings) as dsn, open_store(settings, dsn, connections=2) as opened:
        try:
            number, new, problems = await apply_files(opened, files, note)
        except Refused as error:
            show_problems(error.problems, files, as_json)
            raise SystemExit(1) from None
    if as_json:
        click.echo(json.dumps({"configuration": number, "new": new}))
        return
    show_problems(problems, files, False)
    click.echo(f"configuration {number} is applied" if new else f"nothing changed: configuration {number} stays")
