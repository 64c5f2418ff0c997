"""`outrider check`: everything that is wrong with a company folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from outrider.domain.problem import Problem


@click.command(short_help="Name every mistake in the company folder FOLDER.")
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option("--json", "as_json", is_flag=True, help="Print the problems as one JSON object.")
def check(folder: Path, as_json: bool) -> None:
    """Check the company folder FOLDER: every mistake with file, line and column.

    Exits with 1 when there are errors; warnings alone pass.
    """
    from outrider.configuration import build
    from outrider.lib.clock import SystemClock
    from outrider.plugged import shipped

    files = read_files(folder)
    _, problems = build(files, shipped(), today=SystemClock().now().date())
    show_problems(problems, files, as_json)
    if any(problem.is_error for problem in problems):
        raise SystemExit(1)
    if not as_json:
        click.echo(f"{folder}: {_counted(len(files), 'file')}, no errors")


COMMAND = check


def read_files(folder: Path) -> dict[str, str]:
    """The files of a company folder, or a friendly error."""
    from outrider.configuration.files import NoFolder, read_folder

    try:
        return read_folder(folder)
    except NoFolder as error:
        raise click.ClickException(str(error)) from error


def show_problems(problems: list[Problem], files: dict[str, str], as_json: bool) -> None:
    """Print problems: with caret and, when there are errors, a count for people; as JSON for programs."""
    from outrider.domain.problem import show

    errors = sum(problem.is_error for problem in problems)
    if as_json:
        import msgspec

        found = {"errors": errors, "warnings": len(problems) - errors, "problems": problems}
        click.echo(msgspec.json.encode(found).decode())
        return
    for problem in problems:
        click.echo(show(problem, files.get(problem.file, "")) + "\n", err=True)
    if errors:
        warnings = f", {_counted(len(problems) - errors, 'warning')}" if errors < len(problems) else ""
        click.echo(f"{_counted(errors, 'error')}{warnings}", err=True)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
