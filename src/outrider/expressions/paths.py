"""Which fields a condition reads."""

from __future__ import annotations

from outrider.expressions.nodes import Expr, Index, Literal, Name, Quantifier, Select, children
from outrider.expressions.types import Kind


def path_of(node: Expr) -> tuple[str, ...] | None:
    """The names of a plain path such as booking.days or booking["days"]; None for anything else."""
    if isinstance(node, Name):
        return (node.name,)
    if isinstance(node, Select):
        source = path_of(node.source)
        return None if source is None else (*source, node.field)
    if isinstance(node, Index) and isinstance(node.index, Literal) and node.index.kind is Kind.STRING:
        source = path_of(node.source)
        return None if source is None else (*source, str(node.index.value))
    return None


def used_fields(node: Expr) -> frozenset[str]:
    """The dotted paths a condition reads, each as long as the text tells; variables of exists and all are left out."""
    return frozenset(".".join(path) for path in _paths(node, frozenset()))


def _paths(node: Expr, variables: frozenset[str]) -> set[tuple[str, ...]]:
    path = path_of(node)
    if path is not None:
        return set() if path[0] in variables else {path}
    if isinstance(node, Quantifier):
        return _paths(node.source, variables) | _paths(node.test, variables | {node.name})
    found: set[tuple[str, ...]] = set()
    for child in children(node):
        found |= _paths(child, variables)
    return found
