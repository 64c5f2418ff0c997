"""A message: one content for one entity on one channel, and the statuses it may take."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from outrider.domain.purpose import Lane, Purpose


class Status(StrEnum):
    """Where a message stands; exactly one at a time."""

    HELD = "held"
    QUEUED = "queued"
    SENDING = "sending"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    CANCELED = "canceled"
    EXPIRED = "expired"


#: No further move by us is possible or needed.
FINAL = frozenset({Status.DELIVERED, Status.UNDELIVERED, Status.FAILED, Status.CANCELED, Status.EXPIRED})

#: Certainly not sent, or sent and certainly not arrived: its dedupe key is free again.
LET_GO = frozenset({Status.UNDELIVERED, Status.FAILED, Status.CANCELED, Status.EXPIRED})

#: The engine may cancel only these; everything later is delivery's.
CANCELABLE = frozenset({Status.HELD, Status.QUEUED})


class Further(msgspec.Struct, frozen=True):
    """Another address of the person on the same channel, which gets the same content in the same attempt."""

    value: str
    #: Its keyed hash.
    address: bytes


class Content(msgspec.Struct, frozen=True):
    """The personal part of a message, sealed in the store: where it goes and what its template needs."""

    address: str
    locale: str
    #: Template values, plain data only.
    values: dict[str, object]
    #: The person's other devices, on channels that reach all of them at once.
    others: tuple[Further, ...] = ()


class Rendition(msgspec.Struct, frozen=True, omit_defaults=True):
    """A rendered content as it goes out: the text, and what stands around it on richer channels."""

    text: str
    #: The subject of an e-mail, the title of a push; empty elsewhere.
    subject: str = ""
    #: The HTML part of an e-mail.
    html: str = ""
    #: What an app gets beside the words of a push: plain texts by name, such as a link.
    data: dict[str, str] = {}


class Message(msgspec.Struct, frozen=True):
    """One message as the engine creates it: `held` until its decision is taken again, or `queued`."""

    id: bytes
    stream: bytes
    journey: str
    template: str
    purpose: Purpose
    channel: str
    market: str
    status: Status
    status_at: datetime
    #: Delivery may hand it over in this window only; outside it goes back for a new decision.
    not_before: datetime
    not_after: datetime
    lane: Lane
    awaited: bool
    config: int
    #: Keyed hash of the address: the key of stops, suppressions and ceilings.
    address: bytes
    content: Content
    #: The first message of an escalation or fallback; None for a message that stands alone.
    root: bytes | None = None
