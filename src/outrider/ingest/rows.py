"""Files of rows: NDJSON lines and CSV records out of a stream of bytes, and what the columns of a CSV file mean.

CSV is that of RFC 4180 with a comma, a semicolon or a tab between fields (spreadsheets of countries with a decimal
comma write the second, copied tables have the third); a quotation mark opens a quoted field at its beginning only. Text
is UTF-8, with or without a byte order mark. Memory is bounded by the longest row.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec

from outrider.contracts.surroundings import suggest

#: Longest row, in bytes.
LONGEST_ROW = 256 * 1024
#: Bytes that are kept of a longer one, to be shown.
KEPT = 200
DELIMITERS = ",;\t"
#: The rest of a quoted field, from within it to its closing quotation mark; two of them are one that belongs to it.
INSIDE = re.compile(rb'[^"]*+(?:""[^"]*+)*+"')
#: What other files begin with than text that can be read here, and what to do.
SIGNATURES = {
    b"PK\x03\x04": "it is a workbook or an archive; export it as CSV in UTF-8",
    b"\xd0\xcf\x11\xe0": "it is a workbook; export it as CSV in UTF-8",
    b"\x1f\x8b": "it is compressed; decompress it first",
    b"\xff\xfe": "it is UTF-16; save the file as UTF-8",
    b"\xfe\xff": "it is UTF-16; save the file as UTF-8",
    b"[": "it is a JSON array; write one object on each line instead (NDJSON), without brackets and commas around them",
}
#: Kind of import → its plain columns, and the groups whose columns are named group.name.
COLUMNS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "profiles": (("key", "kind", "market", "locale", "zone"), ("traits", "addresses", "consents")),
    "objects": (("kind", "key"), ("traits",)),
    "relations": (("from.kind", "from.key", "to.kind", "to.key", "role", "valid_from", "valid_to", "end"), ()),
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
    #: It is longer than a row may be; `raw` is its beginning.
    cut: bool = False


class Splitter:
    """Cuts a stream of bytes into rows. With `quoted`, a line end within a quoted field belongs to the row."""

    def __init__(self, *, quoted: bool, line: int = 1, start: int = 0) -> None:
        self._quoted = quoted
        self._line = line
        self._end = start
        #: A line without its end, in pieces, and the lines of a row whose quoted field is open.
        self._rest: list[bytes] = []
        self._row: list[bytes] = []
        #: Bytes of both.
        self._size = 0
        self._open = False
        self.delimiters = DELIMITERS

    def feed(self, chunk: bytes) -> Iterator[RawRow]:
        """The rows that are complete now, blank ones left out. Raises BadRow for a quote that is left open."""
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            yield from self._add(line + b"\n")
        self._rest.append(rest)
        self._size += len(rest)
        if self._size > LONGEST_ROW and self._quoted:
            raise BadRow("", f"line {self._line}: longer than {LONGEST_ROW} bytes; is a quote left open?")
        if self._size > LONGEST_ROW:
            start = b"".join(self._rest)
            self._end += len(start) - KEPT
            self._rest = [start[:KEPT]]

    def finish(self) -> Iterator[RawRow]:
        """The last row, where no line end follows it; an open quote ends with the stream."""
        if any(self._rest) or self._row:
            self._quoted = False
            yield from self._add(b"")

    def _add(self, end: bytes) -> Iterator[RawRow]:
        self._size += len(end)
        line, self._rest = b"".join([*self._rest, end]), []
        self._open = self._quoted and _ends_open(line, self._open, not self._row, self.delimiters)
        self._row.append(line)
        self._end += len(line)
        if self._open:
            return
        raw, size, lines = b"".join(self._row).rstrip(b"\r\n"), self._size, len(self._row)
        row = RawRow(self._line, raw[:KEPT] if size > LONGEST_ROW else raw, self._end, size > LONGEST_ROW)
        self._line, self._row, self._size = self._line + lines, [], 0
        raw = row.raw.removeprefix(codecs.BOM_UTF8) if row.line == 1 else row.raw
        if row.cut or raw.strip():
            yield msgspec.structs.replace(row, raw=raw)


def _ends_open(line: bytes, is_open: bool, is_first: bool, delimiters: str) -> bool:
    """Whether a quoted field is open at the end of a line; `is_first`: a row begins with it."""
    if b'"' not in line:
        return is_open
    place = 0
    if not is_open and is_first and line.removeprefix(codecs.BOM_UTF8).startswith(b'"'):
        is_open, place = True, line.index(b'"') + 1
    opening = _opening(delimiters)
    while True:
        found = (INSIDE.match if is_open else opening.search)(line, place)
        if found is None:
            return is_open
        is_open, place = not is_open, found.end()


@cache
def _opening(delimiters: str) -> re.Pattern[bytes]:
    return re.compile(f'[{delimiters}]"'.encode())


def check_kind_of_file(start: bytes) -> None:
    """Raises BadRow for a file that is none of rows, by its first bytes."""
    for signature, why in SIGNATURES.items():
        if start.startswith(signature):
            raise BadRow("$", why)


def whole(row: RawRow) -> bytes:
    """The bytes of a row. Raises BadRow for one that is too long."""
    if row.cut:
        raise BadRow("$", f"longer than {LONGEST_ROW} bytes")
    return row.raw


def text_of(raw: bytes) -> str:
    """The text of a row. Raises BadRow."""
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise BadRow("$", f"not UTF-8: byte {error.start + 1} of the row; save the file as UTF-8") from None


def delimiter_of(header: str) -> str:
    """The comma, semicolon or tab of a header line: whichever stands there most often outside of quotes."""
    plain = "".join(header.split('"')[::2])
    return max(DELIMITERS, key=plain.count)


def cells_of(text: str, delimiter: str) -> list[str]:
    """The cells of one CSV record. Raises BadRow."""
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error as error:
        if "\r" in text or "\n" in text:
            raise BadRow("$", "not CSV: a cell with a line end in it needs quotes; lines end with LF or CRLF") from None
        raise BadRow("$", f"not CSV: {error}") from None


class Header:
    """The columns of a CSV file for one kind of import."""

    def __init__(self, kind: str, names: Sequence[str]) -> None:
        """Raises BadRow for a column that means nothing here, or that is named twice."""
        self.names = [name.strip() for name in names]
        for place, name in enumerate(self.names):
            check_column(kind, name)
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


def check_column(kind: str, name: str) -> None:
    """Raises BadRow for a column that a kind of import does not have."""
    plain, groups = COLUMNS[kind]
    group, dot, inner = name.partition(".")
    if name in plain or (group in groups and dot and inner):
        return
    known = [*plain, *(f"{each}.NAME" for each in groups)]
    hint = suggest(name, known) or f"known: {', '.join(known)}"
    raise BadRow(name, f"the column '{name[:60]}' means nothing here; {hint}")


def put(row: dict[str, Any], name: str, value: Any) -> None:
    """Put a value at a dotted name. An address goes into the list of addresses, a consent into that of consents.

    Raises BadRow where the row holds something else there.
    """
    group, dot, inner = name.partition(".")
    wanted = list if group in ("addresses", "consents") else dict
    if not isinstance(row.get(group, wanted()), wanted) and dot:
        raise BadRow(f"$.{group}", f"expected {'a list' if wanted is list else 'an object'} to put {name} into")
    if not dot:
        row[name] = value
    elif group == "addresses":
        row.setdefault(group, []).append({"channel": inner, "value": value})
    elif group == "consents":
        purpose, _, channel = inner.partition("/")
        row.setdefault(group, []).append({"purpose": purpose, "channel": channel, "state": value})
    else:
        row.setdefault(group, {})[inner] = value
