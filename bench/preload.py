"""What exists before the clock starts: people and waiting enrollments, as the platform writes them, by COPY."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.work import person
from outrider.domain.enrollment import Enrollment, Wait
from outrider.domain.profile import Address, Identity, Profile
from outrider.installation import Opened
from outrider.journeys import enrollment_id
from outrider.journeys.definition import Program
from outrider.store.rows import enrollment_row, profile_row

STEP = 10_000

Rows = Iterator[tuple[Any, ...]]

PROFILE_COLUMNS = (
    *("stream", "kind", "market", "locale", "zone", "traits", "consents", "data_key", "key_id", "sealed", "version"),
    *("shard", "created_at", "changed_at"),
)
ENROLLMENT_COLUMNS = (
    *("id", "round", "stream", "journey", "config", "about", "node", "started_at", "ended_at", "end_reason"),
    *("key_id", "sealed"),
)
TIMER_COLUMNS = ("owner", "kind", "due_at", "stream", "shard", "token")


def profile_of(opened: Opened, number: int) -> Profile:
    """A person of the bench."""
    key, name, phone = person(number)
    identity = Identity(key, {"first_name": name}, (Address("sms", phone),))
    return Profile(opened.hasher.stream("profile", key), identity, market="FR", locale="en", version=1)


async def people(opened: Opened, count: int) -> None:
    """The persons 0 to `count` - 1 with their addresses."""
    hasher, vault, now = opened.hasher, opened.store.vault, datetime.now(UTC)

    def rows(numbers: range) -> Rows:
        for number in numbers:
            profile = profile_of(opened, number)
            yield (*profile_row(profile, vault), profile.stream[0], now, now)

    def addresses(numbers: range) -> Rows:
        for number in numbers:
            key, _, phone = person(number)
            yield hasher.address("sms", phone), hasher.stream("profile", key), "sms"

    await _copy(opened, "profiles", PROFILE_COLUMNS, rows, count)
    await _copy(opened, "addresses", ("address", "stream", "channel"), addresses, count)
    await settle(opened)


async def waiting(opened: Opened, program: Program, count: int, due: int) -> Rows:
    """One live enrollment for each of `count` people, waiting for tomorrow.

    Gives the rows of `due` more timers, which came due one after the other within the last minute: they are not in the
    store yet, so that whoever measures decides when they are there.
    """
    hasher, vault, now = opened.hasher, opened.store.vault, datetime.now(UTC)
    started = now - timedelta(days=31)

    def one(number: int) -> Enrollment:
        stream = hasher.stream("profile", person(number)[0])
        late = now - timedelta(seconds=60) + timedelta(seconds=60) * (number / max(due, 1))
        at = late if number < due else now + timedelta(days=1, seconds=number % 86400)
        wait = Wait(1, at, started)
        identifier = enrollment_id(program, stream, None)
        return Enrollment(identifier, 0, stream, program.journey, program.config, started, wait=wait, waits=1)

    def enrollments(numbers: range) -> Rows:
        for number in numbers:
            yield enrollment_row(one(number), vault)

    def timers(numbers: range) -> Rows:
        for enrollment in map(one, numbers):
            assert enrollment.wait is not None
            yield enrollment.id, "wait", enrollment.wait.due_at, enrollment.stream, enrollment.stream[0], 1

    def both(numbers: range) -> Rows:
        for number in numbers:
            profile = profile_of(opened, number)
            yield (*profile_row(profile, vault), profile.stream[0], now, now)

    for first in range(0, count, STEP):  # together, while the data keys are remembered
        numbers = range(first, min(first + STEP, count))
        await _copy_some(opened, "profiles", PROFILE_COLUMNS, both(numbers))
        await _copy_some(opened, "enrollments", ENROLLMENT_COLUMNS, enrollments(numbers))
        await _copy_some(opened, "timers", TIMER_COLUMNS, timers(range(max(first, due), numbers.stop)))
    await settle(opened)
    return timers(range(due))


async def settle(opened: Opened) -> None:
    """Statistics and visibility as after a while, and a checkpoint, so that the clock starts from rest."""
    await opened.store.pool.execute("vacuum analyze")
    await opened.store.pool.execute("checkpoint")


async def _copy(
    opened: Opened,
    table: str,
    columns: tuple[str, ...],
    rows: Callable[[range], Rows],
    count: int,
) -> None:
    for first in range(0, count, STEP):
        await _copy_some(opened, table, columns, rows(range(first, min(first + STEP, count))))


async def _copy_some(opened: Opened, table: str, columns: tuple[str, ...], rows: Rows) -> None:
    async with opened.store.pool.acquire() as connection:
        await connection.copy_records_to_table(table, records=rows, columns=columns)
