"""What the operators do with values: kinds, equality, order, arithmetic, membership.

Follows google/cel-spec, doc/langdef.md, with one addition: arithmetic between an int and a float is done in
floats, since JSON does not tell 10 from 10.0. Every function raises Undefined where there is no value.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from outrider.expressions.errors import Undefined
from outrider.expressions.tokens import LARGEST
from outrider.expressions.types import NUMBERS, Kind

KINDS: dict[type, Kind] = {
    str: Kind.STRING,
    bool: Kind.BOOL,
    int: Kind.INT,
    float: Kind.FLOAT,
    type(None): Kind.NULL,
    datetime: Kind.TIMESTAMP,
    timedelta: Kind.DURATION,
    list: Kind.LIST,
    dict: Kind.MAP,
    tuple: Kind.LIST,
    Mapping: Kind.MAP,
}
#: Kinds with an order among themselves (langdef.md, List of Standard Definitions, `_<_`).
ORDERED = frozenset({Kind.STRING, Kind.BOOL, Kind.INT, Kind.FLOAT, Kind.TIMESTAMP, Kind.DURATION})
#: Types whose own == and < are those of CEL when both sides have the very same type.
PLAIN = frozenset({str, int, float, timedelta})
#: How deep two lists or maps are compared. Ours; facts are rarely more than five levels deep.
LEVELS = 64


def kind(value: object) -> Kind:
    """The kind of a value from a context. Raises Undefined for types that conditions do not know."""
    known = KINDS.get(type(value))
    if known is not None:
        return known
    for python_type, known in KINDS.items():
        if isinstance(value, python_type):
            return known
    raise Undefined(f"a value of type {type(value).__name__} cannot be used in a condition")


def instant(value: datetime) -> datetime:
    """The same instant in UTC, since Python compares and adds wall times within one zone. Refuses naive datetimes."""
    if value.tzinfo is UTC:
        return value
    if value.utcoffset() is None:
        raise Undefined("a timestamp needs a time zone, this one has none")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise Undefined("the timestamp is out of range") from None


def equal(left: Any, right: Any, level: int = 0) -> bool:
    """CEL equality: values of different kinds are unequal, but an int equals the float of the same value."""
    if type(left) is type(right) and type(left) in PLAIN:
        return bool(left == right)
    left_kind, right_kind = kind(left), kind(right)
    if left_kind in NUMBERS and right_kind in NUMBERS:
        return bool(left == right)
    if left_kind is not right_kind:
        return False
    if left_kind is Kind.TIMESTAMP:
        return instant(left) == instant(right)
    if left_kind in (Kind.LIST, Kind.MAP):
        return _equal_inside(left, right, level + 1)
    return bool(left == right)


def _equal_inside(left: Any, right: Any, level: int) -> bool:
    if level > LEVELS:
        raise Undefined(f"the values are more than {LEVELS} levels deep")
    if len(left) != len(right):
        return False
    if isinstance(left, Mapping):
        return all(key in right and equal(value, right[key], level) for key, value in left.items())
    return all(equal(one, other, level) for one, other in zip(left, right, strict=True))


def unequal(left: Any, right: Any) -> bool:
    """The negation of `equal`."""
    return not equal(left, right)


def ordering(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """One of < <= > >= over two numbers or two values of one ordered kind."""

    def ordered(left: Any, right: Any) -> bool:
        if type(left) is type(right) and type(left) in PLAIN:
            return compare(left, right)
        left_kind, right_kind = kind(left), kind(right)
        same = left_kind is right_kind and left_kind in ORDERED
        if not same and not (left_kind in NUMBERS and right_kind in NUMBERS):
            raise Undefined(f"cannot compare {left_kind} with {right_kind}")
        if left_kind is Kind.TIMESTAMP:
            return compare(instant(left), instant(right))
        return compare(left, right)

    return ordered


def member(item: Any, container: Any) -> bool:
    """`item in container`: an equal item of a list, or a key of a map."""
    container_kind = kind(container)
    if container_kind is Kind.LIST:
        return any(equal(item, other) for other in container)
    if container_kind is Kind.MAP:
        return kind(item) is Kind.STRING and item in container
    raise Undefined(f"`in` needs a list or a map on its right, got {container_kind}")


def at(container: Any, index: Any) -> Any:
    """`container[index]`: an item of a list, counted from 0, or the value of a map under a string key."""
    container_kind, index_kind = kind(container), kind(index)
    if container_kind is Kind.LIST and index_kind is Kind.INT:
        if 0 <= index < len(container):
            return container[index]
        raise Undefined(f"there is no item {index}, the list has {len(container)}")
    if container_kind is Kind.MAP and index_kind is Kind.STRING:
        if index in container:
            return container[index]
        raise Undefined(f"there is no key {index!r}")
    raise Undefined(f"cannot take item {index_kind} of {container_kind}")


def _quotient(left: int, right: int) -> int:
    """Integer division toward zero, as in CEL; Python's rounds down."""
    if right == 0:
        raise Undefined("division by zero")
    size = abs(left) // abs(right)
    return size if (left < 0) == (right < 0) else -size


