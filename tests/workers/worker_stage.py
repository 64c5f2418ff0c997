"""A small company on the in-memory store: a real configuration, a real engine, delivery without a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from msgspec.structs import replace

from outrider import wiring
from outrider.configuration.build import Configuration, build
from outrider.contracts.channel import Channel
from outrider.contracts.gate import Gate
from outrider.contracts.surroundings import Surroundings, TemplateFacts
from outrider.domain.attempt import Accepted, Outcome
from outrider.domain.entry import ConsentEntry, Entry, Event, ForgetEntry, RelationEntry, ReplyEntry
from outrider.domain.message import Message, Status
from outrider.domain.outbox import Intent
from outrider.domain.profile import Relation
from outrider.domain.purpose import Purpose
from outrider.domain.work import Work
from outrider.journeys import check, compile_program
from outrider.lib.ids import Hasher
from outrider.plugged import gates, shipped
from outrider.testing.memory_store import MemoryStore
from outrider.testing.memory_subject import HandClock, drive
from outrider.workers.conclude import conclude
from outrider.workers.engine import Engine, Library, Version
from outrider.workers.prepare import prepare
from outrider.workers.wake import Wakes

TOML = """
home_market = "FR"
public_url = "https://example.test"

[accounts.first]
provider = "smsmode"
api_key = "key-one"
sandbox = true

[accounts.second]
provider = "smsmode"
api_key = "key-two"
sandbox = true

[[routes]]
name = "first"
channel = "sms"
account = "first"
sender = "RENTAL"
price = 0.05

[[routes]]
name = "second"
channel = "sms"
account = "second"
sender = "RENTAL"
weight = 0

[[caps]]
name = "offers"
at_most = 1
within = "24h"
purposes = ["commercial"]
"""

BOOKING = """
    subject: data.customer
    profile: {market: data.market}
    traits: {name: data.name}
    addresses: {sms: data.phone, push: data.token}
    objects:
      - kind: booking
        key: data.booking
        traits: {starts_at: data.starts_at, spot: data.spot}
    relations: [{from: booking, to: profile, role: renter}]
"""
PERSON = """
    subject: data.customer
    traits: {name: data.name, tier: data.tier}
    addresses: {sms: data.phone, push: data.token}
"""
EVENTS = {
    **dict.fromkeys(("booking.confirmed", "booking.canceled", "booking.moved"), BOOKING),
    **dict.fromkeys(("offer.made", "person.seen", "alarm.raised", "alarm.over", "bundle.asked", "fleet.asked"), PERSON),
}
SOURCE = "source: /shop\nevents:\n" + "".join(f"  {name}:{text}" for name, text in EVENTS.items())

SMS = "channels: {first: [sms]}"
JOURNEYS = {
    "rental": f"""
journey: rental
about: booking
start: {{on: booking.confirmed, again: per_key}}
exit: [{{on: booking.canceled, then: {{send: farewell, purpose: transactional, time_critical: true, {SMS}}}}}]
steps:
  - {{send: confirm, purpose: transactional, {SMS}}}
  - wait: {{until: booking.starts_at, minus: 3h}}
  - {{send: spot, purpose: transactional, time_critical: true, {SMS}}}
""",
    "offers": f"""
journey: offers
start: {{on: offer.made, again: after_exit}}
steps: [{{send: offer, purpose: commercial, valid_for: 3d, {SMS}}}]
""",
    "bundle": f"""
journey: bundle
start: {{on: bundle.asked, again: after_exit}}
exit: [{{on: alarm.over}}]
steps:
  - {{send: hello, purpose: transactional, time_critical: true, {SMS}}}
  - {{send: offer, purpose: commercial, blocked: exit, {SMS}}}
  - {{send: tip, purpose: transactional, time_critical: true, {SMS}}}
""",
    "fleet": f"""
journey: fleet
start: {{on: fleet.asked, again: after_exit}}
steps: [{{send: car, purpose: transactional, time_critical: true, {SMS}}}]
""",
    "answer": f"""
journey: answer
start: {{on: reply.received, again: once}}
steps: [{{send: hello, purpose: transactional, time_critical: true, {SMS}}}]
""",
}
#: Escalations: their second channel has no texts of its own yet, so they are compiled beside the folder.
ALARM = """
journey: alarm
start: {on: alarm.raised, again: after_exit}
exit: [{on: alarm.over}]
steps:
  - {send: hello, purpose: transactional, time_critical: true, channels: {escalate: [push, sms], after: 10m}}
