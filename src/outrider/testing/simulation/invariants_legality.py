"""Invariants of where senders may be used: I45."""

from __future__ import annotations

from datetime import datetime

from outrider.domain.message import Message
from outrider.domain.outbox import Intent
from outrider.testing.simulation.registry import COUNTRIES, PROVIDERS, covers
from outrider.testing.simulation.timeline import Process
from outrider.testing.simulation.watch import Checks


class LegalityChecks(Checks):
    """What must hold of routes and countries."""

    def call_begins(self, intent: Intent) -> None:
        """A worker is about to call the provider."""
        self.i45_senders_are_registered(intent.message, intent.account, self.world.database.now())

    def i45_senders_are_registered(self, message: Message, account: str, at: datetime) -> None:
        """No intent is written, and no call begun, on a route whose sender's registration, as its worker knows it, does
        not hold in the country of the number at that instant."""
        if not self.world.lively or account not in PROVIDERS:
            return
        country = COUNTRIES[message.content.address[:3]]
        known = self.world.host_of(Process.running).told_of_senders
        open_ = [
            name
            for name, provider in PROVIDERS.items()
            if any(one.provider == provider and one.country == country and covers(one, at) for one in known)
        ]
        if account not in open_:
            raise self.violated("I45", f"a text to {country} on account {account}", self.i45.__doc__)
        if len(open_) < len(PROVIDERS):
            self.world.met("a text took the way that was left")

    i45 = i45_senders_are_registered
