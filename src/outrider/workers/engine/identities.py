"""Two keys, one person: merging, un-merging, and passing on what still comes under a key that was merged.

Nothing looks a key up at the door: an entry goes to the stream of the key it names, and the engine passes it on from
there, in order, to the stream of the profile that stands for the person. Messages under way stay where they are, with
the facts of then; consents that change later, and the wish to be forgotten, are told to them too. Relations stay with
the key they were set under: the profile that stands for the person has those of all its keys.

A direct send goes by what its key's own profile knows, except under a dedupe key: that is the person's, so the profile
that stands for the person decides.

Un-merging gives the key that leaves what came from it, also what came under it since: facts, and passages that still
run. What both had said, and every message, stays where it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    ProfileChange,
    ProfileEntry,
    ReplyEntry,
    ReturnEntry,
    SendEntry,
)
from outrider.domain.profile import ConsentState, Identity, Profile
from outrider.domain.work import Timer
from outrider.ingest.mapping import PROFILE
from outrider.journeys import FactsChanged, enrollment_id
from outrider.profiles.merge import absorb, came_with, give_back, held_for, note_passages, release
from outrider.workers.engine.people import People

#: Why the passages of a merged profile end here: they go on under the other key.
MERGED = "merged into another profile"
#: Why passages end where they went on after a merge that is undone.
UNMERGED = "went back with a key that was un-merged"


def passed_on(entry: Entry, key: str, into: str) -> Body | None:
    """The body as the profile of the key `into` gets it; None for what the merged profile `key` handles itself."""
    body = entry.body
    if isinstance(body, EventEntry):
        return _event(body, key, into)
    if isinstance(body, ProfileEntry):
        return replace(body, change=_said_under(body.change, key, into))
    if isinstance(body, ConsentEntry):
        return None if body.mirrored else replace(body, key=into, via=body.via or key)
    if isinstance(body, SendEntry):
        return replace(body, profile=into) if body.dedupe and body.address is None else None
    return body if isinstance(body, ObjectChangedEntry | ReplyEntry) else None


def _event(body: EventEntry, key: str, into: str) -> EventEntry:
    """The event without the relations that begin here: they are set here."""
    effects, here = body.effects, body.entity
    relations = tuple(each for each in effects.relations if (each.from_kind, each.from_key) != (here.kind, here.key))
    change = _said_under(effects.profile, key, into) if effects.profile else None
    effects = replace(effects, profile=change, relations=relations)
    return replace(body, entity=Hop(PROFILE, into), effects=effects, via=body.via or key)


def _said_under(change: ProfileChange, key: str, into: str) -> ProfileChange:
    return replace(change, key=into, via=change.via or key)


def merge(people: People, entry: Entry, body: MergeEntry) -> None:
    """The profile of this stream begins or ends to be part of another; its passages move along at the beginning."""
    profile = people.profile(entry.stream, body.key)
    former = profile.identity.merged_into
    if body.undo:
        if former == body.into:
            _point(people, profile, "")
            _tell(people, former, AbsorbEntry(_name_of(profile), former, undo=True))
        return
    if former == body.into or body.into == profile.key:
        return
    if former:
        _tell(people, former, AbsorbEntry(_name_of(profile), former, undo=True))
    _point(people, profile, body.into)
    moved = _move_out(people, people.working.live.get(entry.stream, ()), MERGED)
    _tell(people, body.into, AbsorbEntry(_bare(profile), body.into, moved))


def take_in(people: People, entry: Entry, body: AbsorbEntry) -> None:
    """What another key brings: facts, and passages that go on here; or it wants them back.

    A profile that is merged itself keeps count of what came to it, and passes all of it on. A merge that comes round to
    its own key would make a circle in which entries run forever: it is undone.
    """
    key = body.profile.key
    profile = people.profile(entry.stream, body.into)
    if body.profile.stream == entry.stream:
        _break_circle(people, profile, body)
        return
    changed = release(profile, key) if body.undo else absorb(profile, body.profile, body.through)
    people.keep(changed)
    if into := profile.identity.merged_into:
        _tell(people, into, replace(body, into=into, through=body.through or profile.key))
        return
    if body.undo:
        _give_back(people, profile, key)
    else:
        _tell_objections(people, changed, key)
        _move_in(people, entry.stream, body.enrollments, [_origin(body.profile, one) for one in body.enrollments])
    people.tell_all(entry.stream, FactsChanged())


def _break_circle(people: People, profile: Profile, body: AbsorbEntry) -> None:
    if into := profile.identity.merged_into:
        _point(people, profile, "")
        _tell(people, into, AbsorbEntry(_name_of(profile), into, undo=True))
    _move_in(people, profile.stream, body.enrollments, [""] * len(body.enrollments))
    people.tell_all(profile.stream, FactsChanged())


def _origin(profile: Profile, enrollment: Enrollment) -> str:
    """The key that brought or began a passage of a profile: one merged into it, or its own."""
    place = (enrollment.id, enrollment.round)
    return next((key for key, share in profile.identity.merged.items() if place in share.passages), profile.key)


def _give_back(people: People, profile: Profile, key: str) -> None:
    """Tell a key that leaves what was held for it; its passages end here without canceling anything."""
    keys = came_with(profile, key)
    if not keys:
        return
    theirs = {place: each for each in keys for place in profile.identity.merged[each].passages}
    live = [one for one in people.working.live.get(profile.stream, ()) if (one.id, one.round) in theirs]
    origins = tuple(theirs[one.id, one.round] for one in live)
    _tell(people, key, ReturnEntry(held_for(profile, key), _move_out(people, live, UNMERGED), origins))


def take_back(people: People, entry: Entry, body: ReturnEntry) -> None:
    """What another profile held for this one comes back; to a profile that is merged again meanwhile, for the other."""
    profile = give_back(people.profile(entry.stream, body.change.key), body.change, people.desk.current.open_traits)
    people.keep(profile)
    if into := profile.identity.merged_into:
        _tell(people, into, AbsorbEntry(_bare(profile), into, body.enrollments))
        return
    _move_in(people, entry.stream, body.enrollments, body.origins)
    people.tell_all(entry.stream, FactsChanged())


def begun_under(people: People, stream: bytes, key: str, before: Sequence[Enrollment]) -> None:
    """Note the passages that an event under a merged key began: un-merging takes them along."""
    known = {(one.id, one.round) for one in before}
    live = people.working.live.get(stream, ())
    new = [(one.id, one.round) for one in live if (one.id, one.round) not in known]
    profile = people.working.profiles[stream]
    if new and key in profile.identity.merged:
        people.keep(note_passages(profile, key, new, {one.id for one in live}))


def mirror(people: People, profile: Profile, body: ConsentEntry) -> None:
    """Tell the keys that were merged into a profile, for the sake of their messages under way.

    A grant is told to the key it was given under only: it is not theirs should they part again.
    """
    for key in sorted(profile.identity.merged):
        if body.state == ConsentState.WITHDRAWN or key == body.via:
            _tell(people, key, replace(body, key=key, mirrored=True))


def forget_with(people: People, profile: Profile, body: ForgetEntry) -> None:
    """Whoever is forgotten under one key is forgotten under all of them, each told once."""
    told = {*body.told, profile.key}
    others = {*profile.identity.merged, profile.identity.merged_into} - told - {""}
    for key in sorted(others):
        _tell(people, key, ForgetEntry(key, tuple(sorted(told | others))))


def _tell_objections(people: People, profile: Profile, key: str) -> None:
    """Messages under way of a merged key obey what the person objected to under the other."""
    for name, state in sorted(profile.consents.items()):
        if state is ConsentState.WITHDRAWN:
            purpose, _, channel = name.partition("/")
            _tell(people, key, ConsentEntry(key, purpose, str(state), channel, mirrored=True))


def _bare(profile: Profile) -> Profile:
    """A profile as entries carry it: without the key that seals it."""
    return replace(profile, data_key=b"", key_id=0)


def _name_of(profile: Profile) -> Profile:
    """Enough to take back what came from a profile."""
    return Profile(profile.stream, Identity(profile.key))


def _point(people: People, profile: Profile, into: str) -> None:
    identity = replace(profile.identity, merged_into=into)
    people.keep(replace(profile, identity=identity, version=profile.version + 1))


def _tell(people: People, key: str, body: Any) -> None:
    people.draft.entries.append(Entry(people.desk.hasher.stream(PROFILE, key), body, people.working.now))


def _move_out(people: People, live: Iterable[Enrollment], why: str) -> tuple[Enrollment, ...]:
    """End passages without canceling anything; as they were, they go on elsewhere."""
    moved = tuple(live)
    for enrollment in moved:
        people.draft.drop_timer(enrollment.id, "wait")
        people.replace(enrollment, replace(enrollment, wait=None, ended_at=people.working.now, end_reason=why))
    return moved


def _move_in(people: People, stream: bytes, enrollments: Iterable[Enrollment], origins: Sequence[str]) -> None:
    """Passages go on here; which merged key each is from is noted."""
    for enrollment, origin in zip(enrollments, origins, strict=True):
        here = _settle_in(people, stream, enrollment)
        profile = people.working.profiles[stream]
        if here is not None and origin in profile.identity.merged:
            live = {one.id for one in people.working.live[stream]}
            people.keep(note_passages(profile, origin, [(here.id, here.round)], live))


def _settle_in(people: People, stream: bytes, enrollment: Enrollment) -> Enrollment | None:
    """A passage goes on here, unless this person is in the same one already."""
    program = people.desk.library.get(enrollment.config).journeys.get(enrollment.journey)
    if program is None:
        return None
    about = Touched(enrollment.about_kind, enrollment.about_key, enrollment.about) if enrollment.about else None
    own = enrollment_id(program, stream, about)
    past = people.working.rounds.get(own)
    if past is not None and past.ended_at is None:
        return None
    here = replace(enrollment, id=own, stream=stream, round=past.round + 1 if past else 0)
    people.replace(here, here)
    if here.wait is not None and here.wait.due_at is not None:
        people.draft.set_timer(Timer(own, "wait", here.wait.due_at, stream, here.wait.token))
    return here
