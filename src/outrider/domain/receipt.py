"""What a provider reports later about a message it accepted, in our words."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from outrider.domain.attempt import Reason

#: How old a report's news may be, longer than any provider keeps a message, and how far a clock or zone may be wrong.
OLDEST_REPORT, CLOCK_SKEW = timedelta(days=400), timedelta(days=1)


class ReceiptStatus(StrEnum):
    """The normal form of every provider's delivery report. An unknown word of theirs is no receipt at all."""

    #: Still under way: confirms acceptance, says nothing final.
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    #: Engagement, not status: proves delivery too.
    SEEN = "seen"


class Receipt(msgspec.Struct, frozen=True):
    """One report about one message of one account."""

    provider_id: str
    status: ReceiptStatus
    reason: Reason | None = None
    #: The provider's own word and code, kept for the operator.
    detail: str = ""
    #: Our attempt echo, where the provider brings it back in the body (else it comes from the callback's URL).
    attempt: str | None = None
    #: When it happened, by the provider's account; None when it does not say.
    at: datetime | None = None
    segments: int | None = None
    price: float | None = None
    currency: str | None = None


class Reply(msgspec.Struct, frozen=True):
    """An inbound message from a person."""

    provider_id: str
    sender: str
    text: str
    to: str = ""


class Reported(msgspec.Struct, frozen=True):
    """One verified receipt, with the attempt its callback URL or body named."""

    account: str
    receipt: Receipt
    received_at: datetime
    #: (message, number) when the echo came back.
    attempt: tuple[bytes, int] | None = None


def plausible(at: datetime | None, received_at: datetime) -> datetime | None:
    """When something happened, by another clock; None for what cannot be: anybody's mail server and any phone may name
    any date, also one that no column holds. Both are aware."""
    if at is None or not received_at - OLDEST_REPORT <= at <= received_at + CLOCK_SKEW:
        return None
    return at
