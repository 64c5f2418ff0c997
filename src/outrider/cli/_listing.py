"""What commands that list share: how far back, pages, and lines in columns."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from outrider.contracts.reading_store import Reading
    from outrider.installation import Opened

Command = TypeVar("Command", bound=Callable[..., Any])

LONGEST = timedelta(days=366)


class Duration(click.ParamType["timedelta"]):
    """A duration such as 30d or 12h."""

    name = "duration"

    def convert(self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """The duration; a friendly error for anything else."""
        from outrider.configuration.toml import read_duration

        found = value if isinstance(value, timedelta) else read_duration(value)
        if found is None or found > LONGEST:
            self.fail(f"expected a duration of at most a year, such as 12h or 30d, got {value!r}", param, ctx)
        return found


def paged(command: Command) -> Command:
    """The options of every command that lists pages: --since, --limit, --cursor and --json."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON object, as the API answers."),
        click.option("--cursor", help="Where the page before ended: its last line says it."),
        click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True, help="At most as many."),
        click.option("--since", type=Duration(), default="31d", show_default=True, help="How far back to look."),
    ):
        command = option(command)
    return command


@asynccontextmanager
async def opened_reading() -> AsyncIterator[tuple[Reading, Opened]]:
    """What the pages read, of the database that the environment names; refusals of the API as command errors."""
    from outrider.api.problems import Problem
    from outrider.installation import open_store, reach_database
    from outrider.settings import read_settings
    from outrider.store.pg_reading import PostgresReading

    settings = read_settings()
    async with reach_database(settings) as dsn, open_store(settings, dsn, connections=2) as opened:
        try:
            yield PostgresReading(opened.store.pool, opened.store.vault), opened
        except Problem as problem:
            wrong = "; ".join(f"{each.path}: {each.reason}" for each in problem.document.errors)
            raise click.ClickException(wrong or str(problem)) from problem


def written(at: datetime) -> str:
    """An instant in a list, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def in_columns(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Rows as lines, every column as wide as its longest cell; the columns in `right` are set to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def with_notes(headings: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str]) -> list[str]:
    """Rows in columns under their headings, each followed by its note, if it has one."""
    head, *lines = in_columns([headings, *rows])
    found = [head]
    for line, note in zip(lines, notes, strict=True):
        found += [line, _indented(note)] if note else [line]
    return found


def _indented(note: str) -> str:
    """A note below its line: as one line for programs, wrapped for people."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    return textwrap.fill(note, width, initial_indent=" " * 4, subsequent_indent=" " * 4)


def page_text(page: Any, lines: Callable[[Sequence[Any]], list[str]], nothing: str) -> str:
    """A page as text: its lines and how to have the next one."""
    if not page.items:
        return nothing
    return "\n".join([*lines(page.items), *([f"more with --cursor {page.next}"] if page.next else [])])
