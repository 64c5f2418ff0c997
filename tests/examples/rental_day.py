"""The rental company's whole day, told without a network: real configuration, engine, delivery and wire formats; time
moves by hand.

    python tests/examples/rental_day.py     # writes rental-day.txt and rental-nights.txt anew

The sandbox's other sides take the requests that the providers write, and their receipts come back as callbacks that the
providers read. Nothing waits, nothing is drawn by chance: the same configuration and events give the same lines.
"""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import msgspec
import structlog

from outrider import wiring
from outrider.cli._tariff import tariff_of
from outrider.configuration import Configuration, build, read_folder
from outrider.contracts.http import NotSent, Request, Response
from outrider.contracts.provider import Callback
from outrider.demo.example import BOOKINGS, SEED, example_folder, sample_events
from outrider.demo.show import BROKEN, OUTAGE_AT, OUTAGE_FOR
from outrider.demo.story import Telling, Told, tell
from outrider.domain.decision import Verdict
from outrider.domain.entry import ConsentEntry, Entry, Event
from outrider.domain.receipt import Receipt, ReceiptStatus, Reported
from outrider.ingest.cloudevents import STRUCTURED, read
from outrider.lib.ids import Hasher, read_id
from outrider.plugged import gates, shipped
from outrider.receipts.acknowledgment import ACKNOWLEDGE_PATH, Acknowledgments
from outrider.sandbox.counterpart import Call, Taken
from outrider.sandbox.push._google import service_account
from outrider.sandbox.running import counterparts
from outrider.sandbox.side import Options, Side
from outrider.sandbox.smtp_wire import SMTP_PREFIX
from outrider.sandbox.tariff import Tariff
from outrider.testing.memory_rows import AttemptRow, MessageRow
from outrider.testing.memory_store import MemoryStore
from outrider.testing.memory_subject import HandClock
from outrider.workers.deliver import Delivery
from outrider.workers.desk import Account
from outrider.workers.engine import Engine, Library, Version
from outrider.workers.wake import Wakes

HERE = Path(__file__).parent
#: The eve of the last Sunday of March and of October: 06:00 in Paris on a Saturday.
SPRING = datetime(2027, 3, 27, 5, 0, tzinfo=UTC)
AUTUMN = datetime(2027, 10, 30, 4, 0, tzinfo=UTC)
#: Longer than anything is held.
END = timedelta(days=6)
KEY = bytes(32)
URL = "https://outrider.example"
#: Seconds until a phone has what it was sent.
ON_THE_WAY = 20.0


@cache
def configuration() -> Configuration:
    """The example, compiled."""
    built, problems = build(read_folder(example_folder()), shipped(), number=1)
    assert built is not None, [str(problem) for problem in problems]
    return built


@cache
def tariff() -> Tariff:
    """What the routes of the example say, as `outrider demo` has the sandbox charge it."""
    simulated = {name: kind.channel for name, kind in counterparts(()).items()}
    return tariff_of(configuration().toml, shipped().markets, simulated, SPRING.date())


class Letters:
    """The port of the sandbox that posts receipts later: here into a heap of the day."""

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self.heap: list[tuple[datetime, int, Callable[[], Request | None]]] = []
        self._order = 0

    def later(self, delay: float, write: Callable[[], Request | None], schedule: object) -> None:
        """Plan one."""
        self._order += 1
        heapq.heappush(self.heap, (self.clock.at + timedelta(seconds=delay), self._order, write))


