"""Two keys, one person: merging, un-merging, and passing on what still comes under a key that was merged.

Nothing looks a key up at the door: an entry goes to the stream of the key it names, and the engine passes it on from
there, in order, to the stream of the profile that stands for the person. Messages under way stay where they are, with
the facts of then; consents that change later, and the wish to be forgotten, are told to them too.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from outrider.contracts.step import Touched
from outrider.domain.enrollment import Enrollment
from outrider.domain.entry import (
    AbsorbEntry,
    Body,
    ConsentEntry,
    Entry,
    EventEntry,
    ForgetEntry,
    Hop,
    MergeEntry,
    ObjectChangedEntry,
    ProfileEntry,
    RelationEntry,
    ReplyEntry,
)
from outrider.domain.profile import ConsentState, Identity, Profile
from outrider.domain.work import Timer
from outrider.ingest.mapping import PROFILE
from outrider.journeys import FactsChanged, enrollment_id
from outrider.profiles.merge import absorb, release
from outrider.workers.engine.people import People

#: Why the passages of a merged profile end here: they go on under the other key.
MERGED = "merged into another profile"


def passed_on(entry: Entry, into: str) -> Body | None:
    """The body as the profile of the key `into` gets it; None for what a merged profile still handles itself."""
    body = entry.body
    if isinstance(body, EventEntry):
        return _event(body, into)
    if isinstance(body, ProfileEntry):
        return replace(body, change=replace(body.change, key=into))
    if isinstance(body, ConsentEntry):
        return None if body.mirrored else replace(body, key=into)
    if isinstance(body, RelationEntry):
        return replace(body, relation=replace(body.relation, from_key=into))
    if isinstance(body, AbsorbEntry):
        return None if body.profile.stream == entry.stream else body
    return body if isinstance(body, ObjectChangedEntry | ReplyEntry) else None


def _event(body: EventEntry, into: str) -> EventEntry:
    effects, here = body.effects, body.entity
    relations = tuple(
        replace(each, from_key=into) if (each.from_kind, each.from_key) == (here.kind, here.key) else each
        for each in effects.relations
    )
    change = replace(effects.profile, key=into) if effects.profile else None
    return replace(body, entity=Hop(PROFILE, into), effects=replace(effects, profile=change, relations=relations))


def merge(people: People, entry: Entry, body: MergeEntry) -> None:
    """The profile of this stream begins or ends to be part of another; its passages move along at the beginning."""
    profile = people.profile(entry.stream, body.key)
    former = profile.identity.merged_into
    if body.undo:
        if former == body.into:
            _point(people, profile, "")
            _tell(people, former, AbsorbEntry(_name_of(profile), undo=True))
        return
    if former == body.into or body.into == profile.key:
        return
    if former:
        _tell(people, former, AbsorbEntry(_name_of(profile), undo=True))
    _point(people, profile, body.into)
    bare = replace(profile, data_key=b"", key_id=0)
    _tell(people, body.into, AbsorbEntry(bare, tuple(_move_out(people, entry.stream))))


def take_in(people: People, entry: Entry, body: AbsorbEntry) -> None:
    """What another key brings: facts, and passages that go on here.

    A merge that comes round to its own key would make a circle in which entries run forever: it is undone.
    """
    profile = people.profile(entry.stream, body.profile.key)
    if body.profile.stream == entry.stream:
        _point(people, profile, "")
    elif body.undo:
        people.keep(release(profile, body.profile.key))
    else:
        after = absorb(profile, body.profile)
        people.keep(after)
        _tell_objections(people, after, body.profile.key)
    for enrollment in body.enrollments:
        _move_in(people, entry.stream, enrollment)
    people.tell_all(entry.stream, FactsChanged())


def mirror(people: People, profile: Profile, body: ConsentEntry | ForgetEntry) -> None:
    """Tell the keys that were merged into a profile, for the sake of their messages under way."""
    for key in sorted(profile.identity.merged):
        told = replace(body, key=key, mirrored=True) if isinstance(body, ConsentEntry) else replace(body, key=key)
        _tell(people, key, told)


def forget_with(people: People, profile: Profile) -> None:
    """Whoever is forgotten under one key is forgotten under all of them."""
    mirror(people, profile, ForgetEntry(profile.key))
    if profile.identity.merged_into:
        _tell(people, profile.identity.merged_into, ForgetEntry(profile.identity.merged_into))


def _tell_objections(people: People, profile: Profile, key: str) -> None:
    """Messages under way of a merged key obey what the person objected to under the other."""
    for name, state in sorted(profile.consents.items()):
        if state is ConsentState.WITHDRAWN:
            purpose, _, channel = name.partition("/")
            _tell(people, key, ConsentEntry(key, purpose, str(state), channel, mirrored=True))


def _name_of(profile: Profile) -> Profile:
    """Enough to take back what came from a profile."""
    return Profile(profile.stream, Identity(profile.key))


def _point(people: People, profile: Profile, into: str) -> None:
    identity = replace(profile.identity, merged_into=into)
    people.keep(replace(profile, identity=identity, version=profile.version + 1))


def _tell(people: People, key: str, body: Any) -> None:
    people.draft.entries.append(Entry(people.desk.hasher.stream(PROFILE, key), body, people.working.now))


def _move_out(people: People, stream: bytes) -> list[Enrollment]:
    """End the passages here without canceling anything; as they were, they go on elsewhere."""
    moved = list(people.working.live.get(stream, ()))
    for enrollment in moved:
        people.draft.drop_timer(enrollment.id, "wait")
        people.replace(enrollment, replace(enrollment, wait=None, ended_at=people.working.now, end_reason=MERGED))
    return moved


def _move_in(people: People, stream: bytes, enrollment: Enrollment) -> None:
    """A passage goes on here, unless this person is in the same one already."""
    program = people.desk.library.get(enrollment.config).journeys.get(enrollment.journey)
    if program is None:
        return
    about = Touched(enrollment.about_kind, enrollment.about_key, enrollment.about) if enrollment.about else None
    own = enrollment_id(program, stream, about)
    past = people.working.rounds.get(own)
    if past is not None and past.ended_at is None:
        return
    here = replace(enrollment, id=own, stream=stream, round=past.round + 1 if past else 0)
    people.replace(here, here)
    if here.wait is not None and here.wait.due_at is not None:
        people.draft.set_timer(Timer(own, "wait", here.wait.due_at, stream, here.wait.token))
