"""What one part of the configuration must know of the others, as plain values: declared fields, templates, channels."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

import msgspec

from outrider.domain.purpose import Purpose
from outrider.expressions import ANY, STRING, TIMESTAMP, FieldType, Kind, map_of


class TemplateFacts(msgspec.Struct, frozen=True):
    """What a journey must know of a template."""

    #: Channel → languages it has a text in.
    contents: Mapping[str, tuple[str, ...]]
    #: The purpose it declares; None when it leaves that to the steps.
    purpose: Purpose | None = None
    #: The channels it declares, best first; empty when it leaves that to the steps.
    channels: tuple[str, ...] = ()
    #: Dotted paths it needs: ``booking.plate``, ``profile.first_name``, ``event.data.code``.
    variables: tuple[str, ...] = ()


class Surroundings(msgspec.Struct, frozen=True):
    """What the rest of the configuration declares, as plain values."""

    templates: Mapping[str, TemplateFacts] = {}
    #: Templates with mistakes of their own: nothing is known of them, and they are told elsewhere.
    broken: frozenset[str] = frozenset()
    #: Object kind → its traits.
    objects: Mapping[str, Mapping[str, FieldType]] = {}
    #: Traits of profiles; None when any trait may occur.
    profile: Mapping[str, FieldType] | None = None
    #: Event type → fields of its data; None when any field may occur.
    events: Mapping[str, Mapping[str, FieldType] | None] = {}
    channels: tuple[str, ...] = ()
    #: Languages the markets speak: a text should exist in each.
    languages: tuple[str, ...] = ()
    #: Whether a source could not be read, so that `events` may lack what it brings.
    unread: bool = False
    #: Codes a person's market may have; empty when any may occur.
    markets: tuple[str, ...] = ()

    def fields(self, event: str, *, timed: bool) -> dict[str, FieldType]:
        """The context of a condition. `event` is the type behind ``event``; `timed` says if ``event.time`` is known."""
        about_event = {"type": STRING, "data": _map(self.events.get(event))}
        if timed:
            about_event["time"] = TIMESTAMP
        fixed = dict.fromkeys(("market", "locale", "zone", "language"), STRING)
        profile = None if self.profile is None else {**self.profile, **fixed}
        return {
            **{kind: map_of(traits) for kind, traits in self.objects.items()},
            "profile": _map(profile),
            "event": map_of(about_event),
            "market": STRING,
            "now": TIMESTAMP,
        }


def find_field(fields: Mapping[str, FieldType], path: str) -> FieldType | str:
    """The type of a dotted path, or the sentence that says where the path breaks off."""
    found = map_of(fields)
    parts = path.split(".")
    for position, part in enumerate(parts):
        if found.kind is Kind.ANY or (found.kind is Kind.MAP and found.fields is None):
            return ANY
        known = found.fields or {}
        if part not in known:
            owner = (
                f"'{'.'.join(parts[:position])}' has no field '{part}'" if position else f"there is no field '{part}'"
            )
            return f"{owner}; {suggest(part, known)}" if suggest(part, known) else owner
        found = known[part]
    return found


def suggest(word: object, known: Iterable[str]) -> str:
    """A hint with the known word most like a wrong one; empty when none comes close."""
    found = difflib.get_close_matches(str(word), list(known), n=1, cutoff=0.6)
    return f"did you mean '{found[0]}'?" if found else ""


def _map(fields: Mapping[str, FieldType] | None) -> FieldType:
    return FieldType(Kind.MAP, fields=fields)
