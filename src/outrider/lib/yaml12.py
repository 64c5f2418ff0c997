"""YAML 1.2 with positions: plain data, and for every key and value the place it was written at.

Scalars follow the core schema of YAML 1.2.2, section 10.3.2, and nothing else: ``on``, ``NO``, ``21:00`` and
``2030-01-01`` stay text, ``true``, ``12``, ``0x1F``, ``1.5`` and ``null`` do not. A key is always text, as written.
Anchors, aliases, tags and second documents are refused: a configuration file says what it means where it says it.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn, TypeAlias

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

#: Keys and indices from the top of the document; () is the whole document.
Path: TypeAlias = tuple[str | int, ...]

#: How deep lists and mappings may be nested; the parser's own time grows with the square of it.
MAX_DEPTH = 100

#: Words with a value: null, booleans, infinities (YAML 1.2.2, section 10.3.2).
WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((f"{sign}.{word}" for sign in ("", "+") for word in ("inf", "Inf", "INF")), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}

#: Numbers (same section). No longer than Python reads without a special switch.
NUMBERS: tuple[tuple[re.Pattern[str], Callable[[str], int | float]], ...] = (
    (re.compile(r"[-+]?[0-9]{1,4300}"), int),
    (re.compile(r"0o[0-7]+"), lambda text: int(text[2:], 8)),
    (re.compile(r"0x[0-9a-fA-F]+"), lambda text: int(text[2:], 16)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
)

#: Words that YAML 1.1 read as booleans (yaml.org/type/bool.html) and YAML 1.2 reads as text.
FORMER_BOOLEANS = {"yes": "true", "y": "true", "on": "true", "no": "false", "n": "false", "off": "false"}

#: Length of the escapes of double-quoted text that are longer than two characters (YAML 1.2.2, section 5.7).
LONG_ESCAPES = {"x": 4, "u": 6, "U": 10}


#: Escapes can name code points that no text may hold (Unicode 15, section 3.8).
SURROGATE = re.compile("[\ud800-\udfff]")


class YamlError(ValueError):
    """The text is not YAML as we read it. `line` and `column` count from 1; the message is one sentence."""

    def __init__(self, line: int, column: int, message: str) -> None:
        super().__init__(f"line {line}, column {column}: {message}")
        self.line = line
        self.column = column
        self.message = message


class Mark(msgspec.Struct, frozen=True):
    """A place in the text: line and column from 1, length in code points (to the end of the first line)."""

    line: int
    column: int
    length: int


class Span(msgspec.Struct, frozen=True):
    """Where a key or value stands: offsets into the text, and how a scalar is quoted."""

    start: int
    end: int
    #: One of ' " | > for quoted and block scalars, empty for plain ones and for lists and mappings.
    style: str = ""


class Located(msgspec.Struct, frozen=True):
    """A document: `value` is plain data (dict, list, str, int, float, bool, None)."""

    file: str
    value: Any
    text: str
    keys: Mapping[Path, Span]
    values: Mapping[Path, Span]
    line_starts: tuple[int, ...]

    def key(self, path: Path) -> Mark:
        """Where the key of a path stands; an item of a list has no key, so its value's place is given."""
        return self._mark(self.keys.get(path) or self._nearest(path))

    def at(self, path: Path) -> Mark:
        """Where the value of a path stands; the nearest existing parent's when there is no such path."""
        return self._mark(self._nearest(path))

    def inside(self, path: Path, offset: int, length: int) -> Mark:
        """Where `length` characters from `offset` (from 0) of the text at a path stand in the file."""
        span = self._nearest(path)
        start = _source_index(self.text, span, _find(self.value, path), offset)
        return self._mark(Span(start, min(start + max(length, 1), max(span.end, start + 1))))

    def _nearest(self, path: Path) -> Span:
        while path not in self.values:
            path = path[:-1]
        return self.values[path]

    def _mark(self, span: Span) -> Mark:
        line = bisect.bisect_right(self.line_starts, span.start)
        line_end = self.text.find("\n", span.start)
        end = min(span.end, line_end if line_end >= 0 else len(self.text))
        return Mark(line, span.start - self.line_starts[line - 1] + 1, max(1, end - span.start))


def read(text: str, file: str = "") -> Located:
    """Read one document. An empty text is None.

    Raises YamlError for wrong syntax, a key that stands twice, a key that is no scalar, nesting deeper than
    MAX_DEPTH, and for anchors, aliases, tags and further documents.
    """
    text = text.removeprefix("\ufeff")
    builder = _Builder(text)
    try:
        value = builder.document()
    except MarkedYAMLError as error:
        builder.fail(_error_index(error, text), _sentence(error))
    except ReaderError as error:
        builder.fail(error.position, f"the character U+{ord(text[error.position]):04X} is not allowed in YAML")
    return Located(file, value, text, builder.keys, builder.values, tuple(builder.line_starts))


def meant_boolean(value: object) -> str:
    """What to write for a word that older YAML took for a boolean: "true", "false", or "" for any other value."""
    return FORMER_BOOLEANS.get(value.lower(), "") if isinstance(value, str) else ""


