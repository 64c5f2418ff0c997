"""From the body of a request to entries and results: everything about intake that needs no network and no database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import msgspec

from outrider.api.problems import MEDIA, UNREADABLE, Problem, Wrong
from outrider.domain.entry import Entry, Event
from outrider.domain.work import DeadLetter
from outrider.ingest.cloudevents import BATCH, JSON, STRUCTURED, BadRequest, Rejected, read
from outrider.ingest.mapping import Mapper, Unmapped
from outrider.lib.ids import Hasher, new_id, shard_of_stream

ACCEPTED, DUPLICATE, REJECTED = "accepted", "duplicate", "rejected"


class EventResult(msgspec.Struct, omit_defaults=True, gc=False):
    """What became of one event."""

    id: str | None
    status: str
    position: int | None = None
    reason: str | None = None
    path: str | None = None
    notes: list[str] = []


class IntakeAnswer(msgspec.Struct):
    """What became of a request's events, in their order."""

    accepted: int
    duplicates: int
    rejected: int
    results: list[EventResult]


class Taken(msgspec.Struct):
    """A request, read: the entries to append, and a result for each event."""

    batch: bool
    results: list[EventResult]
    entries: list[Entry] = []
    #: The place of each entry's event among the results.
    places: list[int] = []
    letters: list[DeadLetter] = []

    def settle(self, positions: Sequence[int | None]) -> IntakeAnswer:
        """The answer, once the log has told the positions."""
        results = self.results
        duplicates = 0
        for place, position in zip(self.places, positions, strict=True):
            if position is None:
                results[place].status = DUPLICATE
                duplicates += 1
            else:
                results[place].position = position
        accepted = len(self.entries) - duplicates
        return IntakeAnswer(accepted, duplicates, len(results) - len(self.entries), results)


_raws = msgspec.json.Decoder(list[msgspec.Raw])


class Intake:
    """Reads requests."""

    def __init__(self, hasher: Hasher) -> None:
        self._stream = hasher.stream
        self._event_key = hasher.event

    def take(self, headers: Sequence[tuple[bytes, bytes]], body: bytes, mapper: Mapper, now: datetime) -> Taken:
        """The events of a request as entries. Raises Problem (400, 415) when it cannot be read as a whole."""
        content_type, names = _names(headers)
        kind = content_type.partition(";")[0].strip().lower()
        if kind not in (BATCH, STRUCTURED) and "ce-specversion" not in names:
            expected = f"{STRUCTURED}, {BATCH}, or ce- headers beside {JSON} (binary mode)"
            raise Problem(MEDIA, f"expected {expected}; got {kind or 'no content type'}")
        try:
            events = read(content_type, names, body, now)
        except BadRequest as error:
            raise Problem(UNREADABLE, str(error), [Wrong("$", str(error))]) from error
        taken = self.map(events, mapper, now)
        if len(taken.entries) < len(events):
            self._bury(taken, kind, names, body, now)
        taken.batch = kind == BATCH
        return taken

    def map(self, events: Sequence[Event | Rejected], mapper: Mapper, now: datetime) -> Taken:
        """Entries for what can be mapped, addressed to their first stream; a result for each event."""
        taken = Taken(batch=False, results=[])
        results, entries, places = taken.results, taken.entries, taken.places
        stream_of, key_of, map_event = self._stream, self._event_key, mapper.map
        for place, event in enumerate(events):
            if isinstance(event, Rejected):
                results.append(_rejected(event.id, event.reason, event.path))
                continue
            try:
                mapped, notes = map_event(event)
            except Unmapped as error:
                results.append(_rejected(event.id, error.reason, error.path))
                continue
            entity = mapped.entity
            entries.append(Entry(stream_of(entity.kind, entity.key), mapped, now, key_of(event.source, event.id)))
            places.append(place)
            results.append(EventResult(event.id, ACCEPTED, notes=notes))
        return taken

    def _bury(self, taken: Taken, kind: str, names: Mapping[str, str], body: bytes, now: datetime) -> None:
        """Keep the bytes of each rejected event, as structured JSON wherever they can be read as such."""
        raws = [bytes(raw) for raw in _raws.decode(body)] if kind == BATCH else [_structured(kind, names, body)]
        for result, raw in zip(taken.results, raws, strict=True):
            if result.status == REJECTED:
                shard = shard_of_stream(self._stream("letter", result.id or ""))
                taken.letters.append(
                    DeadLetter(new_id(now, shard), now, "event", result.reason or "", raw, result.path or "$")
                )


def _names(headers: Sequence[tuple[bytes, bytes]]) -> tuple[str, dict[str, str]]:
    """The content type, and the CloudEvents attributes of binary mode."""
    content_type = ""
    names = {}
    for name, value in headers:
        if name == b"content-type":
            content_type = value.decode("latin-1")
        elif name.startswith(b"ce-"):
            names[name.decode("latin-1")] = value.decode("latin-1")
    return content_type, names


def _rejected(identifier: str | None, reason: str, path: str) -> EventResult:
    return EventResult(identifier, REJECTED, reason=reason, path=path)


def _structured(kind: str, names: Mapping[str, str], body: bytes) -> bytes:
    """A binary-mode event as structured JSON, so that it can be replayed; other bytes as they came."""
    if kind == STRUCTURED:
        return body
    attributes: dict[str, Any] = {name[3:]: unquote(value) for name, value in names.items()}
    try:
        msgspec.json.decode(body)
        attributes["data"] = msgspec.Raw(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        attributes["datacontenttype"] = kind
        attributes["data_base64"] = body
    return msgspec.json.encode(attributes)
