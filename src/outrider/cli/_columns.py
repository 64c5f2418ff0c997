"""The columns of a file that is imported, and what they become: a CSV table, or the fields of JSON objects."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

import click
import msgspec

from outrider.ingest.rows import BadRow, Header, RawRow, cells_of, check_column, delimiter_of, put, text_of, whole

#: The name of a column that is left out.
LEFT_OUT = "-"


class Table:
    """The columns of a CSV file."""

    def __init__(self, kind: str, row: RawRow, columns: Mapping[str, str]) -> None:
        """Raises ClickException for a mapped column that is not there, and BadRow for one that means nothing."""
        text = text_of(whole(row))
        self.delimiter = delimiter_of(text)
        self.names = [name.strip() for name in cells_of(text, self.delimiter)]
        check_columns(columns, self.names)
        self.targets = [columns.get(name, name) for name in self.names]
        wanted = [name for name in self.targets if name != LEFT_OUT]
        if not wanted:
            raise click.ClickException("--map: every column is left out; name at least one")
        Header(kind, wanted)
        self.end = row.end
        self.line = row.line + row.raw.count(b"\n") + 1

    def header(self) -> bytes:
        """The header as the API knows it."""
        return record_of([name for name in self.targets if name != LEFT_OUT])

    def record(self, row: RawRow) -> bytes:
        """One row as the API knows it. Raises BadRow."""
        cells = cells_of(text_of(whole(row)), self.delimiter)
        if len(cells) != len(self.targets):
            raise BadRow("$", f"expected {len(self.targets)} cells as in the header, got {len(cells)}")
        return record_of([cell for cell, name in zip(cells, self.targets, strict=True) if name != LEFT_OUT])


def check_targets(kind: str, columns: Mapping[str, str], groups: Sequence[str]) -> None:
    """Raises ClickException for a mapping to something that a kind of import does not have.

    A field of a JSON object may become a whole group: all traits, or the list of addresses.
    """
    for name, target in columns.items():
        try:
            if target not in (LEFT_OUT, *groups):
                check_column(kind, target)
        except BadRow as error:
            raise click.ClickException(f"--map {name}={target}: {error.reason}") from None


def check_columns(columns: Mapping[str, str], names: Sequence[str]) -> None:
    """Raises ClickException for a mapped column that is not there."""
    from outrider.contracts.surroundings import suggest

    for name in columns:
        if name not in names:
            hint = suggest(name, names) or f"it has: {', '.join(names)}"
            raise click.ClickException(f"--map {name}: the file has no such column; {hint}")


def record_of(cells: Sequence[str]) -> bytes:
    """One CSV record with commas, in UTF-8, with its line end."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue().encode()


def renamed(raw: bytes, columns: Mapping[str, str]) -> bytes:
    """A JSON object with its names mapped. Raises BadRow when it is none."""
    try:
        row: Any = msgspec.json.decode(raw, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRow("$", f"not a JSON object: {error}") from None
    found: dict[str, Any] = {name: value for name, value in row.items() if name not in columns}
    for name, target in columns.items():
        if target != LEFT_OUT and row.get(name) is not None:
            put(found, target, row[name])
    return msgspec.json.encode(found)
