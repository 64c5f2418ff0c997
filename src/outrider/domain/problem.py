"""What is wrong in a file of the configuration, where exactly, and what to write instead."""

from __future__ import annotations

import unicodedata
from typing import Literal

import msgspec

Severity = Literal["error", "warning"]

#: Unicode categories that take no column of their own: marks and format characters (UAX #11).
INVISIBLE = frozenset({"Mn", "Me", "Cf"})

#: Code points of a source line shown; a longer one is cropped around the column, so that the caret stays below it.
LONGEST_LINE = 100


class Problem(msgspec.Struct, frozen=True):
    """One finding. An `error` keeps the configuration from being applied; a `warning` does not."""

    #: Path as the author knows it, relative to the configuration folder.
    file: str
    #: 1-based; 0 when the finding is about the file as a whole (it is missing, for example).
    line: int
    #: 1-based, in Unicode code points; 0 when the finding is about the line or file as a whole.
    column: int
    #: One sentence: what was found and what was expected.
    message: str
    #: What to do about it; empty when the message says it already.
    hint: str = ""
    #: How many code points from `column` on are concerned; the caret line never runs past the end of the source line.
    length: int = 1
    severity: Severity = "error"

    @property
    def is_error(self) -> bool:
        """True when the configuration cannot be applied as it stands."""
        return self.severity == "error"


def place(problem: Problem) -> str:
    """`file`, `file:line` or `file:line:column`: as much as is known, in the form editors turn into a link."""
    known = [str(number) for number in (problem.line, problem.column) if number > 0]
    return ":".join([problem.file, *known])


def show(problem: Problem, source_text: str = "") -> str:
    """Write a problem for a person: the place and message, the source line with carets below it, and the hint.

    `source_text` is the whole text of `problem.file`; the source line is left out when it is empty or has no such line.
    Lines are joined by a newline, without one at the end.
    """
    lines = [f"{place(problem)}: {problem.severity}: {problem.message}", *_excerpt(problem, source_text)]
    if problem.hint:
        lines.append(f"  hint: {problem.hint}")
    return "\n".join(lines)


def _excerpt(problem: Problem, source_text: str) -> list[str]:
    source = source_text.split("\n")
    if not source_text or not 1 <= problem.line <= len(source):
        return []
    line = source[problem.line - 1].rstrip("\r")
    cropped, column = _cropped(line, problem.column)
    return [f"  {cropped}", *_carets(cropped, column, problem.length)]


def _cropped(line: str, column: int) -> tuple[str, int]:
    """The part of a long line around the column, with `…` where something is left out, and the column in it."""
    if len(line) <= LONGEST_LINE:
        return line, column
    start = min(max(0, column - LONGEST_LINE // 2), len(line) - LONGEST_LINE)
    head, tail = "…" if start else "", "…" if start + LONGEST_LINE < len(line) else ""
    return f"{head}{line[start : start + LONGEST_LINE]}{tail}", min(column, len(line) + 1) - start + len(head)


def _carets(line: str, column: int, length: int) -> list[str]:
    if column < 1:
        return []
    start = min(column - 1, len(line))
    end = min(start + length, len(line))
    margin = "".join("\t" if char == "\t" else " " * _width(char) for char in line[:start])
    return [f"  {margin}{'^' * max(1, sum(map(_width, line[start:end])))}"]


def _width(char: str) -> int:
    """Terminal columns of a character: 2 for wide ones (UAX #11), 0 for marks and joiners, else 1."""
    if unicodedata.east_asian_width(char) in "WF":
        return 2
    return 0 if unicodedata.category(char) in INVISIBLE else 1
