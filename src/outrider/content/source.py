"""A text to be compiled, and where in the company folder each stretch of it was written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from outrider.content import scan
from outrider.domain.problem import Problem
from outrider.lib.yaml12 import Located, Path

#: Code points of one text. Twilio and AWS refuse an SMS body above this (their `Body` and `MessageBody`).
LONGEST_TEXT = 1600

#: Ends the key of a source whose values are written as HTML.
HTML = "#html"


class Origin(msgspec.Struct, frozen=True):
    """Where a stretch of a source was written: the character at `start` stands at `line` and `column` of `path`."""

    start: int
    length: int
    path: str
    line: int
    column: int


class Source(msgspec.Struct, frozen=True):
    """One text in Jinja syntax: the file it comes from, and its characters with newlines as `\\n`."""

    path: str
    text: str
    #: Its name in the template engine; empty: the path. One that ends in `HTML` is rendered with escaped values.
    name: str = ""
    #: In order of their start; none when the text is the whole file as it stands.
    origins: tuple[Origin, ...] = ()
    #: Code points the rendered text may have.
    most: int = LONGEST_TEXT
    may_be_empty: bool = False

    @property
    def key(self) -> str:
        """The name in the template engine."""
        return self.name or self.path

    def origin(self, start: int) -> Origin:
        """The stretch that holds the character at `start`, or the last one that begins before it."""
        whole = Origin(0, len(self.text), self.path, 1, 1)
        before = [origin for origin in self.origins if origin.start <= start]
        return before[-1] if before else next(iter(self.origins), whole)

    def place(self, start: int) -> tuple[str, int, int]:
        """File, line and column of the character at `start`."""
        origin = self.origin(start)
        before = self.text[origin.start : start]
        lines = before.count("\n")
        column = len(before) - before.rfind("\n") if lines else origin.column + len(before)
        return origin.path, origin.line + lines, column

    def part(self, start: int, end: int) -> Source:
        """The text from `start` to `end`, with its places."""
        return msgspec.structs.replace(self, text=self.text[start:end], origins=tuple(self._clipped(start, end)))

    def _clipped(self, start: int, end: int) -> Iterator[Origin]:
        path, line, column = self.place(start)
        yield Origin(0, end - start, path, line, column)
        for origin in self.origins:
            if start < origin.start < end:
                yield msgspec.structs.replace(origin, start=origin.start - start)


def joined(parts: Iterable[Source | str], like: Source) -> Source:
    """One source after the other, each keeping its places; a plain text has the place of what stands before it.

    Path, name and limits are those of `like`.
    """
    text, origins = "", []
    for part in parts:
        if isinstance(part, Source):
            known = part.origins or (Origin(0, len(part.text), part.path, 1, 1),)
            origins += [msgspec.structs.replace(origin, start=origin.start + len(text)) for origin in known]
        text += part if isinstance(part, str) else part.text
    return msgspec.structs.replace(like, text=text, origins=tuple(origins))


def from_yaml(located: Located, path: Path, name: str) -> Source:
    """The text at a path of a YAML document; each Jinja block in it has its own place, whatever the quoting."""
    text = str(_value(located, path))
    mark = located.at(path)
    origins = [Origin(0, len(text), located.file, mark.line, mark.column)]
    for block in scan.blocks(text):
        inside = located.inside(path, block.start, block.end - block.start)
        origins.append(Origin(block.start, block.end - block.start, located.file, inside.line, inside.column))
    return Source(located.file, text, name, tuple(origins))


def problem_at(source: Source, start: int, message: str, hint: str = "", length: int = 1) -> Problem:
    """An error at the character `start` of a source; the whole file when `start` is negative."""
    if start < 0:
        return Problem(source.path, 0, 0, message, hint)
    path, line, column = source.place(start)
    return Problem(path, line, column, message, hint, max(1, length))


def _value(located: Located, path: Path) -> object:
    value = located.value
    for step in path:
        value = value[step]
    return value
