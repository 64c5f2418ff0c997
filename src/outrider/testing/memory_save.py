"""Writing a batch into the in-memory tables: first everything is checked, then nothing can fail."""

from __future__ import annotations

from collections.abc import Container, Sequence
from datetime import datetime
from itertools import chain

import msgspec

from outrider.domain.enrollment import Enrollment
from outrider.domain.entry import ForgetEntry, Stop
from outrider.domain.message import CANCELABLE, Content, Message, Rendition, Status
from outrider.domain.profile import Object, Profile, Relation
from outrider.domain.stops import profile_key
from outrider.domain.work import Batch, DeadLetter, Decided, Fenced, Parked, group_of
from outrider.testing.memory_rows import LONG_AGO, BlockedStream, Duplicate, Handled, MessageRow
from outrider.testing.memory_tables import Tables

NOBODY = Content("", "", {})


def check(tables: Tables, batch: Batch, now: datetime) -> None:
    """Raise Fenced when a group is not ours, Duplicate when a message or decision exists already."""
    held = set(tables.held(batch.lease, now))
    touched = chain(batch.lease.fences, batch.cursors, (group_of(stream) for stream, _, _ in batch.handled))
    lost = sorted({number for number in touched if number not in held})
    if lost:
        raise Fenced(f"{batch.lease.owner} no longer holds groups {lost}")
    _check_blocked(tables, batch)
    _check_new("message", tables.messages, [message.id for message in batch.messages])
    _check_new("decision", tables.decisions, [_decision_key(decided) for decided in batch.decisions])


def _check_blocked(tables: Tables, batch: Batch) -> None:
    """A stream replayed since the batch began is not parked behind again: the batch is taken anew."""
    blocked = tables.blocked.keys() | {letter.stream for letter in batch.dead_letters}
    if any(parked.stimulus.stream not in blocked for parked in batch.parked):
        raise Fenced("a blocked stream was released while its batch was decided")


def _check_new(what: str, known: Container[object], keys: Sequence[object]) -> None:
    seen: set[object] = set()
    for key in keys:
        if key in known or key in seen:
            raise Duplicate(f"{what} {key!r} exists already")
        seen.add(key)


def write(tables: Tables, batch: Batch) -> None:
    """Write a batch that was checked. Later parts see what earlier ones wrote: a forgotten profile may come back."""
    _write_groups(tables, batch)
    _write_entities(tables, batch)
    _write_journeys(tables, batch)
    returned = {profile.stream for profile in batch.profiles}
    for stream, _ in batch.forgotten:
        if stream not in returned:
            _drop_enrollments(tables, stream)
    _write_messages(tables, batch)
    for entry in batch.entries:
        tables.append(entry)
    for letter in batch.dead_letters:
        _put_dead_letter(tables, letter, batch.now)
    for parked in batch.parked:
        _put_parked(tables, parked)


def _write_groups(tables: Tables, batch: Batch) -> None:
    for number in batch.lease.fences:
        group = tables.groups[number]
        group.clock = max(group.clock, batch.now)
        group.cursor = max(group.cursor, batch.cursors.get(number, 0))
    if batch.handled:
        tables.journal.append(Handled(batch.now, max(batch.lease.fences.values()), batch.handled))


def _write_entities(tables: Tables, batch: Batch) -> None:
    for stream, _ in batch.forgotten:
        _forget(tables, stream, batch)
    for profile in batch.profiles:
        _put_profile(tables, profile, batch.now)
    for stream, position in batch.returned:
        _lift_deletion(tables, stream, position)
    tables.consents.extend(batch.consents)
    _write_objects(tables, batch.objects, batch.deleted_objects)
    for start, end, relation, delete in batch.relations:
        _put_relation(tables, start, end, relation, delete=delete)


def _write_journeys(tables: Tables, batch: Batch) -> None:
    for enrollment in batch.enrollments:
        _put_enrollment(tables, enrollment)
    for key in batch.timers_gone:
        tables.drop_timer(key)
    for timer in batch.timers:
        tables.set_timer(timer)


def _forget(tables: Tables, stream: bytes, batch: Batch) -> None:
    """Remove a person's data wherever it is: profile, handled entries, enrollments, content and bodies of messages."""
    tables.profiles.pop(stream, None)
    tables.forgotten[stream] = batch.now
    tables.put_stop(Stop(profile_key(stream), "profile", "the profile was deleted"))
    tables.erase_entries(stream, max(batch.cursors.values(), default=0))
    _drop_enrollments(tables, stream)
    for key in [key for key in tables.dedupe_keys if key[0] == stream]:
        del tables.dedupe_keys[key]
    for identifier in tables.messages_of.get(stream, ()):
        row = tables.messages[identifier]
        row.message, row.erased = msgspec.structs.replace(row.message, content=NOBODY), True
        for attempt in tables.attempts_of(row):
            attempt.body = Rendition("")
        if row.status in CANCELABLE:
            tables.set_status(row, Status.CANCELED, batch.now, "the profile was deleted")


