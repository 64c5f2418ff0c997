"""Soft bounces: when mail that keeps coming back for passing reasons ends an address. Pure.

A full mailbox is emptied, a server that is down comes back: one such bounce says nothing lasting. Many of them in a row
do. Defaults and their sources: five in a row without a delivery in between (Notifuse's threshold; provider facts E.3),
forgotten after thirty days (Discourse's bounce score), and counted once a day however many mails came back that day
(GNU Mailman's list administration manual, 2.8): an afternoon's trouble at a mail server must cost nobody their mail.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import msgspec

from outrider.domain.attempt import Reason

#: The channel whose addresses bounce.
CHANNEL = "email"
#: What passes, and what it is called where an address is ended for it. Policy and content (5.7.x, 5.6.x) are about us
#: and never count (provider facts E.3).
SOFT_BOUNCES: dict[Reason, str] = {
    Reason.ABSENT_SUBSCRIBER: "the mailbox was full or switched off",
    Reason.EXPIRED: "its server did not take it for days",
    Reason.UNROUTABLE: "no way led to its server",
}
#: Most mail servers report no success. Mail they took that has not come back after this long has arrived: they give up
#: after four to five days (RFC 5321, 4.5.4.1).
SETTLED = timedelta(days=5)


class BounceRules(msgspec.Struct, frozen=True):
    """When soft bounces end an address."""

    #: On how many days in a row of mail; 0: never.
    days: int = 5
    #: Older ones are forgotten.
    within: timedelta = timedelta(days=30)


class Bounce(msgspec.Struct, frozen=True):
    """A day (UTC) on which mail to an address came back, the first of that day."""

    day: date
    #: When that mail went out.
    sent_at: datetime
    reason: Reason


class Mail(msgspec.Struct, frozen=True):
    """Mail to the same address that a server took and that has not come back."""

    sent_at: datetime
    #: A report says that it was delivered.
    proved: bool


class Finding(msgspec.Struct, frozen=True):
    """What bounces say of an address."""

    #: Why it is ended; empty: it is not.
    ends: str = ""
    #: When to look again, since mail in between may still come back.
    again_at: datetime | None = None


STAYS = Finding()


def judge(bounces: Sequence[Bounce], mails: Sequence[Mail], rules: BounceRules, now: datetime) -> Finding:
    """Whether an address is ended. bounces, mails: of this address, in any order; now: aware."""
    today = now.astimezone(UTC).date()
    run = [one for one in bounces if one.day > today - rules.within]
    if rules.days < 1 or len(run) < rules.days:
        return STAYS
    last = max(one.sent_at for one in run)
    arrived = [one.sent_at for one in mails if one.proved or (one.sent_at < last and one.sent_at <= now - SETTLED)]
    run = [one for one in run if not arrived or one.sent_at > max(arrived)]
    if len(run) < rules.days:
        return STAYS
    first = min(one.sent_at for one in run)
    open_still = [one.sent_at for one in mails if first < one.sent_at < last and not one.proved]
    if open_still:
        return Finding(again_at=max(open_still) + SETTLED)
    return Finding(_why(sorted(run, key=lambda one: one.day)))


def _why(run: Sequence[Bounce]) -> str:
    """For operators; names no address."""
    reason = SOFT_BOUNCES.get(run[-1].reason, "it bounced")
    days = f"on {len(run)} days from {run[0].day} to {run[-1].day}" if len(run) > 1 else f"on {run[0].day}"
    return f"mail to it bounced {days} and none arrived in between; at last {reason}"
