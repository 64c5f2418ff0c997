"""Invariants of where senders may be used: I45."""

from __future__ import annotations

from outrider.testing.memory_rows import AttemptRow, MessageRow
from outrider.testing.simulation.registry import COUNTRIES, PROVIDERS, covers
from outrider.testing.simulation.timeline import Process
from outrider.testing.simulation.watch import Checks


class LegalityChecks(Checks):
    """What must hold of routes and countries."""

    def i45_senders_are_registered(self, row: MessageRow, attempt: AttemptRow) -> None:
        """No text begins on a route whose sender's registration, as its worker knows it, does not hold in the country
        of the number at that instant."""
        if not self.world.lively or attempt.account not in PROVIDERS:
            return
        country = COUNTRIES[row.message.content.address[:3]]
        known = self.world.host_of(Process.running).told_of_senders
        open_ = [
            account
            for account, provider in PROVIDERS.items()
            if any(one.provider == provider and one.country == country and covers(one, attempt.at) for one in known)
        ]
        if attempt.account not in open_:
            raise self.violated("I45", f"a text to {country} on {attempt.route}", self.i45.__doc__)
        if len(open_) < len(PROVIDERS):
            self.world.met("a text took the way that was left")

    i45 = i45_senders_are_registered
