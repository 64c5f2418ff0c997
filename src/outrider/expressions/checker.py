"""Checks a condition against declared fields: names, kinds, functions, and what the whole condition gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from outrider.expressions.errors import ExpressionError, Undefined, nearest
from outrider.expressions.functions import FUNCTIONS, METHODS, PARTS, Overload, zone
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
    Place,
    Quantifier,
    Select,
    Unary,
)
from outrider.expressions.paths import path_of, used_fields
from outrider.expressions.types import ANY, BOOL, NUMBERS, STRING, FieldType, Kind, list_of, may_be_equal, merge
from outrider.expressions.values import ORDERED, result_kind
from outrider.expressions.writer import write

#: What to write when a text stands where another kind is compared.
REWRITES = {
    Kind.TIMESTAMP: 'write timestamp("2026-05-01T12:00:00Z") or a field of that type',
    Kind.DURATION: 'write duration("3h") or a field of that type',
    Kind.INT: "write the number without quotes",
    Kind.FLOAT: "write the number without quotes",
    Kind.BOOL: "write true or false without quotes",
}


class Checked(NamedTuple):
    """What a correct condition reads (dotted paths) and gives."""

    used: frozenset[str]
    type: FieldType


def check(expr: Expr, fields: Mapping[str, FieldType], result: FieldType | None = None) -> Checked:
    """Check a tree against the declared fields of its context.

    `result` is the type it must give; None allows any. Raises the first ExpressionError of `find_errors`.
    """
    checker = Checker(fields)
    found = checker.infer(expr)
    errors = checker.finish(expr, found, result)
    if errors:
        raise errors[0]
    return Checked(used_fields(expr), found)


def find_errors(
    expr: Expr, fields: Mapping[str, FieldType], result: FieldType | None = BOOL
) -> tuple[ExpressionError, ...]:
    """All mistakes of a condition that must give `result`, in the order of the text; empty when it is correct."""
    checker = Checker(fields)
    return checker.finish(expr, checker.infer(expr), result)


def infer(expr: Expr, fields: Mapping[str, FieldType]) -> FieldType:
    """The type a tree gives; `any` where it is wrong or not known."""
    return Checker(fields).infer(expr)


class Checker:
    """One walk over one tree. Mistakes are collected; a wrong part counts as `any`, so that it is told once."""

    def __init__(self, fields: Mapping[str, FieldType]) -> None:
        self._scope = dict(fields)
        self._errors: list[ExpressionError] = []

    def finish(self, expr: Expr, found: FieldType, result: FieldType | None) -> tuple[ExpressionError, ...]:
        """The collected mistakes, with one more when the tree does not give `result`."""
        if result is not None and found.kind not in (result.kind, Kind.ANY):
            hint = "compare it with a value" if result.kind is Kind.BOOL else ""
            self._wrong(f"the result must be {result}, this gives {found}", expr.place, hint)
        return tuple(sorted(self._errors, key=lambda error: error.offset))

    def infer(self, node: Expr) -> FieldType:
        """The type of a node."""
        return INFERENCES[type(node)](self, node)

    def _wrong(self, message: str, place: Place, hint: str = "") -> FieldType:
        self._errors.append(ExpressionError(message, place, hint))
        return ANY

    def literal(self, node: Literal) -> FieldType:
        return FieldType(node.kind)

    def name(self, node: Name) -> FieldType:
        found = self._scope.get(node.name)
        if found is not None:
            return found
        return self._wrong(f"there is no field {node.name}", node.place, nearest(node.name, self._scope))

    def select(self, node: Select) -> FieldType:
        return self._field(node.source, node.field, node.field_place)

    def _field(self, source: Expr, field: str, place: Place) -> FieldType:
        holder = self.infer(source)
        if holder.kind is Kind.ANY:
            return ANY
        if holder.kind is not Kind.MAP:
            return self._wrong(f"{write(source)} is {holder}, it has no field {field}", place)
        if holder.fields is None:
            return holder.element or ANY
        if field in holder.fields:
            return holder.fields[field]
        path = path_of(source)
        prefix = f"{'.'.join(path)}." if path else ""
        return self._wrong(f"there is no field {prefix}{field}", place, nearest(field, holder.fields, prefix))

    def index(self, node: Index) -> FieldType:
        if isinstance(node.index, Literal) and node.index.kind is Kind.STRING:
            return self._field(node.source, str(node.index.value), node.index.place)
        holder, position = self.infer(node.source), self.infer(node.index)
        if holder.kind is Kind.ANY:
            return ANY
        wanted = {Kind.LIST: Kind.INT, Kind.MAP: Kind.STRING}.get(holder.kind)
        if wanted is None:
            return self._wrong(f"{write(node.source)} is {holder}, only a list or a map has items", node.index.place)
        if position.kind not in (wanted, Kind.ANY):
            return self._wrong(f"a {holder} is indexed by {wanted}, not {position}", node.index.place)
        if isinstance(node.index, Literal) and isinstance(node.index.value, int) and node.index.value < 0:
            return self._wrong("items are counted from 0, there are none below", node.index.place)
        return holder.element or ANY

    def unary(self, node: Unary) -> FieldType:
        operand = self.infer(node.operand)
        wanted = (Kind.BOOL,) if node.op == "!" else (Kind.INT, Kind.FLOAT)
        if operand.kind in (*wanted, Kind.ANY):
            return BOOL if node.op == "!" else operand
        return self._wrong(f"{node.op} needs {' or '.join(wanted)}, got {operand}", node.operand.place)

    def logical(self, node: Logical) -> FieldType:
        for part in node.parts:
            self._require_bool(part, f"{node.op} joins")
        return BOOL

    def _require_bool(self, node: Expr, what: str) -> None:
        found = self.infer(node)
        if found.kind not in (Kind.BOOL, Kind.ANY):
            self._wrong(f"{what} bool, got {found}", node.place, "compare it with a value")

    def binary(self, node: Binary) -> FieldType:
        left, right = self.infer(node.left), self.infer(node.right)
        if node.op in ("==", "!="):
            return self._equality(node, left, right)
        if node.op == "in":
            return self._membership(node, left, right)
        if node.op in ("<", "<=", ">", ">="):
            return self._order(node, left, right)
        return self._arithmetic(node, left, right)

    def _equality(self, node: Binary, left: FieldType, right: FieldType) -> FieldType:
        if not may_be_equal(left, right):
            outcome = "always false" if node.op == "==" else "always true"
            self._wrong(f"comparing {left} with {right} is {outcome}", node.place, _rewrite(node, left, right))
        return BOOL

    def _order(self, node: Binary, left: FieldType, right: FieldType) -> FieldType:
        kinds = {left.kind, right.kind} - {Kind.ANY}
        if kinds <= ORDERED and (len(kinds) <= 1 or kinds <= NUMBERS):
            return BOOL
        chained = isinstance(node.left, Binary) and node.left.op in ("<", "<=", ">", ">=")
        hint = "write a < b && b < c" if chained else _rewrite(node, left, right)
        self._wrong(f"{node.op} cannot compare {left} with {right}", node.place, hint)
        return BOOL

    def _membership(self, node: Binary, left: FieldType, right: FieldType) -> FieldType:
        if right.kind not in (Kind.LIST, Kind.MAP, Kind.ANY):
            hint = "write x.contains(…) to look into a string" if right.kind is Kind.STRING else ""
            self._wrong(f"`in` needs a list or a map on its right, got {right}", node.right.place, hint)
        elif right.kind is Kind.MAP and left.kind not in (Kind.STRING, Kind.ANY):
            self._wrong(f"the keys of a map are strings, looking for {left} is always false", node.left.place)
        elif right.kind is Kind.LIST and not may_be_equal(left, right.element or ANY):
            self._wrong(f"a list of {right.element} never has a {left} in it", node.left.place)
        return BOOL

    def _arithmetic(self, node: Binary, left: FieldType, right: FieldType) -> FieldType:
        if Kind.ANY in (left.kind, right.kind):
            return ANY
        found = result_kind(node.op, left.kind, right.kind)
        if found is None:
            return self._wrong(f"there is no {left} {node.op} {right}", node.place)
        if found is Kind.LIST:
            return left if left == right else FieldType(Kind.LIST)
        return FieldType(found)

    def conditional(self, node: Conditional) -> FieldType:
        self._require_bool(node.test, "? asks")
        then, other = self.infer(node.then), self.infer(node.other)
        merged = merge(then, other)
        if merged is None:
            return self._wrong(f"the two results of ? are {then} and {other}, expected one type", node.place)
        return merged

    def items(self, node: Items) -> FieldType:
        element: FieldType | None = None
        for item in node.items:
            found = self.infer(item)
            merged = found if element is None else merge(element, found)
            if merged is None:
                self._wrong(f"this item is {found}, those before are {element}", item.place)
                return FieldType(Kind.LIST)
            element = merged
        return FieldType(Kind.LIST) if element is None else list_of(element)

    def has(self, node: Has) -> FieldType:
        self.select(node.target)
        return BOOL

    def quantifier(self, node: Quantifier) -> FieldType:
        source = self.infer(node.source)
        if source.kind not in (Kind.LIST, Kind.MAP, Kind.ANY):
            self._wrong(f"{node.op} looks through a list or the keys of a map, got {source}", node.source.place)
        outside = self._scope
        item = STRING if source.kind is Kind.MAP else source.element or ANY
        self._scope = {**outside, node.name: item}
        self._require_bool(node.test, f"{node.op} asks")
        self._scope = outside
        return BOOL

    def call(self, node: Call) -> FieldType:
        nodes = node.arguments if node.target is None else (node.target, *node.arguments)
        overloads = (FUNCTIONS if node.target is None else METHODS)[node.function]
        kinds = [self.infer(argument).kind for argument in nodes]
        fitting = [overload for overload in overloads if _fits(overload, kinds)]
        if not fitting:
            return self._wrong_call(node, overloads, kinds)
        self._check_constants(node, fitting[0])
        gives = {overload.gives for overload in fitting}
        return FieldType(gives.pop()) if len(gives) == 1 else ANY

    def _wrong_call(self, node: Call, overloads: Sequence[Overload], kinds: Sequence[Kind]) -> FieldType:
        method = node.target is not None
        got = _signature(node.function, kinds, method)
        known = " or ".join(_signature(node.function, overload.takes, method) for overload in overloads)
        return self._wrong(f"cannot call {got}", node.place, f"known is {known}")

    def _check_constants(self, node: Call, overload: Overload) -> None:
        """A time zone, timestamp or duration written out must be a good one."""
        constant = next((argument for argument in node.arguments if isinstance(argument, Literal)), None)
        if constant is None or not (node.target is None or node.function in PARTS):
            return
        run = zone if node.target is not None else overload.run
        try:
            run(constant.value)
        except Undefined as error:
            self._wrong(str(error), constant.place)


def _rewrite(node: Binary, left: FieldType, right: FieldType) -> str:
    if left.kind is Kind.STRING and isinstance(node.left, Literal):
        return REWRITES.get(right.kind, "")
    if right.kind is Kind.STRING and isinstance(node.right, Literal):
        return REWRITES.get(left.kind, "")
    return ""


def _fits(overload: Overload, kinds: Sequence[Kind]) -> bool:
    return len(overload.takes) == len(kinds) and all(
        found in (wanted, Kind.ANY) for wanted, found in zip(overload.takes, kinds, strict=True)
    )


def _signature(name: str, kinds: Sequence[Kind], method: bool) -> str:
    if method:
        return f"{kinds[0]}.{name}({', '.join(kinds[1:])})"
    return f"{name}({', '.join(kinds)})"


INFERENCES: dict[type, Callable[[Checker, Any], FieldType]] = {
    Literal: Checker.literal,
    Name: Checker.name,
    Select: Checker.select,
    Index: Checker.index,
    Unary: Checker.unary,
    Binary: Checker.binary,
    Logical: Checker.logical,
    Conditional: Checker.conditional,
    Items: Checker.items,
    Call: Checker.call,
    Has: Checker.has,
    Quantifier: Checker.quantifier,
}