def _remainder(left: int, right: int) -> int:
    return left - right * _quotient(left, right)


def _ratio(left: float, right: float) -> float:
    """Division by IEEE 754: by zero gives an infinity, or not-a-number for 0/0."""
    if right != 0.0:
        return left / right
    if left == 0.0 or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


INTEGERS: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _quotient,
    "%": _remainder,
}
FLOATS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _ratio,
}
#: The overloads of + and - that are not about numbers: operator, kinds, result.
OVERLOADS: dict[tuple[str, Kind, Kind], Kind] = {
    ("+", Kind.STRING, Kind.STRING): Kind.STRING,
    ("+", Kind.LIST, Kind.LIST): Kind.LIST,
    ("+", Kind.TIMESTAMP, Kind.DURATION): Kind.TIMESTAMP,
    ("+", Kind.DURATION, Kind.TIMESTAMP): Kind.TIMESTAMP,
    ("+", Kind.DURATION, Kind.DURATION): Kind.DURATION,
    ("-", Kind.TIMESTAMP, Kind.DURATION): Kind.TIMESTAMP,
    ("-", Kind.TIMESTAMP, Kind.TIMESTAMP): Kind.DURATION,
    ("-", Kind.DURATION, Kind.DURATION): Kind.DURATION,
}


def result_kind(op: str, left: Kind, right: Kind) -> Kind | None:
    """The kind of `left op right` for an arithmetic operator; None when there is no such operation."""
    if left is Kind.INT and right is Kind.INT:
        return Kind.INT
    if left in NUMBERS and right in NUMBERS:
        return Kind.FLOAT if op in FLOATS else None
    return OVERLOADS.get((op, left, right))


def in_range(number: int) -> int:
    """The number when it fits the 64 bits of a CEL int; else Undefined."""
    if -LARGEST - 1 <= number <= LARGEST:
        return number
    raise Undefined("the result does not fit 64 bits")


def arithmetic(op: str, left: Any, right: Any) -> Any:
    """`left op right` for one of + - * / %."""
    left_kind, right_kind = kind(left), kind(right)
    result = result_kind(op, left_kind, right_kind)
    if result is None:
        raise Undefined(f"there is no {left_kind} {op} {right_kind}")
    try:
        if result is Kind.INT:
            return in_range(INTEGERS[op](left, right))
        if result is Kind.FLOAT:
            return FLOATS[op](float(left), float(right))
        return _combine(op, _operand(left, left_kind), _operand(right, right_kind))
    except OverflowError:
        raise Undefined("the result is out of range") from None


def _operand(value: Any, value_kind: Kind) -> Any:
    if value_kind is Kind.TIMESTAMP:
        return instant(value)
    return list(value) if value_kind is Kind.LIST else value


def _combine(op: str, left: Any, right: Any) -> Any:
    return left + right if op == "+" else left - right


def float_division(left: Any, right: Any) -> Any:
    """`/` where one side is declared float: two ints from JSON are divided as the floats they stand for."""
    if kind(left) in NUMBERS and kind(right) in NUMBERS:
        try:
            return _ratio(float(left), float(right))
        except OverflowError:
            raise Undefined("the result is out of range") from None
    return arithmetic("/", left, right)


def negative(value: Any) -> Any:
    """`-value` of a number."""
    value_kind = kind(value)
    if value_kind is Kind.INT:
        return in_range(-value)
    if value_kind is Kind.FLOAT:
        return -value
    raise Undefined(f"there is no negative of {value_kind}")


def inverse(value: Any) -> bool:
    """`!value` of a bool."""
    if value is True or value is False:
        return not value
    raise Undefined(f"! needs bool, got {kind(value)}")


BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "==": equal,
    "!=": unequal,
    "<": ordering(operator.lt),
    "<=": ordering(operator.le),
    ">": ordering(operator.gt),
    ">=": ordering(operator.ge),
    "in": member,
}
UNARY: dict[str, Callable[[Any], Any]] = {"!": inverse, "-": negative}
