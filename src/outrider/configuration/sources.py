"""sources/*.yaml: where events come from and what is read out of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from outrider.configuration.kinds import Kind
from outrider.contracts.reading import Context, Reading
from outrider.contracts.shapes import FLAG, NAME, TEXT, Shape, either, listing, mapping, names_to
from outrider.contracts.surroundings import Surroundings, suggest
from outrider.domain.problem import Problem
from outrider.ingest.mapping import PROFILE, EventMapping, ObjectMapping, Path, RelationMapping, SourceMapping
from outrider.lib.yaml12 import YamlError, read

FIELDS = ("market", "locale", "zone", "kind")
ATTRIBUTES = ("id", "source", "type", "subject", "time")
KEYS = ("subject", "profile", "traits", "addresses", "objects", "relations")

_PATH: Shape = {"type": "string", "pattern": rf"^(data(\.[^.]+)+|{'|'.join(ATTRIBUTES)})$"}
_EMPTY: Shape = {"type": "null"}
_PATHS: Shape = either(names_to(_PATH), _EMPTY)
_KEYS: dict[str, Shape] = {
    "subject": _PATH,
    "profile": either(mapping(dict.fromkeys(FIELDS, _PATH)), _EMPTY),
    "traits": _PATHS,
    "addresses": _PATHS,
    "objects": listing(mapping({"kind": TEXT, "key": _PATH, "traits": _PATHS}, ("kind", "key"))),
    "relations": listing(mapping({"from": TEXT, "to": TEXT, "role": NAME, "only": FLAG}, ("from", "to", "role"))),
}
_EVENT: Shape = either(mapping({key: _KEYS.get(key, {}) for key in KEYS}), _EMPTY)
#: What `read_source` accepts.
SHAPE: Shape = mapping({"source": TEXT, "events": either(names_to(_EVENT), _EMPTY), "default": _EVENT}, ("source",))


def read_source(
    text: str, file: str, kinds: Mapping[str, Kind], channels: tuple[str, ...]
) -> tuple[SourceMapping | None, list[Problem]]:
    """One source file, or None with what is wrong."""
    try:
        located = read(text, file)
    except YamlError as error:
        return None, [Problem(file, error.line, error.column, error.message)]
    reading = Reading(Context(located, Surroundings(), problems=[]))
    if not reading.mapping("source", "events", "default", needed=("source",)):
        return None, reading.context.problems
    reader = _Reader(kinds, channels)
    events = {name: reader.event(reading.at("events", name)) for name in _names(reading, "events")}
    default = reader.event(reading.at("default")) if reading.has("default") else EventMapping()
    return SourceMapping(reading.at("source").text("a source"), events, default), reading.context.problems


def _names(reading: Reading, key: str) -> list[str]:
    value = reading.at(key).value
    if value is None:
        return []
    if not isinstance(value, dict):
        reading.at(key).wrong("expected a mapping")
        return []
    return [str(name) for name in value]


class _Reader:
    """Reads event mappings against the declared kinds and channels."""

    def __init__(self, kinds: Mapping[str, Kind], channels: tuple[str, ...]) -> None:
        self.kinds = kinds
        self.channels = channels

    def event(self, reading: Reading) -> EventMapping:
        if reading.value is None:
            return EventMapping()
        if not reading.mapping(*KEYS):
            return EventMapping()
        return EventMapping(
            subject=_path(reading.at("subject")) if reading.has("subject") else ("subject",),
            profile=self.paths(reading, "profile", FIELDS),
            traits=self.paths(reading, "traits", tuple(self.traits(PROFILE))),
            addresses=self.paths(reading, "addresses", self.channels),
            objects=tuple(self.object(each) for each in self.items(reading, "objects")),
            relations=tuple(self.relation(each) for each in self.items(reading, "relations")),
        )

    def items(self, reading: Reading, key: str) -> list[Reading]:
        return reading.at(key).items() if reading.has(key) else []

    def traits(self, kind: str) -> Mapping[str, Any]:
        return self.kinds[kind].traits if kind in self.kinds else {}

    def paths(self, reading: Reading, key: str, known: tuple[str, ...], *, star: bool = False) -> dict[str, Path]:
        found = {}
        for name in _names(reading, key):
            place = reading.at(key, name)
            if known and name not in known and not (star and name == "*"):
                place.wrong_key(f"unknown name '{name}'", suggest(name, known) or f"known here: {', '.join(known)}")
            found[name] = _path(place)
        return found

    def object(self, reading: Reading) -> ObjectMapping:
        if not reading.mapping("kind", "key", "traits", needed=("kind", "key")):
            return ObjectMapping("", ())
        kind = self.kind(reading.at("kind"))
        return ObjectMapping(
            kind, _path(reading.at("key")), self.paths(reading, "traits", tuple(self.traits(kind)), star=True)
        )

    def relation(self, reading: Reading) -> RelationMapping:
        if not reading.mapping("from", "to", "role", "only", needed=("from", "to", "role")):
            return RelationMapping("", "", "")
        ends = [self.kind(reading.at(end), also=PROFILE) for end in ("from", "to")]
        only = reading.has("only") and reading.at("only").boolean()
        return RelationMapping(ends[0], ends[1], reading.at("role").name("a role"), only)

    def kind(self, reading: Reading, also: str = "") -> str:
        name = reading.text("a kind")
        if name and name != also and (name not in self.kinds or name == PROFILE):
            reading.wrong(f"no kind '{name}' is declared in objects/", suggest(name, self.kinds))
        return name


def _path(reading: Reading) -> Path:
    """A path such as data.booking.id or subject."""
    text = reading.text("a path into the event, such as data.customer.id")
    parts = tuple(text.split("."))
    if parts[0] == "data" and len(parts) > 1 and all(parts):
        return parts
    if text in ATTRIBUTES:
        return parts
    if text:
        reading.wrong(f"'{text}' is no path into an event", f"expected data.… or one of {', '.join(ATTRIBUTES)}")
    return ("subject",)
