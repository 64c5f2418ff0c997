"""Invariants of limits that look at a person's calendar or at the message before: I11 by local days, I42."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from outrider.domain.policy import Calendar
from outrider.domain.purpose import PURPOSES, Purpose
from outrider.testing.memory_engine import WITHOUT_SLOT
from outrider.testing.memory_rows import AttemptRow, MessageRow
from outrider.testing.simulation.invariants_sending import MARKET_ZONES
from outrider.testing.simulation.watch import Checks


class RuleChecks(Checks):
    """What must hold between the messages of one person; looked at when an intent is committed."""

    def i11_local_days_hold(self, row: MessageRow, attempt: AttemptRow) -> None:
        """On no day of a person's own calendar do more messages go out than a cap by the day allows, doubts counted."""
        if not self._obeys(row):
            return
        zone = ZoneInfo(self.world.person_of(row.message.stream).zone or MARKET_ZONES[row.message.market])
        today = attempt.at.astimezone(zone).date()
        for cap in self.world.current.policy.caps:
            if cap.per is Calendar.DAY and row.message.purpose in cap.purposes:
                used = sum(at.astimezone(zone).date() == today for _, at in self._sent(row, cap.purposes))
                if used > cap.at_most:
                    doc = self.i11_local_days_hold.__doc__
                    raise self.violated("I11", f"{used} messages on {today} under the cap {cap.name}", doc)
                if used == cap.at_most:
                    self.world.met("a local day was full")

    def i42_gaps_hold(self, row: MessageRow, attempt: AttemptRow) -> None:
        """Between two messages to one person lies the gap of their purposes, whatever journeys they come from."""
        if not self._obeys(row) or attempt.number > 1:
            return
        for gap in self.world.current.policy.gaps:
            if row.message.purpose not in gap.purposes:
                continue
            others = [at for other, at in self._sent(row, gap.purposes) if other is not row and at <= attempt.at]
            least = min((attempt.at - at for at in others), default=timedelta.max)
            if least < gap.at_least:
                raise self.violated("I42", f"{least} after the message before it", self.i42.__doc__)
            if least < gap.at_least + timedelta(minutes=1):
                self.world.met("a gap was waited for")

    i42 = i42_gaps_hold

    def _obeys(self, row: MessageRow) -> bool:
        return PURPOSES[row.message.purpose].obeys_caps and self.world.database.jumped_at < 0

    def _sent(self, row: MessageRow, purposes: tuple[Purpose, ...]) -> Iterator[tuple[MessageRow, datetime]]:
        """The person's messages that hold a slot, or that a provider accepted, and when each was first intended."""
        for each in self.tables.messages_of.get(row.message.stream, ()):
            other = self.tables.messages[each]
            held = other.status not in WITHOUT_SLOT or bool(self.memory.copies.get(each))
            if other.message.purpose in purposes and other.intent_at is not None and held:
                yield other, other.intent_at
