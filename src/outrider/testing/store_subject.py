"""What a store brings to its suites, and short words for what the suites do with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

from outrider.contracts.route_store import RouteStore
from outrider.contracts.store import Claim, DeliveryStore, EngineStore, Log
from outrider.domain.attempt import Accepted
from outrider.domain.entry import Entry
from outrider.domain.message import Message, Status
from outrider.domain.outbox import Ceiling, Due, Intent, Next, Refusal, Verdictless
from outrider.domain.receipt import Reported
from outrider.domain.work import GROUPS, Lease, MessageState, Work, group_of
from outrider.testing import builders

T = TypeVar("T")


class Store(Log, EngineStore, DeliveryStore, RouteStore, Protocol):
    """The four ports in one object."""


class OpenAppend(Protocol):
    """An append whose transaction is open."""

    async def commit(self) -> object: ...

    async def abort(self) -> object: ...


class Subject(Protocol):
    """A store under test, empty at first, with a database time that the test sets."""

    @property
    def store(self) -> Store: ...

    @property
    def duplicate(self) -> type[Exception]:
        """What a violated unique key raises."""
        ...

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end."""
        ...

    def start(self, coroutine: Coroutine[Any, Any, T]) -> Awaitable[T]:
        """Inside a coroutine: run another one beside it, where it may have to wait for a lock."""
        ...

    def now(self) -> datetime:
        """The database's time."""
        ...

    def advance(self, seconds: float) -> None:
        """Move the database's time; back when negative."""
        ...

    async def open_append(self, entries: Sequence[Entry]) -> OpenAppend:
        """Start an append whose entries have positions but are not committed."""
        ...


#: Makes an empty store with these ceilings.
StoreFactory = Callable[[Ceiling], Subject]


class Driver:
    """One engine and one delivery worker on a store, in words that tests are short in."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.store = subject.store
        self.run = subject.run
        self.now = subject.now
        self.advance = subject.advance
        self._people: set[bytes] = set()
        self._lease: Lease | None = None

    @property
    def lease(self) -> Lease:
        """All groups, for longer than any test, taken when first asked for."""
        if self._lease is None:
            self._lease = self.run(self.store.lease("engine", 10**7, GROUPS))
        return self._lease

    def take(self, most: int = 100) -> Work:
        """What our engine finds."""
        return self.run(self.store.take(self.lease, most))

    def save(self, **fields: Any) -> None:
        """Save a batch of our engine, with the people its streams name and a decision for each message."""
        self._meet([each.stream for each in (*fields.get("messages", ()), *fields.get("enrollments", ()))])
        decisions = tuple(builders.decided(each) for each in fields.get("messages", ()))
        fields = {"now": self.now(), "decisions": decisions, **fields}
        lease = fields.pop("lease", None) or self.lease
        self.run(self.store.save(builders.batch(lease, **fields)))

    def _meet(self, streams: Sequence[bytes]) -> None:
        """Give each stream a profile once: what belongs to a person is sealed under the profile's key."""
        new = tuple(dict.fromkeys(stream for stream in streams if stream not in self._people))
        if new:
            self._people.update(new)
            people = tuple(builders.profile(stream, self.now()) for stream in new)
            self.run(self.store.save(builders.batch(self.lease, self.now(), profiles=people)))

    def handle(self, most: int = 100) -> list[Entry]:
        """Take entries, and save them as handled; the entries."""
        work = self.take(most)
        handled = tuple((each.stream, "entry", str(each.position).encode()) for each in work.entries)
        self.save(now=work.now, cursors=work.cursors, handled=handled)
        return list(work.entries)

    def bodies(self) -> list[Any]:
        """The bodies of all entries not handled yet; handles them."""
        return [each.body for each in self.handle()]

    def queue(self, *messages: Message) -> None:
        """Save new messages."""
        self.save(messages=messages)

    def state(self, message: Message) -> MessageState:
        """A message as it stands."""
        return self.run(self.store.messages([message.id]))[message.id]

    def status(self, message: Message) -> Status:
        """The status of a message."""
        return self.state(message).status

    def fence(self, seconds: float = 3600) -> int:
        """The lease of a new delivery worker."""
        return self.run(self.store.open_lease("worker", seconds))

    def due(self, most: int = 100) -> list[Due]:
        """What a claim finds now; nothing is committed."""

        async def look() -> list[Due]:
            async with self.store.claim(most) as claim:
                return list(claim.due)

        return self.run(look())

    def claim(self, act: Callable[[Claim], Coroutine[Any, Any, T]], most: int = 100) -> T:
        """Do something with a claim."""

        async def go() -> T:
            async with self.store.claim(most) as claim:
                return await act(claim)

        return self.run(go())

    def commit(self, fence: int, *intents: Intent, others: Sequence[Verdictless] = ()) -> list[Refusal]:
        """Claim what is due and commit intents for it."""
        return self.claim(lambda claim: claim.commit(fence, intents, others), most=1000)

    def sending(self, message: Message, fence: int, number: int = 1) -> Intent:
        """Bring a queued message to an intent."""
        intent = builders.intent(message, number)
        refused = self.commit(fence, intent)
        assert refused == [], refused
        return intent

    def accepted(self, message: Message, provider_id: str = "p-1") -> Intent:
        """Queue a message and bring it to `accepted`."""
        self.queue(message)
        fence = self.fence()
        intent = self.sending(message, fence)
        done = builders.done(intent, Accepted(provider_id), Next(Status.ACCEPTED))
        self.run(self.store.finish(fence, [done]))
        return intent

    def report(self, *reported: Reported) -> int:
        """Report receipts; how many were new."""
        return self.run(self.store.report(reported))

    def group_lease(self, owner: str, stream: bytes, seconds: float = 60) -> Lease:
        """A lease of an owner that holds at least the group of a stream."""
        lease = self.run(self.store.lease(owner, seconds, GROUPS))
        assert group_of(stream) in lease.fences, lease
        return lease
