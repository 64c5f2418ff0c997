"""What a stimulus tells by itself, before anything is loaded: whom, which objects and which message it is about."""

from __future__ import annotations

from collections.abc import Iterable

from outrider.contracts.step import EventSeen, Touched
from outrider.domain.enrollment import Enrollment
from outrider.domain.entry import (
    REPLY,
    AbsorbEntry,
    Entry,
    Event,
    EventEntry,
    ObjectEntry,
    OutcomeEntry,
    ReceiptEntry,
    RelationEntry,
    ReplyEntry,
    ReturnEntry,
    SendEntry,
)
from outrider.domain.work import Timer
from outrider.ingest.mapping import PROFILE
from outrider.lib.ids import Hasher

Stimulus = Entry | Timer
#: The source of the events that inbound messages become.
REPLY_SOURCE = "outrider/replies"


def touched_by(entry: EventEntry, hasher: Hasher) -> tuple[Touched, ...]:
    """The objects an event is about."""
    return tuple(
        Touched(change.kind, change.key, hasher.stream(change.kind, change.key)) for change in entry.effects.objects
    )


def is_about_object(stimulus: Stimulus) -> bool:
    """Whether a stimulus belongs to an object's stream."""
    if isinstance(stimulus, Timer):
        return False
    body = stimulus.body
    if isinstance(body, EventEntry):
        return body.entity.kind != PROFILE
    if isinstance(body, RelationEntry):
        return body.relation.from_kind != PROFILE
    return isinstance(body, ObjectEntry)


def message_of(stimulus: Stimulus) -> bytes | None:
    """The message a stimulus is about."""
    if isinstance(stimulus, Timer):
        return stimulus.owner if stimulus.kind in ("held", "escalate") else None
    if isinstance(stimulus.body, ReceiptEntry | OutcomeEntry):
        return stimulus.body.message
    return None


def seen_of(entry: EventEntry, hasher: Hasher) -> EventSeen:
    """The event as journeys see it."""
    return EventSeen(entry.event, touched_by(entry, hasher))


def reply_seen(entry: Entry, body: ReplyEntry) -> EventSeen:
    """An inbound message as journeys see it."""
    data = {"text": body.text, "channel": body.channel}
    return EventSeen(Event(body.provider_id, REPLY_SOURCE, REPLY, entry.at, data=data))


def brought_by(stimulus: Stimulus) -> tuple[Enrollment, ...]:
    """The passages that come along with a merged profile, or go back to it."""
    body = stimulus.body if isinstance(stimulus, Entry) else None
    return body.enrollments if isinstance(body, AbsorbEntry | ReturnEntry) else ()


def sends_of(stimuli: Iterable[Stimulus]) -> list[SendEntry]:
    """The direct sends among stimuli."""
    return [one.body for one in stimuli if isinstance(one, Entry) and isinstance(one.body, SendEntry)]


def related_by(stimulus: Stimulus, hasher: Hasher) -> Iterable[bytes]:
    """The objects at the ends of the relations that a stimulus sets: later stimuli of the batch can reach them."""
    body = stimulus.body if isinstance(stimulus, Entry) else None
    relations = body.effects.relations if isinstance(body, EventEntry) else ()
    for relation in (body.relation,) if isinstance(body, RelationEntry) else relations:
        for kind, key in ((relation.from_kind, relation.from_key), (relation.to_kind, relation.to_key)):
            if kind != PROFILE:
                yield hasher.stream(kind, key)


def event_of(stimulus: Stimulus) -> str:
    """The type of the event that a stimulus brings; empty when it brings none."""
    body = stimulus.body if isinstance(stimulus, Entry) else None
    if isinstance(body, EventEntry):
        return body.event.type
    return REPLY if isinstance(body, ReplyEntry) else ""
