"""From a connector into the log: what is stored, what is buried, and what is acknowledged when."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from outrider.api.coalesce import NotStored
from outrider.cli._feeding import Fed, Feeder, settings_of
from outrider.contracts.connector import Record
from outrider.contracts.provider import Secret
from outrider.domain.entry import EventEntry
from outrider.domain.profile import Address
from outrider.ingest.mapping import EventMapping, Mapper, SourceMapping
from outrider.lib.clock import Clock
from outrider.lib.ids import Hasher
from outrider.settings import BadSetting
from outrider.testing.memory_store import MemoryStore

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
HASHER = Hasher(b"k" * 32)
BOOKED = EventMapping(subject=("data", "customer"), addresses={"sms": ("data", "phone")})
MAPPER = Mapper((SourceMapping("/bookings", {"booked": BOOKED}),), {"FR": "FR"}, "FR")


class FixedClock(Clock):
    """Always the same instant."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0


class Shelf:
    """A connector over a list, which notes what was acknowledged."""

    def __init__(self, *raws: bytes) -> None:
        self.records = [Record(raw, f"shelf {place}") for place, raw in enumerate(raws)]
        self.read_to = self.kept = 0

    async def read(self, most: int) -> Sequence[Record]:
        found = self.records[self.read_to : self.read_to + most]
        self.read_to += len(found)
        return found

    async def acknowledge(self) -> None:
        self.kept = self.read_to

    async def close(self) -> None:
        return None


def event(number: int, **changes: Any) -> bytes:
    envelope = {
        "specversion": "1.0",
        "id": f"e{number}",
        "source": "/bookings",
        "type": "booked",
        "data": {"customer": f"c{number}", "phone": "06 12 34 56 78"},
    }
    return json.dumps(envelope | changes).encode()


def feeder(store: MemoryStore) -> tuple[Feeder, list[str]]:
    rings: list[str] = []
    return Feeder(store, HASHER, FixedClock(), lambda: MAPPER, lambda: rings.append("ring")), rings


def letters(store: MemoryStore) -> list[tuple[str, str, bytes]]:
    return [(letter.reason, letter.place, letter.raw) for letter in store.tables.dead_letters.values()]


def test_events_are_mapped_as_over_http_and_acknowledged_once_stored() -> None:
    store, shelf = MemoryStore(FixedClock()), Shelf(event(1), event(2))
    feed, rings = feeder(store)
    assert asyncio.run(feed.feed(shelf)) == Fed(accepted=2)
    entries = list(store.tables.entries.values())
    bodies = [entry.body for entry in entries]
    assert [body.event.id for body in bodies if isinstance(body, EventEntry)] == ["e1", "e2"]
    assert [entry.stream for entry in entries] == [HASHER.stream("profile", "c1"), HASHER.stream("profile", "c2")]
    first = bodies[0]
    assert isinstance(first, EventEntry)
    assert first.effects.profile is not None
    assert first.effects.profile.addresses == (Address("sms", "+33612345678"),)
    assert (shelf.kept, rings) == (2, ["ring"])


def test_a_repeat_is_counted_and_stored_once() -> None:
    store = MemoryStore(FixedClock())
    feed, _ = feeder(store)
    assert asyncio.run(feed.feed(Shelf(event(1), event(1)))) == Fed(accepted=1, duplicates=1)
    assert asyncio.run(feed.feed(Shelf(event(1)))) == Fed(duplicates=1)
    assert len(store.tables.entries) == 1


