"""From a syntax tree back to text, with no more brackets than needed: parse(write(node)) equals node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from outrider.expressions.nodes import (
    Binary,
    Call,
    Conditional,
    Expr,
    Has,
    Index,
    Items,
    Literal,
    Logical,
    Name,
    Quantifier,
    Select,
    Unary,
)
from outrider.expressions.parser import RANKS
from outrider.expressions.types import Kind

#: Binding strength above that of the binary operators (parser.RANKS) and, 0, below it.
CONDITIONAL, UNARY, POSTFIX = 0, 6, 7
ESCAPES = str.maketrans(
    {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    | {chr(code): f"\\u{code:04x}" for code in (*range(9), 11, 12, *range(14, 32), 127)}
)


def write(node: Expr) -> str:
    """The text of a tree."""
    return WRITERS[type(node)](node)


def _rank(node: Expr) -> int:
    if isinstance(node, Binary | Logical):
        return RANKS[node.op]
    if isinstance(node, Conditional):
        return CONDITIONAL
    if isinstance(node, Unary):
        return UNARY
    negative = isinstance(node, Literal) and write(node).startswith("-")
    return UNARY if negative else POSTFIX


def _within(node: Expr, weakest: int) -> str:
    text = write(node)
    return text if _rank(node) >= weakest else f"({text})"


def _literal(node: Literal) -> str:
    if node.kind is Kind.STRING:
        return f'"{str(node.value).translate(ESCAPES)}"'
    if node.kind is Kind.FLOAT:
        return repr(node.value)
    return "null" if node.value is None else str(node.value).lower()


def _unary(node: Unary) -> str:
    inner = node.operand
    if isinstance(inner, Unary) and inner.op == node.op:
        return f"{node.op}{write(inner)}"
    number = isinstance(inner, Literal) and inner.kind in (Kind.INT, Kind.FLOAT)
    text = _within(inner, UNARY if number else POSTFIX)
    unclear = node.op == "-" and text[0] in ".0123456789"  # -1 is one literal, -(1) an operator and a literal
    return f"{node.op}({text})" if unclear else f"{node.op}{text}"


def _binary(node: Binary) -> str:
    rank = RANKS[node.op]
    return f"{_within(node.left, rank)} {node.op} {_within(node.right, rank + 1)}"


def _logical(node: Logical) -> str:
    return f" {node.op} ".join(_within(part, RANKS[node.op] + 1) for part in node.parts)


def _conditional(node: Conditional) -> str:
    test, then = _within(node.test, CONDITIONAL + 1), _within(node.then, CONDITIONAL + 1)
    return f"{test} ? {then} : {write(node.other)}"


def _call(node: Call) -> str:
    arguments = ", ".join(map(write, node.arguments))
    target = "" if node.target is None else f"{_within(node.target, POSTFIX)}."
    return f"{target}{node.function}({arguments})"


def _quantifier(node: Quantifier) -> str:
    return f"{_within(node.source, POSTFIX)}.{node.op}({node.name}, {write(node.test)})"


WRITERS: dict[type, Callable[[Any], str]] = {
    Literal: _literal,
    Name: lambda node: node.name,
    Select: lambda node: f"{_within(node.source, POSTFIX)}.{node.field}",
    Index: lambda node: f"{_within(node.source, POSTFIX)}[{write(node.index)}]",
    Unary: _unary,
    Binary: _binary,
    Logical: _logical,
    Conditional: _conditional,
    Items: lambda node: f"[{', '.join(map(write, node.items))}]",
    Call: _call,
    Has: lambda node: f"has({write(node.target)})",
    Quantifier: _quantifier,
}
