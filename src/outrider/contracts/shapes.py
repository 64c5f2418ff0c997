"""Shapes: JSON Schema fragments (2020-12) for the files of a company folder, made from what their readers accept.

A shape says what can be said without the rest of the folder; whether a name exists is `outrider check`'s matter.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from typing import Any, TypeAlias

from outrider.contracts.reading import NAME as NAME_PATTERN
from outrider.contracts.reading import UNITS

Shape: TypeAlias = Mapping[str, Any]

ANYTHING: Shape = {}
TEXT: Shape = {"type": "string", "minLength": 1}
FLAG: Shape = {"type": "boolean"}
NAME: Shape = {"type": "string", "pattern": f"^{NAME_PATTERN.pattern}$"}
DURATION: Shape = {
    "type": "string",
    "pattern": f"^[0-9]{{1,9}}[{''.join(UNITS)}]$",
    "description": "A number and one of s m h d w, such as 10m.",
}
EVENT: Shape = {**TEXT, "description": "An event type that a source brings."}
CONDITION: Shape = {**TEXT, "description": 'A condition (CEL), such as booking.channel != "partner".'}
#: A list of steps, wherever one stands in a journey.
STEPS: Shape = {"$ref": "#/$defs/steps"}


def listing(item: Shape, *, least: int = 0) -> Shape:
    """A list whose items all have one shape."""
    return {"type": "array", "items": item, "minItems": least} if least else {"type": "array", "items": item}


def one_of_words(words: Iterable[str] | type[StrEnum]) -> Shape:
    """One word of a list."""
    return {"type": "string", "enum": [str(word) for word in words]}


def mapping(keys: Mapping[str, Shape], needed: Collection[str] = ()) -> Shape:
    """A mapping that knows these keys and no others."""
    found = {"type": "object", "properties": dict(keys), "additionalProperties": False}
    return {**found, "required": list(needed)} if needed else found


def names_to(value: Shape) -> Shape:
    """A mapping from any name to one shape."""
    return {"type": "object", "additionalProperties": value}


def either(*shapes: Shape) -> Shape:
    """Any of several shapes."""
    return {"anyOf": list(shapes)}
