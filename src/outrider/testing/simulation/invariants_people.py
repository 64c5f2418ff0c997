"""Invariants of what people ask of us, and of mailboxes that are none: I43, STOP and START; I46."""

from __future__ import annotations

from outrider.domain.entry import ReplyEntry
from outrider.domain.purpose import Purpose
from outrider.domain.stops import opt_out_key
from outrider.testing.memory_rows import AttemptRow, MessageRow
from outrider.testing.simulation.watch import Checks
from outrider.testing.simulation.wishes import STARTS, STOPS

STOPPABLE = (Purpose.SERVICE, Purpose.COMMERCIAL)
_STOPS = frozenset(word for words in STOPS.values() for word in words)


class PeopleChecks(Checks):
    """What must hold of people who answer."""

    def note_answers(self) -> None:
        """Entries were stored: what their people asked for; an answer that is told again says nothing new."""
        for entry in self.world.store.appended:
            if not isinstance(entry.body, ReplyEntry) or entry.body.provider_id in self.memory.answers:
                continue
            self.memory.answers.add(entry.body.provider_id)
            address = self.world.hasher.address("sms", entry.body.sender)
            if entry.body.text in _STOPS:
                self.memory.left_alone.add(address)
                self.memory.ever_alone.add(address)
                self.world.wishes.note_waiting(address)
            elif entry.body.text in STARTS and address in self.memory.left_alone:
                self.memory.left_alone.remove(address)
                self.world.met("a START lifted a STOP")

    def i43_a_stop_is_obeyed_at_once(self, row: MessageRow) -> None:
        """After a STOP was stored no text of a stoppable purpose is begun to that number until a START."""
        message = row.message
        if message.purpose in STOPPABLE and message.address in self.memory.left_alone:
            raise self.violated("I43", f"a {message.purpose} text was begun after a STOP", self.i43.__doc__)

    i43 = i43_a_stop_is_obeyed_at_once

    def i46_no_mail_to_nobody(self, row: MessageRow, attempt: AttemptRow) -> None:
        """After mail came back for good nothing is sent to that mailbox; what is said finds another way."""
        if row.message.address in self.memory.no_mailbox:
            raise self.violated("I46", f"attempt {attempt.number} to a mailbox that is none", self.i46.__doc__)
        if row.message.journey == "bill" and row.message.channel != "email":
            self.world.met("a bill went another way")

    i46 = i46_no_mail_to_nobody

    def i43_the_last_word_counts(self) -> None:
        """[end] A number is left alone exactly when STOP was the last word written from it."""
        for phone in (one.phone for one in self.world.everybody):
            address = self.world.hasher.address("sms", phone)
            left_alone = opt_out_key(address) in self.tables.stops
            if left_alone != (address in self.memory.left_alone):
                last = "STOP" if address in self.memory.left_alone else "START"
                raise self.violated("I43", f"{last} came last and does not hold", self.i43_the_last_word_counts.__doc__)
