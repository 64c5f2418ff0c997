"""What the fields of a condition are compared with: the constants an author wrote down."""

from __future__ import annotations

from collections.abc import Iterator

from outrider.expressions.nodes import Binary, Expr, Items, Literal, Quantifier, children
from outrider.expressions.paths import path_of
from outrider.expressions.types import Kind


def compared_texts(node: Expr) -> Iterator[tuple[str, Literal]]:
    """Each dotted path with each text that ``==``, ``!=`` or ``in`` holds against it, from left to right.

    Variables of exists and all are left out.
    """
    if isinstance(node, Quantifier):
        yield from compared_texts(node.source)
        inner = compared_texts(node.test)
        yield from ((path, text) for path, text in inner if path.partition(".")[0] != node.name)
        return
    if isinstance(node, Binary) and node.op in ("==", "!=", "in"):
        yield from _compared(node)
    for child in children(node):
        yield from compared_texts(child)


def _compared(node: Binary) -> Iterator[tuple[str, Literal]]:
    swapped = node.op != "in" and isinstance(node.left, Literal)
    field, other = (node.right, node.left) if swapped else (node.left, node.right)
    constants = (other,) if node.op != "in" else other.items if isinstance(other, Items) else ()
    if path := path_of(field):
        texts = (each for each in constants if isinstance(each, Literal) and each.kind is Kind.STRING)
        yield from ((".".join(path), text) for text in texts)
