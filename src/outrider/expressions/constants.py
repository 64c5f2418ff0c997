"""Functions for the commonest tests, those against a constant. Each gives what the operator in values.py gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from outrider.expressions.errors import EvaluationError, Undefined
from outrider.expressions.nodes import Binary, Expr
from outrider.expressions.reading import Compiled, Context
from outrider.expressions.values import BINARY, equal, member
from outrider.expressions.writer import write

#: Which method of the constant says the same as the operator before it: found < 3 is 3 > found.
MIRRORED = {"<": "__gt__", "<=": "__ge__", ">": "__lt__", ">=": "__le__"}


def failed(node: Expr, error: Undefined) -> EvaluationError:
    """The error of a node whose operator or function has no value."""
    return EvaluationError(write(node), str(error))


def constant(value: Any) -> Compiled:
    """Always the same value."""

    def run(context: Context) -> Any:  # noqa: ARG001  the shape of all compiled functions
        return value

    return run


def equals_constant(node: Binary, left: Compiled, value: Any) -> Compiled:
    """`left == value`, or `left != value`."""
    same, wanted = type(value), node.op == "=="

    def run(context: Context) -> bool:
        found = left(context)
        if type(found) is same:
            return (found == value) is wanted
        try:
            return equal(found, value) is wanted
        except Undefined as error:
            raise failed(node, error) from None

    return run


def ordered_constant(node: Binary, left: Compiled, value: Any) -> Compiled:
    """`left < value`, or another comparison with a number."""
    compare, same, mirrored = BINARY[node.op], type(value), getattr(value, MIRRORED[node.op])

    def run(context: Context) -> Any:
        found = left(context)
        if type(found) is same:
            return mirrored(found)
        try:
            return compare(found, value)
        except Undefined as error:
            raise failed(node, error) from None

    return run


def among_words(node: Binary, left: Compiled, words: Sequence[Any]) -> Compiled:
    """`left in [words]`, where all words are strings."""
    known = frozenset(words)

    def run(context: Context) -> bool:
        found = left(context)
        if type(found) is str:
            return found in known
        try:
            return member(found, words)
        except Undefined as error:
            raise failed(node, error) from None

    return run
