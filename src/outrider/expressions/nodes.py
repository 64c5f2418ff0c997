"""The syntax tree of a condition: twelve kinds of node, all immutable, each with its place in the text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import msgspec

from outrider.expressions.types import Kind


class Place(msgspec.Struct, frozen=True, eq=False):
    """Where a node stands: `offset` and `length` in characters from 0, `line` and `column` from 1.

    All places are equal, so that two trees are equal when they say the same, however they are laid out.
    """

    offset: int = 0
    length: int = 0
    line: int = 1
    column: int = 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Place)

    def __hash__(self) -> int:
        return 0

    @property
    def end(self) -> int:
        """The offset after the last character."""
        return self.offset + self.length


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """What all nodes have."""

    place: Place = Place()


class Literal(Node, frozen=True):
    """A string, int, float, bool or null. `kind` keeps 1, 1.0 and true apart, which Python calls equal."""

    kind: Kind
    value: str | int | float | bool | None


class Name(Node, frozen=True):
    """A top-level field, or the variable of an enclosing quantifier."""

    name: str


class Select(Node, frozen=True):
    """`source.field`. `field_place` is where the field's name stands."""

    source: Expr
    field: str
    field_place: Place = Place()


class Index(Node, frozen=True):
    """`source[index]`, of a list or a map."""

    source: Expr
    index: Expr


class Unary(Node, frozen=True):
    """`!operand` or `-operand`."""

    op: str
    operand: Expr


class Binary(Node, frozen=True):
    """`left op right`, where op is one of == != < <= > >= in + - * / %."""

    op: str
    left: Expr
    right: Expr


class Logical(Node, frozen=True):
    """Two or more parts joined by one of && and ||."""

    op: str
    parts: tuple[Expr, ...]


class Conditional(Node, frozen=True):
    """`test ? then : other`."""

    test: Expr
    then: Expr
    other: Expr


class Items(Node, frozen=True):
    """`[a, b, c]`."""

    items: tuple[Expr, ...]


class Call(Node, frozen=True):
    """`function(arguments)` when target is None, else `target.function(arguments)`."""

    function: str
    target: Expr | None
    arguments: tuple[Expr, ...]


class Has(Node, frozen=True):
    """`has(source.field)`: is the field there."""

    target: Select


class Quantifier(Node, frozen=True):
    """`source.exists(name, test)` or `source.all(name, test)`; op is the word."""

    op: str
    source: Expr
    name: str
    test: Expr


Expr: TypeAlias = (
    Literal | Name | Select | Index | Unary | Binary | Logical | Conditional | Items | Call | Has | Quantifier
)


def children(node: Expr) -> Iterator[Expr]:
    """The direct parts of a node, from left to right."""
    for field in node.__struct_fields__:
        part = getattr(node, field)
        if isinstance(part, Node):
            yield part  # type: ignore[misc]
        elif isinstance(part, tuple):
            yield from part
