"""Writing one engine batch in one transaction, under its fences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from outrider.domain.entry import Entry
from outrider.domain.message import Message
from outrider.domain.profile import Profile
from outrider.domain.stops import profile_key
from outrider.domain.work import Batch, Decided, Fenced, Parked, ParkedBody, group_of
from outrider.lib.ids import Hasher
from outrider.store.named import Queries
from outrider.store.rows import columns, enrollment_row, message_row, object_row, profile_row, relation_row
from outrider.store.vault import Vault

PARKED = "parked"
_pack = msgspec.msgpack.Encoder().encode


class Saving:
    """`save` of the EngineStore port, one small method for each kind of row."""

    _pool: asyncpg.Pool
    _vault: Vault
    _sql: Queries
    _hasher: Hasher
    _marks: dict[int, tuple[int, datetime]]

    async def save(self, batch: Batch) -> None:
        """See the port."""
        async with self._pool.acquire() as connection, connection.transaction():
            await self._check_fences(connection, batch)
            await self._save_people(connection, batch)
            await self._save_things(connection, batch)
            await self._save_progress(connection, batch)
            await self._save_messages(connection, batch)
            await self._save_letters(connection, batch)
            if batch.entries:
                await self._append_plain(connection, batch.entries)  # type: ignore[attr-defined]
        for group in batch.lease.fences:
            cursor = max(self._marks[group][0], batch.cursors.get(group, 0)) if group in self._marks else 0
            self._marks[group] = (cursor, batch.now)

    async def _check_fences(self, connection: Any, batch: Batch) -> None:
        groups = list(batch.lease.fences)
        touched = {group_of(stream) for stream, _, _ in batch.handled} | batch.cursors.keys()
        if not touched <= batch.lease.fences.keys():
            raise Fenced(f"groups {sorted(touched - batch.lease.fences.keys())} are not in the lease")
        held = await connection.fetch(
            self._sql.check_fences,
            batch.lease.owner,
            groups,
            [batch.lease.fences[group] for group in groups],
            [batch.cursors.get(group, 0) for group in groups],
            batch.now,
        )
        if len(held) != len(groups):
            for group in groups:
                self._marks.pop(group, None)
            raise Fenced(
                f"{len(groups) - len(held)} of {len(groups)} groups are no longer leased by {batch.lease.owner}"
            )
        if batch.handled:
            await connection.execute(
                self._sql.save_journal,
                batch.now,
                max(batch.lease.fences.values()),
                len(batch.handled),
                _pack(batch.handled),
            )

    async def _save_people(self, connection: Any, batch: Batch) -> None:
        if batch.forgotten:
            await self._forget(connection, batch)
        if batch.profiles:
            rows = [profile_row(profile, self._vault) for profile in batch.profiles]
            await connection.execute(self._sql.save_profiles, *columns(rows, 11), batch.now)
            await self._save_addresses(connection, batch.profiles)
        if batch.returned:
            await self._lift_deletions(connection, batch)
        if batch.consents:
            await self._save_consents(connection, batch)

    async def _save_addresses(self, connection: Any, profiles: Sequence[Profile]) -> None:
        await connection.execute(self._sql.drop_addresses, [profile.stream for profile in profiles])
        rows = [
            (self._hasher.address(address.channel, address.value), profile.stream, address.channel)
            for profile in profiles
            for address in profile.identity.addresses
        ]
        if rows:
            await connection.execute(self._sql.save_addresses, *columns(rows, 3))

    async def _save_consents(self, connection: Any, batch: Batch) -> None:
        rows = []
        for stream, entry in batch.consents:
            key_id, sealed = self._vault.seal(entry.evidence, "consent")
            at = entry.at or batch.now
            rows.append((stream, entry.purpose, entry.channel, entry.state, at, entry.source, key_id, sealed))
        await connection.execute(self._sql.save_consents, *columns(rows, 8))

    async def _forget(self, connection: Any, batch: Batch) -> None:
        streams = [stream for stream, _ in batch.forgotten]
        await connection.execute(self._sql.forget_profiles, streams, batch.now)
        await connection.execute(self._sql.forget_entries, streams, max(batch.cursors.values(), default=0))
        await connection.execute(self._sql.forget_consents, streams)
        await connection.execute(self._sql.forget_enrollments, streams)
        await connection.execute(self._sql.forget_dedupe_keys, streams)
        await connection.execute(self._sql.forget_messages, streams, batch.now)
        await connection.execute(self._sql.drop_addresses, streams)
        await connection.execute(
            self._sql.put_stops,
            [profile_key(stream) for stream in streams],
            ["profile"] * len(streams),
            ["the profile was deleted"] * len(streams),
        )
        for stream in streams:
            self._vault.forget(stream)

    async def _lift_deletions(self, connection: Any, batch: Batch) -> None:
        """People made anew may be written to again, unless a later deletion stands in the log already.

        First the stops are locked: a deletion that is being appended is waited for, and its entry seen; one that
        comes later waits for us, and puts its stop again.
        """
        streams = {profile_key(stream): (stream, position) for stream, position in batch.returned}
        held = await connection.fetch(self._sql.hold_stops, sorted(streams))
        if held:
            rows = [(row["key"], *streams[row["key"]]) for row in held]
            await connection.execute(self._sql.lift_deletions, *columns(rows, 3))

    async def _save_things(self, connection: Any, batch: Batch) -> None:
        if batch.objects:
            rows = [object_row(thing, self._vault) for thing in batch.objects]
            await connection.execute(self._sql.save_objects, *columns(rows, 5), batch.now)
        if batch.deleted_objects:
            await connection.execute(self._sql.delete_objects, list(batch.deleted_objects), batch.now)
        if batch.relations:
            await self._save_relations(connection, batch)

    async def _save_relations(self, connection: Any, batch: Batch) -> None:
        """Ends first, then what was set and not ended after that: what the batch did last counts."""
        ended: set[tuple[bytes, bytes, str]] = set()
        made: dict[tuple[bytes, bytes, str], dict[datetime | None, tuple[Any, ...]]] = {}
        for start, end, relation, delete in batch.relations:
            key = (start, end, relation.role)
            if delete:
                ended.add(key)
                made.pop(key, None)
            else:
                made.setdefault(key, {})[relation.valid_from] = relation_row(start, end, relation)
        if ended:
            await connection.execute(self._sql.end_relations, *columns(sorted(ended), 3))
        if rows := [row for spans in made.values() for row in spans.values()]:
            await connection.execute(self._sql.save_relations, *columns(rows, 7))

    async def _save_progress(self, connection: Any, batch: Batch) -> None:
        if batch.enrollments:
            rows = [enrollment_row(enrollment, self._vault) for enrollment in batch.enrollments]
            await connection.execute(self._sql.save_enrollments, rows)
        if batch.timers_gone:
            await connection.execute(self._sql.drop_timers, *columns(list(batch.timers_gone), 2))
        if batch.timers:
            timers = [(t.owner, t.kind, t.due_at, t.stream, t.token) for t in batch.timers]
            await connection.execute(self._sql.save_timers, *columns(timers, 5))

    async def _save_messages(self, connection: Any, batch: Batch) -> None:
        if batch.decisions:
            rows = [_decision_row(decided) for decided in batch.decisions]
            await connection.execute(self._sql.save_decisions, rows, batch.now)
        if batch.messages:
            await self._insert_messages(connection, batch.messages)
        if batch.redecided:
            rows = [self._redecided_row(message) for message in batch.redecided]
            await connection.execute(self._sql.save_redecided, *columns(rows, 10))
        if batch.closed:
            closed = [(message, str(status), reason) for message, status, reason in batch.closed]
            await connection.execute(self._sql.close_messages, *columns(closed, 3), batch.now)
        if batch.dedupe_keys:
            await connection.execute(self._sql.save_dedupe_keys, *columns(list(batch.dedupe_keys), 3), batch.now)

    async def _insert_messages(self, connection: Any, messages: Sequence[Message]) -> None:
        rows = [message_row(message, self._vault) for message in messages]
        await connection.execute(self._sql.save_messages, rows)

    def _redecided_row(self, m: Message) -> tuple[Any, ...]:
        sealed = self._vault.seal_for(m.stream, m.content, m.id)
        times = (m.status_at, m.not_before, m.not_after)
        return m.id, m.channel, str(m.status), *times, m.address, sealed, int(m.lane), m.awaited

    async def _save_letters(self, connection: Any, batch: Batch) -> None:
        if batch.dead_letters:
            await self._bury(connection, batch.dead_letters)  # type: ignore[attr-defined]
            blocking = [(letter.stream, letter.id) for letter in batch.dead_letters if letter.stream is not None]
            await connection.execute(self._sql.block_streams, *columns(blocking, 2), batch.now)
        if batch.parked:
            await self._check_blocked(connection, batch)
            rows = [self._parked_row(parked) for parked in batch.parked]
            await connection.execute(self._sql.park, *columns(rows, 3))

    async def _check_blocked(self, connection: Any, batch: Batch) -> None:
        """A stream replayed since the batch began is not parked behind again: the batch is taken anew."""
        streams = {parked.stimulus.stream for parked in batch.parked}
        held = await connection.fetch(self._sql.hold_blocked, list(streams))
        if len(held) != len(streams):
            raise Fenced("a blocked stream was released while its batch was decided")

    def _parked_row(self, parked: Parked) -> tuple[bytes, str, bytes]:
        stimulus = parked.stimulus
        body = ParkedBody(entry=stimulus) if isinstance(stimulus, Entry) else ParkedBody(timer=stimulus)
        key_id, sealed = self._vault.seal(body, PARKED)
        return stimulus.stream, "entry" if isinstance(stimulus, Entry) else "timer", bytes((key_id,)) + sealed

    def _parked(self, row: Any) -> Parked:
        body: ParkedBody = self._vault.open(ParkedBody, row["body"][0], row["body"][1:], PARKED)
        stimulus = body.entry or body.timer
        if stimulus is None:
            raise ValueError(f"parked stimulus {row['number']} is empty")
        return Parked(stimulus, row["number"])


def _decision_row(decided: Decided) -> tuple[Any, ...]:
    decision = decided.decision
    candidate = decision.candidate
    return (
        candidate.id,
        decision.number,
        candidate.stream,
        str(decision.verdict),
        decision.gate,
        candidate.journey,
        candidate.template,
        str(candidate.purpose),
        decision.channel,
        candidate.config,
        decided.record,
    )
