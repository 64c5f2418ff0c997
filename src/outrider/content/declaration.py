"""`template.yaml`: what a template is for, its languages, its encoding policy, and the variables it may use."""

from __future__ import annotations

import math
import re
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

import msgspec
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from outrider.content import shift
from outrider.content.moments import BadMoment, day_of, local
from outrider.domain.problem import Problem
from outrider.domain.purpose import Purpose


class Policy(StrEnum):
    """What happens to characters GSM-7 cannot carry."""

    #: The text is refused.
    STRICT = "strict"
    #: They are replaced by what says the same, where something does.
    TRANSLITERATE = "transliterate"
    #: The text is sent as it is, in UCS-2 where needed.
    UNICODE = "unicode"


class Variable(msgspec.Struct, frozen=True):
    """One value a template may use."""

    type: str
    #: A typical value, plain; used by previews and by the check of the template.
    example: Any
    #: Code points of the longest value expected (strings only); None when not declared.
    longest: int | None = None
    #: The largest value expected (numbers only); None when not declared.
    largest: float | None = None
    line: int = 0
    column: int = 0


class Declaration(msgspec.Struct, frozen=True):
    """A template.yaml, checked."""

    name: str
    file: str
    purpose: Purpose | None = None
    #: Locales that must exist, as written.
    languages: tuple[str, ...] = ()
    #: The locale used when none of the wanted ones exists.
    fallback: str = "en"
    policy: Policy = Policy.TRANSLITERATE
    #: Segments an SMS may take with the longest values; None for no budget.
    segments: int | None = None
    #: Languages whose national shift table may be used, where the route supports it.
    shift_tables: frozenset[str] = frozenset()
    variables: dict[str, Variable] = {}


#: Type → the YAML tags its example may have, as they are written at the end of the tag's URI.
TYPES = {
    "string": ("str",),
    "integer": ("int",),
    "number": ("int", "float"),
    "boolean": ("bool",),
    "date": ("timestamp", "str"),
    "datetime": ("timestamp", "str"),
    "list": ("seq",),
}
LOCALE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
NAME = re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*)*", re.ASCII)

#: Always there: put in by the renderer, the caller or the template engine.
RESERVED = frozenset({"zone", "locale", "market", "formal", "loop", "range"})
NUMBERS = ("integer", "number")


def read_declaration(name: str, file: str, text: str) -> tuple[Declaration, list[Problem]]:
    """Parse and check one template.yaml; the declaration holds what could be read, the problems say what could not."""
    reader = _Reader(file)
    root = reader.compose(text)
    fields = reader.mapping(root, frozenset(READERS)) if root is not None else {}
    read = {key: READERS[key](reader, node) for key, (_, node) in fields.items()}
    known = {FIELDS.get(key, key): value for key, value in read.items() if value is not None}
    return Declaration(name, file, **known), reader.problems