class OtherSides:
    """The port `Http`, answered by the sandbox's counterparts without a network."""

    def __init__(self, clock: HandClock, letters: Letters, began: datetime) -> None:
        self.clock, self.began = clock, began
        options = Options(receipt_delay=ON_THE_WAY, tariff=tariff())
        self.sides: dict[str, Any] = {
            name: Side(kind, kind.accounts, letters, options)  # type: ignore[arg-type]
            for name, kind in counterparts(()).items()
        }
        self.ids = 0

    async def send(self, request: Request, deadline: float) -> Response:
        """One request. Raises NotSent while the provider is out."""
        side = self._side(request)
        if side.counterpart.name == BROKEN and OUTAGE_AT <= self.clock.at - self.began < OUTAGE_AT + OUTAGE_FOR:
            raise NotSent("the connection was refused")
        self.ids += 1
        found = side.counterpart.receive(self._call(request, side), f"{self.ids:032x}", side.book)
        if isinstance(found, Response):
            return found
        return self._taken(side, found, dict(request.headers))

    def _taken(self, side: Any, taken: Taken, headers: dict[str, str]) -> Response:
        if (refused := side.refusal(taken)) is not None:
            return refused
        side.charge(taken)
        side.book.add(taken)
        side.report(taken, {}, "")
        answer: Response = side.counterpart.accepted(taken)
        return msgspec.structs.replace(answer, headers={**answer.headers, **_envelope_id(headers)})

    def _side(self, request: Request) -> Any:
        path = SMTP_PREFIX if request.method == "MAIL" else _target(request.url)
        return next(s for s in self.sides.values() if path.startswith(tuple(s.counterpart.prefixes)))

    def _call(self, request: Request, side: Any) -> Call:
        headers = {**dict(request.headers), "host": "127.0.0.1:4020"}
        if request.method != "MAIL":
            return Call(request.method, _target(request.url), headers, request.body, self.clock.at)
        mail = {"account": side.accounts[0].id, "to": headers["rcpt-to"], "from": headers["mail-from"]}
        return Call("MAIL", SMTP_PREFIX, {**headers, **mail, "callback-url": ""}, request.body, self.clock.at)

    async def close(self) -> None:
        """Nothing is open."""


