"""Sender registrations that end, are refused and are granted again while texts wait."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from outrider.delivery.legality import Legality
from outrider.domain.outbox import Intent
from outrider.domain.policy import Allowed, SenderRules
from outrider.domain.registration import Registration, RegistrationStatus

if TYPE_CHECKING:
    from outrider.testing.simulation.world import World

DAY = 86_400.0
#: Provider of each account that sends texts.
PROVIDERS = {"mode": "smsmode", "twi": "twilio"}
#: Beginning of a number → its country.
COUNTRIES = {"+33": "FR", "+44": "GB"}
RULES = {
    country: SenderRules(
        "sms", Allowed.REGISTERED, Allowed.REGISTERED, "simulated registry", source="The simulator.", confirmed=True
    )
    for country in COUNTRIES.values()
}
#: How many intents are followed by a refusal of their sender.
BEFORE_THE_CALL = 0.01
#: How long a refusal stands, in seconds.
REFUSED_FOR = (1800.0, 30_000.0)


class Registry:
    """What the company wrote down of its senders, as the configuration of this moment has it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rows = {
            (route.account, country): Registration(
                country, route.sender, PROVIDERS[route.account], RegistrationStatus.REGISTERED
            )
            for route in world.current.toml.routes
            if route.channel == "sms"
            for country in COUNTRIES.values()
        }
        #: (account, country) that were closed at some time of the day.
        self.ever_closed: set[tuple[str, str]] = set()
        self.legality = self._legality()

    def _legality(self) -> Legality:
        return Legality(tuple(self.rows.values()), PROVIDERS, rules={"sms": RULES})

    def plan(self) -> None:
        """One sender's registration ends at midnight, and another is refused for some hours."""
        chance = self.world.chance
        ending, refused = chance.sample(sorted(self.rows), 2)
        self.rows[ending] = replace(self.rows[ending], expires=self.world.timeline.start.date())
        self.ever_closed |= {ending, refused}
        self.legality = self._legality()
        self.world.timeline.at(
            chance.uniform(0.0, DAY * 0.8), partial(self._change, refused, RegistrationStatus.REFUSED)
        )

    def written(self, intent: Intent) -> None:
        """An intent was written: now and then its sender is refused while the worker stands still before the call."""
        chance, message = self.world.chance, intent.message
        if not self.world.lively or not self.world.faults_on or intent.account not in PROVIDERS:
            return
        place = (intent.account, COUNTRIES[message.content.address[:3]])
        if chance.random() < BEFORE_THE_CALL and self.rows[place].status is RegistrationStatus.REGISTERED:
            self.world.met("a sender was refused between intent and call")
            self.ever_closed.add(place)
            self.world.planted.add_gap(chance.uniform(20.0, 60.0))
            self.world.timeline.after(1.0, partial(self._change, place, RegistrationStatus.REFUSED))

    def _change(self, place: tuple[str, str], status: RegistrationStatus) -> None:
        """A new configuration says something else of one sender; each worker takes it over a little later."""
        self.rows[place] = replace(self.rows[place], status=status)
        self.legality = self._legality()
        self.world.timeline.note(f"{place[0]} is {status} in {place[1]}")
        for worker in self.world.workers:
            worker.process.after(self.world.chance.uniform(0.1, 5.0), worker.refresh)
        if status is RegistrationStatus.REFUSED:
            again = partial(self._change, place, RegistrationStatus.REGISTERED)
            self.world.timeline.after(self.world.chance.uniform(*REFUSED_FOR), again)


def covers(row: Registration, at: datetime) -> bool:
    """Whether a registration holds at an instant: an account of its own of the rules."""
    stands = row.status is RegistrationStatus.REGISTERED
    return stands and (row.expires is None or at.date() <= row.expires)
