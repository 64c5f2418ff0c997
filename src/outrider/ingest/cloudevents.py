"""CloudEvents 1.0 over HTTP: structured, batch and binary mode, to events or precise rejections.

Source: CloudEvents core specification 1.0.2, JSON event format 1.0.2 and HTTP protocol binding 1.0.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import msgspec

from outrider.domain.entry import Event
from outrider.ingest.values import NO_NUL, NUL, wrong_value

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
JSON = "application/json"

#: Named in errors. An event is one person's fact, not a file: 64 kB, as CloudEvents asks intermediaries to carry.
LARGEST_EVENT = 64 * 1024
LARGEST_BODY = 4 * 1024 * 1024
MOST_EVENTS = 1000
LONGEST_ATTRIBUTE = 512


class Envelope(msgspec.Struct, frozen=True):
    """The attributes we read; extension attributes are accepted and passed over."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str | None = None
    time: datetime | None = None
    datacontenttype: str | None = None
    data: Any = None
    data_base64: str | None = None


class Rejected(msgspec.Struct, frozen=True):
    """An event that cannot be taken: why, and where in it."""

    reason: str
    #: JSON path, for example ``$.data.customer``; the request itself is ``$``.
    path: str = "$"
    id: str | None = None


class BadRequest(ValueError):
    """The request as a whole cannot be read."""


#: What decoding raises: msgspec's own errors and UnicodeDecodeError are ValueErrors; deep nesting ends in the other.
UNREADABLE = (ValueError, RecursionError)

_one = msgspec.json.Decoder(Envelope)
_many = msgspec.json.Decoder(list[Envelope])
_raws = msgspec.json.Decoder(list[msgspec.Raw])


def read(content_type: str, headers: Mapping[str, str], body: bytes, now: datetime) -> list[Event | Rejected]:
    """The events of one request, in order, each read or rejected.

    `headers` have lower-case names; `now` stands in for a missing time. Raises BadRequest when the body is no JSON,
    too large, or of another content type.
    """
    if len(body) > LARGEST_BODY:
        raise BadRequest(f"the body has {len(body)} bytes, the limit is {LARGEST_BODY}")
    kind = content_type.partition(";")[0].strip().lower()
    if kind == BATCH:
        return _batch(body, now)
    if kind == STRUCTURED:
        return [_structured(body, now)]
    if "ce-specversion" in headers:
        return [_binary(kind, headers, body, now)]
    raise BadRequest(
        f"expected content type {STRUCTURED}, {BATCH}, or ce- headers (binary mode); got {kind or 'no content type'}"
    )


def _batch(body: bytes, now: datetime) -> list[Event | Rejected]:
    if len(body) > LARGEST_EVENT:
        items = _raw_items(body)
        if any(len(memoryview(item)) > LARGEST_EVENT for item in items):
            return [_structured(bytes(item), now) for item in items]
    try:
        envelopes = _many.decode(body)
    except UNREADABLE:
        return [_structured(bytes(item), now) for item in _raw_items(body)]
    _check_size(len(envelopes))
    return [_event(envelope, now) for envelope in envelopes]


def _raw_items(body: bytes) -> list[msgspec.Raw]:
    try:
        items = _raws.decode(body)
    except UNREADABLE as error:
        raise BadRequest(f"the body is no JSON array of events: {error}") from error
    _check_size(len(items))
    return items


def _check_size(count: int) -> None:
    if count > MOST_EVENTS:
        raise BadRequest(f"the batch has {count} events, the limit is {MOST_EVENTS}")


def _structured(body: bytes, now: datetime) -> Event | Rejected:
    if len(body) > LARGEST_EVENT:
        return Rejected(f"the event has {len(body)} bytes, the limit is {LARGEST_EVENT}")
    try:
        return _event(_one.decode(body), now)
    except UNREADABLE as error:
        return _rejection(error, _id_of(body))


def _rejection(error: Exception, identifier: str | None) -> Rejected:
    """msgspec names the path at the end: "Expected `str`, got `int` - at `$.id`"."""
    text, _, path = str(error).partition(" - at `")
    reason = text if text.startswith("JSON") else text[:1].lower() + text[1:]
    return Rejected(reason, path.rstrip("`") or "$", identifier)


def _id_of(body: bytes) -> str | None:
    try:
        value = msgspec.json.decode(body)
    except UNREADABLE:
        return None
    identifier = value.get("id") if isinstance(value, dict) else None
    return identifier[:LONGEST_ATTRIBUTE] if isinstance(identifier, str) else None


def _binary(kind: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Event | Rejected:
    if len(body) > LARGEST_EVENT:
        return Rejected(f"the event has {len(body)} bytes, the limit is {LARGEST_EVENT}")
    attributes: dict[str, Any] = {name[3:]: unquote(value) for name, value in headers.items() if name.startswith("ce-")}
    try:
        if body and kind not in (JSON, "") and not kind.endswith("+json"):
            return Rejected(f"data must be JSON, got {kind}", "$.data", _short(attributes.get("id")))
        attributes["data"] = msgspec.json.decode(body) if body else None
        return _event(msgspec.convert(attributes, Envelope), now)
    except msgspec.ValidationError as error:
        return _rejection(error, _short(attributes.get("id")))
    except UNREADABLE as error:
        return Rejected(f"data is no JSON: {error}", "$.data", _short(attributes.get("id")))


def _short(identifier: str | None) -> str | None:
    return identifier[:LONGEST_ATTRIBUTE] if identifier else None


def _event(envelope: Envelope, now: datetime) -> Event | Rejected:
    wrong = _wrong(envelope)
    if wrong is not None:
        return wrong
    return Event(
        id=envelope.id,
        source=envelope.source,
        type=envelope.type,
        time=envelope.time.astimezone(UTC) if envelope.time else now,
        subject=envelope.subject or None,
        data=envelope.data or {},
    )


def _wrong(envelope: Envelope) -> Rejected | None:
    identifier = _short(envelope.id)
    if envelope.specversion != "1.0":
        return Rejected(f"expected specversion 1.0, got {envelope.specversion[:20]!r}", "$.specversion", identifier)
    for name in ("id", "source", "type", "subject"):
        value = getattr(envelope, name)
        if value is None and name == "subject":
            continue
        if len(value) > LONGEST_ATTRIBUTE or (not value and name != "subject"):
            return Rejected(f"expected 1 to {LONGEST_ATTRIBUTE} characters", f"$.{name}", identifier)
        if NUL in value:
            return Rejected(NO_NUL, f"$.{name}", identifier)
    if envelope.time is not None and not _is_instant(envelope.time):
        return Rejected("expected an RFC 3339 time with a zone, such as 2026-05-04T09:30:00Z", "$.time", identifier)
    return _wrong_data(envelope)


def _is_instant(time: datetime) -> bool:
    """Whether it has a zone and lies within the years 1 to 9999 in UTC."""
    try:
        return time.tzinfo is not None and bool(time.astimezone(UTC))
    except OverflowError:
        return False


def _wrong_data(envelope: Envelope) -> Rejected | None:
    if envelope.data_base64 is not None:
        return Rejected("binary data is not read; send JSON in data", "$.data_base64", envelope.id)
    data = envelope.data
    if data is not None and not isinstance(data, dict):
        return Rejected(f"expected a JSON object, got {_kind_of(data)}", "$.data", envelope.id)
    found = wrong_value(data, "$.data") if data else None
    return Rejected(found[1], found[0], envelope.id) if found else None


def _kind_of(value: object) -> str:
    names = {list: "an array", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return names.get(type(value), "something else")
