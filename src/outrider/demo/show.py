"""Runs the demo: feeds the day, breaks a provider in the middle of it, watches, and counts at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from outrider.contracts.http import Request
from outrider.demo.audit import Audit, Sums
from outrider.demo.counting import Counter, Tally
from outrider.demo.example import BOOKINGS, SEED, example_folder, sample_events
from outrider.demo.feeding import CannotFeed, Feeder
from outrider.demo.place import Run, new_run
from outrider.demo.stage import Stage, demo_settings, stage
from outrider.demo.story import Telling, Told, tell
from outrider.demo.watching import Snapshot, Watcher, people_of
from outrider.lib.clock import SystemClock
from outrider.lib.ids import first_id_at

#: An hour of the day in a second.
SPEED = 3600.0
#: Seconds between two looks at the store.
LOOK = 0.25
#: When the first provider stops answering, and for how long, by the day's clock.
OUTAGE_AT = timedelta(hours=2, minutes=30)
OUTAGE_FOR = timedelta(hours=4)
BROKEN = "smsmode"
#: Seconds after the last event for everything to come to rest.
SETTLE_WITHIN = 90.0
#: The rentals in which most happens (examples/rental/generate.py).
HEROES = ("b-0001", "b-0002")


class DidNotBreak(ConnectionError):
    """The sandbox refuses to misbehave; the text has its answer."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller asks for."""

    home: Path
    bookings: int = BOOKINGS
    seed: int = SEED
    speed: float = SPEED


class Result(msgspec.Struct, frozen=True):
    """The last line of `outrider demo --json`."""

    events: int
    #: Messages and `dropped`.
    considered: int
    #: The six counts below it, up to `moving`.
    messages: int
    delivered: int
    #: Taken by a provider that has reported nothing so far.
    accepted: int
    #: Failed, undelivered or expired.
    failed: int
    held: int
    canceled: int
    #: Queued, being sent or in doubt: none once everything has come to rest.
    moving: int
    #: Considered, and no message made of them.
    dropped: int
    #: Attempts on another route than the one before.
    failovers: int
    #: Messages on another channel after the first one did not reach the person.
    fallbacks: int
    #: Market → estimated cost.
    cost_eur: dict[str, float]
    duplicates: int
    lost: int
    seconds: float


class Report(msgspec.Struct, frozen=True):
    """The result, and in words where store and sandbox disagree; none when they agree."""

    result: Result
    disagreements: tuple[str, ...]


async def perform(
    options: Options, say: Callable[[str], None], show: Callable[[Snapshot], None], *, stay: bool
) -> Report:
    """Run the demo to its end, or with `stay` until canceled.

    `say` gets lines of progress while parts start; `show` gets a picture four times a second. Raises what the parts
    raise: CannotStart, DidNotStart, CannotFeed, BadSetting, OSError.
    """
    clock = SystemClock()
    began = clock.monotonic()
    settings = demo_settings(options.home)
    run = new_run(settings.home)

    def timed(line: str) -> None:
        say(f"{clock.monotonic() - began:5.1f} s  {line}")

    async with stage(run, settings, options.speed, timed) as running:
        telling = Telling(run.name, run.number, clock.now() + timedelta(seconds=0.5), options.speed)
        events = sample_events(example_folder(), options.seed, options.bookings)
        day = Day(running, run, telling, [tell(event, telling) for event in events])
        await day.watch(show)
        report = await day.report(clock.monotonic() - began)
        while stay:
            show(await day.snapshot(_last_word(report)))
            await asyncio.sleep(4 * LOOK)
        return report


def _last_word(report: Report) -> str:
    if report.disagreements:
        return "; ".join(report.disagreements)
    return "the day is over, nothing lost, nothing twice"


