"""What a stimulus does in an object's stream: a new version, relations, and word to everybody related."""

from __future__ import annotations

from msgspec.structs import replace

from outrider.domain.entry import (
    Entry,
    EventEntry,
    ObjectChange,
    ObjectChangedEntry,
    ObjectEntry,
    RelationEntry,
)
from outrider.domain.profile import Object
from outrider.ingest.mapping import PROFILE
from outrider.profiles.apply import change_object
from outrider.workers.engine.deciding import Desk
from outrider.workers.engine.relating import relate


class Things:
    """Handles the stimuli of object streams on the working state of a batch."""

    def __init__(self, desk: Desk) -> None:
        self.working = desk.working
        self.draft = desk.draft
        self.hasher = desk.hasher

    def handle(self, entry: Entry) -> None:
        """Apply one stimulus."""
        body = entry.body
        if isinstance(body, EventEntry):
            self.event(entry, body)
        elif isinstance(body, ObjectEntry):
            self.change(entry.stream, body.change, skip=None)
        elif isinstance(body, RelationEntry):
            relate(self.working, self.draft, self.hasher, entry.stream, body)
            self.tell_related(entry.stream, skip=None)

    def event(self, entry: Entry, body: EventEntry) -> None:
        """Apply what an event says of this object; at its first one, pass it on to the others and to the person.

        To all of them at once: events about one object have the same number of steps to the person, however many
        others they tell about, and so keep their order.
        """
        here = body.entity
        subject = self.hasher.stream(body.path[-1].kind, body.path[-1].key) if body.path else None
        for relation in body.effects.relations:
            if (relation.from_kind, relation.from_key) == (here.kind, here.key):
                relate(self.working, self.draft, self.hasher, entry.stream, RelationEntry(relation))
        for change in body.effects.objects:
            if (change.kind, change.key) == (here.kind, here.key):
                self.change(entry.stream, change, skip=subject)
        for following in body.path:
            stream = self.hasher.stream(following.kind, following.key)
            self.draft.entries.append(Entry(stream, replace(body, entity=following, path=()), entry.at))

    def change(self, stream: bytes, change: ObjectChange, skip: bytes | None) -> None:
        """A new version of an object; related people but `skip` are told."""
        before = self.working.objects.get(stream)
        if change.delete:
            self.working.objects.pop(stream, None)
            self.draft.deleted_objects[stream] = None
            self.tell_related(stream, skip)
            return
        after = change_object(before, stream, change)
        if after is before:
            return
        self.keep(after)
        self.tell_related(stream, skip)

    def keep(self, thing: Object) -> None:
        """Draft a version."""
        self.working.objects[thing.stream] = thing
        self.draft.objects[(thing.stream, thing.version)] = thing
        self.draft.deleted_objects.pop(thing.stream, None)

    def tell_related(self, stream: bytes, skip: bytes | None) -> None:
        """One stimulus for each related person."""
        thing = self.working.objects.get(stream)
        body = ObjectChangedEntry(stream, thing.kind if thing else "", thing.version if thing else 0)
        told = {other for other, kind, _ in self.working.related.get(stream, ()) if kind == PROFILE and other != skip}
        self.draft.entries.extend(Entry(other, body, self.working.now) for other in sorted(told))
