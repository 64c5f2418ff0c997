"""`outrider schemas`: JSON Schemas of the files of a company folder."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(short_help="List or write the JSON Schemas of the folder's files.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Write NAME.json for each into this folder."
)
@click.option("--json", "as_json", is_flag=True, help="Print all as one JSON object by name.")
def schemas(out: Path | None, as_json: bool) -> None:
    """List the JSON Schemas of a company folder's files, or write them; editors complete and check with them.

    A running Outrider serves them at /schemas/NAME.json.
    """
    from outrider.cli._planning import show_as_json
    from outrider.configuration.schemas import FILES, pretty
    from outrider.configuration.schemas import schemas as all_schemas
    from outrider.plugged import shipped

    made = all_schemas(shipped())
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for name, schema in made.items():
            (out / f"{name}.json").write_text(pretty(schema), encoding="utf-8")
    if as_json:
        show_as_json(made)
        return
    for name in made:
        click.echo(f"{name}.json · {FILES[name]}")


COMMAND = schemas
