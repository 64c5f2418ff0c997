"""What is told of a person: events, replies, changes of the profile, direct sends."""

from __future__ import annotations

from outrider.domain.decision import STRANGER
from outrider.domain.entry import (
    ConsentEntry,
    DeadAddressEntry,
    Entry,
    EventEntry,
    ForgetEntry,
    ObjectChangedEntry,
    ProfileEntry,
    RelationEntry,
    ReplyEntry,
    SendEntry,
)
from outrider.ingest.mapping import PROFILE
from outrider.journeys import FactsChanged, leave
from outrider.profiles.apply import drop_address, give_consent, new_profile
from outrider.workers.engine.direct import address_change, direct_candidate
from outrider.workers.engine.identities import begun_under, forget_with, mirror
from outrider.workers.engine.people import People
from outrider.workers.engine.stimuli import reply_seen, seen_of


def event(people: People, entry: Entry, body: EventEntry) -> None:
    """An event reaches its person: facts first, then journeys inside, then journeys that start.

    Its first object was saved before it came here; the others' own entries left at the same time, and may be behind.
    """
    working = people.working
    working.told = {people.desk.hasher.stream(one.kind, one.key): one for one in body.effects.objects[1:]}
    try:
        _event(people, entry, body)
    finally:
        working.told = {}


def _event(people: People, entry: Entry, body: EventEntry) -> None:
    profile = people.profile(entry.stream, body.entity.key)
    changed = body.effects.profile is not None and people.change(entry.stream, body.effects.profile)
    own_relations(people, entry, body)
    before = tuple(people.working.live.get(entry.stream, ()))
    seen = seen_of(body, people.desk.hasher)
    people.tell_all(entry.stream, seen)
    if changed or body.effects.objects:
        people.tell_all(entry.stream, FactsChanged())
    people.end_and_start(seen, people.working.profiles[profile.stream])
    if body.via:
        begun_under(people, entry.stream, body.via, before)


def own_relations(people: People, entry: Entry, body: EventEntry) -> None:
    """Set the relations of an event that begin at its person."""
    for each in body.effects.relations:
        if each.from_kind == body.entity.kind and each.from_key == body.entity.key:
            people.save_relation(entry, RelationEntry(each))


def reply(people: People, entry: Entry, body: ReplyEntry) -> None:
    """An inbound message is an event that journeys can wait for, unless it was STOP or START: those did their work
    when they were stored."""
    profile = people.working.profiles.get(entry.stream)
    if profile is None or body.wish:
        return
    seen = reply_seen(entry, body)
    people.tell_all(entry.stream, seen)
    people.end_and_start(seen, profile)


def profile_change(people: People, entry: Entry, body: ProfileEntry) -> None:
    """PUT or PATCH. Whoever was deleted and is made again by one may be written to again."""
    people.welcome(entry)
    if people.change(entry.stream, body.change):
        people.tell_all(entry.stream, FactsChanged())


def consent(people: People, entry: Entry, body: ConsentEntry) -> None:
    """A line of the consent ledger."""
    before = people.profile(entry.stream, body.key)
    after = give_consent(before, body)
    if after is not before:
        people.keep(after)
    if not body.mirrored:
        people.draft.consents.append((entry.stream, body))
    mirror(people, after, body)


def dead_address(people: People, entry: Entry, body: DeadAddressEntry) -> None:
    """An address that exists no more leaves the profile; registered again later, it is used again."""
    before = people.working.profiles.get(entry.stream)
    if before is None:
        return
    if into := before.identity.merged_into:
        people.draft.entries.append(Entry(people.desk.hasher.stream(PROFILE, into), body, entry.at))
    after = drop_address(before, lambda one: one.channel == body.channel and people.desk.hash_of(one) == body.address)
    if after is not before:
        people.keep(after)
        people.tell_all(entry.stream, FactsChanged())


def relation(people: People, entry: Entry, body: RelationEntry) -> None:
    """A relation that begins at a person; whoever stands for a merged one hears that something is different."""
    people.save_relation(entry, body)
    people.tell_all(entry.stream, FactsChanged())
    if into := people.working.profiles[entry.stream].identity.merged_into:
        other = people.desk.hasher.stream(body.relation.to_kind, body.relation.to_key)
        changed = ObjectChangedEntry(other, body.relation.to_kind, 0)
        people.draft.entries.append(Entry(people.desk.hasher.stream(PROFILE, into), changed, entry.at))


def forget(people: People, entry: Entry, body: ForgetEntry) -> None:
    """Journeys end, waiting messages are canceled, personal data goes."""
    if (profile := people.working.profiles.get(entry.stream)) is not None:
        forget_with(people, profile, body)
    for enrollment in tuple(people.working.live.get(entry.stream, ())):
        people.settle(leave(enrollment, "the profile was deleted", people.working.now), enrollment, None)
    people.working.forget(entry.stream)
    people.draft.forget(entry.stream, body)


def object_changed(people: People, entry: Entry, _body: ObjectChangedEntry) -> None:
    """An object near this person has a new version: waits may move."""
    if entry.stream in people.working.profiles:
        people.tell_all(entry.stream, FactsChanged())


def send(people: People, entry: Entry, body: SendEntry) -> None:
    """Decide a message that a request asked for; nobody is made known by being written to, except an address."""
    if body.message in people.working.decided:
        return
    if body.address is not None:
        people.welcome(entry)
        people.change(entry.stream, address_change(body, body.address))
    profile = people.working.profiles.get(entry.stream)
    candidate = direct_candidate(entry, body, people.working.now)
    people.working.decided[candidate.id] = (0, b"")
    if profile is None:
        people.working.extra[candidate.id] = {STRANGER: True}
    people.desk.decide(
        candidate, profile or new_profile(entry.stream, body.profile, people.working.now), None, values=body.values
    )
