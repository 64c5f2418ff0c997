"""Loading: everything the stimuli of one batch can ask for, in a fixed number of queries."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from outrider.contracts.step import EventSeen, Touched
from outrider.contracts.store import EngineStore
from outrider.domain.decision import Candidate, Recent
from outrider.domain.enrollment import Enrollment
from outrider.domain.entry import (
    REPLY,
    AbsorbEntry,
    Entry,
    Event,
    EventEntry,
    ObjectEntry,
    OutcomeEntry,
    ProfileEntry,
    ReceiptEntry,
    RelationEntry,
    ReplyEntry,
)
from outrider.domain.profile import Object, Profile, Relation
from outrider.domain.work import MessageState, Timer
from outrider.ingest.mapping import PROFILE
from outrider.journeys import about_of, enrollment_id
from outrider.journeys.definition import Program
from outrider.lib.ids import Hasher
from outrider.orchestration.record import unpack
from outrider.workers.engine.library import Library

Stimulus = Entry | Timer
#: The source of the events that inbound messages become.
REPLY_SOURCE = "outrider/replies"
#: How far relations are followed from a profile or from what an enrollment is about.
HOPS = 2


@dataclass
class Facts:
    """The working state of a batch: loaded once, changed by each stimulus in turn."""

    now: datetime
    profiles: dict[bytes, Profile] = field(default_factory=dict)
    live: dict[bytes, list[Enrollment]] = field(default_factory=dict)
    rounds: dict[bytes, Enrollment] = field(default_factory=dict)
    objects: dict[bytes, Object] = field(default_factory=dict)
    related: dict[bytes, list[tuple[bytes, str, str]]] = field(default_factory=dict)
    suppressed: dict[bytes, str] = field(default_factory=dict)
    recent: dict[bytes, list[Recent]] = field(default_factory=dict)
    messages: dict[bytes, MessageState] = field(default_factory=dict)
    #: Candidate → number and record of its last decision.
    decided: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)

    def relate(self, start: bytes, end: bytes, relation: Relation, *, delete: bool) -> None:
        """Set or end a relation, so that later stimuli see it from both ends, in the store's order."""
        self._relate(start, (end, relation.to_kind, relation.role), relation, delete=delete)
        self._relate(end, (start, relation.from_kind, relation.role), relation, delete=delete)

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


