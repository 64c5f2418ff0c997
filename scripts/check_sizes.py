"""Holds the code to its house numbers: how long functions and files may be.

    python scripts/check_sizes.py [FOLDER …]

Checks src/outrider, or the folders that are named. Prints a short table; exit status 1 when a number is not held.
Lines of a function are counted from its `def` to its end without its docstring and without blank lines; lines of a
file are all of them.
"""

from __future__ import annotations

import ast
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

#: House numbers: the medians and limits of codebases that are pleasant to read.
LONGEST_FUNCTION = 60
MEDIAN_FUNCTION = 8
NINE_TENTHS = 25
LONGEST_FILE = 500
LONG_FILE = 300

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Sized:
    """A function or file, where it is, and its lines."""

    place: str
    lines: int

    def __str__(self) -> str:
        """A line of a list."""
        return f"{self.lines:5}  {self.place}"


@dataclass(frozen=True)
class Check:
    """One house number and what was found."""

    name: str
    limit: int
    found: float

    @property
    def holds(self) -> bool:
        """Whether the number is held."""
        return self.found <= self.limit

    def __str__(self) -> str:
        """A line of the table."""
        verdict = "ok    " if self.holds else "FAILED"
        return f"  {verdict}  {self.name:<16} at most {self.limit:>3}, found {self.found:g}"


def main(arguments: Sequence[str]) -> int:
    """Exit status: 0 when every number is held, 1 when not, 2 when there is nothing to count."""
    folders = [Path(name) for name in arguments] or [ROOT / "src" / "outrider"]
    files = sorted(file for folder in folders for file in folder.rglob("*.py"))
    functions = [function for file in files for function in functions_of(file)]
    if not functions:
        print(f"error: no function in {', '.join(map(str, folders))}", file=sys.stderr)
        return 2
    sizes = [Sized(_shown(file), len(file.read_text(encoding="utf-8").splitlines())) for file in files]
    checks = checks_of(functions, sizes)
    print(f"sizes of {len(files)} files, {len(functions)} functions:", *checks, sep="\n")
    show("functions that are too long", [one for one in functions if one.lines > LONGEST_FUNCTION])
    show("files that are too long", [one for one in sizes if one.lines > LONGEST_FILE])
    show("warning: long files", [one for one in sizes if LONG_FILE < one.lines <= LONGEST_FILE])
    return 0 if all(check.holds for check in checks) else 1


def checks_of(functions: Sequence[Sized], files: Sequence[Sized]) -> list[Check]:
    """Every house number against these sizes."""
    lengths = sorted(function.lines for function in functions)
    return [
        Check("longest function", LONGEST_FUNCTION, lengths[-1]),
        Check("median function", MEDIAN_FUNCTION, statistics.median(lengths)),
        Check("90 % of functions", NINE_TENTHS, lengths[(len(lengths) * 9 + 9) // 10 - 1]),
        Check("longest file", LONGEST_FILE, max((file.lines for file in files), default=0)),
    ]


def functions_of(file: Path) -> Iterator[Sized]:
    """Every function and method of a file, those inside others too."""
    text = file.read_text(encoding="utf-8")
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text, str(file))):
        if isinstance(node, Function):
            yield Sized(f"{_shown(file)}:{node.lineno} {node.name}", length(node, lines))


def length(node: Function, lines: Sequence[str]) -> int:
    """Lines of a function without docstring and blank ones; 1 at least."""
    first = node.body[0]
    is_docstring = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    documented = is_docstring and isinstance(first.value.value, str)  # type: ignore[attr-defined]
    skipped = range(first.lineno, (first.end_lineno or first.lineno) + 1) if documented else range(0)
    counted = range(node.lineno, (node.end_lineno or node.lineno) + 1)
    return max(1, sum(1 for number in counted if number not in skipped and lines[number - 1].strip()))


def show(title: str, found: Sequence[Sized]) -> None:
    """A list, the longest first; nothing when it is empty."""
    if found:
        print(f"  {title}:", *sorted(found, key=lambda one: (-one.lines, one.place)), sep="\n  ")


def _shown(file: Path) -> str:
    """The path as seen from the repository, where it is in it."""
    resolved = file.resolve()
    return str(resolved.relative_to(ROOT)) if resolved.is_relative_to(ROOT) else str(file)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
