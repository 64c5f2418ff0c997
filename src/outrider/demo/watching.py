"""What the live view shows at one moment, read from the store: two people's conversations and the counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from outrider.contracts.reading_store import MessageFilter, MessageView
from outrider.demo.counting import Tally
from outrider.demo.story import Telling, Told
from outrider.domain.message import FINAL, Rendition, Status
from outrider.installation import Opened
from outrider.lib.ids import write_id
from outrider.store.pg_reading import PostgresReading

#: More than one person gets in a day.
MOST = 30
LAST_ID = b"\xff" * 16


class Bubble(msgspec.Struct, frozen=True):
    """One message as its reader has it on the screen."""

    id: str
    #: By the day's own clock.
    at: datetime
    text: str
    status: str
    #: The way it took, in words.
    route: str


class Person(msgspec.Struct, frozen=True):
    """Whose conversation is shown."""

    key: str
    name: str
    market: str


class Conversation(msgspec.Struct, frozen=True):
    """What one person got, oldest first."""

    person: Person
    bubbles: tuple[Bubble, ...]


class Snapshot(msgspec.Struct, frozen=True):
    """Everything the live view shows."""

    #: The day's own clock.
    clock: datetime
    conversations: tuple[Conversation, ...]
    tally: Tally
    fed: int
    events: int
    api: str
    #: What the demo did to a provider, in words; empty when nothing.
    outage: str = ""
    #: The day is over.
    done: str = ""


def people_of(told: Sequence[Told], bookings: Sequence[str]) -> list[Person]:
    """Those who made these bookings, by the bookings' ids."""
    found = []
    for booking in bookings:
        data = next((one.event["data"] for one in told if _is_confirmation(one, booking)), None)
        if data:
            customer = data["customer"]
            found.append(Person(customer["id"], f"{customer['first_name']} {customer['last_name']}", data["market"]))
    return found


def _is_confirmation(told: Told, booking: str) -> bool:
    return bool(told.event["type"] == "booking.confirmed" and told.event["data"]["booking"]["id"] == booking)


class Watcher:
    """Reads conversations; what can no longer change is read once."""

    def __init__(self, opened: Opened, people: Sequence[Person], since: bytes, telling: Telling) -> None:
        self._telling = telling
        self._reading = PostgresReading(opened.store.pool, opened.store.vault)
        self._hasher = opened.hasher
        self._people = people
        self._since = since
        self._settled: dict[bytes, Bubble | None] = {}

    async def conversations(self) -> tuple[Conversation, ...]:
        """As they stand."""
        return tuple([Conversation(person, await self._bubbles(person)) for person in self._people])

    async def _bubbles(self, person: Person) -> tuple[Bubble, ...]:
        stream = self._hasher.stream("profile", person.key)
        asked = MessageFilter(since=self._since, before=LAST_ID, most=MOST, streams=(stream,))
        bubbles = [await self._bubble(line.id, line.status) for line in await self._reading.messages(asked)]
        return tuple(sorted((bubble for bubble in bubbles if bubble), key=lambda bubble: bubble.at))

    async def _bubble(self, message: bytes, status: str) -> Bubble | None:
        if message in self._settled:
            return self._settled[message]
        view = await self._reading.message(message)
        bubble = _bubble(view, self._telling) if view else None
        if status in FINAL:
            self._settled[message] = bubble
        return bubble


def _bubble(view: MessageView, telling: Telling) -> Bubble | None:
    """The message on the reader's screen; None while no provider has taken it."""
    status = view.message.status
    if status in (Status.HELD, Status.QUEUED, Status.CANCELED) or not view.attempts:
        return None
    last = view.attempts[-1]
    return Bubble(
        write_id("msg", view.message.id),
        telling.clock(last.at),
        _words(last.body) if last.body else "",
        status,
        _way(view),
    )


def _way(view: MessageView) -> str:
    """`twilio-fr`, `smsmode-fr → twilio-fr` after a failover, `twilio-fr, a fallback` on another channel."""
    routes = [attempt.route for attempt in view.attempts]
    way = f"{routes[0]} → {routes[-1]}" if routes[-1] != routes[0] else routes[-1]
    return f"{way}, a fallback" if view.message.root else way


def _words(body: Rendition) -> str:
    """What is seen at first: a text; title and words of a push; the subject of a mail."""
    if body.html:
        return f"Mail: {body.subject}"
    return f"{body.subject}\n{body.text}" if body.subject else body.text
