"""Source mappings: which profile an event belongs to, and which traits, addresses, objects and relations it carries."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from outrider.domain.entry import Effects, Event, EventEntry, Hop, ObjectChange, ProfileChange
from outrider.domain.profile import Address, Relation
from outrider.ingest.mailboxes import BadMailbox, mailbox
from outrider.ingest.phones import BadPhone, e164

PROFILE = "profile"
#: Channels whose addresses are phone numbers.
PHONE_CHANNELS = frozenset({"sms", "voice"})
#: Channels whose addresses are e-mail addresses.
MAIL_CHANNELS = frozenset({"email"})

#: A path into the event: ("data", "customer", "id").
Path = tuple[str, ...]


class ObjectMapping(msgspec.Struct, frozen=True):
    """One object an event carries."""

    kind: str
    key: Path
    #: Trait → path; ``{"*": path}`` takes every field of an object.
    traits: Mapping[str, Path] = {}


class RelationMapping(msgspec.Struct, frozen=True):
    """A relation from the profile to one of the objects, or between two objects (by kind)."""

    from_kind: str
    to_kind: str
    role: str
    #: True: one at a time; it ends what stood in this role before.
    only: bool = False


class EventMapping(msgspec.Struct, frozen=True):
    """How one type of event is read."""

    subject: Path = ("subject",)
    profile: Mapping[str, Path] = {}
    traits: Mapping[str, Path] = {}
    addresses: Mapping[str, Path] = {}
    objects: tuple[ObjectMapping, ...] = ()
    relations: tuple[RelationMapping, ...] = ()


class SourceMapping(msgspec.Struct, frozen=True):
    """The mappings of the sources whose name matches a pattern."""

    source: str
    events: Mapping[str, EventMapping] = {}
    #: For event types not named.
    default: EventMapping = EventMapping()


class Unmapped(ValueError):
    """The event lacks what its mapping needs."""

    def __init__(self, reason: str, path: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path


class Mapper:
    """All source mappings of one configuration."""

    def __init__(self, sources: tuple[SourceMapping, ...], regions: Mapping[str, str], home_region: str) -> None:
        """`regions` leads from a market code to the region that reads national phone numbers."""
        self._sources = sources
        self._regions = regions
        self._home_region = home_region
        self._found: dict[tuple[str, str], EventMapping] = {}

    def map(self, event: Event) -> tuple[EventEntry, list[str]]:
        """The entry of an event, addressed to its first stream, and notes on what was left out.

        Raises Unmapped when the event names no profile.
        """
        mapping = self._mapping(event)
        key = _text(_find(event, mapping.subject))
        if not key:
            why = f", since no file in sources/ reads {event.type} from {event.source}" if mapping is DEFAULT else ""
            raise Unmapped(f"the event names no profile: expected a text or number{why}", _written(mapping.subject))
        if mapping is DEFAULT:
            return EventEntry(event, entity=Hop(PROFILE, key)), []
        notes: list[str] = []
        profile = self._profile(event, mapping, key, notes)
        objects = tuple(_objects(event, mapping, notes))
        effects = Effects(profile, objects, tuple(_relations(mapping, key, objects)))
        hops = (*(Hop(change.kind, change.key) for change in objects), Hop(PROFILE, key))
        return EventEntry(event, effects, hops[0], hops[1:]), notes

    def _mapping(self, event: Event) -> EventMapping:
        place = (event.source, event.type)
        found = self._found.get(place)
        if found is None:
            found = self._find_mapping(event)
            if len(self._found) < 10_000:
                self._found[place] = found
        return found

    def _find_mapping(self, event: Event) -> EventMapping:
        for source in self._sources:
            if fnmatchcase(event.source, source.source):
                return source.events.get(event.type, source.default)
        return DEFAULT

    def _profile(self, event: Event, mapping: EventMapping, key: str, notes: list[str]) -> ProfileChange | None:
        fields = {name: _text(_find(event, path)) for name, path in mapping.profile.items()}
        traits = {name: value for name, path in mapping.traits.items() if (value := _find(event, path)) is not None}
        addresses = tuple(self._addresses(event, mapping, fields.get("market"), notes))
        if not fields and not traits and not addresses:
            return None
        return ProfileChange(
            key=key,
            kind=fields.get("kind") or None,
            market=(fields.get("market") or "").upper() or None,
            locale=fields.get("locale") or None,
            zone=fields.get("zone") or None,
            traits=traits,
            addresses=addresses or None,
        )

    def _addresses(self, event: Event, mapping: EventMapping, market: str | None, notes: list[str]) -> list[Address]:
        found = []
        for channel, path in mapping.addresses.items():
            value = _text(_find(event, path))
            if value:
                address = self.address(channel, value, market)
                if isinstance(address, str):
                    notes.append(f"{_written(path)}: {address}; the address was left out")
                else:
                    found.append(address)
        return found

    def address(self, channel: str, value: str, market: str | None) -> Address | str:
        """An address in its stored form, or the reason why it is none."""
        try:
            if channel in PHONE_CHANNELS:
                region = self._regions.get((market or "").upper(), self._home_region)
                return Address(channel, e164(value, region))
            return Address(channel, mailbox(value) if channel in MAIL_CHANNELS else value)
        except (BadPhone, BadMailbox) as error:
            return str(error)


def _objects(event: Event, mapping: EventMapping, notes: list[str]) -> list[ObjectChange]:
    found = []
    for each in mapping.objects:
        key = _text(_find(event, each.key))
        if not key:
            notes.append(f"{_written(each.key)}: no key for a {each.kind}; the object was left out")
            continue
        found.append(ObjectChange(each.kind, key, _traits(event, each.traits)))
    return found


def _traits(event: Event, paths: Mapping[str, Path]) -> dict[str, Any]:
    traits: dict[str, Any] = {}
    for name, path in paths.items():
        value = _find(event, path)
        if name == "*" and isinstance(value, dict):
            traits.update(value)
        elif value is not None:
            traits[name] = value
    return traits


def _relations(mapping: EventMapping, key: str, objects: tuple[ObjectChange, ...]) -> list[Relation]:
    keys = {change.kind: change.key for change in objects} | {PROFILE: key}
    return [
        Relation(each.from_kind, keys[each.from_kind], each.to_kind, keys[each.to_kind], each.role, only=each.only)
        for each in mapping.relations
        if each.from_kind in keys and each.to_kind in keys
    ]


def _find(event: Event, path: Path) -> Any:
    if path[0] != "data":
        return getattr(event, path[0], None)
    value: Any = event.data
    for part in path[1:]:
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def _written(path: Path) -> str:
    return "$." + ".".join(path)


#: A source nobody described: the subject is the profile's key, nothing else is read.
DEFAULT = EventMapping()