class Day:
    """One day as it is told."""

    def __init__(self, running: Stage, run: Run, telling: Telling, told: list[Told]) -> None:
        self._running = running
        self._run = run
        self._telling = telling
        self._told = told
        self._clock = SystemClock()
        since = first_id_at(telling.start - timedelta(seconds=5))
        people = people_of(told, [telling.own(booking) for booking in HEROES])
        self._counter = Counter(running.opened, sorted({one.customer for one in told}), since)
        self._watcher = Watcher(running.opened, people, since, telling)
        self._feeder = Feeder(running.http, self._clock, running.api, running.key)
        self._outage = ""
        self._ended: datetime | None = None

    async def watch(self, show: Callable[[Snapshot], None]) -> None:
        """Feed, break, look; returns when everything has come to rest, or SETTLE_WITHIN after the last event."""
        async with self._beside(self._feeder.feed(self._told)) as fed, self._beside(self._break()) as broken:
            quiet = 0
            last = self._told[-1].at + timedelta(seconds=SETTLE_WITHIN)
            while quiet < 2 and self._clock.now() < last:
                shot = await self.snapshot()
                show(shot)
                quiet = quiet + 1 if fed.done() and not shot.tally.ahead else 0
                for task in (fed, broken):
                    if task.done():
                        task.result()
                await asyncio.sleep(LOOK)

    @asynccontextmanager
    async def _beside(self, work: Coroutine[Any, Any, None]) -> AsyncIterator[asyncio.Task[None]]:
        """Run a coroutine beside the block and end it with the block."""
        task: asyncio.Task[None] = asyncio.create_task(work)
        try:
            yield task
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError, CannotFeed, DidNotBreak):
                await task

    async def _break(self) -> None:
        """Let the first provider refuse every connection for a while."""
        await self._until(OUTAGE_AT)
        fault = msgspec.json.encode({"kind": "outage", "provider": BROKEN})
        await self._faults(Request("POST", self._faults_url, (("content-type", "application/json"),), fault))
        self._outage = f"{BROKEN} refuses connections"
        await self._until(OUTAGE_AT + OUTAGE_FOR)
        await self._faults(Request("DELETE", self._faults_url))
        self._outage = ""

    async def _until(self, offset: timedelta) -> None:
        wait = self._telling.real(offset) - self._clock.now()
        await asyncio.sleep(max(0.0, wait.total_seconds()))

    @property
    def _faults_url(self) -> str:
        return f"{self._running.sandbox['all']}/_sandbox/faults"

    async def _faults(self, request: Request) -> None:
        """Raises DidNotBreak: without an outage there would be nothing to see."""
        answer = await self._running.http.send(request, 5.0)
        if answer.status not in (201, 204):
            raise DidNotBreak(f"{request.method} {request.url} answered {answer.status}: {answer.body.decode()[:200]}")

    async def snapshot(self, done: str = "") -> Snapshot:
        """What is to be seen now."""
        return Snapshot(
            clock=self._telling.clock(self._ended or self._clock.now()),
            conversations=await self._watcher.conversations(),
            tally=await self._counter.tally(),
            fed=self._feeder.accepted,
            events=len(self._told),
            api=self._running.api,
            outage=self._outage,
            done=done,
        )

    async def report(self, seconds: float) -> Report:
        """Count in the store, count in the ledger, compare. The day's own clock stands from now on."""
        self._ended = self._clock.now()
        tally = await self._counter.tally()
        audited = await self._counter.compare(self._run.ledger)
        stored = await self._counter.events(self._feeder.names)
        considered = await self._counter.considered()
        result = Result(
            events=stored,
            considered=considered,
            messages=tally.messages,
            delivered=tally.delivered,
            accepted=tally.accepted,
            failed=tally.failed,
            held=tally.held,
            canceled=tally.canceled,
            moving=tally.moving,
            dropped=tally.dropped,
            failovers=len(tally.failovers),
            fallbacks=audited.by_store.fallbacks,
            cost_eur=audited.by_store.cost,
            duplicates=audited.duplicates,
            lost=audited.lost,
            seconds=round(seconds, 1),
        )
        return Report(result, (*disagreements(self._feeder, stored, tally, audited), *sums(result)))


def sums(result: Result) -> list[str]:
    """Sentences on counts that do not add up."""
    parts = (result.delivered, result.accepted, result.failed, result.held, result.canceled, result.moving)
    found = []
    if sum(parts) != result.messages:
        found.append(f"{result.messages} messages are not {' + '.join(map(str, parts))}")
    if result.messages + result.dropped != result.considered:
        found.append(f"{result.considered} considered are not {result.messages} messages + {result.dropped} dropped")
    return found


def disagreements(feeder: Feeder, stored: int, tally: Tally, audited: Audit) -> list[str]:
    """Sentences on what does not fit together."""
    found = []
    if feeder.accepted != stored:
        found.append(f"the API accepted {feeder.accepted} events, the store has {stored}")
    if audited.lost:
        found.append(f"store and sandbox disagree on {audited.lost} messages")
    if audited.accepted + audited.in_doubt != audited.taken:
        found.append(f"the store has {audited.accepted} accepted attempts, the sandbox took {audited.taken} messages")
    if not audited.in_doubt and audited.by_store != audited.by_ledger:
        found.append(f"the store counts {_told(audited.by_store)}, the ledger {_told(audited.by_ledger)}")
    if audited.duplicates:
        found.append(f"{audited.duplicates} messages went out twice without a rule that allows it")
    if tally.ahead:
        found.append(f"{tally.ahead} waits, messages or entries did not come to rest")
    return found


def _told(sums: Sums) -> str:
    return f"{sums.fallbacks} fallbacks and {sum(sums.cost.values()):.2f} EUR"