def _lift_deletion(tables: Tables, stream: bytes, position: int) -> None:
    """Whoever is made anew may be written to again, unless a later entry deletes the profile once more."""
    later = (tables.entries[each] for each in tables.positions[group_of(stream)] if each > position)
    if not any(each.stream == stream and isinstance(each.body, ForgetEntry) for each in later):
        tables.stops.pop(profile_key(stream), None)


def _drop_enrollments(tables: Tables, stream: bytes) -> None:
    for key in [key for key, enrollment in tables.enrollments.items() if enrollment.stream == stream]:
        del tables.enrollments[key]
        tables.rounds.pop(key[0], None)
    tables.live.pop(stream, None)


def _put_profile(tables: Tables, profile: Profile, now: datetime) -> None:
    before = tables.profiles.get(profile.stream)
    created_at = before.created_at if before else now
    tables.profiles[profile.stream] = msgspec.structs.replace(profile, created_at=created_at)
    tables.forgotten.pop(profile.stream, None)


def _write_objects(tables: Tables, objects: Sequence[Object], deleted: Sequence[bytes]) -> None:
    for each in objects:
        tables.objects[each.stream] = each
        tables.object_versions[each.stream, each.version] = each
        tables.deleted_objects.discard(each.stream)
    tables.deleted_objects.update(deleted)


def _put_relation(tables: Tables, start: bytes, end: bytes, relation: Relation, *, delete: bool) -> None:
    if delete:
        _drop_relations(tables, start, end, relation)
        return
    key = (start, end, relation.role, relation.valid_from or LONG_AGO)
    tables.relations[key] = relation
    for stream in (start, end):
        tables.relations_of.setdefault(stream, {})[key] = None


def _drop_relations(tables: Tables, start: bytes, end: bytes, relation: Relation) -> None:
    """End a role between two entities in all its spans."""
    for key in list(tables.relations_of.get(start, ())):
        if key[:3] == (start, end, relation.role):
            del tables.relations[key]
            for stream in {start, end}:
                del tables.relations_of[stream][key]


def _put_enrollment(tables: Tables, enrollment: Enrollment) -> None:
    key = (enrollment.id, enrollment.round)
    tables.enrollments[key] = enrollment
    tables.rounds[enrollment.id] = max(enrollment.round, tables.rounds.get(enrollment.id, enrollment.round))
    live = tables.live.setdefault(enrollment.stream, {})
    if enrollment.ended_at is None:
        live[key] = None
    else:
        live.pop(key, None)


def _write_messages(tables: Tables, batch: Batch) -> None:
    for decided in batch.decisions:
        identifier, number = _decision_key(decided)
        tables.decisions[identifier, number] = decided
        tables.last_decision[identifier] = max(number, tables.last_decision.get(identifier, number))
    for message in batch.messages:
        tables.messages[message.id] = MessageRow(message, message.status, message.status_at)
        tables.messages_of.setdefault(message.stream, []).append(message.id)
        _line_up(tables, message)
    for message in batch.redecided:
        _redecide(tables, message)
    for identifier, status, reason in batch.closed:
        row = tables.messages.get(identifier)
        if row is not None and row.status in CANCELABLE:
            tables.set_status(row, status, batch.now, reason)
    for stream, key, identifier in batch.dedupe_keys:
        tables.dedupe_keys[stream, key] = (identifier, batch.now)


def _decision_key(decided: Decided) -> tuple[bytes, int]:
    return decided.decision.candidate.id, decided.decision.number


def _redecide(tables: Tables, message: Message) -> None:
    row = tables.messages.get(message.id)
    if row is None or row.status not in CANCELABLE:
        return
    row.message = message
    tables.set_status(row, message.status, message.status_at)
    _line_up(tables, message)


def _line_up(tables: Tables, message: Message) -> None:
    if message.status is Status.QUEUED:
        tables.outbox.set(message.id, message.not_before)


def _put_dead_letter(tables: Tables, letter: DeadLetter, now: datetime) -> None:
    """Keep a letter; the stream it names waits from now on."""
    tables.dead_letters.setdefault(letter.id, letter)
    if letter.stream is not None:
        tables.blocked.setdefault(letter.stream, BlockedStream(letter.id, now))


def _put_parked(tables: Tables, parked: Parked) -> None:
    tables.last_parked += 1
    row = tables.parked.setdefault(parked.stimulus.stream, {})
    row[tables.last_parked] = msgspec.structs.replace(parked, number=tables.last_parked)