def _target(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def _envelope_id(headers: dict[str, str]) -> dict[str, str]:
    return {"envid": headers["envid"]} if "envid" in headers else {}


class Written:
    """A provider without its own transport: what it writes travels like everybody else's requests."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        if name == "send":
            raise AttributeError(name)
        return getattr(self._inner, name)


class Line(NamedTuple):
    """One attempt, or a message without any."""

    at: str
    customer: str
    market: str
    template: str
    channel: str
    route: str
    outcome: str
    segments: str
    cost: str
    status: str
    #: Of subject and text, as the customer reads them.
    digest: str

    def __str__(self) -> str:
        return " ".join(self)


class Day:
    """One day on an empty in-memory store."""

    def __init__(self, start: datetime, events: Sequence[dict[str, Any]]) -> None:
        self.start = start
        telling = Telling("r0001", 0, start, 1.0)
        self.told = [tell(event, telling) for event in events]
        self.clock = HandClock(start)
        self.letters = Letters(self.clock)
        self.http = OtherSides(self.clock, self.letters, start)
        self.store = MemoryStore(self.clock, configuration().toml.ceiling)
        self.hasher = Hasher(KEY)
        self.library = Library(configuration(), _never, Version("1", "2026a"))
        self.acknowledgments = Acknowledgments(KEY)
        self.accounts = self._accounts()
        desk = wiring.build_desk(self.library, self.accounts, URL, self.acknowledgments, KEY)
        wakes = Wakes()
        self.engine = Engine(
            self.store, self.library, gates(), self.hasher, self.clock, wakes, "engine", lease_seconds=1e7
        )
        self.worker = Delivery(self.store, desk, self.http, self.clock, wakes, "worker", self.library.ensure)
        self.worker.lease.seconds = 1e7

    def _accounts(self) -> dict[str, Account]:
        fcm = self.http.sides["fcm"]
        with TemporaryDirectory() as home:
            document = service_account(fcm.accounts[0], "http://127.0.0.1:4020")
            (Path(home) / "sandbox-fcm.json").write_text(document, encoding="utf-8")
            accounts = wiring.build_accounts(configuration(), KEY, Path(home))
        mail = accounts["mail"]
        wrapped: Any = Written(mail.provider)
        return {**accounts, "mail": msgspec.structs.replace(mail, provider=wrapped)}

    async def tell(self) -> None:
        """Let everything happen, in order of time."""
        await self.worker._open_lease()
        waiting = list(reversed(self.told))
        while (at := self._next(waiting)) is not None and at < self.start + END:
            self.clock.at = max(self.clock.at, at)
            while waiting and waiting[-1].at <= self.clock.at:
                await self._event(waiting.pop())
            while self.letters.heap and self.letters.heap[0][0] <= self.clock.at:
                if (request := heapq.heappop(self.letters.heap)[2]()) is not None:
                    await self._posted(request)
            await self._rest()

    def _next(self, waiting: Sequence[Told]) -> datetime | None:
        tables = self.store.tables
        known = [
            waiting[-1].at if waiting else None,
            self.letters.heap[0][0] if self.letters.heap else None,
            tables.timers_due.first(),
            tables.outbox.first(),
        ]
        return min((at for at in known if at is not None), default=None)

    async def _event(self, told: Told) -> None:
        (event,) = read(STRUCTURED, {}, msgspec.json.encode(told.event), self.clock.at)
        assert isinstance(event, Event)
        body, _ = configuration().mapper.map(event)
        entries = [
            Entry(
                self.hasher.stream(body.entity.kind, body.entity.key),
                body,
                self.clock.at,
                self.hasher.event(event.source, event.id),
            )
        ]
        if told.event["data"]["customer"].get("offers"):
            consent = ConsentEntry(told.customer, "commercial", "granted")
            entries.insert(0, Entry(self.hasher.stream("profile", told.customer), consent, self.clock.at))
        await self.store.append(entries)

    async def _rest(self) -> None:
        """Engine and delivery work until neither has anything to do now."""
        busy = True
        while busy:
            busy = await self.engine.step()
            busy = await self.worker._step() or busy
            if self.worker._calls:
                await asyncio.gather(*self.worker._calls)
            while self.worker.outcomes.waiting:
                assert await self.worker.outcomes.write()

    async def _posted(self, request: Request) -> None:
        """A receipt, or an app's acknowledgment, as the API takes it."""
        path = urlsplit(request.url).path
        if path == ACKNOWLEDGE_PATH:
            given = msgspec.json.decode(request.body)
            status = {"delivered": ReceiptStatus.DELIVERED, "seen": ReceiptStatus.SEEN}[given["state"]]
            attempt = self.acknowledgments.read(given["token"], self.clock.at)
            await self.store.report(
                [Reported("acknowledgements", Receipt("", status, at=self.clock.at), self.clock.at, attempt)]
            )
            return
        name = path.split("/")[3]
        query = dict(parse_qsl(urlsplit(request.url).query))
        headers = {key.lower(): value for key, value in request.headers}
        callback = Callback(request.method, request.url, query, headers, request.body, self.clock.at)
        found = [one for one in self.accounts[name].provider.receipts(callback) if isinstance(one, Receipt)]
        echo, _, number = query["attempt"].rpartition(".")
        place = (read_id("msg", echo), int(number))
        await self.store.report([Reported(name, one, self.clock.at, place) for one in found])

    # ── what came of it ──

    def customers(self) -> dict[bytes, str]:
        """Stream → the customer's key as the events have it."""
        keys = {one.customer for one in self.told}
        return {self.hasher.stream("profile", key): key.removeprefix("r0001-") for key in keys}

    def lines(self) -> list[Line]:
        """Every attempt in order of time; messages without one at the end."""
        names, tables = self.customers(), self.store.tables
        tried = sorted(
            tables.attempts.values(),
            key=lambda one: (one.at, names[self._row(one).message.stream], one.message, one.number),
        )
        found = [self._line(self._row(one), one, names) for one in tried]
        silent = [row for row in tables.messages.values() if (row.message.id, 1) not in tables.attempts]
        return found + sorted(self._line(row, None, names) for row in silent)

    def _row(self, attempt: AttemptRow) -> MessageRow:
        return self.store.tables.messages[attempt.message]

    def _line(self, row: MessageRow, attempt: AttemptRow | None, names: dict[bytes, str]) -> Line:
        message = row.message
        plain = (names[message.stream], message.market, message.template, message.channel)
        if attempt is None:
            return Line("-", *plain, "-", "-", "-", "-", str(row.status), "-")
        outcome = str(attempt.state) if attempt.reason is None else str(attempt.reason)
        segments = str(attempt.segments) if message.channel == "sms" else "-"
        cost = f"{attempt.estimate:.4f}" if attempt.estimate else "-"
        at, said = _offset(attempt.at - self.start), f"{attempt.body.subject}\n{attempt.body.text}".encode()
        digest = hashlib.blake2b(said, digest_size=4).hexdigest()
        return Line(at, *plain, attempt.route, outcome, segments, cost, str(row.status), digest)

    def summary(self) -> Iterator[str]:
        """Counts: what was sent, what was not and why, what it cost."""
        tables = self.store.tables
        rows = tables.messages.values()
        yield from _counted("messages", Counter((row.message.market, row.message.channel, row.status) for row in rows))
        yield from _counted(
            "fallbacks", Counter((row.message.market, row.message.channel) for row in rows if row.message.root)
        )
        yield from _counted("not sent", Counter((one.candidate.template, one.gate) for one in self.dropped()))
        costs: Counter[str] = Counter()
        for attempt in tables.attempts.values():
            if attempt.state == "accepted":
                costs[self._row(attempt).message.market] += round((attempt.estimate or 0.0) * 10_000)
        yield from (f"cost in EUR: {market} {cost / 10_000:.4f}" for market, cost in sorted(costs.items()))

    def dropped(self) -> list[Any]:
        """The last decisions on candidates that were not sent."""
        tables = self.store.tables
        last = [tables.decisions[key, number].decision for key, number in tables.last_decision.items()]
        return [decision for decision in last if decision.verdict is Verdict.DROP]


async def _never(number: int) -> Configuration:
    raise LookupError(f"configuration {number} was never applied")


def _offset(after: timedelta) -> str:
    seconds = int(after.total_seconds())
    return f"T+{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _counted(title: str, counts: Counter[Any]) -> Iterator[str]:
    for key, count in sorted(counts.items()):
        yield f"{title}: {' '.join(str(part) for part in key)} {count}"


def night_people(events: Sequence[dict[str, Any]]) -> frozenset[str]:
    """Customers with a rental that starts after midnight in Paris."""
    confirmed = [event["data"] for event in events if event["type"] == "booking.confirmed"]
    return frozenset(
        data["customer"]["id"] for data in confirmed if int(data["booking"]["starts_at"][2:].split("h")[0]) >= 18
    )


@cache
def day(start: datetime, *, only_nights: bool = False) -> Day:
    """The committed events told on one date: all of them, or those of people who arrive in the night."""
    events = sample_events(example_folder(), SEED, BOOKINGS)
    people = night_people(events)
    made = Day(start, [one for one in events if not only_nights or one["data"]["customer"]["id"] in people])
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        asyncio.run(made.tell())
    finally:
        structlog.reset_defaults()
    return made


def spring() -> Day:
    """The whole day, on the eve of summer time."""
    return day(SPRING)


def autumn() -> Day:
    """The nights, on the eve of winter time."""
    return day(AUTUMN, only_nights=True)


def text_of(told: Day) -> str:
    """The golden text of a day: counts, then every attempt."""
    return "\n".join([*told.summary(), "", *map(str, told.lines())]) + "\n"


GOLDEN = {"rental-day.txt": spring, "rental-nights.txt": autumn}

if __name__ == "__main__":
    for file, told_of in GOLDEN.items():
        (HERE / file).write_text(text_of(told_of()), encoding="utf-8")
