"""The API process: takes events, consents and suppressions from callers who try again, and providers' callbacks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl

from outrider.api.callbacks import deliver
from outrider.api.deps import ApiDeps
from outrider.api.intake import Intake
from outrider.contracts.http import Request
from outrider.contracts.provider import Callback, Forged, Unreadable
from outrider.domain.entry import ConsentEntry, Entry, Event, Stop
from outrider.domain.profile import ConsentState, Profile
from outrider.domain.purpose import Purpose
from outrider.domain.receipt import Reported
from outrider.domain.stops import address_key, consent_key
from outrider.testing.simulation.timeline import Died, Process
from outrider.workers.wake import Wakes

if TYPE_CHECKING:
    from outrider.testing.simulation.company import Person
    from outrider.testing.simulation.world import World

#: How many appends stay open for a while.
LATE = 0.05
#: How long a caller waits before it tries again after an answer that did not come.
AGAIN = (0.5, 20.0)


class Door:
    """Where everything from outside comes in."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.intake = Intake(world.hasher)
        self.boots = 0
        self.boot()

    def boot(self) -> None:
        """A new API process."""
        self.boots += 1
        skew = timedelta(seconds=self.world.skew_of("api"))
        self.process = Process(self.world.timeline, f"api.{self.boots}", skew)
        self.process.at_death = partial(self.world.timeline.after, 1.0, self.boot)

    def attempt(self, request: Callable[[], Any], done: Callable[[Any], None], failed: Callable[[], None]) -> None:
        """One request to the process. A process that dies, or is dead, fails its caller."""
        process = self.process
        before, Process.running = Process.running, process
        try:
            if not process.alive:
                raise OSError("connection refused")
            result = _drive(request())
        except OSError:
            failed()
        except Died:
            process.die()
            failed()
        else:
            done(result)
        finally:
            Process.running = before

    def insist(self, request: Callable[[], Any], done: Callable[[Any], None]) -> None:
        """A caller that tries again until it gets its answer."""
        wait = self.world.chance.uniform(*AGAIN)
        again = partial(self.world.timeline.after, wait, partial(self.insist, request, done))
        self.attempt(request, done, again)

    def event(self, event: Event) -> None:
        """POST /v1/events, again and again until it is answered."""
        taken = self.intake.map([event], self.world.current.mapper, self.process.now())
        if not taken.entries:
            raise AssertionError(f"the simulated event was rejected: {taken.results}")
        if self.world.faults_on and self.world.chance.random() < LATE:
            self._append_late(event, taken.entries)
        else:
            answered = partial(self._answered, event, taken.entries[0])
            self.insist(lambda: self.world.store.append(taken.entries), answered)

    def _append_late(self, event: Event, entries: Sequence[Entry]) -> None:
        """A transaction that takes its positions now and commits after others that began later."""
        world = self.world
        world.met("an append commits late")
        held = world.store.open_append(entries)

        def commit() -> None:
            positions = _drive(held.commit())
            world.store.appended, world.store.stopped = entries, ()
            world.hook("append", "after")
            self._answered(event, entries[0], positions)

        world.timeline.after(world.chance.uniform(0.05, 3.0), commit)

    def _answered(self, event: Event, entry: Entry, positions: Sequence[int | None]) -> None:
        self.world.watch.answered(event, entry, positions)

    def consent(self, person: Person, purpose: Purpose, state: ConsentState) -> None:
        """POST /v1/consents: a withdrawal stops delivery in its own transaction, a grant lifts the stop first."""
        world = self.world
        stream = world.stream(person)
        key = consent_key(stream, purpose)
        entry = Entry(stream, ConsentEntry(person.key, purpose, state), self.process.now())
        if state is ConsentState.WITHDRAWN:
            stop = Stop(key, "consent", f"consent to {purpose} was withdrawn")
            self.insist(lambda: world.store.append([entry], [stop]), lambda _: None)
        else:
            self.insist(lambda: self._grant(key, entry), lambda _: None)

    async def _grant(self, key: str, entry: Entry) -> None:
        await self.world.store.lift([key])
        await self.world.store.append([entry])

    def suppress(self, person: Person, channel: str) -> None:
        """POST /v1/suppressions."""
        value = person.phone if channel == "sms" else person.token
        stop = Stop(address_key(self.world.hasher.address(channel, value)), "address", "asked us")
        self.insist(lambda: self.world.store.append([], [stop]), lambda _: None)

    def callback(self, account: str, request: Request, kind: str, tries: tuple[float, ...]) -> None:
        """A provider posts a callback, and tries again as it documents when the connection fails."""
        callback = self._callback(request)
        before = self.world.watch.receipts_known() if kind == "forged" else None
        failed = partial(self._post_again, account, request, kind, tries)
        self.attempt(lambda: self._take(account, callback, kind), self._taken, failed)
        if before is not None:
            self.world.watch.i26_forged_callbacks_change_nothing(before)

    def _taken(self, reported: list[Reported]) -> None:
        for each in reported:
            self.world.watch.acknowledged(each)

    def _post_again(self, account: str, request: Request, kind: str, tries: tuple[float, ...]) -> None:
        if tries:
            again = partial(self.callback, account, request, kind, tries[1:])
            self.world.timeline.after(tries[0], again)

    def _callback(self, request: Request) -> Callback:
        query = dict(parse_qsl(request.url.partition("?")[2]))
        headers = {name.lower(): value for name, value in request.headers}
        return Callback("POST", request.url, query, headers, request.body, self.process.now())

    async def _take(self, account: str, callback: Callback, kind: str) -> list[Reported]:
        """What the route does; the receipts that were stored."""
        world = self.world
        reporter = _Reporter(world)
        deps = cast(
            ApiDeps,
            SimpleNamespace(
                reporter=reporter,
                log=world.store,
                hasher=world.hasher,
                appender=world.store,
                reading=_Reading(world),
                configuration=lambda: world.current,
                wakes=Wakes(),
            ),
        )
        try:
            await deliver(deps, account, world.accounts[account], callback)
        except Forged:
            world.met("a forged callback was refused")
            if kind != "forged":
                raise AssertionError(f"a true callback of {account} was taken for a forgery") from None
        except Unreadable as error:
            raise AssertionError(f"a callback of {account} could not be read: {error}") from error
        return reporter.stored


class _Reporter:
    """The port behind `deps.reporter`: one call, one transaction."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.stored: list[Reported] = []

    async def report(self, reported: list[Reported]) -> None:
        await self.world.store.report(reported)
        self.stored.extend(reported)


class _Reading:
    """The port behind `deps.reading`, as far as callbacks ask it."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def streams_of(self, address: bytes) -> list[bytes]:
        profiles, hash_of = self.world.store.tables.profiles, self.world.hasher.address
        return [
            stream
            for stream, profile in profiles.items()
            if any(hash_of(each.channel, each.value) == address for each in profile.identity.addresses)
        ]

    async def profile(self, stream: bytes) -> Profile | None:
        return self.world.store.tables.profiles.get(stream)


def _drive(coroutine: Any) -> Any:
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise AssertionError("a request to the API waits for something")
