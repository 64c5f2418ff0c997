"""Loads SQL statements that live in `*.sql` files under names.

A file holds any number of statements, each begun by its name and one line or more of purpose::

    -- name: claim_due_timers
    -- Takes the due timers of one shard, passing over those another worker holds.
    select ...
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from importlib.resources.abc import Traversable

import msgspec

_MARK = re.compile(r"^--\s*name:(?P<name>.*)$", re.MULTILINE)
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


class BadQuery(Exception):
    """A statement file breaks a rule; the text names the file, the line and the rule."""


class Query(msgspec.Struct, frozen=True):
    """One statement: its name, what it is for, its text, and the `file:line` it stands at."""

    name: str
    purpose: str
    sql: str
    place: str


class Queries(Mapping[str, str]):
    """Statements by name, as attributes (`queries.claim_due_timers`) and as a mapping; the value is the SQL text."""

    def __init__(self, found: Mapping[str, Query]) -> None:
        self.details = dict(found)

    def __getattr__(self, name: str) -> str:
        if name.startswith("__") or name == "details":
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(error.args[0]) from None

    def __getitem__(self, name: str) -> str:
        try:
            return self.details[name].sql
        except KeyError:
            near = get_close_matches(name, self.details, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise KeyError(f"no statement is named {name}{hint}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self.details)

    def __len__(self) -> int:
        return len(self.details)


def load(folder: Traversable) -> Queries:
    """Load every `*.sql` file of `folder` (a Path, or `importlib.resources.files(package)`), in the order of names.

    The text of a statement begins with its name as a comment, so that the server's views and logs show it.
    Raises BadQuery for a bad or repeated name, a missing purpose, an empty statement, or text before the first name.
    """
    found: dict[str, Query] = {}
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    for query in (query for file in files for query in parse(file.read_text(encoding="utf-8"), file.name)):
        if earlier := found.get(query.name):
            raise BadQuery(f"{query.place}: {query.name} is named already at {earlier.place}")
        found[query.name] = query
    return Queries(found)


def parse(text: str, file: str) -> list[Query]:
    """Give the statements of one file's text; `file` is its name for messages. Raises BadQuery as `load` does."""
    marks = list(_MARK.finditer(text))
    first = marks[0].start() if marks else len(text)
    _refuse_loose_text(text[:first], file)
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    return [
        _query(mark["name"].strip(), text[mark.end() : end], f"{file}:{text.count(chr(10), 0, mark.start()) + 1}")
        for mark, end in zip(marks, ends, strict=True)
    ]


def _refuse_loose_text(text: str, file: str) -> None:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.startswith("--"):
            raise BadQuery(f"{file}:{number}: text before the first `-- name:` belongs to no statement")


def _query(name: str, text: str, place: str) -> Query:
    if not _NAME.fullmatch(name):
        raise BadQuery(f"{place}: the name {name!r} is not in snake_case")
    if name in dir(Queries) or name == "details":
        raise BadQuery(f"{place}: the name {name} is taken by Python's mapping methods")
    lines = text.strip().splitlines()
    length = next((number for number, line in enumerate(lines) if not line.startswith("--")), len(lines))
    purpose = " ".join(line.lstrip("- ").strip() for line in lines[:length]).strip()
    if not purpose:
        raise BadQuery(f"{place}: {name} has no line of purpose; begin the line after its name with `-- `")
    sql = "\n".join(lines[length:]).strip().rstrip(";").rstrip()
    if not _without_comments(sql):
        raise BadQuery(f"{place}: {name} has no SQL")
    return Query(name, purpose, f"/* {name} */ {sql}", place)


def _without_comments(sql: str) -> str:
    return re.sub(r"--[^\n]*|/\*.*?\*/", "", sql, flags=re.DOTALL).strip(" \n\t;")
