"""The types a declared field can have, and their short notation."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec


class Kind(StrEnum):
    """The kinds of value a condition knows. A date without a time is a string: ISO 8601 text sorts by date."""

    STRING = "string"
    INT = "int"
    FLOAT = "float"
    BOOL = "bool"
    TIMESTAMP = "timestamp"
    DURATION = "duration"
    LIST = "list"
    MAP = "map"
    NULL = "null"
    #: Not known before evaluation: everything below is unchecked.
    ANY = "any"


NUMBERS = frozenset({Kind.INT, Kind.FLOAT})


class FieldType(msgspec.Struct, frozen=True):
    """The type of a field. Every field may also hold null."""

    kind: Kind
    #: Type of a list's items, or of the values of a map with free keys; None when not known.
    element: FieldType | None = None
    #: The declared fields of a map; None when its keys are free.
    fields: Mapping[str, FieldType] | None = None

    def __str__(self) -> str:
        return self.kind.value


STRING = FieldType(Kind.STRING)
INT = FieldType(Kind.INT)
FLOAT = FieldType(Kind.FLOAT)
BOOL = FieldType(Kind.BOOL)
TIMESTAMP = FieldType(Kind.TIMESTAMP)
DURATION = FieldType(Kind.DURATION)
NULL = FieldType(Kind.NULL)
ANY = FieldType(Kind.ANY)


def list_of(element: FieldType) -> FieldType:
    """The type of a list with items of one type."""
    return FieldType(Kind.LIST, element=element)


def map_of(fields: Mapping[str, FieldType]) -> FieldType:
    """The type of a map with exactly these declared fields."""
    return FieldType(Kind.MAP, fields=fields)


def declare(shape: object) -> FieldType:
    """The type written in the short notation of configuration files.

    A name of a kind ("int"), a list of one shape (["string"]), or a map of names to shapes ({"days": "int"}).
    Raises ValueError for anything else.
    """
    if isinstance(shape, Mapping):
        return map_of(declare_fields(shape))
    if isinstance(shape, list) and len(shape) == 1:
        return list_of(declare(shape[0]))
    if isinstance(shape, str) and shape != Kind.NULL and shape in Kind.__members__.values():
        return FieldType(Kind(shape))
    known = ", ".join(kind for kind in Kind if kind is not Kind.NULL)
    raise ValueError(f"{shape!r} is not a type: expected one of {known}, a list of one type, or a map of fields")


def declare_fields(shapes: Mapping[str, object]) -> dict[str, FieldType]:
    """The declared fields of a context, from names and shapes as in `declare`. Raises ValueError."""
    return {name: declare(shape) for name, shape in shapes.items()}


def may_be_equal(one: FieldType, other: FieldType) -> bool:
    """Whether a value of one type can equal a value of the other."""
    kinds = {one.kind, other.kind}
    return len(kinds) == 1 or kinds <= NUMBERS or bool(kinds & {Kind.ANY, Kind.NULL})


def merge(one: FieldType, other: FieldType) -> FieldType | None:
    """The type of a place that holds either; None when they do not go together."""
    if one == other or other == NULL:
        return one
    if one == NULL:
        return other
    if ANY in (one, other):
        return ANY
    if {one.kind, other.kind} <= NUMBERS:
        return FLOAT
    return FieldType(one.kind) if one.kind is other.kind else None