class Loader:
    """Loads the facts of a batch."""

    def __init__(self, store: EngineStore, library: Library, hasher: Hasher) -> None:
        self.store = store
        self.library = library
        self.hasher = hasher

    async def load(self, stimuli: Sequence[Stimulus], now: datetime) -> Facts:
        """Facts for these stimuli, as they stand now."""
        facts = Facts(now)
        people = {stimulus.stream for stimulus in stimuli if not is_about_object(stimulus)}
        things = {stimulus.stream for stimulus in stimuli if is_about_object(stimulus)}
        candidates = await self._messages(stimuli, facts)
        if people:
            facts.profiles = await self.store.profiles(people)
            facts.live = await self.store.enrollments(people)
        await self.library.ensure(
            [enrollment.config for row in facts.live.values() for enrollment in row]
            + [enrollment.config for stimulus in stimuli for enrollment in brought_by(stimulus)]
            + [candidate.config for candidate in candidates]
        )
        await self._rounds(stimuli, candidates, facts)
        other_keys = self._other_keys(facts.profiles)
        await self._things(stimuli, candidates, (people.union(*other_keys.values()), things), facts)
        await self._limits(stimuli, candidates, other_keys, facts)
        for stream, others in other_keys.items():
            facts.add_from(others, stream)
        return facts

    def _other_keys(self, profiles: Mapping[bytes, Profile]) -> dict[bytes, list[bytes]]:
        """Profile → the streams of the keys that were merged into it: its past lies there."""
        return {
            stream: [self.hasher.stream(PROFILE, key) for key in sorted(profile.identity.merged)]
            for stream, profile in profiles.items()
            if profile.identity.merged
        }

    async def _messages(self, stimuli: Sequence[Stimulus], facts: Facts) -> list[Candidate]:
        ids = {message for stimulus in stimuli if (message := message_of(stimulus)) is not None}
        if not ids:
            return []
        facts.messages = await self.store.messages(ids)
        candidates = [unpack(state.record).decision.candidate for state in facts.messages.values()]
        follow_ups = [next_rung_id(candidate) for candidate in candidates]
        facts.decided = await self.store.decided(follow_ups)
        return candidates

    async def _rounds(self, stimuli: Sequence[Stimulus], candidates: Sequence[Candidate], facts: Facts) -> None:
        ids = {candidate.enrollment for candidate in candidates if candidate.enrollment}
        for stimulus in stimuli:
            ids.update(self._brought(stimulus))
        for stimulus in stimuli:
            body = stimulus.body if isinstance(stimulus, Entry) else None
            if isinstance(body, EventEntry) and body.entity.kind == PROFILE:
                ids.update(self._startable(stimulus.stream, seen_of(body, self.hasher)))
            elif isinstance(stimulus, Entry) and isinstance(body, ReplyEntry):
                ids.update(self._startable(stimulus.stream, reply_seen(stimulus, body)))
        if ids:
            facts.rounds = await self.store.last_rounds(ids)

    def _brought(self, stimulus: Stimulus) -> Iterable[bytes]:
        """The ids that passages from a merged profile get here."""
        for enrollment in brought_by(stimulus):
            program = self.program(enrollment)
            about = Touched(enrollment.about_kind, enrollment.about_key, enrollment.about) if enrollment.about else None
            if program is not None:
                yield enrollment_id(program, stimulus.stream, about)

    def _startable(self, stream: bytes, seen: EventSeen) -> Iterable[bytes]:
        current, event = self.library.current, seen.event.type
        for program in (*current.starts.get(event, ()), *current.exits.get(event, ())):
            yield enrollment_id(program, stream, about_of(program, seen))

    async def _things(
        self,
        stimuli: Sequence[Stimulus],
        candidates: Sequence[Candidate],
        streams: tuple[set[bytes], set[bytes]],
        facts: Facts,
    ) -> None:
        """Objects near the people (also those whose profile this batch makes) and near the things of `streams`."""
        people, things = streams
        wanted = set(things)
        wanted.update(candidate.about for candidate in candidates if candidate.about)
        wanted.update(e.about for row in facts.live.values() for e in row if e.about)
        wanted.update(e.about for stimulus in stimuli for e in brought_by(stimulus) if e.about)
        for stimulus in stimuli:
            if isinstance(stimulus, Entry) and isinstance(stimulus.body, EventEntry):
                wanted.update(touched.stream for touched in touched_by(stimulus.body, self.hasher))
            wanted.update(related_by(stimulus, self.hasher))
        if not self.library.current.kinds and not wanted:
            return
        await self._follow_relations(wanted, people, facts)

    async def _follow_relations(self, things: set[bytes], people: set[bytes], facts: Facts) -> None:
        """Objects by two hops from what is wanted and from the people."""
        frontier = things | people
        for hop in range(HOPS):
            if not frontier:
                break
            found = await self.store.related(frontier, facts.now)
            facts.related.update(found)
            ends = {other for row in found.values() for other, kind, _ in row if kind != PROFILE}
            frontier = ends - facts.related.keys() - things - people if hop + 1 < HOPS else set()
            things = things | ends
        if things:
            facts.objects = await self.store.objects(things)

    async def _limits(
        self,
        stimuli: Sequence[Stimulus],
        candidates: Sequence[Candidate],
        other_keys: Mapping[bytes, Sequence[bytes]],
        facts: Facts,
    ) -> None:
        """Suppressions of every address the batch can write to, and messages that hold slots where caps apply."""
        addresses = {
            self.hasher.address(address.channel, address.value)
            for profile in facts.profiles.values()
            for address in profile.identity.addresses
        }
        addresses.update(self._new_addresses(stimuli))
        if addresses:
            facts.suppressed = await self.store.suppressed(addresses)
        longest = max((cap.within for cap in self.library.current.policy.caps), default=timedelta(0))
        streams = set(self._capped(stimuli, candidates, facts) if longest else ())
        streams.update(*(other_keys[stream] for stream in streams & other_keys.keys()))
        if streams:
            facts.recent = await self.store.recent(dict.fromkeys(sorted(streams), facts.now - longest))

    def _new_addresses(self, stimuli: Sequence[Stimulus]) -> Iterable[bytes]:
        for stimulus in stimuli:
            body = stimulus.body if isinstance(stimulus, Entry) else None
            change = body.effects.profile if isinstance(body, EventEntry) else None
            change = body.change if isinstance(body, ProfileEntry) else change
            addresses = (change.addresses if change else None) or ()
            addresses = body.profile.identity.addresses if isinstance(body, AbsorbEntry) else addresses
            for address in addresses:
                yield self.hasher.address(address.channel, address.value)

    def _capped(self, stimuli: Sequence[Stimulus], candidates: Sequence[Candidate], facts: Facts) -> Collection[bytes]:
        """Streams in which a candidate that obeys caps can come up."""
        purposes = self.library.current.policy.purposes
        streams = {c.stream for c in candidates if purposes[c.purpose].obeys_caps}
        for stream, row in facts.live.items():
            if any(self._obeys(self.program(e)) for e in row):
                streams.add(stream)
        for stimulus in stimuli:
            if any(self._obeys(self.program(e)) for e in brought_by(stimulus)):
                streams.add(stimulus.stream)
            if event := _event_of(stimulus):
                starts = self.library.current.starts.get(event, ())
                if any(self._obeys(program) for program in starts):
                    streams.add(stimulus.stream)
        return streams

    def program(self, enrollment: Enrollment) -> Program | None:
        """The journey version an enrollment follows."""
        return self.library.get(enrollment.config).journeys.get(enrollment.journey)

    def _obeys(self, program: Program | None) -> bool:
        if program is None:
            return False
        purposes = self.library.current.policy.purposes
        asked = (getattr(node.settings, "purpose", None) for node in program.nodes)
        return any(purpose is not None and purposes[purpose].obeys_caps for purpose in asked)


