"""Which piece of the engine each stimulus of a profile's stream goes to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from outrider.domain.entry import (
    AbsorbEntry,
    ConsentEntry,
    DeadAddressEntry,
    Entry,
    EventEntry,
    ForgetEntry,
    MergeEntry,
    ObjectChangedEntry,
    OutcomeEntry,
    ProfileEntry,
    ReceiptEntry,
    RelationEntry,
    ReplyEntry,
    ReturnEntry,
    SendEntry,
)
from outrider.domain.work import Timer
from outrider.ingest.mapping import PROFILE
from outrider.workers.engine import afterwards, identities, told
from outrider.workers.engine.people import People


def handle(people: People, stimulus: Entry | Timer) -> None:
    """Apply one stimulus."""
    if isinstance(stimulus, Timer):
        afterwards.wake_up(people, stimulus)
    elif not _passed_on(people, stimulus):
        HANDLERS[type(stimulus.body)](people, stimulus, stimulus.body)


def _passed_on(people: People, entry: Entry) -> bool:
    """Whether the person goes by another key now, and the entry went there."""
    profile = people.working.profiles.get(entry.stream)
    into = profile.identity.merged_into if profile is not None else ""
    body = identities.passed_on(entry, profile.key, into) if profile is not None and into else None
    if body is not None:
        if isinstance(entry.body, EventEntry):
            told.own_relations(people, entry, entry.body)
        people.draft.entries.append(Entry(people.desk.hasher.stream(PROFILE, into), body, entry.at))
    return body is not None


#: Body → function. None is bound to an object: one that holds its own methods is a cycle, and would keep the working
#: state of its whole batch until the next garbage collection.
HANDLERS: dict[type, Callable[[People, Entry, Any], None]] = {
    EventEntry: told.event,
    ProfileEntry: told.profile_change,
    ForgetEntry: told.forget,
    ObjectChangedEntry: told.object_changed,
    RelationEntry: told.relation,
    ConsentEntry: told.consent,
    MergeEntry: identities.merge,
    AbsorbEntry: identities.take_in,
    ReturnEntry: identities.take_back,
    ReceiptEntry: afterwards.receipt,
    OutcomeEntry: afterwards.outcome,
    ReplyEntry: told.reply,
    DeadAddressEntry: told.dead_address,
    SendEntry: told.send,
}
