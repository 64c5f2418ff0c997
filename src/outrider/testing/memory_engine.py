"""What an engine loads from the in-memory store."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from outrider.domain.decision import Recent
from outrider.domain.enrollment import Enrollment
from outrider.domain.entry import Entry
from outrider.domain.message import Status
from outrider.domain.profile import Object, Profile, Relation
from outrider.domain.stops import address_key, opt_out_key
from outrider.domain.work import Batch, DedupeKey, Lease, MessageState, Parked, Timer, Work, group_of
from outrider.testing.memory_part import MemoryPart, transaction
from outrider.testing.memory_rows import LONG_AGO, MessageRow
from outrider.testing.memory_save import check, write

#: Statuses that take no cap slot: held ones wait for another decision, the others were freed.
WITHOUT_SLOT = frozenset({Status.HELD, Status.FAILED, Status.CANCELED, Status.EXPIRED})


class MemoryEngineStore(MemoryPart):
    """The port `EngineStore`."""

    @transaction
    async def lease(self, owner: str, seconds: float, most: int) -> Lease:
        """See the port. Ours come first, then free ones in the order of their numbers."""
        now = self.clock.now()
        groups = self.tables.groups
        ours = [number for number, group in groups.items() if group.owner == owner and group.until > now]
        free = [number for number, group in groups.items() if group.until <= now]
        fences = {}
        for number in (ours + free)[:most]:
            group = groups[number]
            if group.until <= now:
                group.owner, group.fence = owner, group.fence + 1
            group.until = now + timedelta(seconds=seconds)
            fences[number] = group.fence
        return Lease(owner, fences, now + timedelta(seconds=seconds))

    @transaction
    async def attend(self, owner: str, seconds: float) -> int:
        """See the port."""
        now = self.clock.now()
        self.tables.engines[owner] = now + timedelta(seconds=seconds)
        return sum(until > now for until in self.tables.engines.values())

    @transaction
    async def release(self, lease: Lease) -> None:
        """See the port."""
        for number in lease.fences:
            group = self.tables.groups[number]
            if group.owner == lease.owner:
                group.owner, group.until = None, LONG_AGO

    @transaction
    async def take(self, lease: Lease, most: int) -> Work:
        """See the port. Nothing is locked or checked: it is `save` that refuses an engine whose groups are lost."""
        tables = self.tables
        held = list(lease.fences)
        now = max([self.clock.now(), *(tables.groups[number].clock for number in held)])
        entries, bound, more = self._entries(held, most)
        timers = self._timers(frozenset(held), now, most + 1)
        return Work(
            now=now,
            entries=entries,
            timers=tuple(timers[:most]),
            cursors={number: bound for number in held if bound > tables.groups[number].cursor},
            blocked=frozenset(stream for stream in tables.blocked if group_of(stream) in held),
            more=more or len(timers) > most,
        )

    def _entries(self, held: list[int], most: int) -> tuple[tuple[Entry, ...], int, bool]:
        """Entries in log order, the position up to which they are complete, and whether more are waiting."""
        tables = self.tables
        horizon = tables.horizon()
        positions = sorted(p for number in held for p in tables.between(number, horizon, most + 1))
        more = len(positions) > most
        bound = positions[most] - 1 if more else horizon
        return tuple(tables.entries[position] for position in positions[:most]), bound, more

    def _timers(self, held: frozenset[int], now: datetime, most: int) -> list[Timer]:
        found: list[Timer] = []
        for key in self.tables.timers_due.due(now):
            timer = self.tables.timers[key]
            if group_of(timer.stream) in held:
                found.append(timer)
                if len(found) == most:
                    break
        return found

    @transaction
    async def profiles(self, streams: Collection[bytes]) -> dict[bytes, Profile]:
        """See the port."""
        profiles = self.tables.profiles
        return {stream: profiles[stream] for stream in streams if stream in profiles}

    @transaction
    async def enrollments(self, streams: Collection[bytes]) -> dict[bytes, list[Enrollment]]:
        """See the port. Ties of the start are ordered by id and round."""
        tables = self.tables
        found = {stream: [tables.enrollments[key] for key in tables.live.get(stream, ())] for stream in streams}
        return {
            stream: sorted(live, key=lambda each: (each.started_at, each.id, each.round))
            for stream, live in found.items()
            if live
        }

    @transaction
    async def last_rounds(self, ids: Collection[bytes]) -> dict[bytes, Enrollment]:
        """See the port."""
        tables = self.tables
        return {each: tables.enrollments[each, tables.rounds[each]] for each in ids if each in tables.rounds}

    @transaction
    async def objects(self, streams: Collection[bytes]) -> dict[bytes, Object]:
        """See the port."""
        tables = self.tables
        known = (stream for stream in streams if stream in tables.objects and stream not in tables.deleted_objects)
        return {stream: tables.objects[stream] for stream in known}

    @transaction
    async def related(self, streams: Collection[bytes], at: datetime) -> dict[bytes, list[tuple[bytes, str, str]]]:
        """See the port. Ordered by stream, then role; each once."""
        found = {stream: self._related(stream, at) for stream in streams}
        return {stream: others for stream, others in found.items() if others}

    def _related(self, stream: bytes, at: datetime) -> list[tuple[bytes, str, str]]:
        others: set[tuple[bytes, str, str]] = set()
        for key in self.tables.relations_of.get(stream, ()):
            relation = self.tables.relations[key]
            if not _holds(relation, at):
                continue
            start, end = key[0], key[1]
            if start == stream:
                others.add((end, relation.to_kind, relation.role))
            if end == stream:
                others.add((start, relation.from_kind, relation.role))
        return sorted(others, key=lambda other: (other[0], other[2], other[1]))

    @transaction
    async def suppressed(self, addresses: Collection[bytes]) -> dict[str, str]:
        """See the port."""
        keys = [key for address in addresses for key in (address_key(address), opt_out_key(address))]
        return {key: self.tables.stops[key].reason for key in keys if key in self.tables.stops}

    @transaction
    async def recent(self, since: Mapping[bytes, datetime]) -> dict[bytes, list[Recent]]:
        """See the port. The instant itself counts; ties are ordered by message id, greatest first."""
        found = {stream: self._recent(stream, start) for stream, start in since.items()}
        return {stream: slots for stream, slots in found.items() if slots}

    def _recent(self, stream: bytes, since: datetime) -> list[Recent]:
        rows = (self.tables.messages[identifier] for identifier in self.tables.messages_of.get(stream, ()))
        now = self.clock.now()
        slots = [(slot_at(row, now), row.message) for row in rows if row.status not in WITHOUT_SLOT]
        slots = [slot for slot in slots if slot[0] >= since]
        slots.sort(key=lambda slot: (slot[0], slot[1].id), reverse=True)
        return [Recent(message.channel, message.purpose, at) for at, message in slots]

    @transaction
    async def messages(self, ids: Collection[bytes]) -> dict[bytes, MessageState]:
        """See the port. Those of forgotten people are left out; one without any decision has number 0."""
        rows = self.tables.messages
        return {each: self._state(each, rows[each]) for each in ids if each in rows and not rows[each].erased}

    def _state(self, identifier: bytes, row: MessageRow) -> MessageState:
        number = self.tables.last_decision.get(identifier, 0)
        last = self.tables.decisions.get((identifier, number))
        return MessageState(row.current(), row.status, row.attempts, number, last.record if last else b"")

    @transaction
    async def decided(self, ids: Collection[bytes]) -> dict[bytes, tuple[int, bytes]]:
        """See the port."""
        tables = self.tables
        known = [(each, tables.last_decision[each]) for each in ids if each in tables.last_decision]
        return {each: (number, tables.decisions[each, number].record) for each, number in known}

    @transaction
    async def dedupe_keys(self, wanted: Collection[tuple[bytes, bytes]]) -> dict[tuple[bytes, bytes], DedupeKey]:
        """See the port."""
        known = self.tables.dedupe_keys
        return {key: self._dedupe_key(key[0], *known[key]) for key in wanted if key in known}

    def _dedupe_key(self, stream: bytes, message: bytes, at: datetime) -> DedupeKey:
        rows = (self.tables.messages[each] for each in self.tables.messages_of.get(stream, ()))
        own = (row for row in rows if message in (row.message.id, row.message.root))
        return DedupeKey(message, at, {row.message.id: row.status for row in own})

    @transaction
    async def parked(self, stream: bytes, most: int) -> list[Parked]:
        """See the port."""
        return list(self.tables.parked.get(stream, {}).values())[:most]

    @transaction
    async def save(self, batch: Batch) -> None:
        """See the port. Raises Duplicate, having written nothing, for a message or decision that exists."""
        check(self.tables, batch, self.clock.now())
        write(self.tables, batch)


def slot_at(row: MessageRow, now: datetime) -> datetime:
    """When a message takes its slot: now while it is queued, for it may go at any moment; else the intent's time."""
    return now if row.status is Status.QUEUED else row.intent_at or row.status_at


def _holds(relation: Relation, at: datetime) -> bool:
    """Half open: from ≤ at < to."""
    started = relation.valid_from is None or relation.valid_from <= at
    return started and (relation.valid_to is None or at < relation.valid_to)