def seen_of(entry: EventEntry, hasher: Hasher) -> EventSeen:
    """The event as journeys see it."""
    return EventSeen(entry.event, touched_by(entry, hasher))


def reply_seen(entry: Entry, body: ReplyEntry) -> EventSeen:
    """An inbound message as journeys see it."""
    data = {"text": body.text, "channel": body.channel}
    return EventSeen(Event(body.provider_id, REPLY_SOURCE, REPLY, entry.at, data=data))


def brought_by(stimulus: Stimulus) -> tuple[Enrollment, ...]:
    """The passages that come along with a merged profile."""
    body = stimulus.body if isinstance(stimulus, Entry) else None
    return body.enrollments if isinstance(body, AbsorbEntry) else ()


def related_by(stimulus: Stimulus, hasher: Hasher) -> Iterable[bytes]:
    """The objects at the ends of the relations that a stimulus sets: later stimuli of the batch can reach them."""
    body = stimulus.body if isinstance(stimulus, Entry) else None
    relations = body.effects.relations if isinstance(body, EventEntry) else ()
    for relation in (body.relation,) if isinstance(body, RelationEntry) else relations:
        for kind, key in ((relation.from_kind, relation.from_key), (relation.to_kind, relation.to_key)):
            if kind != PROFILE:
                yield hasher.stream(kind, key)


def _event_of(stimulus: Stimulus) -> str:
    """The type of the event that a stimulus brings; empty when it brings none."""
    body = stimulus.body if isinstance(stimulus, Entry) else None
    if isinstance(body, EventEntry):
        return body.event.type
    return REPLY if isinstance(body, ReplyEntry) else ""


def _holds(relation: Relation, at: datetime) -> bool:
    """Half open: from ≤ at < to."""
    started = relation.valid_from is None or relation.valid_from <= at
    return started and (relation.valid_to is None or at < relation.valid_to)


def next_rung_id(candidate: Candidate) -> bytes:
    """The id of the next candidate of an escalation: the same whatever makes it escalate, and whenever."""
    unique = candidate.id + (candidate.rung + 1).to_bytes(2, "big")
    return candidate.id[:7] + hashlib.blake2b(unique, digest_size=9).digest()
