"""The ports of truth: the event log, the engine's store and delivery's store.

Two implementations pass the same suites (testing/store_suite.py): PostgreSQL, and the in-memory store that
serves the simulator. Personal data crosses these ports in clear; PostgreSQL seals it on its way in.
Every method is one transaction unless it says otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Protocol

from outrider.domain.attempt import AttemptState
from outrider.domain.bounces import BounceRules
from outrider.domain.decision import Recent
from outrider.domain.enrollment import Enrollment
from outrider.domain.entry import Entry, Stop
from outrider.domain.keeping import KeptFor
from outrider.domain.outbox import Done, Due, Intent, OpenDoubt, Refusal, Resolved, Verdictless
from outrider.domain.profile import Object, Profile
from outrider.domain.purpose import Purpose
from outrider.domain.receipt import Reported
from outrider.domain.request import KeptAnswer, KeyedRequest
from outrider.domain.work import Batch, DeadLetter, DedupeKey, Lease, MessageState, Parked, Work


class Log(Protocol):
    """The event log: append only, each entry once, read in an order that no late commit can disturb."""

    async def append(self, entries: Sequence[Entry], stops: Sequence[Stop] = ()) -> list[int | None]:
        """Store entries and stops in one transaction; positions in order, None for a repeat of a known event key.

        A stop with scope ``address`` is the suppression of that address. Of stops with the same key the last one
        counts; one that `lifts` ends the stop; one that is `told_by` entries of which none is new changes nothing.

        A key that occurs twice in one call is stored once. Durable when this returns.
        """
        ...

    async def append_once(self, requests: Sequence[KeyedRequest]) -> list[KeptAnswer]:
        """Store the entry of each request whose key is new, with its answer; else tell what is kept of the key.

        Waits for another transaction that is storing the same key. One transaction; durable when this returns.
        """
        ...

    async def kept_answer(self, key: bytes) -> KeptAnswer | None:
        """What is kept of a key; None when it is unknown or was dropped."""
        ...

    async def settle_answer(self, key: bytes, answer: bytes) -> bytes:
        """The answer that counts for a key from now on: the one that is kept already, else this one, kept hereby."""
        ...

    async def drop_answers(self, age: timedelta) -> int:
        """Drop what is kept of keys older than this; how many. Their requests would take effect anew."""
        ...

    async def drop_event_keys(self, age: timedelta, at_most: int) -> int:
        """Drop keys of events stored longer ago than this; how many. Such an event would be stored anew."""
        ...

    async def bury(self, letters: Sequence[DeadLetter]) -> None:
        """Keep what could not be read, with its reason."""
        ...

    async def lift(self, keys: Sequence[str]) -> None:
        """Remove stops (a consent granted again, a pause ended)."""
        ...

    async def applied(self, stream: bytes) -> int:
        """The position up to which the engine has handled the group of this stream."""
        ...


class EngineStore(Protocol):
    """What an engine loads and saves."""

    async def lease(self, owner: str, seconds: float, most: int) -> Lease:
        """Take or renew up to `most` groups whose lease is free, over or ours. Taking a group raises its fence."""
        ...

    async def attend(self, owner: str, seconds: float) -> int:
        """Say that an engine is there for the next seconds; how many engines are, this one counted."""
        ...

    async def release(self, lease: Lease) -> None:
        """Give the groups back; others may take them at once."""
        ...

    async def take(self, lease: Lease, most: int) -> Work:
        """Up to `most` entries and `most` due timers of the leased groups, with `now`.

        `now` is the database's time, never earlier than any `now` used before for these groups.
        """
        ...

    async def profiles(self, streams: Collection[bytes]) -> dict[bytes, Profile]:
        """Those that exist and are not deleted."""
        ...

    async def enrollments(self, streams: Collection[bytes]) -> dict[bytes, list[Enrollment]]:
        """The live enrollments of each stream, oldest first; streams without one are left out."""
        ...

    async def last_rounds(self, ids: Collection[bytes]) -> dict[bytes, Enrollment]:
        """The newest round, live or ended, of each enrollment id that exists."""
        ...

    async def objects(self, streams: Collection[bytes]) -> dict[bytes, Object]:
        """Those that exist and are not deleted, in their newest version."""
        ...

    async def related(self, streams: Collection[bytes], at: datetime) -> dict[bytes, list[tuple[bytes, str, str]]]:
        """(other stream, its kind, role) of relations valid at an instant, from both ends, in a stable order."""
        ...

    async def suppressed(self, addresses: Collection[bytes]) -> dict[str, str]:
        """Stop key → reason: suppressions of these addresses, and the STOP a person wrote from one of them."""
        ...

    async def recent(self, since: Mapping[bytes, datetime]) -> dict[bytes, list[Recent]]:
        """Messages that hold a cap slot since an instant per stream, newest first.

        A slot is taken by the decision, counts as taken now for as long as the message is queued (it may go at any
        moment), moves to the intent's time, is freed by failed, canceled and expired, and is kept while unknown.
        """
        ...

    async def messages(self, ids: Collection[bytes]) -> dict[bytes, MessageState]:
        """The messages that exist, with their last decision."""
        ...

    async def decided(self, ids: Collection[bytes]) -> dict[bytes, tuple[int, bytes]]:
        """Number and record of the last decision on each candidate that was ever decided."""
        ...

    async def dedupe_keys(self, wanted: Collection[tuple[bytes, bytes]]) -> dict[tuple[bytes, bytes], DedupeKey]:
        """Which messages have these dedupe keys, by (stream, keyed hash); keys that nobody has are left out."""
        ...

    async def parked(self, stream: bytes, most: int) -> list[Parked]:
        """What waits behind a quarantined stimulus, in order."""
        ...

    async def save(self, batch: Batch) -> None:
        """Write a batch. Raises Fenced, having written nothing, when any group it touches is no longer ours."""
        ...


class Claim(Protocol):
    """Messages locked for this delivery worker until `commit` or the end of the block."""

    @property
    def now(self) -> datetime:
        """The database's time."""
        ...

    @property
    def due(self) -> Sequence[Due]:
        """Claimed messages: express before normal before bulk, oldest due first."""
        ...

    async def commit(self, fence: int, intents: Sequence[Intent], others: Sequence[Verdictless]) -> list[Refusal]:
        """Write intents (attempt row, status sending, ceilings counted, stops checked) and set the others back.

        Refused intents get no attempt: their message is canceled (a stop on its address, consent or profile),
        failed (a ceiling), or stays queued for another five seconds (a pause of its journey, channel, purpose
        or account). Claimed messages that are in neither list stay in the outbox.
        """
        ...


