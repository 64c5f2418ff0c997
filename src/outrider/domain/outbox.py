"""The values that cross between delivery and the store: what was claimed, what was sent, and what came of it."""

from __future__ import annotations

from datetime import datetime

import msgspec

from outrider.domain.attempt import AttemptState, Outcome, Reason
from outrider.domain.message import Message, Rendition, Status


class Past(msgspec.Struct, frozen=True):
    """One earlier attempt of a message, as next_move reads it."""

    number: int
    route: str
    state: AttemptState
    at: datetime
    reason: Reason | None = None
    #: The rule that allowed a possible duplicate; empty for the normal case.
    label: str = ""


class Due(msgspec.Struct, frozen=True):
    """A queued message that delivery claimed."""

    message: Message
    past: tuple[Past, ...] = ()


class Intent(msgspec.Struct, frozen=True):
    """What is written before a socket opens."""

    message: Message
    number: int
    route: str
    account: str
    body: Rendition
    segments: int
    #: Estimated price in `currency`; None when no price is known.
    estimate: float | None
    currency: str | None
    #: The rule that allows a possible duplicate; empty for the normal case.
    label: str
    #: Keys of table stops that forbid this message.
    stop_keys: tuple[str, ...]


class Ceiling(msgspec.Struct, frozen=True):
    """Most messages for one address over all purposes."""

    per_hour: int = 20
    per_day: int = 60


class Verdictless(msgspec.Struct, frozen=True):
    """A claimed message that gets no attempt now: set back in the outbox, closed, or given back to the engine."""

    message: Message
    #: retry: due again at `at`. closed: final `status`. stale: the engine decides again.
    what: str
    at: datetime | None = None
    status: Status | None = None
    reason: str = ""


class Refusal(msgspec.Struct, frozen=True):
    """An intent that was not written, and why (a stop, a ceiling, a message that moved meanwhile)."""

    message: bytes
    reason: str


class Next(msgspec.Struct, frozen=True):
    """What follows an outcome: exactly one of the fields that are not None."""

    #: Final or resting status with a reason.
    status: Status
    reason: str = ""
    #: Try again at; the message is queued again.
    retry_at: datetime | None = None
    #: The attempt is in doubt: first look for proof, and when to stop looking.
    check_at: datetime | None = None
    give_up_at: datetime | None = None


class Done(msgspec.Struct, frozen=True):
    """The outcome of one attempt."""

    message: bytes
    stream: bytes
    number: int
    account: str
    outcome: Outcome
    next: Next
    awaited: bool


class OpenDoubt(msgspec.Struct, frozen=True):
    """An attempt whose outcome is unknown, with what is needed to look it up and to move on."""

    message: Message
    past: tuple[Past, ...]
    number: int
    account: str
    route: str
    body: Rendition
    since: datetime
    give_up_at: datetime
    checks: int
    #: When its call was over or its worker given up: the provider cannot have taken it later.
    opened_at: datetime
    #: The database's time when it was read.
    now: datetime


class Resolved(msgspec.Struct, frozen=True):
    """What became of a doubt. `state` None: still in doubt, look again at `check_at`."""

    message: bytes
    stream: bytes
    number: int
    state: AttemptState | None
    provider_id: str | None = None
    account: str = ""
    check_at: datetime | None = None
    #: What follows for the message when state is not None.
    next: Next | None = None
    awaited: bool = False
