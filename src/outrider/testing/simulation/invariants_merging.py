"""Invariants of people with two keys: I44."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from outrider.domain.enrollment import Enrollment
from outrider.domain.entry import ConsentEntry, Entry, EventEntry, MergeEntry
from outrider.domain.message import Message
from outrider.domain.stops import address_key
from outrider.ingest.mapping import PROFILE
from outrider.testing.simulation.company import Person
from outrider.testing.simulation.watch import Checks
from outrider.workers.engine.identities import MERGED, UNMERGED


class MergingChecks(Checks):
    """What must hold of merged and un-merged people."""

    def note_merges(self) -> None:
        """A batch was saved: what is new under the keys of doubled people; then who is merged now."""
        batch = self.world.store.batch
        if batch is None or not self.world.doubles:
            return
        for enrollment in batch.enrollments:
            self.i44_a_passage_runs_once(enrollment)
        first = {each.decision.candidate.id for each in batch.decisions if _is_first(each.decision)}
        for message in batch.messages:
            if message.id in first:
                self.i44_messages_go_to_one_place(message)
        self.memory.merged = self._merged()

    def _merged(self) -> frozenset[tuple[str, str]]:
        """(key, the key it is merged into), as either of the two profiles has it by now."""
        found = set()
        for person, double in self._pairs():
            theirs = self.tables.profiles.get(self.world.stream(double))
            ours = self.tables.profiles.get(self.world.stream(person))
            if theirs is not None and theirs.identity.merged_into:
                found.add(("to", double.key))
            if ours is not None and double.key in ours.identity.merged:
                found.add(("from", double.key))
        return frozenset(found)

    def _pairs(self) -> Iterator[tuple[Person, Person]]:
        return ((one, self.world.doubles[one.key]) for one in self.world.people if one.key in self.world.doubles)

    def i44_a_passage_runs_once(self, enrollment: Enrollment) -> None:
        """A merged person's journeys run once: what one event began is never under way under both keys."""
        person = self.world.person_of(enrollment.stream)
        tag = enrollment.data.get("tag")
        if person.human not in self.world.doubles:
            return
        streams = self._streams_of(person.human)
        live = [self.tables.enrollments[key] for stream in streams for key in self.tables.live.get(stream, ())]
        same = [one for one in live if one.journey == enrollment.journey and one.data.get("tag") == tag]
        if len(same) > 1:
            raise self.violated("I44", f"{enrollment.journey} runs under both keys", self.i44.__doc__)

    i44 = i44_a_passage_runs_once

    def _passages(self, key: str) -> Iterator[Enrollment]:
        """Every passage of a doubled person, under both keys."""
        streams = self._streams_of(key)
        return (one for one in self.tables.enrollments.values() if one.stream in streams)

    def _streams_of(self, key: str) -> tuple[bytes, bytes]:
        double = self.world.doubles[key]
        return self.world.hasher.stream(PROFILE, key), self.world.stream(double)

    def i44_messages_go_to_one_place(self, message: Message) -> None:
        """What is newly asked for a merged person is asked under the key that stays, and goes to the number it had
        first while that may be used; apart from each other, neither key's messages go to the other's number."""
        person = self.world.person_of(message.stream)
        if person.human not in self.world.doubles:
            return
        double = self.world.doubles[person.human]
        before = self.memory.merged
        if person is double:
            wrong = ("to", double.key) in before & self._merged()
        else:
            own = self.world.hasher.address("sms", person.phone)
            told = any(each.value == person.phone for each in self.tables.profiles[message.stream].identity.addresses)
            away = message.channel == "sms" and message.address != own and told
            kept = address_key(own) not in self.tables.stops and own not in self.memory.ever_alone
            known = ("from", double.key) in before | self._merged()
            wrong = away and (kept or not known)
            if known and not away:
                self.world.met("a merged person had a message")
        if wrong:
            doc = self.i44_messages_go_to_one_place.__doc__
            raise self.violated("I44", f"a message of {message.journey} for {person.key} went astray", doc)

    def i44_nothing_said_is_lost(self) -> None:
        """[end] What is said under a merged key reaches the person once, in its order, and what is said of one that is
        not merged stays; passages that moved go on, unless the person was in the same one already."""
        for person, double in self._pairs():
            if self._passed_on(double) != self._arrived(person, double):
                doc = self.i44_nothing_said_is_lost.__doc__
                raise self.violated("I44", f"of what was said under {double.key} not all arrived once", doc)
            self._moved_passages_go_on(person)

    def _passed_on(self, double: Person) -> list[str]:
        """What the log says under a second key while it is merged."""
        found, merged = [], False
        for entry in self._log_of(self.world.stream(double)):
            if isinstance(entry.body, MergeEntry):
                merged = not entry.body.undo
            elif merged and (said := _said(entry)):
                found.append(said)
        return found

    def _arrived(self, person: Person, double: Person) -> list[str]:
        entries = self._log_of(self.world.stream(person))
        return [_said(each) for each in entries if _said(each) and getattr(each.body, "via", "") == double.key]

    def _log_of(self, stream: bytes) -> Iterator[Entry]:
        return (entry for _, entry in sorted(self.tables.entries.items()) if entry.stream == stream)

    def _moved_passages_go_on(self, person: Person) -> None:
        passages = list(self._passages(person.key))
        ended = Counter(_name(one) for one in passages if one.end_reason in (MERGED, UNMERGED))
        for one in passages:
            moved = one.end_reason in (MERGED, UNMERGED) and ended[_name(one)] == sum(
                _name(each) == _name(one) for each in passages
            )
            if moved and not any(_stood_for(each, one) for each in passages) and not self._is_blocked(person):
                doc = self.i44_nothing_said_is_lost.__doc__
                raise self.violated("I44", f"a passage of {person.key} through {one.journey} was lost", doc)
            if one.end_reason in (MERGED, UNMERGED):
                self.world.met("a passage moved" if one.end_reason == MERGED else "a passage went back")

    def _is_blocked(self, person: Person) -> bool:
        return self.world.stream(person) in self.tables.blocked


def _is_first(decision: object) -> bool:
    candidate = decision.candidate  # type: ignore[attr-defined]
    return not decision.number and not candidate.rung and not candidate.fallback  # type: ignore[attr-defined]


def _said(entry: Entry) -> str:
    """What an entry says, in words that name it; empty for entries that no merge passes on."""
    body = entry.body
    if isinstance(body, EventEntry):
        return f"event {body.event.id}"
    return f"consent {body.purpose} {body.state}" if isinstance(body, ConsentEntry) and not body.mirrored else ""


def _name(one: Enrollment) -> tuple[str, object]:
    return one.journey, one.data.get("tag")


def _stood_for(other: Enrollment, one: Enrollment) -> bool:
    """Whether the person was in the same journey about the same thing when a passage came."""
    same = (other.journey, other.about_key) == (one.journey, one.about_key) and other.stream != one.stream
    assert one.ended_at is not None
    return same and (other.ended_at is None or other.ended_at >= one.ended_at)
