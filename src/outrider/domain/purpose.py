"""Why we write: the purposes, and what follows from each."""

from __future__ import annotations

from datetime import timedelta
from enum import IntEnum, StrEnum

import msgspec


class Purpose(StrEnum):
    """Why a message is sent; decides consent, quiet hours, caps, lane and what doubt means."""

    SAFETY = "safety"
    SECURITY = "security"
    LEGAL = "legal"
    TRANSACTIONAL = "transactional"
    SERVICE = "service"
    COMMERCIAL = "commercial"


class Lane(IntEnum):
    """Express before normal before bulk, never overtaking within a stream."""

    EXPRESS = 0
    NORMAL = 1
    BULK = 2


class WhenQuiet(StrEnum):
    """What quiet hours do to a purpose."""

    IGNORE = "ignore"
    HOLD = "hold"
    #: Held to the next allowed instant, unless that is after the deadline: then it goes at once.
    HOLD_UNLESS_LATE = "hold_unless_late"


class WhenUnknown(StrEnum):
    """What may follow an attempt whose outcome stays in doubt."""

    #: Send again, on another route where there is one.
    RESEND_ELSEWHERE = "resend_elsewhere"
    #: Send again once.
    RESEND_ONCE = "resend_once"
    #: Send again only when the provider proves that it never took the message.
    RESEND_IF_ABSENT = "resend_if_absent"
    NEVER = "never"


class PurposeRules(msgspec.Struct, frozen=True):
    """The defaults of one purpose; a market pack may tighten, never loosen them."""

    needs_consent: bool
    quiet_hours: WhenQuiet
    obeys_caps: bool
    counts_toward_caps: bool
    lane: Lane
    when_unknown: WhenUnknown
    #: How long to look for proof before `when_unknown` applies.
    resolve_within: timedelta
    #: Most copies of one message that providers may have accepted, possible duplicates included.
    most_copies: int
    #: Default time a message stays worth sending when the step names none.
    valid_for: timedelta


#: design.md section 6; copies from the reliability plan 2.2.
PURPOSES: dict[Purpose, PurposeRules] = {
    Purpose.SAFETY: PurposeRules(
        needs_consent=False,
        quiet_hours=WhenQuiet.IGNORE,
        obeys_caps=False,
        counts_toward_caps=False,
        lane=Lane.EXPRESS,
        when_unknown=WhenUnknown.RESEND_ELSEWHERE,
        resolve_within=timedelta(seconds=3),
        most_copies=3,
        valid_for=timedelta(days=3),
    ),
    Purpose.SECURITY: PurposeRules(
        needs_consent=False,
        quiet_hours=WhenQuiet.IGNORE,
        obeys_caps=False,
        counts_toward_caps=False,
        lane=Lane.EXPRESS,
        when_unknown=WhenUnknown.RESEND_ELSEWHERE,
        resolve_within=timedelta(seconds=3),
        most_copies=3,
        valid_for=timedelta(minutes=10),
    ),
    Purpose.LEGAL: PurposeRules(
        needs_consent=False,
        quiet_hours=WhenQuiet.HOLD_UNLESS_LATE,
        obeys_caps=False,
        counts_toward_caps=False,
        lane=Lane.NORMAL,
        when_unknown=WhenUnknown.RESEND_ELSEWHERE,
        resolve_within=timedelta(minutes=30),
        most_copies=3,
        valid_for=timedelta(days=30),
    ),
    Purpose.TRANSACTIONAL: PurposeRules(
        needs_consent=False,
        quiet_hours=WhenQuiet.HOLD,
        obeys_caps=False,
        counts_toward_caps=True,
        lane=Lane.EXPRESS,
        when_unknown=WhenUnknown.RESEND_ONCE,
        resolve_within=timedelta(minutes=2),
        most_copies=2,
        valid_for=timedelta(days=1),
    ),
    Purpose.SERVICE: PurposeRules(
        needs_consent=False,
        quiet_hours=WhenQuiet.HOLD,
        obeys_caps=True,
        counts_toward_caps=True,
        lane=Lane.NORMAL,
        when_unknown=WhenUnknown.RESEND_IF_ABSENT,
        resolve_within=timedelta(minutes=30),
        most_copies=2,
        valid_for=timedelta(days=3),
    ),
    Purpose.COMMERCIAL: PurposeRules(
        needs_consent=True,
        quiet_hours=WhenQuiet.HOLD,
        obeys_caps=True,
        counts_toward_caps=True,
        lane=Lane.BULK,
        when_unknown=WhenUnknown.NEVER,
        resolve_within=timedelta(minutes=30),
        most_copies=1,
        valid_for=timedelta(days=3),
    ),
}