"""
STAYING = ALARM + "  - wait: 7d\n"
NAME = "variables:\n  profile.name: {type: string, example: Zoe, longest: 20}\n"
TEMPLATES = {
    "confirm": (NAME, "Hello {{ profile.name }}, it is booked."),
    "spot": (
        "variables:\n  booking.spot: {type: string, example: B12, longest: 6}\n",
        "Your car waits at {{ booking.spot }}.",
    ),
    "car": (
        "variables:\n  vehicle.plate: {type: string, example: AB-123, longest: 9}\n",
        "It is {{ vehicle.plate }}.",
    ),
    "farewell": ("", "It is canceled."),
    "hello": ("", "Hello."),
    "offer": ("", "Half the price. Stop: reply STOP."),
    "tip": ("", "Did you know?"),
}
FILES = {
    "outrider.toml": TOML,
    "sources/shop.yaml": SOURCE,
    "objects/booking.yaml": "kind: booking\ntraits: {starts_at: timestamp, spot: string}\nroles: [renter]\n",
    "objects/vehicle.yaml": "kind: vehicle\ntraits: {plate: string}\nroles: [driver]\n",
    "objects/profile.yaml": "kind: profile\ntraits: {name: string, tier: {type: string, sealed: false}}\n",
    **{f"journeys/{name}.yaml": text for name, text in JOURNEYS.items()},
    **{
        f"templates/{name}/{file}": text
        for name, (variables, body) in TEMPLATES.items()
        for file, text in (("template.yaml", f"languages: [fr]\nfallback: fr\n{variables}"), ("sms.fr.j2", body))
    },
}


@cache
def configuration(number: int = 1, alarm: str = ALARM) -> Configuration:
    """The company, compiled."""
    plugged = shipped()
    channels = {**plugged.channels, "push": Channel("push", "Notifications to an app", "token")}
    built, problems = build(FILES, replace(plugged, channels=channels), number=number)
    assert built is not None, [str(problem) for problem in problems]
    text = TemplateFacts({"sms": ("fr",), "push": ("fr",)})
    checked = check(alarm, "journeys/alarm.yaml", Surroundings({"hello": text}, channels=("sms", "push")))
    assert checked.definition is not None, checked.problems
    program = compile_program(checked.definition, number)
    return replace(
        built,
        journeys={**built.journeys, "alarm": program},
        starts={**built.starts, "alarm.raised": (program,)},
        exits={**built.exits, "alarm.over": (*built.exits["alarm.over"], program)},
    )


async def never(number: int) -> Configuration:
    """Nothing else was ever applied."""
    raise LookupError(f"configuration {number} was never applied")


class World:
    """One store with one engine and one delivery worker, all driven by hand."""

    def __init__(
        self, extra: Sequence[Gate] = (), *, alarm: str = ALARM, at: datetime | None = None, owner: str = "engine"
    ) -> None:
        self.clock = HandClock() if at is None else HandClock(at)
        self.store = MemoryStore(self.clock)
        self.hasher = Hasher(bytes(32))
        self.library = Library(configuration(1, alarm), never, Version("1", "2026a"))
        self.gates = (*gates(), *extra)
        self.engine = self.new_engine(owner)
        self.desk = wiring.build_desk(
            self.library, wiring.build_accounts(self.library.current, bytes(32), None), "https://x"
        )
        self.fence = drive(self.store.open_lease("worker", 10**7))
        self.events = 0

    def new_engine(self, owner: str) -> Engine:
        """An engine on this store."""
        return Engine(self.store, self.library, self.gates, self.hasher, self.clock, Wakes(), owner, lease_seconds=1e6)

    @property
    def tables(self) -> Any:
        """What the store holds."""
        return self.store.tables

    def person(self, key: str = "anna") -> bytes:
        """The stream of a person."""
        return self.hasher.stream("profile", key)

    def event(self, kind: str, customer: str = "anna", **data: Any) -> Entry:
        """An event of the shop, as ingest appends it."""
        self.events += 1
        told = {"customer": customer, "name": "Zoé", "phone": "+33612345678", **data}
        event = Event(f"e{self.events}", "/shop", kind, self.clock.now(), None, told)
        body, _ = self.library.current.mapper.map(event)
        stream = self.hasher.stream(body.entity.kind, body.entity.key)
        return Entry(stream, body, self.clock.now(), self.hasher.event(event.source, event.id))

    def booking(self, kind: str = "booking.confirmed", key: str = "b1", hours: float = 24, **data: Any) -> Entry:
        """An event about a booking that starts so many hours after the clock's first instant."""
        starts = (self.clock.now() + timedelta(hours=hours)).isoformat()
        return self.event(kind, booking=key, **{"starts_at": starts, "spot": "B12", **data})

    def relation(self, start: tuple[str, str], end: tuple[str, str], role: str, *, delete: bool = False) -> Entry:
        """A relation between two entities."""
        body = RelationEntry(Relation(*start, *end, role), delete)
        return Entry(self.hasher.stream(*start), body, self.clock.now())

    def only(self, start: tuple[str, str], end: tuple[str, str], role: str = "car") -> Entry:
        """A relation that ends the others of its role."""
        return Entry(
            self.hasher.stream(*start), RelationEntry(Relation(*start, *end, role, only=True)), self.clock.now()
        )

    def consent(self, state: str, purpose: str = "commercial", key: str = "anna") -> Entry:
        """A line of the ledger."""
        return Entry(self.person(key), ConsentEntry(key, purpose, state), self.clock.now())

    def forget(self, key: str = "anna") -> Entry:
        """A person asks to be deleted."""
        return Entry(self.person(key), ForgetEntry(key), self.clock.now())

    def reply(self, text: str, key: str = "anna") -> Entry:
        """A person answers."""
        return Entry(self.person(key), ReplyEntry("sms", "+33612345678", text, f"in-{text}"), self.clock.now())

    def feed(self, *entries: Entry) -> None:
        """Append entries and let the engine work until there is nothing to do."""
        drive(self.store.append(entries))
        self.work()

    def work(self) -> None:
        """Let the engine work until there is nothing to do."""
        for _ in range(100):
            if not drive(self.engine.step()):
                return
        raise AssertionError("the engine never comes to rest")

    def advance(self, **time: float) -> None:
        """Move the clock and work."""
        self.clock.at += timedelta(**time)
        self.work()

    def taken(self) -> Work:
        """What the engine would take now."""
        return drive(self.store.take(drive(self.engine._hold_lease()), 1000))

    def messages(self, template: str = "", *, status: Status | None = None) -> list[Message]:
        """Messages as they stand, oldest first."""
        rows = [row.current() for row in self.tables.messages.values()]
        return [one for one in rows if template in ("", one.template) and status in (None, one.status)]

    def statuses(self) -> list[tuple[str, str]]:
        """Template and status of all messages."""
        return [(one.template, str(one.status)) for one in self.messages()]

    def one(self, template: str) -> Message:
        """The only message of a template."""
        (found,) = self.messages(template)
        return found

    def reason(self, message: Message) -> str:
        """Why a message stands where it does."""
        return str(self.tables.messages[message.id].reason)

    def deliver(
        self, outcome: Callable[[Intent], Outcome] = lambda intent: Accepted(f"p{intent.number}")
    ) -> list[Intent]:
        """Claim what is due, write intents, and give each its outcome."""

        async def go() -> list[Intent]:
            async with self.store.claim(1000) as claim:
                prepared = [prepare(due, self.desk, claim.now, self.clock.monotonic()) for due in claim.due]
                intents = [one for one in prepared if isinstance(one, Intent)]
                others = [one for one in prepared if not isinstance(one, Intent)]
                past = {due.message.id: due.past for due in claim.due}
                refused = {one.message for one in await claim.commit(self.fence, intents, others)}
            sent = [one for one in intents if one.message.id not in refused]
            done = [
                conclude(one, past[one.message.id], outcome(one), self.desk, self.clock.now(), self.clock.monotonic())
                for one in sent
            ]
            await self.store.finish(self.fence, done)
            return sent

        sent = drive(go())
        self.work()
        return sent


#: Purposes that keep their hour at night.
NIGHT = timedelta(hours=13)
COMMERCIAL = Purpose.COMMERCIAL
