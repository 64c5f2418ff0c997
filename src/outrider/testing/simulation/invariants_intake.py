"""Invariants of intake and of decisions: I1 to I4."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from outrider.api.sending import Asked
from outrider.domain.decision import Decision
from outrider.domain.entry import Entry, Event, EventEntry, SendEntry
from outrider.domain.request import KeptAnswer
from outrider.ingest.mapping import PROFILE
from outrider.orchestration.record import rederive, unpack
from outrider.plugged import gates
from outrider.testing.simulation.company import NUMBERS, configuration
from outrider.testing.simulation.watch import Checks

#: One of so many decisions is derived again from its record.
SAMPLE = 4


class IntakeChecks(Checks):
    """What must hold of events and decisions."""

    def answered(self, event: Event, entry: Entry, positions: Sequence[int | None]) -> None:
        """A caller has its answer."""
        assert entry.key is not None
        self.i2_a_repeat_gets_no_place_of_its_own(entry, positions)
        self.memory.answered[entry.key] = entry
        if positions == [None]:
            self.world.met("C2 a repeat found its event stored")
        self.i1_answered_events_are_stored(entry)

    def i1_answered_events_are_stored(self, entry: Entry) -> None:
        """Every event answered with 202 exists in the log."""
        position = self.tables.event_keys.get(entry.key)
        if position is None or position not in self.tables.entries:
            raise self.violated(
                "I1", f"the event with key {entry.key!r} was answered but is not in the log", self.i1.__doc__
            )

    i1 = i1_answered_events_are_stored

    def i2_a_repeat_gets_no_place_of_its_own(self, entry: Entry, positions: Sequence[int | None]) -> None:
        """A repeat of an event that was answered is answered as a repeat, however long ago that was."""
        if entry.key in self.memory.answered and positions[0] is not None:
            raise self.violated(
                "I2", "a repeat was stored as a new event", self.i2_a_repeat_gets_no_place_of_its_own.__doc__
            )

    def i2_each_event_is_stored_once(self) -> None:
        """[end] At most one entry of the log per event, and the first one stays."""
        keys = Counter(entry.key for entry in self.tables.entries.values() if entry.key is not None)
        twice = [key for key, times in keys.items() if times > 1]
        if twice:
            raise self.violated("I2", f"{len(twice)} events are stored more than once", self.i2.__doc__)
        for entry in self.memory.answered.values():
            self.i1_answered_events_are_stored(entry)

    i2 = i2_each_event_is_stored_once

    def i2_a_request_has_one_answer(self, asked: Asked, kept: KeptAnswer) -> None:
        """Two answers for one Idempotency-Key are equal byte for byte, and belong to one body."""
        first = self.memory.requests.setdefault(asked.key, (asked.fingerprint, kept.answer))
        if first != (asked.fingerprint, kept.answer):
            doc = self.i2_a_request_has_one_answer.__doc__
            raise self.violated("I2", "one key got two answers, or one answer two bodies", doc)
        if kept.message not in self._sends():
            raise self.violated("I1", "a request was answered but is not in the log", self.i1.__doc__)

    def i2_a_refused_request_was_answered_before(self, asked: Asked) -> None:
        """A body that is refused as another one leaves no trace of its own."""
        kept, _ = self.tables.answers[asked.key]
        if kept.fingerprint == asked.fingerprint:
            doc = self.i2_a_refused_request_was_answered_before.__doc__
            raise self.violated("I2", "a request was refused as another one and is kept", doc)

    def i2_each_request_is_stored_once(self) -> None:
        """[end] Each key of a request has exactly one entry, that of the message its answer names."""
        sends = self._sends()
        named = [kept.message for kept, _ in self.tables.answers.values()]
        if sorted(sends) != sorted(named):
            doc = self.i2_each_request_is_stored_once.__doc__
            raise self.violated("I2", f"{len(sends)} entries for {len(named)} keys", doc)

    def _sends(self) -> list[bytes]:
        """The messages that entries of the log ask for."""
        return [each.body.message for each in self.tables.entries.values() if isinstance(each.body, SendEntry)]

    def note_handled(self) -> None:
        """A batch was saved: which entries it handled."""
        if not self.tables.journal or self.world.store.batch is None:
            return
        for _, kind, reference in self.world.store.batch.handled:
            if kind == "entry":
                self.memory.handled[int.from_bytes(reference, "big")] += 1
        self.i3_handled_once()

    def i3_handled_once(self) -> None:
        """No entry is handled twice: a batch that failed halfway repeats nothing of what it saved."""
        batch = self.world.store.batch
        for _, kind, reference in batch.handled if batch else ():
            position = int.from_bytes(reference, "big")
            if kind == "entry" and self.memory.handled[position] > 1:
                raise self.violated("I3", f"entry {position} was handled twice", self.i3_handled_once.__doc__)

    def i3_every_entry_is_handled_or_quarantined(self) -> None:
        """[end] Every stored entry is handled once, quarantined with a reason, or waits visibly behind one."""
        letters = {letter.place for letter in self.tables.dead_letters.values() if letter.reason}
        waiting = {
            parked.stimulus.position
            for row in self.tables.parked.values()
            for parked in row.values()
            if isinstance(parked.stimulus, Entry)
        }
        for position in self.tables.entries:
            if not self.memory.handled[position] and str(position) not in letters and position not in waiting:
                raise self.violated("I3", f"entry {position} was never handled", self.i3.__doc__)

    i3 = i3_every_entry_is_handled_or_quarantined

    def i41_events_of_an_object_reach_their_person_in_order(self) -> None:
        """[end] Events that begin at one object reach one person in the order in which the log has them."""
        begun: dict[str, tuple[int, bytes]] = {}
        last: dict[tuple[bytes, bytes], int] = {}
        arrived: dict[tuple[str, bytes], int] = {}
        for position, entry in sorted(self.tables.entries.items()):
            if not isinstance(entry.body, EventEntry):
                continue
            event = entry.body.event.id
            if entry.key is not None:
                begun[event] = (position, entry.stream)
            if entry.body.entity.kind == PROFILE:
                arrived[event, entry.stream] = position
        for (event, person), position in sorted(arrived.items(), key=lambda each: begun[each[0][0]]):
            way = (begun[event][1], person)
            if position < last.get(way, 0):
                raise self.violated("I41", f"{event} reached its person before an earlier event", self.i41.__doc__)
            last[way] = position

    i41 = i41_events_of_an_object_reach_their_person_in_order

    def i3_only_poison_is_quarantined(self) -> None:
        """Only a stimulus that is really poisonous is quarantined: nobody suffers for a fault of the store."""
        for letter in self.tables.dead_letters.values():
            if letter.kind == "stimulus" and not letter.reason.startswith("Poisoned"):
                raise self.violated(
                    "I3", f"quarantined: {letter.reason} at {letter.place}", self.i3_only_poison_is_quarantined.__doc__
                )

    def i4_decisions_follow_from_their_records(self) -> None:
        """Each decision follows from what its own record holds: facts, candidate and the configuration it names."""
        for index, decided in enumerate(self.tables.decisions.values()):
            if index % SAMPLE == 0:
                self._derive(decided.decision, decided.record)

    def _derive(self, decision: Decision, record: bytes) -> None:
        digest = unpack(record).config_digest
        policy = next(each.policy for each in map(configuration, NUMBERS) if each.digest == digest)
        again = rederive(record, policy, gates())
        said, follows = _answer(decision), _answer(again)
        if said != follows:
            raise self.violated("I4", f"{said} was recorded, {follows} follows", self.i4.__doc__)

    i4 = i4_decisions_follow_from_their_records

    def counts_events(self) -> int:
        """How many events were answered."""
        return sum(isinstance(entry.body, EventEntry) for entry in self.memory.answered.values())


def _answer(decision: Decision) -> tuple[object, ...]:
    return decision.verdict, decision.gate, decision.channel, decision.until, decision.not_before, decision.not_after