class _Reader:
    """Turns YAML nodes into values and collects what is wrong with them, each with its place."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def problem(self, node: Node, message: str, hint: str = "") -> None:
        mark, end = node.start_mark, node.end_mark
        length = end.column - mark.column if end.line == mark.line else 1
        self.problems.append(Problem(self.file, mark.line + 1, mark.column + 1, message, hint, max(1, length)))

    def compose(self, text: str) -> Node | None:
        try:
            root: Node | None = YAML(typ="rt", pure=True).compose(text)
            return root
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
            self.problems.append(Problem(self.file, line, column, f"not valid YAML: {error.problem}"))
        except YAMLError as error:
            first = str(error).splitlines()[0]
            self.problems.append(Problem(self.file, 0, 0, f"not valid YAML: {first}"))
        return None

    def mapping(self, node: Node, known: frozenset[str] | None) -> dict[str, tuple[Node, Node]]:
        if not isinstance(node, MappingNode):
            self.problem(node, "expected a mapping of names to values")
            return {}
        found: dict[str, tuple[Node, Node]] = {}
        for key, value in node.value:
            if key.value in found:
                self.problem(key, f"{key.value!r} is given twice")
            elif known is not None and key.value not in known:
                self.problem(
                    key, f"unknown key {key.value!r}: expected {', '.join(sorted(known))}", near(key.value, known)
                )
            else:
                found[key.value] = (key, value)
        return found

    def choice(self, node: Node, choices: frozenset[str], what: str) -> str | None:
        if isinstance(node, ScalarNode) and node.value in choices:
            return str(node.value)
        shown = node.value if isinstance(node, ScalarNode) else "a collection"
        self.problem(
            node, f"unknown {what} {shown!r}: expected {', '.join(sorted(choices))}", near(str(shown), choices)
        )
        return None

    def locale(self, node: Node) -> str | None:
        if isinstance(node, ScalarNode) and LOCALE.fullmatch(node.value):
            return str(node.value)
        self.problem(node, "expected a language tag such as fr or fr-CA")
        return None

    def locales(self, node: Node) -> tuple[str, ...] | None:
        if not isinstance(node, SequenceNode):
            self.problem(node, "expected a list of language tags such as [fr, en]")
            return None
        return tuple([locale for each in node.value if (locale := self.locale(each))])

    def purpose(self, node: Node) -> Purpose | None:
        chosen = self.choice(node, frozenset(Purpose), "purpose")
        return Purpose(chosen) if chosen else None

    def policy(self, node: Node) -> Policy | None:
        chosen = self.choice(node, frozenset(Policy), "policy")
        return Policy(chosen) if chosen else None

    def segments(self, node: Node) -> int | None:
        if tag_of(node) == "int" and int(plain(node)) > 0:
            return int(plain(node))
        self.problem(node, "expected a number of segments above 0")
        return None

    def shift_tables(self, node: Node) -> frozenset[str] | None:
        if not isinstance(node, SequenceNode):
            self.problem(node, "expected a list of languages such as [es, pt]")
            return None
        chosen = [self.choice(each, frozenset(shift.LETTERS), "national shift table") for each in node.value]
        return frozenset(each for each in chosen if each)

    def variables(self, node: Node) -> dict[str, Variable]:
        fields = self.mapping(node, None)
        found = {}
        for name, (key, value) in fields.items():
            if self.name_is_fine(name, key, fields) and (variable := self.variable(key, value)):
                found[name] = variable
        return found

    def name_is_fine(self, name: str, key: Node, fields: dict[str, tuple[Node, Node]]) -> bool:
        wrong = len(self.problems)
        if not NAME.fullmatch(name):
            self.problem(key, f"{name!r} is no variable name: expected letters, digits and _, with . between levels")
        elif name.split(".")[0] in RESERVED:
            self.problem(key, f"{name.split('.')[0]!r} is always there and cannot be declared")
        elif inner := next((other for other in fields if other.startswith(f"{name}.")), None):
            self.problem(key, f"{name!r} cannot be a value and hold {inner!r} at the same time")
        return len(self.problems) == wrong

    def variable(self, key: Node, node: Node) -> Variable | None:
        fields = self.mapping(node, frozenset({"type", "example", "longest", "largest"}))
        for missing in [each for each in ("type", "example") if each not in fields]:
            self.problem(key, f"variable {key.value!r} has no {missing}", VARIABLE_HINT)
        if "type" not in fields or "example" not in fields:
            return None
        kind = self.choice(fields["type"][1], frozenset(TYPES), "type")
        if kind is None or not self.example_fits(kind, fields["example"][1]):
            return None
        longest = self.longest(kind, fields["longest"][1]) if "longest" in fields else None
        largest = self.largest(kind, fields["largest"][1]) if "largest" in fields else None
        mark = key.start_mark
        return Variable(kind, plain(fields["example"][1]), longest, largest, mark.line + 1, mark.column + 1)

    def example_fits(self, kind: str, node: Node) -> bool:
        tag = tag_of(node)
        if tag not in TYPES[kind]:
            self.problem(
                node, f"expected an example of type {kind}, got {TAGS.get(tag, tag)}", QUOTE_HINT.get(kind, "")
            )
            return False
        try:
            CHECKS.get(kind, str)(node.value)
        except BadMoment as error:
            self.problem(node, str(error))
            return False
        return True

    def longest(self, kind: str, node: Node) -> int | None:
        if kind == "string" and tag_of(node) == "int" and int(plain(node)) > 0:
            return int(plain(node))
        self.problem(node, "expected a number of characters above 0, for a variable of type string")
        return None

    def largest(self, kind: str, node: Node) -> float | None:
        if kind in NUMBERS and tag_of(node) in TYPES[kind] and math.isfinite(plain(node)):
            value: float = plain(node)
            return value
        self.problem(
            node,
            f"expected {'a whole number' if kind == 'integer' else 'a number'}, for a variable of type "
            "integer or number",
        )
        return None


def near(word: str, known: frozenset[str]) -> str:
    """A hint naming the closest known word; empty when none is close."""
    matches = get_close_matches(word, sorted(known), 1)
    return f"did you mean {str(matches[0])!r}?" if matches else ""


def tag_of(node: Node) -> str:
    """The short name of a node's YAML 1.2 type: str, int, float, bool, null, timestamp, seq, map."""
    return str(node.tag).rpartition(":")[2]


def plain(node: Node) -> Any:
    """The value of a YAML 1.2 node made of mappings, lists and scalars; a date or time stays text."""
    if isinstance(node, MappingNode):
        return {str(key.value): plain(value) for key, value in node.value}
    if isinstance(node, SequenceNode):
        return [plain(each) for each in node.value]
    return SCALARS.get(tag_of(node), str)(node.value)


SCALARS: dict[str, Any] = {
    "int": lambda text: int(text.replace("_", ""), 0 if text[:2].lower() in ("0x", "0o") else 10),
    "float": lambda text: float(text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan")),
    "bool": lambda text: text.lower() == "true",
    "null": lambda _: None,
}
TAGS = {"str": "text", "int": "a whole number", "float": "a number", "bool": "a truth value", "null": "nothing"} | {
    "seq": "a list",
    "map": "a mapping",
    "timestamp": "a date",
}
CHECKS: dict[str, Any] = {
    "date": lambda text: day_of(text, "UTC"),
    "datetime": lambda text: local(text, "UTC"),
}
VARIABLE_HINT = 'write for example {type: string, example: "B12", longest: 20}'
QUOTE_HINT = {"string": "put it in quotes"}
READERS: dict[str, Any] = {
    "purpose": _Reader.purpose,
    "languages": _Reader.locales,
    "fallback": _Reader.locale,
    "transliterate": _Reader.policy,
    "segments": _Reader.segments,
    "shift_tables": _Reader.shift_tables,
    "variables": _Reader.variables,
}
FIELDS = {"transliterate": "policy"}
