"""An import of a file over HTTP: part by part, with its place kept beside the file, so that a killed run goes on."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import click
import msgspec

from outrider.api.importing import CSV, NDJSON, ImportAnswer, Reject
from outrider.cli._calling import Api
from outrider.ingest.rows import BadRow, RawRow, Splitter, cells_of, delimiter_of, put, text_of

#: Rows in one request, and so in one transaction.
PART = 1000
BLOCK = 64 * 1024
#: Bytes at the start and before the place that tell one file from another.
KNOWN = 4096
#: The name of a column that is left out.
LEFT_OUT = "-"


class Progress(msgspec.Struct):
    """How far an import is; kept beside the file until it is done."""

    run: str
    kind: str
    columns: dict[str, str] = {}
    #: Bytes that were answered, the line after them, and a digest of what tells the file.
    bytes: int = 0
    line: int = 1
    digest: str = ""
    #: Bytes of the rejects that belong to them.
    rejects: int = 0
    rows: int = 0
    accepted: int = 0
    duplicates: int = 0
    rejected: int = 0


class Table:
    """The columns of a CSV file."""

    def __init__(self, row: RawRow, columns: Mapping[str, str]) -> None:
        """Raises ClickException for a mapped column that is not there."""
        text = text_of(row.raw)
        self.delimiter = delimiter_of(text)
        self.names = [name.strip() for name in cells_of(text, self.delimiter)]
        check_columns(columns, self.names)
        self.targets = [columns.get(name, name) for name in self.names]
        self.end = row.end
        self.line = row.line + row.raw.count(b"\n") + 1

    def header(self) -> bytes:
        """The header as the API knows it."""
        return _record([name for name in self.targets if name != LEFT_OUT])

    def record(self, row: RawRow) -> bytes:
        """One row as the API knows it. Raises BadRow."""
        cells = cells_of(text_of(row.raw), self.delimiter)
        if len(cells) != len(self.targets):
            raise BadRow("$", f"expected {len(self.targets)} cells as in the header, got {len(cells)}")
        return _record([cell for cell, name in zip(cells, self.targets, strict=True) if name != LEFT_OUT])


def check_columns(columns: Mapping[str, str], names: Sequence[str]) -> None:
    """Raises ClickException for a mapped column that is not there."""
    from outrider.contracts.surroundings import suggest

    for name in columns:
        if name not in names:
            hint = suggest(name, names) or f"it has: {', '.join(names)}"
            raise click.ClickException(f"--map {name}: the file has no such column; {hint}")


def _record(cells: Sequence[str]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue().encode()


class FileImport:
    """One file on its way in."""

    def __init__(self, path: Path, file: BinaryIO, kind: str, columns: Mapping[str, str]) -> None:
        """Goes on where an earlier run of the same import stopped. `file` is open. Raises ClickException."""
        self.path = path
        self.place = path.with_name(f"{path.name}.import.json")
        self.file = file
        self.table = self._table(dict(columns))
        suffix = "csv" if self.table else "ndjson"
        self.rejects = path.with_name(f"{path.name}.rejects.{suffix}")
        self.progress = self._resumed(kind, dict(columns))
        with self.rejects.open("ab") as kept:
            kept.truncate(self.progress.rejects)

    def _table(self, columns: dict[str, str]) -> Table | None:
        """The header of a CSV file; None when the rows are JSON objects."""
        splitter = Splitter(quoted=True)
        first = self.file.read(KNOWN).removeprefix(codecs.BOM_UTF8).lstrip()
        if first.startswith(b"{") or not first:
            return None
        self.file.seek(0)
        try:
            for block in [*iter(lambda: self.file.read(BLOCK), b""), None]:
                for row in splitter.finish() if block is None else splitter.feed(block):
                    return Table(row, columns)
        except BadRow as error:
            raise click.ClickException(f"{self.path}: {error.reason}") from None
        return None

    def _resumed(self, kind: str, columns: dict[str, str]) -> Progress:
        fresh = Progress(secrets.token_hex(12), kind, columns)
        if self.table is not None:
            fresh.bytes, fresh.line = self.table.end, self.table.line
        try:
            kept = msgspec.json.decode(self.place.read_bytes(), type=Progress)
        except FileNotFoundError:
            return fresh
        except msgspec.DecodeError as error:
            raise click.ClickException(f"{self.place}: cannot be read ({error}); delete it to begin anew") from None
        if (kept.kind, kept.columns) != (kind, columns) or kept.digest != self._digest(kept.bytes):
            raise click.ClickException(
                f"{self.place} belongs to another import or an earlier form of this file; delete it to begin anew"
            )
        return kept

    def _digest(self, end: int) -> str:
        """What tells the file: its first bytes and those before a place."""
        self.file.seek(0)
        told = hashlib.blake2b(self.file.read(min(end, KNOWN)), digest_size=16)
        self.file.seek(max(0, end - KNOWN))
        told.update(self.file.read(min(end, KNOWN)))
        return told.hexdigest()

    async def run(self, api: Api, tell: Callable[[int], None]) -> Progress:
        """Send what is left; `tell` hears how many bytes are answered. The place goes when all is done."""
        tell(self.progress.bytes)
        for part in self._parts():
            await self._send(api, part)
            tell(self.progress.bytes)
        self.place.unlink(missing_ok=True)
        if not self.progress.rejected:
            self.rejects.unlink(missing_ok=True)
        return self.progress

    def _parts(self) -> Iterator[list[RawRow]]:
        splitter = Splitter(quoted=self.table is not None, line=self.progress.line, start=self.progress.bytes)
        place, part = self.progress.bytes, list[RawRow]()
        while True:
            self.file.seek(place)
            block = self.file.read(BLOCK)
            place += len(block)
            try:
                part += splitter.feed(block) if block else splitter.finish()
            except BadRow as error:
                raise click.ClickException(f"{self.path}, {error.reason}") from None
            while len(part) >= PART or (part and not block):
                yield part[:PART]
                part = part[PART:]
            if not block:
                return

    async def _send(self, api: Api, part: list[RawRow]) -> None:
        """One part: to the API, then the rejects, then the place, so that a kill anywhere loses and doubles nothing."""
        body, known, rejects = self._body(part)
        answer = ImportAnswer()
        if known:
            query = f"?kind={self.progress.kind}&import={self.progress.run}&first_line={part[0].line}"
            media = CSV if self.table else NDJSON
            answer = msgspec.json.decode(await api.post(f"/v1/import{query}", media, body), type=ImportAnswer)
        rejects += [(known[each.line], each) for each in answer.rejects if each.line in known]
        self._note(sorted(rejects, key=lambda each: each[0].line))
        last = part[-1]
        progress = self.progress
        progress.rows += len(part)
        progress.accepted += answer.accepted
        progress.duplicates += answer.duplicates
        progress.rejected += len(part) - answer.accepted - answer.duplicates
        progress.bytes, progress.line = last.end, last.line + last.raw.count(b"\n") + 1
        progress.digest = self._digest(last.end)
        _keep(self.place, msgspec.json.encode(progress))

    def _body(self, part: list[RawRow]) -> tuple[bytes, dict[int, RawRow], list[tuple[RawRow, Reject]]]:
        """The part as the API takes it, the row behind each line as the API counts, and what cannot be sent at all."""
        lines, known, rejects = [self.table.header()] if self.table else [], dict[int, RawRow](), []
        line = part[0].line
        for row in part:
            try:
                record = self._written(row)
            except BadRow as error:
                rejects.append((row, Reject(row.line, error.path, error.reason)))
                continue
            known[line] = row
            line += record.count(b"\n")
            lines.append(record)
        return b"".join(lines), known, rejects

    def _written(self, row: RawRow) -> bytes:
        if self.table is not None:
            return self.table.record(row)
        if not self.progress.columns:
            return row.raw + b"\n"
        return _renamed(row.raw, self.progress.columns) + b"\n"

    def _note(self, rejects: Sequence[tuple[RawRow, Reject]]) -> None:
        if not rejects:
            return
        lines = b"".join(self._reject(row, reject) for row, reject in rejects)
        if self.table is not None and not self.progress.rejects:
            lines = _record([*self.table.names, "line", "path", "reason"]) + lines
        with self.rejects.open("r+b") as kept:
            kept.seek(self.progress.rejects)
            kept.write(lines)
            kept.truncate()
            kept.flush()
            os.fsync(kept.fileno())
        self.progress.rejects += len(lines)

    def _reject(self, row: RawRow, reject: Reject) -> bytes:
        text = row.raw.decode(errors="replace")
        if self.table is None:
            return (
                msgspec.json.encode({"line": row.line, "path": reject.path, "reason": reject.reason, "row": text})
                + b"\n"
            )
        width = len(self.table.names)
        try:
            cells = cells_of(text, self.table.delimiter)[:width]
        except BadRow:
            cells = [text]
        return _record([*cells, *[""] * (width - len(cells)), str(row.line), reject.path, reject.reason])


def _renamed(raw: bytes, columns: Mapping[str, str]) -> bytes:
    """A JSON object with its names mapped. Raises BadRow when it is none."""
    try:
        row: Any = msgspec.json.decode(raw, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRow("$", f"not a JSON object: {error}") from None
    found: dict[str, Any] = {name: value for name, value in row.items() if name not in columns}
    for name, target in columns.items():
        if target != LEFT_OUT and row.get(name) is not None:
            put(found, target, row[name])
    return msgspec.json.encode(found)


def _keep(path: Path, content: bytes) -> None:
    """Write a small file at once or not at all."""
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