class DeliveryStore(Protocol):
    """What delivery loads and saves."""

    async def open_lease(self, owner: str, seconds: float) -> int:
        """A new fence for this worker."""
        ...

    async def renew_lease(self, fence: int, seconds: float, floor: bytes) -> bool:
        """Extend; `floor` is the smallest message id with an open intent. False when the lease is gone."""
        ...

    async def close_lease(self, fence: int) -> None:
        """End a lease whose intents all have outcomes."""
        ...

    def claim(self, most: int) -> AbstractAsyncContextManager[Claim]:
        """Lock due messages of the outbox that nobody else holds, in one open transaction without I/O inside."""
        ...

    async def newly_stopped(self, keys: Collection[str], since: datetime) -> set[str]:
        """Which of these stops stand now; those put longer than 15 seconds before `since` may be left out.

        An intent transaction reads the stops before it commits: whoever asks this after the commit, with the claim's
        `now`, misses none that was committed in between.
        """
        ...

    async def next_due(self) -> datetime | None:
        """When the earliest message of the outbox is due; None when it is empty."""
        ...

    async def finish(self, fence: int, done: Sequence[Done]) -> None:
        """Write outcomes. An attempt no longer in `intent` under this fence keeps what it became meanwhile."""
        ...

    async def rescue(self, grace_seconds: float, resolve_within: Mapping[Purpose, timedelta]) -> int:
        """Turn intents of leases over for longer than the grace into unknown; how many.

        Each gets a doubt, to be looked up at once and given up `resolve_within` after its intent. Nothing is run again.
        """
        ...

    async def doubts(self, most: int) -> list[OpenDoubt]:
        """Doubts whose look-up time has come, in the order in which they are to be given up."""
        ...

    async def owner(self, account: str, provider_id: str) -> tuple[bytes, int] | None:
        """The message and attempt number a provider's message id is known to belong to."""
        ...

    async def resolve(self, resolved: Sequence[Resolved]) -> None:
        """Write what became of doubts, unless a receipt was faster."""
        ...

    async def report(self, reported: Sequence[Reported]) -> int:
        """Store receipts once each and move statuses; how many were new. Unknown messages become orphans.

        A receipt proves acceptance: it ends an intent or a doubt of its attempt. Receipts of awaited messages
        are appended to the log.
        """
        ...

    async def match_orphans(self, most: int) -> int:
        """Match orphan receipts whose message is known by now; how many."""
        ...

    async def end_bouncing(self, rules: BounceRules, most: int) -> int:
        """Suppress addresses whose mail came back too often for passing reasons; how many.

        Looks at no more than `most` new bounces, and forgets those older than the rules count.
        """
        ...

    async def drop_old(self, kept: KeptFor, at_most: int) -> int:
        """Drop at most so many rows of each kind that were kept long enough, and counts of ceilings of days that are
        over; the most of one kind, so that `at_most` means there may be more. A letter that a stream waits for stays.

        Changes of routes go with their month: see store/partitions.py.
        """
        ...

    async def count_attempts(self, state: AttemptState) -> int:
        """How many attempts are in a state."""
        ...
