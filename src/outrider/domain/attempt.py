"""One message handed to one provider, to all devices of a person where the channel reaches all, and what came of it."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Reason(StrEnum):
    """Why an attempt or a message failed, in our words. The provider's own code stays beside it."""

    INVALID_NUMBER = "invalid_number"
    #: Not an address mail can go to: a domain that does not exist, or bad syntax.
    INVALID_ADDRESS = "invalid_address"
    UNKNOWN_SUBSCRIBER = "unknown_subscriber"
    ABSENT_SUBSCRIBER = "absent_subscriber"
    HANDSET_ERROR = "handset_error"
    LANDLINE = "landline"
    OPTED_OUT = "opted_out"
    CONTENT_REJECTED = "content_rejected"
    SPAM_FILTERED = "spam_filtered"
    SENDER_REJECTED = "sender_rejected"
    GEO_BLOCKED = "geo_blocked"
    UNROUTABLE = "unroutable"
    OPERATOR_ERROR = "operator_error"
    EXPIRED = "expired"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    INSUFFICIENT_CREDIT = "insufficient_credit"
    UNAUTHORIZED = "unauthorized"
    #: The address exists no more (a push token of an app that is gone): it is taken off the profile.
    DEAD_ADDRESS = "dead_address"
    BAD_REQUEST = "bad_request"
    NOT_CONNECTED = "not_connected"
    #: We ourselves did not make the call: its intent was not confirmed, or its lease was nearly over.
    NOT_BEGUN = "not_begun"
    UNKNOWN = "unknown"


class Scope(StrEnum):
    """What a refusal is about; it says what to do next."""

    #: This person cannot be reached so: no other route helps.
    RECIPIENT = "recipient"
    #: This text or request is wrong everywhere.
    MESSAGE = "message"
    #: This route (sender, country, operator) will not take it; another may.
    ROUTE = "route"
    #: The account is at fault (credit, credentials): move on and tell an operator.
    ACCOUNT = "account"
    #: Passing trouble, certainly not accepted: the same route may take it later.
    PASSING = "passing"


#: Reason → scope. The three axes of error are in the provider facts, rule 0.5: scope decides the move.
SCOPES: dict[Reason, Scope] = {
    Reason.INVALID_NUMBER: Scope.RECIPIENT,
    Reason.INVALID_ADDRESS: Scope.RECIPIENT,
    Reason.UNKNOWN_SUBSCRIBER: Scope.RECIPIENT,
    Reason.ABSENT_SUBSCRIBER: Scope.RECIPIENT,
    Reason.HANDSET_ERROR: Scope.RECIPIENT,
    Reason.LANDLINE: Scope.RECIPIENT,
    Reason.OPTED_OUT: Scope.RECIPIENT,
    Reason.DEAD_ADDRESS: Scope.RECIPIENT,
    Reason.CONTENT_REJECTED: Scope.MESSAGE,
    Reason.SPAM_FILTERED: Scope.ROUTE,
    Reason.SENDER_REJECTED: Scope.ROUTE,
    Reason.GEO_BLOCKED: Scope.ROUTE,
    Reason.UNROUTABLE: Scope.ROUTE,
    Reason.OPERATOR_ERROR: Scope.ROUTE,
    Reason.EXPIRED: Scope.RECIPIENT,
    Reason.THROTTLED: Scope.PASSING,
    Reason.UNAVAILABLE: Scope.PASSING,
    Reason.INSUFFICIENT_CREDIT: Scope.ACCOUNT,
    Reason.UNAUTHORIZED: Scope.ACCOUNT,
    Reason.BAD_REQUEST: Scope.MESSAGE,
    Reason.NOT_CONNECTED: Scope.PASSING,
    Reason.NOT_BEGUN: Scope.PASSING,
    Reason.UNKNOWN: Scope.ROUTE,
}


class Accepted(msgspec.Struct, frozen=True, tag="accepted"):
    """The provider took the message."""

    provider_id: str
    #: The provider's own count and price, where it tells them at once; None otherwise.
    segments: int | None = None
    price: float | None = None
    currency: str | None = None
    #: Keyed hashes of those of the message's addresses that exist no more.
    dead: tuple[bytes, ...] = ()


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """The provider certainly did not take the message."""

    reason: Reason
    #: The provider's own code and words, for the operator.
    detail: str = ""
    #: Seconds the provider asked us to wait (Retry-After); None when it did not say.
    retry_after: float | None = None
    #: As in Accepted; where the reason is DEAD_ADDRESS, that tells of the message's own address.
    dead: tuple[bytes, ...] = ()

    @property
    def scope(self) -> Scope:
        """What the refusal is about."""
        return SCOPES[self.reason]


class Unknown(msgspec.Struct, frozen=True, tag="unknown"):
    """The call broke off after the first byte left, or the answer cannot be read: it may be on its way."""

    detail: str = ""
    #: As in Accepted.
    dead: tuple[bytes, ...] = ()


Outcome = Accepted | Refused | Unknown


class AttemptState(StrEnum):
    """Where an attempt stands: intent → accepted | refused | unknown; unknown → accepted | absent | unresolved."""

    INTENT = "intent"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    #: Was unknown; proved not to have been accepted.
    ABSENT = "absent"
    #: Was unknown; the purpose's time for proof is over.
    UNRESOLVED = "unresolved"
