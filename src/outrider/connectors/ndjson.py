"""Reads a file with one CloudEvent per line, and goes on where it stopped.

The place is a byte offset in a small file beside the events. It is kept with a digest of the bytes before it, so that
a file that was replaced is noticed rather than read from the middle.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, ClassVar

import msgspec

from outrider.contracts.connector import CannotRead, Record

#: Longest line, in bytes: far above an event's 64 kB, so that an event that is too large can be kept as a dead letter.
LONGEST_LINE = 4 * 1024 * 1024
#: How many of the first bytes tell one file from another.
HEAD = 4096


class NdjsonSettings(msgspec.Struct, frozen=True):
    """Where the events are, and where to note how far they were read."""

    #: The file with the events.
    path: str
    #: The file that holds the place; by default the file's name with ``.offset`` added.
    offset_path: str | None = None


class Offset(msgspec.Struct, frozen=True):
    """How far a file was read."""

    #: Bytes and lines that were acknowledged.
    bytes: int
    lines: int
    #: BLAKE2b of the first bytes (at most HEAD of them), in hexadecimal.
    head: str


class Ndjson:
    """See the port `outrider.contracts.connector.Connector`."""

    name: ClassVar[str] = "ndjson"
    title: ClassVar[str] = "A file with one CloudEvent per line"
    Settings: ClassVar[type[NdjsonSettings]] = NdjsonSettings

    def __init__(self, settings: NdjsonSettings) -> None:
        self._path = Path(settings.path)
        self._offset_path = Path(settings.offset_path or f"{settings.path}.offset")
        self._file: BinaryIO | None = None
        self._bytes = 0
        self._lines = 0

    async def read(self, most: int) -> Sequence[Record]:
        """See the port. A last line without a newline counts once it is a whole JSON value."""
        return await asyncio.to_thread(self._read, most)

    async def acknowledge(self) -> None:
        """See the port."""
        if self._file is not None:
            await asyncio.to_thread(self._keep, Offset(self._bytes, self._lines, self._head(self._file, self._bytes)))

    async def close(self) -> None:
        """See the port."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _read(self, most: int) -> list[Record]:
        try:
            file = self._file or self._open()
            if os.fstat(file.fileno()).st_size < self._bytes:
                raise CannotRead(f"{self._path}: shorter than the {self._bytes} bytes that were read of it")
            file.seek(self._bytes)
            return self._records(file, most)
        except OSError as error:
            raise CannotRead(f"{self._path}: {error.strerror}") from error

    def _records(self, file: BinaryIO, most: int) -> list[Record]:
        found: list[Record] = []
        line, place, lines = b"", self._bytes, self._lines
        while len(found) < most and _is_whole(line := file.readline(LONGEST_LINE)):
            place += len(line)
            lines += 1
            if raw := line.strip():
                found.append(Record(raw, f"{self._path.name}, line {lines}"))
        if not found:
            self._check_length(line, lines + 1)
        self._bytes, self._lines = place, lines
        return found

    def _check_length(self, line: bytes, number: int) -> None:
        """Refuse what no newline ends; asked only when nothing else was read, so that nothing read is lost."""
        if len(line) >= LONGEST_LINE and not line.endswith(b"\n"):
            raise CannotRead(
                f"{self._path}, line {number}: longer than {LONGEST_LINE} bytes; expected one event in each line"
            )

    def _open(self) -> BinaryIO:
        """The file, with the place of the last acknowledgment."""
        file = self._path.open("rb")
        self._file = file
        kept = self._kept()
        if kept is not None:
            if self._head(file, kept.bytes) != kept.head:
                raise CannotRead(
                    f"{self._path}: not the file that {self._offset_path} tells of; "
                    "delete that one to read this file from its start"
                )
            self._bytes, self._lines = kept.bytes, kept.lines
        return file

    def _kept(self) -> Offset | None:
        try:
            return msgspec.json.decode(self._offset_path.read_bytes(), type=Offset)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError as error:
            raise CannotRead(
                f"{self._offset_path}: expected an offset as JSON ({error}); delete it to read from the start"
            ) from error

    @staticmethod
    def _head(file: BinaryIO, length: int) -> str:
        """A digest of the first `length` bytes, or of the first HEAD of them."""
        file.seek(0)
        return hashlib.blake2b(file.read(min(length, HEAD)), digest_size=16).hexdigest()

    def _keep(self, offset: Offset) -> None:
        """Write the place at once or not at all."""
        draft = self._offset_path.with_name(f".{self._offset_path.name}.draft")
        try:
            with draft.open("wb") as file:
                file.write(msgspec.json.encode(offset))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._offset_path)
            _sync_folder(self._offset_path.parent)
        except OSError as error:
            raise CannotRead(f"{self._offset_path}: the place cannot be kept: {error.strerror}") from error


def _is_whole(line: bytes) -> bool:
    """Whether a line is complete: a newline, or at the end of the file a JSON object that ends with its bracket."""
    if line.endswith(b"\n"):
        return True
    if not line.strip().startswith(b"{"):
        return False
    try:
        msgspec.json.decode(line, type=msgspec.Raw)
    except msgspec.DecodeError:
        return False
    return True


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


CONNECTOR = Ndjson
