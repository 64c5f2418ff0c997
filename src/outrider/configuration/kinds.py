"""objects/*.yaml: object kinds with their traits and roles; the kind ``profile`` declares traits of people."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from outrider.contracts.reading import Context, Reading
from outrider.contracts.shapes import FLAG, NAME, Shape, either, listing, mapping, names_to, one_of_words
from outrider.contracts.surroundings import Surroundings, suggest
from outrider.domain.problem import Problem
from outrider.expressions import ANY, BOOL, DURATION, FLOAT, INT, STRING, TIMESTAMP, FieldType, list_of
from outrider.lib.yaml12 import YamlError, read

TYPES: Mapping[str, FieldType] = {
    "string": STRING,
    "int": INT,
    "float": FLOAT,
    "bool": BOOL,
    "timestamp": TIMESTAMP,
    "duration": DURATION,
    "any": ANY,
    "list": list_of(ANY),
}


#: What `read_kind` accepts.
SHAPE: Shape = mapping(
    {
        "kind": NAME,
        "traits": names_to(
            either(one_of_words(TYPES), mapping({"type": one_of_words(TYPES), "sealed": FLAG}, ("type",)))
        ),
        "roles": listing(NAME),
    },
    ("kind",),
)


class Kind(msgspec.Struct, frozen=True):
    """One declared kind."""

    name: str
    traits: Mapping[str, FieldType] = {}
    #: Traits that are not personal.
    open_traits: frozenset[str] = frozenset()
    roles: tuple[str, ...] = ()


def read_kind(text: str, file: str) -> tuple[Kind | None, list[Problem]]:
    """One kind file, or None with what is wrong."""
    try:
        located = read(text, file)
    except YamlError as error:
        return None, [Problem(file, error.line, error.column, error.message)]
    reading = Reading(Context(located, Surroundings(), problems=[]))
    if not reading.mapping("kind", "traits", "roles", needed=("kind",)):
        return None, reading.context.problems
    traits, opened = _traits(reading.at("traits")) if reading.has("traits") else ({}, frozenset())
    roles = tuple(role.name("a role") for role in reading.at("roles").items()) if reading.has("roles") else ()
    return Kind(reading.at("kind").name("a kind"), traits, opened, roles), reading.context.problems


def _traits(reading: Reading) -> tuple[dict[str, FieldType], frozenset[str]]:
    if not isinstance(reading.value, dict):
        reading.wrong("expected a mapping from trait to type, such as starts_at: timestamp")
        return {}, frozenset()
    traits: dict[str, FieldType] = {}
    opened = set()
    for name in reading.value:
        trait = reading.at(name)
        if isinstance(trait.value, dict):
            trait.mapping("type", "sealed", needed=("type",))
            traits[name] = _type(trait.at("type"))
            if trait.has("sealed") and not trait.at("sealed").boolean():
                opened.add(name)
        else:
            traits[name] = _type(trait)
    return traits, frozenset(opened)


def _type(reading: Reading) -> FieldType:
    value = reading.value
    if isinstance(value, str) and value in TYPES:
        return TYPES[value]
    reading.wrong(f"expected a type: one of {', '.join(TYPES)}", suggest(value, TYPES))
    return ANY
