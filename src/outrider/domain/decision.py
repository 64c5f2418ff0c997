"""The record of whether a candidate is sent, when, on which channel, and why."""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

import msgspec

from outrider.domain.profile import ConsentState
from outrider.domain.purpose import Purpose
from outrider.domain.strategy import Strategy


class Verdict(StrEnum):
    """The answer of a decision."""

    SEND = "send"
    HOLD = "hold"
    DROP = "drop"


class Blocked(StrEnum):
    """What the step does when a gate holds its candidate."""

    HOLD = "hold"
    SKIP = "skip"
    #: Take the first channel of the list that may go now; hold when there is none.
    OTHER_CHANNEL = "other_channel"
    EXIT = "exit"


class Phase(IntEnum):
    """The order of gates; two gates with the same phase and order fail the start."""

    VALIDITY = 1
    CONSENT = 2
    SUPPRESSION = 3
    REACHABILITY = 4
    HOLDOUT = 5
    MARKET = 6
    CAP = 7
    GAP = 8
    ARBITRATION = 9


class Candidate(msgspec.Struct, frozen=True):
    """A message a step asks for, before anyone allowed it."""

    id: bytes
    stream: bytes
    journey: str
    #: Where in the journey: the node's stable name.
    node: str
    template: str
    purpose: Purpose
    strategy: Strategy
    #: When the step was reached.
    asked_at: datetime
    #: The last instant at which it is worth sending.
    valid_until: datetime
    time_critical: bool = False
    blocked: Blocked = Blocked.HOLD
    config: int = 0
    enrollment: bytes | None = None
    about: bytes | None = None
    #: From which channel of the strategy on it may go; 0 for the first.
    rung: int = 0
    root: bytes | None = None
    #: Why it follows another message that did not reach the person, such as ``push failed``; empty for a first one.
    fallback: str = ""
    #: Keyed hash of the request's dedupe key: at most one message of its person goes out under it.
    dedupe: bytes | None = None


class Recent(msgspec.Struct, frozen=True, array_like=True):
    """One message that takes a cap slot."""

    channel: str
    purpose: Purpose
    #: The intent's time; the time of reading while the message is queued, for it may go at any moment.
    at: datetime


class ReachFact(msgspec.Struct, frozen=True, array_like=True):
    """What the gates may know of one address: never the address itself."""

    channel: str
    #: Hex of the keyed hash.
    address: str
    #: Why it must not be written to; None when it may.
    suppressed: str | None = None


#: A fact of some direct sends: nobody is known by the key they name.
STRANGER = "stranger"
#: A fact of candidates with a dedupe key: the earlier message under it (`message`, `at`, `status`); empty without one.
DEDUPE = "dedupe"


class Facts(msgspec.Struct, frozen=True):
    """Everything the gates may read about one candidate: small, packed into the decision, enough to re-derive it."""

    now: datetime
    market: str
    #: The zone and the rung of the ladder that gave it: person, device, vehicle, phone, market.
    zone: str
    zone_rung: str
    locale: str
    #: Purpose (or ``purpose/channel``) → state; only what the candidate's purpose can ask for.
    consents: dict[str, ConsentState] = {}
    reach: tuple[ReachFact, ...] = ()
    #: Newest first, no longer than the widest cap needs.
    recent: tuple[Recent, ...] = ()
    #: STRANGER and DEDUPE, where they hold.
    extra: dict[str, Any] = {}


class GateVerdict(StrEnum):
    """What one gate says about one channel."""

    PASS = "pass"
    HOLD = "hold"
    DROP = "drop"
    NOT_HERE = "not_here"


class Judgment(msgspec.Struct, frozen=True):
    """One gate's answer, with what it read and how close it was."""

    verdict: GateVerdict
    #: Plain words, complete sentence.
    reason: str
    #: How far from the other answer: "2 of 3 used", "opens in 7 h 12 min". May be empty.
    margin: str = ""
    #: For a hold: when to decide again. For a pass: the window may be narrowed.
    until: datetime | None = None
    not_after: datetime | None = None
    #: What would have had to be different, for holds and drops.
    otherwise: str = ""


class GateResult(msgspec.Struct, frozen=True):
    """A judgment with the gate and the channel it was about."""

    gate: str
    channel: str
    judgment: Judgment


class Decision(msgspec.Struct, frozen=True):
    """The recorded answer on one candidate. `id` and `number` name it; a message shares the id."""

    candidate: Candidate
    facts: Facts
    verdict: Verdict
    #: Every gate that was asked, in order.
    results: tuple[GateResult, ...]
    #: The gate that held or dropped it; empty for a send.
    gate: str = ""
    reason: str = ""
    channel: str = ""
    not_before: datetime | None = None
    not_after: datetime | None = None
    #: For a hold: when it is decided again.
    until: datetime | None = None
    #: The step asked to leave the journey when blocked.
    leave: bool = False
    number: int = 0
