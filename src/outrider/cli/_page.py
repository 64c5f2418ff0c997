"""Tables in reference pages that are made from the code: each stands between two markers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

END = "<!-- end -->"


def begin_of(module: str) -> str:
    """The marker before the table that `python -m module --markdown` makes."""
    return f"<!-- begin: made by python -m {module} --markdown -->"


def renew(page: str, begin: str, table: str) -> str:
    """The page with the text between the markers replaced. Raises ClickException when a marker is missing."""
    before, found, rest = page.partition(begin)
    _, end, after = rest.partition(END)
    if not (found and end):
        raise click.ClickException(f"the page has no place for the table: expected the lines {begin} and {END}")
    return f"{before}{begin}\n{table}{END}{after}"


def markdown_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table with a line for each row."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def table_options(command: Command) -> Command:
    """The options of every command that lists plug-ins: --json, --markdown and --write PAGE."""
    page = click.Path(exists=True, dir_okay=False, path_type=Path)
    for option in (
        click.option("--write", type=page, help="Renew the table in this page instead of printing."),
        click.option("--markdown", is_flag=True, help="Print the table of the reference page."),
        click.option("--json", "as_json", is_flag=True, help="Print a JSON array."),
    ):
        command = option(command)
    return command
