"""From a syntax tree to a Python function, by putting closures together; no text is ever executed.

The commonest shapes (a path compared with a constant, a path in a list of constants) have closures of their own;
they give exactly what the general ones give, only sooner (constants.py, reading.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from outrider.expressions.checker import infer
from outrider.expressions.constants import among_words, constant, equals_constant, failed, ordered_constant
from outrider.expressions.errors import EvaluationError, Undefined
from outrider.expressions.functions import FUNCTIONS, METHODS, dispatch
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
    Quantifier,
    Select,
    Unary,
)
from outrider.expressions.paths import path_of
from outrider.expressions.reading import Compiled, Context, reach, read_path
from outrider.expressions.types import ANY, FieldType, Kind
from outrider.expressions.values import BINARY, UNARY, arithmetic, at, float_division, kind
from outrider.expressions.writer import write

Fields: TypeAlias = Mapping[str, FieldType]

#: How many items exists and all look through. Ours; bounds the work of one condition.
ITEMS = 1000


def compile(expr: Expr, fields: Fields | None = None) -> Compiled:  # noqa: A001  named as in re.compile
    """The function of a tree: takes a context (plain dicts and values) and gives the value.

    The function is pure and raises EvaluationError where there is no value, nothing else. With `fields`, the declared
    fields, a division in which one side is declared float is a float division also for whole numbers from JSON.
    """
    return _compile(expr, fields or {})


def _compile(node: Expr, fields: Fields) -> Compiled:
    path = path_of(node)
    if path is not None:
        return read_path(path)
    return COMPILERS[type(node)](node, fields)


def _literal(node: Literal, fields: Fields) -> Compiled:  # noqa: ARG001  the shape of all COMPILERS
    return constant(node.value)


def _select(node: Select, fields: Fields) -> Compiled:
    source, name = _compile(node.source, fields), node.field

    def read(context: Context) -> Any:
        value = source(context)
        if not isinstance(value, Mapping):
            raise EvaluationError(write(node), f"{write(node.source)} is not a map")
        if name not in value:
            raise EvaluationError(write(node), "missing")
        return value[name]

    return read


def _index(node: Index, fields: Fields) -> Compiled:
    return _strict_2(node, at, _compile(node.source, fields), _compile(node.index, fields))


def _strict_2(node: Expr, apply: Callable[[Any, Any], Any], left: Compiled, right: Compiled) -> Compiled:
    def run(context: Context) -> Any:
        one, other = left(context), right(context)
        try:
            return apply(one, other)
        except Undefined as error:
            raise failed(node, error) from None

    return run


def _unary(node: Unary, fields: Fields) -> Compiled:
    operand, apply = _compile(node.operand, fields), UNARY[node.op]

    def run(context: Context) -> Any:
        value = operand(context)
        try:
            return apply(value)
        except Undefined as error:
            raise failed(node, error) from None

    return run


def _binary(node: Binary, fields: Fields) -> Compiled:
    left = _compile(node.left, fields)
    sooner = _with_constant(node, left)
    if sooner is not None:
        return sooner
    return _strict_2(node, _operator(node, fields), left, _compile(node.right, fields))


def _with_constant(node: Binary, left: Compiled) -> Compiled | None:
    right = node.right
    if isinstance(right, Literal):
        if node.op in ("==", "!="):
            return equals_constant(node, left, right.value)
        if node.op in ("<", "<=", ">", ">=") and right.kind in (Kind.INT, Kind.FLOAT):
            return ordered_constant(node, left, right.value)
    if node.op == "in" and isinstance(right, Items):
        words = [item.value for item in right.items if isinstance(item, Literal) and item.kind is Kind.STRING]
        if len(words) == len(right.items):
            return among_words(node, left, words)
    return None


def _operator(node: Binary, fields: Fields) -> Callable[[Any, Any], Any]:
    if node.op in BINARY:
        return BINARY[node.op]
    if node.op == "/" and Kind.FLOAT in (infer(node.left, fields).kind, infer(node.right, fields).kind):
        return float_division
    op = node.op
    return lambda left, right: arithmetic(op, left, right)


def _logical(node: Logical, fields: Fields) -> Compiled:
    decisive: bool = node.op == "||"
    otherwise = not decisive
    parts = tuple((part, _compile(part, fields)) for part in node.parts)

    def run(context: Context) -> bool:
        error: EvaluationError | None = None
        for part, read in parts:
            try:
                value = read(context)
            except EvaluationError as raised:
                error = error or raised
                continue
            if value is decisive:
                return not otherwise
            if value is not otherwise:
                error = error or _not_bool(part, value)
        if error is None:
            return otherwise
        try:
            raise error
        finally:
            del error  # or the frame and its error keep each other alive

    return run


def _not_bool(node: Expr, value: object) -> EvaluationError:
    return EvaluationError(write(node), f"expected bool, got {_kind_name(value)}")


def _kind_name(value: object) -> str:
    try:
        return kind(value).value
    except Undefined:
        return type(value).__name__


def _conditional(node: Conditional, fields: Fields) -> Compiled:
    test, then, other = (_compile(part, fields) for part in (node.test, node.then, node.other))

    def run(context: Context) -> Any:
        chosen = test(context)
        if chosen is True:
            return then(context)
        if chosen is False:
            return other(context)
        raise _not_bool(node.test, chosen)

    return run


def _items(node: Items, fields: Fields) -> Compiled:
    parts = tuple(_compile(item, fields) for item in node.items)
    return lambda context: [part(context) for part in parts]


def _has(node: Has, fields: Fields) -> Compiled:
    path, field = path_of(node.target.source), node.target.field
    holder = _compile(node.target.source, fields) if path is None else reach(path)

    def run(context: Context) -> bool:
        value = holder(context)
        if value is None or isinstance(value, Mapping):
            return value is not None and field in value
        raise EvaluationError(write(node), f"{write(node.target.source)} is not a map")

    return run


def _call(node: Call, fields: Fields) -> Compiled:
    nodes = node.arguments if node.target is None else (node.target, *node.arguments)
    overloads = (FUNCTIONS if node.target is None else METHODS)[node.function]
    arguments = tuple(_compile(argument, fields) for argument in nodes)
    apply = dispatch(node.function, overloads)

    def run(context: Context) -> Any:
        values = [argument(context) for argument in arguments]
        try:
            return apply(*values)
        except Undefined as error:
            raise failed(node, error) from None

    return _folded(run) if node.target is None and all(isinstance(part, Literal) for part in nodes) else run


def _folded(run: Compiled) -> Compiled:
    """A call of constants is made once; one that fails goes on failing where it is used."""
    try:
        value = run({})
    except EvaluationError:
        return run
    return constant(value)


def _quantifier(node: Quantifier, fields: Fields) -> Compiled:
    source = _compile(node.source, fields)
    element = infer(node.source, fields).element or ANY
    test, name = _compile(node.test, {**fields, node.name: element}), node.name
    decisive: bool = node.op == "exists"
    otherwise = not decisive

    def run(context: Context) -> bool:
        scope = dict(context)
        error: EvaluationError | None = None
        for item in _sequence(node, source(context)):
            scope[name] = item
            try:
                value = test(scope)
            except EvaluationError as raised:
                error = error or raised
                continue
            if value is decisive:
                return not otherwise
            if value is not otherwise:
                error = error or _not_bool(node.test, value)
        if error is None:
            return otherwise
        try:
            raise error
        finally:
            del error  # or the frame and its error keep each other alive

    return run


def _sequence(node: Quantifier, value: Any) -> Any:
    if not isinstance(value, list | tuple | Mapping):
        raise EvaluationError(write(node.source), f"{node.op} needs a list or a map, got {_kind_name(value)}")
    if len(value) > ITEMS:
        raise EvaluationError(write(node.source), f"{node.op} looks through {ITEMS} items, there are {len(value)}")
    return value


COMPILERS: dict[type, Callable[[Any, Fields], Compiled]] = {
    Literal: _literal,
    Select: _select,
    Index: _index,
    Unary: _unary,
    Binary: _binary,
    Logical: _logical,
    Conditional: _conditional,
    Items: _items,
    Call: _call,
    Has: _has,
    Quantifier: _quantifier,
}
