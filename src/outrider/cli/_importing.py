"""An import of a file over HTTP: part by part, with its place kept beside the file, so that a killed run goes on."""

from __future__ import annotations

import codecs
import hashlib
import itertools
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import click
import msgspec

from outrider.api.importing import CSV, NDJSON, ImportAnswer, Reject
from outrider.cli._calling import Api
from outrider.cli._columns import Table, check_targets, record_of, renamed
from outrider.ingest.rows import COLUMNS, BadRow, RawRow, Splitter, cells_of, check_kind_of_file, whole

#: Rows in one request, and so in one transaction.
PART = 1000
#: Bytes after which a part is sent before it has as many rows.
LARGE = 4 * 1024 * 1024
BLOCK = 64 * 1024
#: Bytes at the start and before the place that tell one file from another.
KNOWN = 4096


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


class FileImport:
    """One file on its way in."""

    def __init__(self, path: Path, file: BinaryIO, kind: str, columns: Mapping[str, str]) -> None:
        """Goes on where an earlier run of the same import stopped. `file` is open. Raises ClickException."""
        if not file.seekable():
            raise click.ClickException(
                f"{path} is no file that can be read again from the middle; save it as one first"
            )
        self.path = path
        self.place = path.with_name(f"{path.name}.import.json")
        self.file = file
        self.table = self._table(kind, dict(columns))
        if self.table is None:
            check_targets(kind, columns, COLUMNS[kind][1])
        suffix = "csv" if self.table else "ndjson"
        self.rejects = path.with_name(f"{path.name}.rejects.{suffix}")
        self.progress = self._resumed(kind, dict(columns))
        self._begin_rejects()

    def _begin_rejects(self) -> None:
        """What was written after the place goes: it is written again. Raises ClickException."""
        try:
            with self.rejects.open("ab") as kept:
                if kept.tell() < self.progress.rejects:
                    raise click.ClickException(
                        f"{self.rejects} is shorter than it was when the import stopped; "
                        f"delete {self.place} and it to begin anew"
                    )
                kept.truncate(self.progress.rejects)
        except OSError as error:
            raise click.ClickException(
                f"{self.rejects}: cannot be written ({error.strerror}); rejected rows and the place in the file "
                "are kept beside the file"
            ) from None

    def _table(self, kind: str, columns: dict[str, str]) -> Table | None:
        """The header of a CSV file; None when the rows are JSON objects."""
        splitter = Splitter(quoted=True)
        first = self.file.read(KNOWN).removeprefix(codecs.BOM_UTF8).lstrip()
        if first.startswith(b"{") or not first:
            return None
        self.file.seek(0)
        try:
            check_targets(kind, columns, ())
            check_kind_of_file(first)
            for block in itertools.chain(iter(lambda: self.file.read(BLOCK), b""), (None,)):
                for row in splitter.finish() if block is None else splitter.feed(block):
                    return Table(kind, row, columns)
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
        except (msgspec.DecodeError, UnicodeDecodeError, OSError) as error:
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
        return self.progress

    def close(self) -> None:
        """Leave no empty file of rejects behind."""
        if not self.progress.rejects:
            self.rejects.unlink(missing_ok=True)

    def _parts(self) -> Iterator[list[RawRow]]:
        splitter = Splitter(quoted=self.table is not None, line=self.progress.line, start=self.progress.bytes)
        if self.table is not None:
            splitter.delimiters = self.table.delimiter
        place, part, size = self.progress.bytes, list[RawRow](), 0
        while True:
            self.file.seek(place)
            block = self.file.read(BLOCK)
            place += len(block)
            try:
                part += splitter.feed(block) if block else splitter.finish()
                size += len(block)
            except BadRow as error:
                raise click.ClickException(f"{self.path}, {error.reason}") from None
            while len(part) >= PART or (part and (size >= LARGE or not block)):
                yield part[:PART]
                part, size = part[PART:], 0
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
            return whole(row) + b"\n"
        return renamed(whole(row), self.progress.columns) + b"\n"

    def _note(self, rejects: Sequence[tuple[RawRow, Reject]]) -> None:
        if not rejects:
            return
        lines = b"".join(self._reject(row, reject) for row, reject in rejects)
        if self.table is not None and not self.progress.rejects:
            lines = record_of([*self.table.names, "line", "path", "reason"]) + lines
        with self.rejects.open("r+b") as kept:
            kept.seek(self.progress.rejects)
            kept.write(lines)
            kept.truncate()
            kept.flush()
            os.fsync(kept.fileno())
        self.progress.rejects += len(lines)

    def _reject(self, row: RawRow, reject: Reject) -> bytes:
        text = row.raw.decode(errors="replace") + ("…" if row.cut else "")
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
        return record_of([*cells, *[""] * (width - len(cells)), str(row.line), reject.path, reject.reason])


def _keep(path: Path, content: bytes) -> None:
    """Write a small file at once or not at all."""
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
