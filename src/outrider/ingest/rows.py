"""Files of rows: NDJSON lines and CSV records out of a stream of bytes, and what the columns of a CSV file mean.

CSV is that of RFC 4180 with a comma or a semicolon between fields (spreadsheets of countries with a decimal comma write
the latter). Text is UTF-8, with or without a byte order mark. Memory is bounded by the longest row.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from outrider.contracts.surroundings import suggest

#: Longest row, in bytes.
LONGEST_ROW = 256 * 1024
#: Kind of import → its plain columns, and the groups whose columns are named group.name.
COLUMNS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "profiles": (("key", "kind", "market", "locale", "zone"), ("traits", "addresses", "consents")),
    "objects": (("kind", "key"), ("traits",)),
    "relations": (("from.kind", "from.key", "to.kind", "to.key", "role", "valid_from", "valid_to"), ()),
    "consents": (("profile", "purpose", "state", "channel", "source", "at"), ("evidence",)),
}


class BadRow(ValueError):
    """A row that cannot be taken: where in it, and why."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(reason)
        self.path = path
        self.reason = reason


class RawRow(msgspec.Struct, frozen=True):
    """One row as it stands in the file."""

    #: The line it begins on, from 1.
    line: int
    #: Without its line end.
    raw: bytes
    #: Bytes of the stream up to the end of this row.
    end: int


class Splitter:
    """Cuts a stream of bytes into rows. With `quoted`, a line end within double quotes belongs to the row."""

    def __init__(self, *, quoted: bool, line: int = 1, start: int = 0) -> None:
        self._quoted = quoted
        self._line = line
        self._end = start
        self._rest = b""
        self._row = b""
        self._lines = 0

    def feed(self, chunk: bytes) -> Iterator[RawRow]:
        """The rows that are complete now, blank ones left out. Raises BadRow for one that is too long."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            yield from self._add(line + b"\n")
        if len(self._rest) + len(self._row) > LONGEST_ROW:
            raise BadRow("", f"line {self._line}: longer than {LONGEST_ROW} bytes; is a quote left open?")

    def finish(self) -> Iterator[RawRow]:
        """The last row, where no line end follows it; an open quote ends with the stream."""
        rest, self._rest = self._rest, b""
        if rest or self._row:
            self._quoted = False
            yield from self._add(rest)

    def _add(self, line: bytes) -> Iterator[RawRow]:
        self._row += line
        self._lines += 1
        self._end += len(line)
        if self._quoted and self._row.count(b'"') % 2:
            return
        row = RawRow(self._line, self._row.rstrip(b"\r\n"), self._end)
        self._line, self._row, self._lines = self._line + self._lines, b"", 0
        raw = row.raw.removeprefix(codecs.BOM_UTF8) if row.line == 1 else row.raw
        if raw.strip():
            yield msgspec.structs.replace(row, raw=raw)


def text_of(raw: bytes) -> str:
    """The text of a row. Raises BadRow."""
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise BadRow("$", f"not UTF-8: byte {error.start + 1} of the row; save the file as UTF-8") from None


def delimiter_of(header: str) -> str:
    """The comma or semicolon of a header line: whichever stands there more often outside of quotes."""
    plain = "".join(header.split('"')[::2])
    return ";" if plain.count(";") > plain.count(",") else ","


def cells_of(text: str, delimiter: str) -> list[str]:
    """The cells of one CSV record. Raises BadRow."""
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise BadRow("$", f"not CSV: {error}") from None


class Header:
    """The columns of a CSV file for one kind of import."""

    def __init__(self, kind: str, names: Sequence[str]) -> None:
        """Raises BadRow for a column that means nothing here, or that is named twice."""
        self.names = [name.strip() for name in names]
        for place, name in enumerate(self.names):
            _check_column(kind, name)
            if name in self.names[:place]:
                raise BadRow(name, f"the column '{name}' stands there twice")

    def row(self, cells: Sequence[str]) -> dict[str, Any]:
        """One row as nested names; empty cells are left out. Raises BadRow."""
        if len(cells) != len(self.names):
            raise BadRow("$", f"expected {len(self.names)} cells as in the header, got {len(cells)}")
        found: dict[str, Any] = {}
        for name, cell in zip(self.names, cells, strict=True):
            if cell.strip():
                put(found, name, cell.strip())
        return found


def _check_column(kind: str, name: str) -> None:
    plain, groups = COLUMNS[kind]
    group, dot, inner = name.partition(".")
    if name in plain or (group in groups and dot and inner):
        return
    known = [*plain, *(f"{each}.NAME" for each in groups)]
    hint = suggest(name, known) or f"known: {', '.join(known)}"
    raise BadRow(name, f"the column '{name[:60]}' means nothing here; {hint}")


def put(row: dict[str, Any], name: str, value: Any) -> None:
    """Put a value at a dotted name. An address goes into the list of addresses, a consent into that of consents."""
    group, dot, inner = name.partition(".")
    if not dot:
        row[name] = value
    elif group == "addresses":
        row.setdefault(group, []).append({"channel": inner, "value": value})
    elif group == "consents":
        purpose, _, channel = inner.partition("/")
        row.setdefault(group, []).append({"purpose": purpose, "channel": channel, "state": value})
    else:
        row.setdefault(group, {})[inner] = value
