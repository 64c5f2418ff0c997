"""Loading: everything the stimuli of one batch can ask for, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from outrider.contracts.step import EventSeen, Touched
from outrider.contracts.store import EngineStore
from outrider.domain.decision import Candidate
from outrider.domain.enrollment import Enrollment
from outrider.domain.entry import AbsorbEntry, Entry, EventEntry, ProfileEntry, ReplyEntry, ReturnEntry
from outrider.domain.profile import Profile
from outrider.ingest.mapping import PROFILE
from outrider.journeys import about_of, enrollment_id
from outrider.journeys.definition import Program
from outrider.lib.ids import Hasher
from outrider.orchestration.record import unpack
from outrider.workers.engine.dedupe import asked_keys, streams_of
from outrider.workers.engine.facts import Facts
from outrider.workers.engine.library import Library
from outrider.workers.engine.rungs import next_rung_id
from outrider.workers.engine.stimuli import (
    Stimulus,
    brought_by,
    event_of,
    is_about_object,
    message_of,
    related_by,
    reply_seen,
    seen_of,
    sends_of,
    touched_by,
)

#: How far relations are followed from a profile or from what an enrollment is about.
HOPS = 2


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
            + [send.config for send in sends_of(stimuli)]
        )
        await self._rounds(stimuli, candidates, facts)
        other_keys = self._other_keys(facts.profiles)
        await self._things(stimuli, candidates, (people.union(*other_keys.values()), things), facts)
        await self._limits(stimuli, candidates, other_keys, facts)
        if wanted := asked_keys(stimuli, candidates, other_keys, self.hasher):
            facts.dedupe_keys = await self.store.dedupe_keys(wanted)
        for stream, others in other_keys.items():
            facts.add_from(others, stream)
        return facts

    def _other_keys(self, profiles: Mapping[bytes, Profile]) -> dict[bytes, list[bytes]]:
        """Profile → the streams of the keys that were merged into it: its past lies there."""
        return {
            stream: streams_of(profile, self.hasher)[1:]
            for stream, profile in profiles.items()
            if profile.identity.merged
        }

    async def _messages(self, stimuli: Sequence[Stimulus], facts: Facts) -> list[Candidate]:
        asked = [send.message for send in sends_of(stimuli)]
        if asked:
            facts.decided = await self.store.decided(asked)
        ids = {message for stimulus in stimuli if (message := message_of(stimulus)) is not None}
        if not ids:
            return []
        facts.messages = await self.store.messages(ids)
        candidates = [unpack(state.record).decision.candidate for state in facts.messages.values()]
        follow_ups = [next_rung_id(candidate) for candidate in candidates]
        facts.decided.update(await self.store.decided(follow_ups))
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
        longest = self.library.current.policy.looks_back
        streams = set(self._capped(stimuli, candidates, facts) if longest else ())
        streams.update(*(other_keys[stream] for stream in streams & other_keys.keys()))
        if streams:
            facts.recent = await self.store.recent(dict.fromkeys(sorted(streams), facts.now - longest))

    def _new_addresses(self, stimuli: Sequence[Stimulus]) -> Iterable[bytes]:
        for stimulus in stimuli:
            body = stimulus.body if isinstance(stimulus, Entry) else None
            change = body.effects.profile if isinstance(body, EventEntry) else None
            change = body.change if isinstance(body, ProfileEntry | ReturnEntry) else change
            addresses = (change.addresses if change else None) or ()
            addresses = body.profile.identity.addresses if isinstance(body, AbsorbEntry) else addresses
            for address in addresses:
                yield self.hasher.address(address.channel, address.value)
        for send in sends_of(stimuli):
            if send.address is not None:
                yield self.hasher.address(send.address.channel, send.address.value)

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
            if event := event_of(stimulus):
                starts = self.library.current.starts.get(event, ())
                if any(self._obeys(program) for program in starts):
                    streams.add(stimulus.stream)
            elif any(purposes[send.purpose].obeys_caps for send in sends_of((stimulus,))):
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
