"""Everything the in-memory store knows, and the few writes that several of its methods share."""

from __future__ import annotations

from bisect import bisect_right, insort
from datetime import date, datetime

import msgspec

from outrider.domain.attempt import Reason
from outrider.domain.enrollment import Enrollment
from outrider.domain.entry import Body, ConsentEntry, Entry, OutcomeEntry, Stop
from outrider.domain.health import Board, RouteChange
from outrider.domain.message import Status
from outrider.domain.outbox import Past
from outrider.domain.profile import Object, Profile, Relation
from outrider.domain.receipt import Reported
from outrider.domain.request import KeptAnswer
from outrider.domain.stops import address_key, suppression
from outrider.domain.work import GROUPS, DeadLetter, Decided, Lease, Parked, Timer, group_of
from outrider.testing.memory_agenda import Agenda
from outrider.testing.memory_rows import (
    AttemptRow,
    BlockedStream,
    BounceRow,
    CeilingRow,
    DeliveryLease,
    DoubtRow,
    Group,
    Handled,
    MessageRow,
    StoredReceipt,
)


class Tables:
    """Everything the in-memory store knows, open to inspection."""

    def __init__(self) -> None:
        self.entries: dict[int, Entry] = {}
        self.event_keys: dict[bytes, int] = {}
        #: Since when a key is known.
        self.key_times: dict[bytes, datetime] = {}
        #: Key of a request → what is kept of it, and since when.
        self.answers: dict[bytes, tuple[KeptAnswer, datetime]] = {}
        self.last_position = 0
        #: First positions of appends that have not committed yet.
        self.open_positions: list[int] = []
        self.positions: list[list[int]] = [[] for _ in range(GROUPS)]
        self.dead_letters: dict[bytes, DeadLetter] = {}
        self.stops: dict[str, Stop] = {}
        self.groups: dict[int, Group] = {group: Group() for group in range(GROUPS)}
        self.journal: list[Handled] = []
        self.blocked: dict[bytes, BlockedStream] = {}
        self.parked: dict[bytes, dict[int, Parked]] = {}
        self.last_parked = 0
        self.profiles: dict[bytes, Profile] = {}
        self.consents: list[tuple[bytes, ConsentEntry]] = []
        self.forgotten: dict[bytes, datetime] = {}
        self.objects: dict[bytes, Object] = {}
        self.object_versions: dict[tuple[bytes, int], Object] = {}
        self.deleted_objects: set[bytes] = set()
        #: (from stream, to stream, role, valid from) → relation.
        self.relations: dict[tuple[bytes, bytes, str, datetime], Relation] = {}
        #: Stream → keys of its relations, from both ends.
        self.relations_of: dict[bytes, dict[tuple[bytes, bytes, str, datetime], None]] = {}
        self.enrollments: dict[tuple[bytes, int], Enrollment] = {}
        self.rounds: dict[bytes, int] = {}
        self.live: dict[bytes, dict[tuple[bytes, int], None]] = {}
        self.timers: dict[tuple[bytes, str], Timer] = {}
        self.timers_due: Agenda[tuple[bytes, str]] = Agenda()
        self.decisions: dict[tuple[bytes, int], Decided] = {}
        self.last_decision: dict[bytes, int] = {}
        self.messages: dict[bytes, MessageRow] = {}
        self.messages_of: dict[bytes, list[bytes]] = {}
        #: (stream, keyed hash of a dedupe key) → the message that has it, and since when.
        self.dedupe_keys: dict[tuple[bytes, bytes], tuple[bytes, datetime]] = {}
        self.outbox: Agenda[bytes] = Agenda()
        #: Messages locked by an open claim.
        self.claimed: set[bytes] = set()
        self.engines: dict[str, datetime] = {}
        self.delivery_leases: dict[int, DeliveryLease] = {}
        self.last_fence = 0
        self.attempts: dict[tuple[bytes, int], AttemptRow] = {}
        #: (account, provider's message id) → attempt.
        self.provider_messages: dict[tuple[str, str], tuple[bytes, int]] = {}
        self.doubts: dict[tuple[bytes, int], DoubtRow] = {}
        self.ceilings: dict[bytes, CeilingRow] = {}
        #: (address, day) → the first soft bounce of that day.
        self.soft_bounces: dict[tuple[bytes, date], BounceRow] = {}
        #: (message, account, provider id, status, detail) → receipt.
        self.receipts: dict[tuple[bytes, str, str, str, str], StoredReceipt] = {}
        #: (account, provider id, status, detail) → receipt, in the order of arrival.
        self.orphans: dict[tuple[str, str, str, str], Reported] = {}
        self.route_board = Board()
        self.route_changes: list[RouteChange] = []

    def reserve(self) -> int:
        """The next position of the log."""
        self.last_position += 1
        return self.last_position

    def horizon(self) -> int:
        """The position up to which no append can still commit."""
        return min(self.open_positions) - 1 if self.open_positions else self.last_position

    def put_entry(self, entry: Entry, position: int) -> int | None:
        """Make an entry visible at a reserved position; None when its key is known."""
        if entry.key is not None:
            if entry.key in self.event_keys:
                return None
            self.event_keys[entry.key] = position
            self.key_times[entry.key] = entry.at
        self.entries[position] = msgspec.structs.replace(entry, position=position)
        insort(self.positions[group_of(entry.stream)], position)
        return position

    def append(self, entry: Entry) -> int | None:
        """Append an entry; its position, or None when its key is known."""
        if entry.key is not None and entry.key in self.event_keys:
            return None
        return self.put_entry(entry, self.reserve())

    def erase_entries(self, stream: bytes, horizon: int) -> None:
        """Remove the entries of a stream up to a position."""
        positions = self.positions[group_of(stream)]
        gone = {each for each in positions if each <= horizon and self.entries[each].stream == stream}
        positions[:] = [each for each in positions if each not in gone]
        for each in gone:
            del self.entries[each]

    def tell(self, stream: bytes, body: Body, at: datetime) -> None:
        """Append an entry of our own to the log."""
        self.append(Entry(stream, body, at))

    def held(self, lease: Lease, now: datetime) -> list[int]:
        """The groups of a lease that are still its owner's under its fence."""
        return [number for number, fence in lease.fences.items() if self._holds(lease.owner, number, fence, now)]

    def _holds(self, owner: str, number: int, fence: int, now: datetime) -> bool:
        group = self.groups.get(number)
        return group is not None and group.fence == fence and group.owner == owner and group.until > now

    def between(self, group: int, horizon: int, most: int) -> list[int]:
        """Positions of a group's entries beyond its cursor, up to a horizon."""
        positions = self.positions[group]
        first = bisect_right(positions, self.groups[group].cursor)
        return positions[first : min(bisect_right(positions, horizon), first + most)]

    def put_stop(self, stop: Stop) -> None:
        """Add a stop; it replaces one of the same key."""
        self.stops[stop.key] = stop

    def suppress(self, row: MessageRow, reason: Reason | None) -> None:
        """Stop the address of a message whose person opted out at the provider, or whose mail bounced for good."""
        if why := suppression(row.message.channel, reason):
            self.put_stop(Stop(address_key(row.message.address), "address", why))

    def set_timer(self, timer: Timer) -> None:
        """Set a timer, or set it again."""
        self.timers[timer.owner, timer.kind] = timer
        self.timers_due.set((timer.owner, timer.kind), timer.due_at)

    def drop_timer(self, key: tuple[bytes, str]) -> None:
        """Remove a timer; one that is not there is fine."""
        self.timers.pop(key, None)
        self.timers_due.drop(key)

    def set_status(self, row: MessageRow, status: Status, at: datetime, reason: str = "") -> None:
        """Move a message; it leaves the outbox unless it is queued."""
        row.status, row.status_at, row.reason = status, at, reason
        if status is not Status.QUEUED:
            self.outbox.drop(row.message.id)

    def end_message(self, row: MessageRow, status: Status, at: datetime, reason: str, *, awaited: bool) -> None:
        """Give a message delivery's last word, and tell the engine when something awaits it."""
        self.set_status(row, status, at, reason)
        if awaited and status in (Status.FAILED, Status.EXPIRED):
            self.tell(row.message.stream, OutcomeEntry(row.message.id, status.value, reason), at)

    def attempts_of(self, row: MessageRow) -> list[AttemptRow]:
        """The attempts of a message, in order."""
        keys = ((row.message.id, number) for number in range(1, row.attempts + 1))
        return [self.attempts[key] for key in keys if key in self.attempts]

    def past(self, row: MessageRow) -> tuple[Past, ...]:
        """The attempts of a message, as next_move reads them."""
        return tuple(attempt.past() for attempt in self.attempts_of(row))
