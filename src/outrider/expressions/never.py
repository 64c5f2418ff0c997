"""Conditions that cannot come out otherwise, whatever the facts are: `1 == 2`, `market == "GB" && market == "FR"`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from outrider.expressions.compiler import compile as compile_condition
from outrider.expressions.nodes import Binary, Expr, Items, Literal, Logical, Unary
from outrider.expressions.paths import used_fields
from outrider.expressions.types import Kind
from outrider.expressions.verdict import judge

#: A constant by kind and value: 1, 1.0 and true are three.
_Words: TypeAlias = frozenset[tuple[Kind, object]]


def is_never_true(tree: Expr) -> bool:
    """True when no facts make the condition true. False says nothing: most contradictions are not looked for."""
    return _constant(tree) is False


def _constant(tree: Expr) -> bool | None:
    """What the condition always is, an error counting as false; None when it depends, or nobody looked."""
    if isinstance(tree, Logical):
        return _joined(tree)
    if isinstance(tree, Unary) and tree.op == "!" and used_fields(tree):
        inner = _constant(tree.operand)
        # `!` of an error is an error: only what is always true makes it surely not true.
        return False if inner is True else None
    if used_fields(tree):
        return None
    return judge(compile_condition(tree, {}), {}).value


def _joined(tree: Logical) -> bool | None:
    verdicts = [_constant(part) for part in tree.parts]
    decides = tree.op == "||"
    if decides in verdicts:
        return decides
    if all(verdict is not None for verdict in verdicts):
        return not decides
    return False if not decides and _contradict(tree.parts) else None


def _contradict(parts: Iterable[Expr]) -> bool:
    """Two parts allow one field no common value."""
    allowed: dict[Expr, _Words] = {}
    for part in parts:
        found = _allowed(part)
        if found is None:
            continue
        field, words = found
        allowed[field] = allowed.get(field, words) & words
        if not allowed[field]:
            return True
    return False


def _allowed(part: Expr) -> tuple[Expr, _Words] | None:
    """The field and the constants it may have: of `field == "x"`, `"x" == field` and `field in ["x", "y"]`.

    Numbers are left out: 1 and 1.0 are equal without being the same.
    """
    if not isinstance(part, Binary) or part.op not in ("==", "in"):
        return None
    left, right = (part.right, part.left) if isinstance(part.left, Literal) else (part.left, part.right)
    items = right.items if part.op == "in" and isinstance(right, Items) else (right,) if part.op == "==" else ()
    words = [(item.kind, item.value) for item in items if isinstance(item, Literal) and item.kind is Kind.STRING]
    return (left, frozenset(words)) if words and len(words) == len(items) and used_fields(left) else None