class _Builder:
    """Turns the parser's events into plain data and notes where everything stands."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.line_starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self.keys: dict[Path, Span] = {}
        self.values: dict[Path, Span] = {}
        self.events: Iterator[Any] = iter(())
        #: Where the last scalar or bracket ended: a block ends there, before the blank lines and comments after it.
        self.end = 0

    def fail(self, index: int, message: str) -> NoReturn:
        line = bisect.bisect_right(self.line_starts, index)
        raise YamlError(line, index - self.line_starts[line - 1] + 1, message)

    def document(self) -> Any:
        self.events = iter(YAML(typ="safe", pure=True).parse(self.text))
        value: Any = None
        for event in self.events:
            if isinstance(event, DocumentStartEvent):
                if self.values:
                    self.fail(event.start_mark.index, "a second document starts here; a file holds one")
                value = self._node(next(self.events), ())
        self.values.setdefault((), Span(0, 0))
        return value

    def _node(self, event: Any, path: Path) -> Any:
        self._refuse(event, path)
        if isinstance(event, ScalarEvent):
            self._note_scalar(event, path)
            return _scalar(event)
        if isinstance(event, SequenceStartEvent):
            return self._items(event, path)
        return self._pairs(event, path)

    def _note_scalar(self, event: ScalarEvent, path: Path) -> None:
        """An empty value stands where its key does."""
        if SURROGATE.search(event.value):
            self.fail(event.start_mark.index, "half a character (a surrogate escape); write the character itself")
        span = Span(event.start_mark.index, event.end_mark.index, event.style or "")
        self.values[path] = self.keys.get(path, span) if span.start == span.end else span
        self.end = max(self.end, span.end if event.value else span.start)

    def _refuse(self, event: Any, path: Path) -> None:
        index = event.start_mark.index
        if len(path) > MAX_DEPTH:
            self.fail(index, f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(event, AliasEvent) or event.anchor is not None:
            self.fail(index, "anchors (&) and aliases (*) are not read here; write the value out, or quote the text")
        if event.ctag is not None:
            self.fail(index, "tags (!) are not read here; leave the tag out, or quote the text")

    def _items(self, start: Any, path: Path) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self.events), SequenceEndEvent):
            items.append(self._node(event, (*path, len(items))))
        self._close(start, event, path)
        return items

    def _pairs(self, start: Any, path: Path) -> dict[str, Any]:
        pairs: dict[str, Any] = {}
        while not isinstance(event := next(self.events), MappingEndEvent):
            key = self._key(event, path)
            if key in pairs:
                line = bisect.bisect_right(self.line_starts, self.keys[(*path, key)].start)
                self.fail(
                    event.start_mark.index, f"the key {key!r} stands here a second time; the first is on line {line}"
                )
            self.keys[(*path, key)] = Span(event.start_mark.index, event.end_mark.index, event.style or "")
            pairs[key] = self._node(next(self.events), (*path, key))
        self._close(start, event, path)
        return pairs

    def _key(self, event: Any, path: Path) -> str:
        self._refuse(event, path)
        if not isinstance(event, ScalarEvent):
            self.fail(
                event.start_mark.index,
                "a key must be a word or text, not a list or mapping; quote a text that starts with { or [",
            )
        return str(event.value)

    def _close(self, start: Any, end: Any, path: Path) -> None:
        if start.flow_style:
            self.end = end.end_mark.index
        self.values[path] = Span(start.start_mark.index, self.end)


def _scalar(event: ScalarEvent) -> Any:
    text: str = event.value
    if event.style is not None:
        return text
    if text in WORDS:
        return WORDS[text]
    for pattern, convert in NUMBERS:
        if pattern.fullmatch(text):
            return convert(text)
    return text


def _find(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _source_index(text: str, span: Span, value: str, offset: int) -> int:
    """The index in the file's text of one character of a scalar's value: quotes, escapes and folds are walked over."""
    index = text.find("\n", span.start) + 1 if span.style in ("|", ">") else span.start + bool(span.style)
    for char in value[:offset]:
        index = _skip_layout(text, index, char)
        index += _width(text, index, span.style)
    return _skip_layout(text, index, value[offset]) if offset < len(value) else index


def _skip_layout(text: str, index: int, char: str) -> int:
    """Past line breaks and indentation that are not in the value."""
    while index < len(text) and text[index].isspace() and not char.isspace():
        index += 1
    return index


def _width(text: str, index: int, style: str) -> int:
    """How many characters of the file one character of the value takes."""
    here, after = text[index : index + 1], text[index + 1 : index + 2]
    if style == '"' and here == "\\":
        return LONG_ESCAPES.get(after, 2)
    return 2 if style == "'" and here == "'" else 1


def _error_index(error: MarkedYAMLError, text: str) -> int:
    """The place to show; what ends right after its bracket has its mark at the end of the text, and is shown there."""
    mark = error.context_mark if _is_unclosed(error) else error.problem_mark
    index = int((mark or error.problem_mark).index)
    return index if text[index:].strip() else max(0, len(text.rstrip()) - 1)


def _is_unclosed(error: MarkedYAMLError) -> bool:
    """The text ends inside brackets or quotes: the place to show is where they open."""
    problem = error.problem or ""
    return "<stream end>" in problem or "unexpected end of stream" in problem


def _sentence(error: MarkedYAMLError) -> str:
    """The parser's words, with the usual cause where there is one."""
    problem, context = error.problem or "", error.context or ""
    if _is_unclosed(error):
        return "this bracket or quote is never closed"
    if "mapping values are not allowed" in problem:
        return "a second ': ' on this line; quote a text that contains ': ', or mind the indentation"
    if "'\\t' that cannot start" in problem:
        return "a tab stands here; indent with spaces"
    if "that cannot start any token" in problem:
        return f"{problem}; quote the text"
    return f"{problem} ({context})" if context else problem
