"""The working state of a batch: everything its stimuli can ask for, loaded once and changed by each in turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from outrider.domain.decision import Recent
from outrider.domain.enrollment import Enrollment
from outrider.domain.entry import ObjectChange
from outrider.domain.profile import Object, Profile, Relation
from outrider.domain.work import DedupeKey, MessageState


@dataclass
class Facts:
    """What is known while a batch is decided, by stream or id."""

    now: datetime
    profiles: dict[bytes, Profile] = field(default_factory=dict)
    live: dict[bytes, list[Enrollment]] = field(default_factory=dict)
    rounds: dict[bytes, Enrollment] = field(default_factory=dict)
    objects: dict[bytes, Object] = field(default_factory=dict)
    #: What the event that is being told says of objects, by stream.
    told: dict[bytes, ObjectChange] = field(default_factory=dict)
    related: dict[bytes, list[tuple[bytes, str, str]]] = field(default_factory=dict)
    #: Stop key → reason.
    suppressed: dict[str, str] = field(default_factory=dict)
    recent: dict[bytes, list[Recent]] = field(default_factory=dict)
    messages: dict[bytes, MessageState] = field(default_factory=dict)
    #: Candidate of a direct send → facts that only it has.
    extra: dict[bytes, dict[str, Any]] = field(default_factory=dict)
    #: Candidate → number and record of its last decision.
    decided: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)
    #: (stream, keyed hash of a dedupe key) → the message that has it.
    dedupe_keys: dict[tuple[bytes, bytes], DedupeKey] = field(default_factory=dict)

    def object(self, stream: bytes) -> Object | None:
        """An object; what its own stream has not brought yet is read from the event that is being told."""
        thing, told = self.objects.get(stream), self.told.get(stream)
        if told is None or told.delete:
            return thing
        if thing is None:
            return Object(stream, told.kind, told.key, 0, told.traits)
        return replace(thing, traits={**told.traits, **thing.traits})

    def relate(self, start: bytes, end: bytes, relation: Relation, *, delete: bool) -> None:
        """Set or end a relation, so that later stimuli see it from both ends, in the store's order."""
        self._relate(start, (end, relation.to_kind, relation.role), relation, delete=delete)
        self._relate(end, (start, relation.from_kind, relation.role), relation, delete=delete)

    def rivals(self, start: bytes, end: bytes, relation: Relation) -> list[bytes]:
        """The other ends that an `only` relation takes the place of."""
        place = (relation.to_kind, relation.role)
        return [other for other, *held in self.related.get(start, ()) if tuple(held) == place and other != end]

    def _relate(self, stream: bytes, other: tuple[bytes, str, str], relation: Relation, *, delete: bool) -> None:
        row = [one for one in self.related.get(stream, ()) if one != other]
        if not delete and _holds(relation, self.now):
            row.append(other)
        self.related[stream] = sorted(row, key=lambda one: (one[0], one[2], one[1]))

    def add_from(self, others: Sequence[bytes], stream: bytes) -> None:
        """Relations and slots of caps under other keys of a person count as the person's own."""
        for other in others:
            own = self.related.get(stream, [])
            self.related[stream] = own + [end for end in self.related.get(other, ()) if end not in own]
            if other in self.recent:
                both = [*self.recent.get(stream, ()), *self.recent[other]]
                self.recent[stream] = sorted(both, key=lambda one: one.at, reverse=True)

    def forget(self, stream: bytes) -> None:
        """Nothing is known of a person any more; whoever returns starts anew."""
        self.profiles.pop(stream, None)
        self.live.pop(stream, None)
        self.rounds = {key: one for key, one in self.rounds.items() if one.stream != stream}
        self.messages = {key: one for key, one in self.messages.items() if one.message.stream != stream}
        self.dedupe_keys = {key: one for key, one in self.dedupe_keys.items() if key[0] != stream}


def _holds(relation: Relation, at: datetime) -> bool:
    """Half open: from ≤ at < to."""
    started = relation.valid_from is None or relation.valid_from <= at
    return started and (relation.valid_to is None or at < relation.valid_to)