@pytest.mark.parametrize(
    ("raw", "reason", "place"),
    [
        pytest.param(b"{", "input data was truncated", "$", id="no JSON"),
        pytest.param(b"\xff", "JSON is malformed: invalid character (byte 0)", "$", id="no text"),
        pytest.param(b'"\xff"', "expected", "$", id="a broken text"),
        pytest.param(b"[" * 5000, "expected", "$", id="too deep"),
        pytest.param(event(1, specversion="0.3"), "expected specversion 1.0, got '0.3'", "$.specversion", id="old"),
        pytest.param(event(1, data={}), "the event names no profile", "$.data.customer", id="nobody's"),
        pytest.param(event(1, data={"n": 10**30}), "the number", "$.data.n", id="a huge one"),
        pytest.param(event(1, data={"x": "x" * 70_000}), "bytes, the limit is 65536", "$", id="too large"),
    ],
)
def test_what_cannot_be_taken_is_kept_with_its_reason_and_place(raw: bytes, reason: str, place: str) -> None:
    store, shelf = MemoryStore(FixedClock()), Shelf(event(7), raw, event(8))
    feed, _ = feeder(store)
    assert asyncio.run(feed.feed(shelf)) == Fed(accepted=2, rejected=1)
    [(said, where, kept)] = letters(store)
    assert said.startswith("shelf 1: ")
    assert reason in said
    assert (where, kept) == (place, raw)
    assert shelf.kept == 3


def test_at_most_a_thousand_go_into_one_transaction() -> None:
    store, shelf = MemoryStore(FixedClock()), Shelf(*(event(number) for number in range(1500)))
    feed, rings = feeder(store)
    counts = [asyncio.run(feed.feed(shelf)) for _ in range(3)]
    assert counts == [Fed(accepted=1000), Fed(accepted=500), Fed()]
    assert len(rings) == 2


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_store_that_does_not_confirm_leaves_the_records_unacknowledged(moment: str) -> None:
    def fail(method: str, when: str) -> None:
        if (method, when) == ("append", moment):
            raise ConnectionResetError("gone")

    store, shelf = MemoryStore(FixedClock()), Shelf(event(1))
    store.hook = fail
    feed, _ = feeder(store)
    with pytest.raises(NotStored):
        asyncio.run(feed.feed(shelf))
    assert shelf.kept == 0
    store.hook = lambda method, when: None
    shelf.read_to = shelf.kept
    again = asyncio.run(feed.feed(shelf))
    assert (again.accepted, again.duplicates) == ((1, 0) if moment == "before" else (0, 1))
    assert len(store.tables.entries) == 1


def test_dead_letters_that_are_not_confirmed_leave_the_records_unacknowledged() -> None:
    def fail(method: str, when: str) -> None:
        if (method, when) == ("bury", "before"):
            raise ConnectionResetError("gone")

    store, shelf = MemoryStore(FixedClock()), Shelf(event(1), b"{")
    store.hook = fail
    feed, _ = feeder(store)
    with pytest.raises(NotStored, match="the dead letters did not confirm"):
        asyncio.run(feed.feed(shelf))
    assert shelf.kept == 0


class QueueSettings(msgspec.Struct, frozen=True):
    """Settings as a broker would have them."""

    queue: str
    token: Secret | None = None
    batch: int = 10


class NeedsToken(msgspec.Struct, frozen=True):
    """A connector with a secret."""

    token: Secret


def test_settings_come_as_texts() -> None:
    assert settings_of(QueueSettings, ["queue=a=b", "batch=5"]) == QueueSettings("a=b", batch=5)


def test_a_secret_comes_by_reference_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUEUE_TOKEN", "t0p")
    assert settings_of(NeedsToken, ["token=env:QUEUE_TOKEN"]).token.value == "t0p"
    with pytest.raises(BadSetting, match="write env:NAME or file:PATH") as refused:
        settings_of(NeedsToken, ["token=t0p"])
    assert "t0p" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["queue"], "--setting queue: expected NAME=VALUE with one of queue, token, batch"),
        (["quiu=a"], "--setting quiu: expected NAME=VALUE with one of queue"),
        ([], "missing `queue`"),
        (["queue=a", "batch=ten"], r"Expected `int`.*batch"),
    ],
)
def test_wrong_settings_are_named(given: list[str], words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        settings_of(QueueSettings, given)
