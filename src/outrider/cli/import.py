"""`outrider import`: profiles, objects, relations or consents from a file, over HTTP."""

# The file is named after its command, as all of them are. It is loaded by name, never imported by a statement.
# ruff: noqa: N999

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from outrider.cli._importing import FileImport, Progress

KINDS = ("profiles", "objects", "relations", "consents")


@click.command("import", short_help="Bring in profiles, objects, relations or consents.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--kind", type=click.Choice(KINDS), default="profiles", show_default=True, help="What the rows are.")
@click.option("--map", "pairs", multiple=True, metavar="COLUMN=FIELD", help="What a column is; - leaves it out.")
@click.option("--url", help="Where the API is; OUTRIDER_URL unless given.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as one JSON object.")
def import_file(file: Path, kind: str, pairs: tuple[str, ...], url: str | None, as_json: bool) -> None:
    """Import FILE: NDJSON, or CSV with commas or semicolons, in UTF-8.

    Rows change what they name and keep the rest. The place is kept beside the file: run a command that was interrupted
    again, and it goes on, no row twice. What cannot be taken is written to FILE.rejects.csv or FILE.rejects.ndjson with
    line and reason. The API key in OUTRIDER_API_KEY needs the scope profiles:write.
    """
    from outrider.cli._importing import FileImport
    from outrider.cli._running import run

    columns = _columns(pairs)
    with file.open("rb") as content:
        work = FileImport(file, content, kind, columns)
        try:
            done = run(_import(work, url, show=not as_json))
        finally:
            work.close()
    if as_json:
        import msgspec

        counts = {name: getattr(done, name) for name in ("rows", "accepted", "duplicates", "rejected")}
        click.echo(msgspec.json.encode({**counts, "rejects": str(work.rejects) if done.rejected else None}).decode())
        return
    told = f"{done.rows} rows: {done.accepted} accepted, {done.duplicates} duplicates, {done.rejected} rejected"
    click.echo(f"{told}; see {work.rejects}" if done.rejected else told)


COMMAND = import_file


def _columns(pairs: tuple[str, ...]) -> dict[str, str]:
    columns = {}
    for pair in pairs:
        name, equals, field = pair.partition("=")
        if not (name and equals and field):
            raise click.BadParameter(f"expected COLUMN=FIELD, got {pair!r}", param_hint="--map")
        columns[name] = field
    return columns


async def _import(work: FileImport, url: str | None, *, show: bool) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    from outrider.cli._calling import NotAnswered, calling

    columns = (TextColumn(work.path.name), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), disable=not show) as bar:
        task = bar.add_task("import", total=work.path.stat().st_size)
        try:
            async with calling(url) as api:
                return await work.run(api, lambda sent: bar.update(task, completed=sent))
        except NotAnswered as error:
            raise NotAnswered(f"{error.message}\nrun it again to go on at line {work.progress.line}") from None
