"""Invariants of the end, after seven quiet days: I15 of what we wrote, I17, I18, I20."""

from __future__ import annotations

from outrider.domain.attempt import SCOPES, AttemptState, Scope
from outrider.domain.message import FINAL, Status
from outrider.domain.purpose import Purpose
from outrider.testing.memory_rows import MessageRow
from outrider.testing.simulation.carriers import healthy
from outrider.testing.simulation.invariants_sending import MOST_COPIES
from outrider.testing.simulation.watch import MAYBE_OUT, Checks

#: Purposes whose messages must not get lost.
NEVER_LOST = frozenset({Purpose.SAFETY, Purpose.SECURITY, Purpose.LEGAL})
#: Refusals for which no other route helps.
_HOPELESS = (Scope.RECIPIENT, Scope.MESSAGE)


class EndChecks(Checks):
    """What must hold when everything has come to rest."""

    def i15_reasons_and_logs_hold_no_personal_data(self) -> None:
        """[end] No address and no name stands in a log line, a reason or the reason of a dead letter."""
        private = [
            value for one in self.world.everybody for value in (one.phone, one.token, f"canary-{one.human}") if value
        ]
        texts = [str(line) for line in self.world.logs]
        texts += [letter.reason for letter in self.tables.dead_letters.values()]
        texts += [row.reason for row in self.tables.messages.values()]
        told = "\n".join(texts)
        if any(value in told for value in private):
            raise self.violated(
                "I15",
                "personal data in a log line or a reason",
                self.i15_reasons_and_logs_hold_no_personal_data.__doc__,
            )

    def i17_no_doubt_is_left(self) -> None:
        """[end] No attempt is open, and every doubt is resolved or listed as unresolved."""
        for attempt in self.tables.attempts.values():
            if attempt.state in (AttemptState.INTENT, AttemptState.UNKNOWN):
                raise self.violated("I17", f"an attempt is still {attempt.state}", self.i17.__doc__)
        if self.tables.doubts:
            raise self.violated("I17", f"{len(self.tables.doubts)} doubts are left", self.i17.__doc__)

    i17 = i17_no_doubt_is_left

    def i17_no_doubt_without_a_fault(self) -> None:
        """[end] On a day without faults no attempt was ever in doubt."""
        if self.world.calm and self.memory.doubts["came"]:
            raise self.violated(
                "I17", f"{self.memory.doubts['came']} doubts on a calm day", self.i17_no_doubt_without_a_fault.__doc__
            )

    def i18_nothing_urgent_is_lost(self) -> None:
        """[end] While a provider of its channel was healthy, every safety, security and legal message was accepted."""
        for row in self.tables.messages.values():
            if row.message.purpose in NEVER_LOST and self._is_lost(row):
                raise self.violated(
                    "I18",
                    f"{row.message.id.hex()[-6:]}, {row.message.purpose}, is {row.status} ({row.reason})",
                    self.i18.__doc__,
                )

    i18 = i18_nothing_urgent_is_lost

    def _is_lost(self, row: MessageRow) -> bool:
        copies = self.memory.copies.get(row.message.id)
        if copies or row.status is Status.CANCELED or self.world.database.jumped_at >= 0:
            return False
        if self._was_hopeless(row) or "ceiling" in row.reason or row.message.stream in self.tables.blocked:
            return False
        if self._ran_out_of_copies(row):
            return False
        begin, end = self._life(row)
        return any(
            healthy(self.world.carriers[account].windows, begin, end)
            and not self.memory.harms.get((row.message.id, account))
            for account in self.world.accounts_of(row.message)
        )

    def _ran_out_of_copies(self, row: MessageRow) -> bool:
        """As many attempts in doubt as copies are allowed: the limit wins, and the doubt is listed."""
        doubts = sum(attempt.state in MAYBE_OUT for attempt in self.tables.attempts_of(row))
        return doubts >= MOST_COPIES[row.message.purpose]

    def _was_hopeless(self, row: MessageRow) -> bool:
        return any(a.reason is not None and SCOPES[a.reason] in _HOPELESS for a in self.tables.attempts_of(row))

    def _life(self, row: MessageRow) -> tuple[float, float]:
        """From the first decision to the last status, in seconds; a little longer than that."""
        first = self.tables.decisions[row.message.id, 0].decision.facts.now
        seconds = self.world.timeline.seconds_of
        return seconds(first) - 5.0, seconds(row.status_at) + 5.0

    def i20_everything_ends(self) -> None:
        """[end] Every message was sent or ended with a reason; none waits beyond its validity."""
        blocked = self.tables.blocked
        for row in self.tables.messages.values():
            waits = row.status in (Status.HELD, Status.QUEUED, Status.SENDING)
            if waits and row.message.stream not in blocked:
                raise self.violated("I20", f"a message is still {row.status}", self.i20_everything_ends.__doc__)
            gone = row.status in FINAL and row.status not in (Status.DELIVERED, Status.UNDELIVERED)
            if gone and not row.reason:
                raise self.violated("I20", f"a message is {row.status} for no reason", self.i20_everything_ends.__doc__)
