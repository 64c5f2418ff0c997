"""After an attempt: try again, try another route, look for proof, or stop. Pure: same history, same answer."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

import msgspec

from outrider.domain.attempt import SCOPES, AttemptState, Reason, Scope
from outrider.domain.message import Status
from outrider.domain.outbox import Past
from outrider.domain.purpose import PurposeRules, WhenUnknown

#: Most attempts of one message over all routes: with the waits below about half an hour of passing trouble.
MOST_ATTEMPTS = 12

#: Full jitter (AWS Builders' Library): a retry waits a stable chance share of this, doubled each round, up to the cap.
FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(minutes=5)

#: The longest Retry-After that is believed: beyond every purpose's validity, and far from what a date can hold.
LONGEST_ASKED = timedelta(days=366)

#: Copies the provider may have taken.
MAYBE_TAKEN = frozenset({AttemptState.INTENT, AttemptState.ACCEPTED, AttemptState.UNKNOWN, AttemptState.UNRESOLVED})

#: Reasons for which no other route helps.
HOPELESS = frozenset({Scope.RECIPIENT, Scope.MESSAGE})


class Try(msgspec.Struct, frozen=True):
    """Attempt again on a route, not before an instant. `label` names the rule when a copy may already be out."""

    route: str
    at: datetime
    label: str = ""


class Look(msgspec.Struct, frozen=True):
    """The last attempt is in doubt: look for proof until `give_up_at`."""

    check_at: datetime
    give_up_at: datetime


class Stop(msgspec.Struct, frozen=True):
    """Nothing more to do; the message rests in this status."""

    status: Status
    reason: str = ""


Move: TypeAlias = Try | Look | Stop


def next_move(
    routes: Sequence[str],
    past: Sequence[Past],
    rules: PurposeRules,
    now: datetime,
    not_after: datetime,
    message: bytes = b"",
    retry_after: float | None = None,
) -> Move:
    """Decide the next try from the history alone.

    `routes` are the names that fit and are healthy, best first; `past` the attempts so far, oldest first;
    `retry_after` the seconds the provider asked for; `message` seeds the jitter.
    """
    move = _unhurried_move(routes, past, rules, now, message, retry_after)
    if isinstance(move, Try) and move.at > not_after:
        reason = f"the next try would come after {not_after.isoformat(timespec='seconds')}"
        return end_without_copy(past, Status.EXPIRED, reason)
    return move


def end_without_copy(past: Sequence[Past], status: Status, reason: str) -> Stop:
    """Stop in `status`; but while an earlier copy may be out, nobody can say that the message was not sent: unknown."""
    if copies_out(past):
        return Stop(Status.UNKNOWN, f"an earlier copy may be out, and {reason}")
    return Stop(status, reason)


def copies_out(past: Sequence[Past]) -> int:
    """How many attempts a provider took or may have taken."""
    return sum(attempt.state in MAYBE_TAKEN for attempt in past)


def _unhurried_move(
    routes: Sequence[str],
    past: Sequence[Past],
    rules: PurposeRules,
    now: datetime,
    message: bytes,
    retry_after: float | None,
) -> Move:
    if not past:
        return Try(routes[0], now) if routes else Stop(Status.FAILED, "no route fits this message")
    last = past[-1]
    match last.state:
        case AttemptState.INTENT | AttemptState.UNKNOWN:
            return Look(now, last.at + rules.resolve_within)
        case AttemptState.ACCEPTED:
            return Stop(Status.ACCEPTED)
        case AttemptState.UNRESOLVED:
            return _after_doubt(routes, past, rules, now)
        case AttemptState.ABSENT:
            return _after_absence(routes, past, rules, now)
    return _after_refusal(routes, past, rules, now, message, retry_after)


def _after_doubt(routes: Sequence[str], past: Sequence[Past], rules: PurposeRules, now: datetime) -> Move:
    """The time for proof is over: the purpose says whether a possible duplicate is the smaller harm."""
    doubted = f"attempt {past[-1].number} stayed in doubt"
    if rules.when_unknown in (WhenUnknown.NEVER, WhenUnknown.RESEND_IF_ABSENT):
        return Stop(Status.UNKNOWN, f"{doubted}; its purpose does not send again without proof of absence")
    if rules.when_unknown is WhenUnknown.RESEND_ONCE and any(attempt.label for attempt in past):
        return Stop(Status.UNKNOWN, f"{doubted}; its purpose sends again only once")
    return _again(routes, past, rules, now, f"{rules.when_unknown}: {doubted}")


def _after_absence(routes: Sequence[str], past: Sequence[Past], rules: PurposeRules, now: datetime) -> Move:
    if rules.when_unknown is WhenUnknown.NEVER:
        reason = f"attempt {past[-1].number} broke off and was not taken; its purpose is never sent again"
        return end_without_copy(past, Status.FAILED, reason)
    return _again(routes, past, rules, now, _standing_label(past))


def _again(routes: Sequence[str], past: Sequence[Past], rules: PurposeRules, now: datetime, label: str) -> Move:
    """Another copy, on an untried route where there is one, as long as the copies stay within the purpose's limit."""
    if copies_out(past) >= rules.most_copies:
        return Stop(Status.UNKNOWN, f"{rules.most_copies} copies may be out; its purpose allows no more")
    if len(past) >= MOST_ATTEMPTS:
        return end_without_copy(past, Status.FAILED, f"{MOST_ATTEMPTS} attempts were made")
    if not routes:
        return Try(past[-1].route, now + FIRST_WAIT, label)
    return Try((_untried(routes, past) or list(routes))[0], now, label)


def _after_refusal(
    routes: Sequence[str],
    past: Sequence[Past],
    rules: PurposeRules,
    now: datetime,
    message: bytes,
    retry_after: float | None,
) -> Move:
    last = past[-1]
    reason = last.reason or Reason.UNKNOWN
    label = _standing_label(past)
    if copies_out(past) >= rules.most_copies:
        return Stop(Status.UNKNOWN, f"an earlier copy may be out, and the next was refused: {reason}")
    if SCOPES[reason] in HOPELESS:
        return end_without_copy(past, Status.FAILED, reason)
    if len(past) >= MOST_ATTEMPTS:
        return end_without_copy(past, Status.FAILED, f"{MOST_ATTEMPTS} attempts were made, the last refused: {reason}")
    untried = _untried(routes, past)
    if untried:
        return Try(untried[0], now, label)
    willing = _willing(routes, past, rules)
    if SCOPES[reason] is not Scope.PASSING and not willing:
        return end_without_copy(past, Status.FAILED, f"every route refused, the last with: {reason}")
    return Try(_least_tried(willing or routes, past), now + _wait(past, message, retry_after), label)


def _standing_label(past: Sequence[Past]) -> str:
    """While an earlier copy is or may be out, every further try stays labelled with the rule that allowed it.

    Also once a late receipt has proved that copy (as undelivered): the label tells why there is another one.
    """
    if not copies_out(past):
        return ""
    return next((attempt.label for attempt in reversed(past) if attempt.label), "")


def _untried(routes: Sequence[str], past: Sequence[Past]) -> list[str]:
    """Routes no call went to. One that we ourselves did not begin is no try; two are, since our trouble may last."""
    tries = Counter(attempt.route for attempt in past)
    spared = Counter(attempt.route for attempt in past if attempt.reason is Reason.NOT_BEGUN)
    return [route for route in routes if tries[route] == min(spared[route], 1)]


def _willing(routes: Sequence[str], past: Sequence[Past], rules: PurposeRules) -> list[str]:
    """Routes that may still take the message: tried in vain perhaps, but without a refusal that lasts.

    One that left a doubt is among them only for purposes that rather send twice than not at all.
    """
    twice = rules.when_unknown is WhenUnknown.RESEND_ELSEWHERE
    spent = {one.route for one in past if _lasts(one) or (one.state in MAYBE_TAKEN and not twice)}
    return [route for route in routes if route not in spent]


def _lasts(attempt: Past) -> bool:
    """Whether this is a refusal that the same route would repeat."""
    refused = attempt.state is AttemptState.REFUSED
    return refused and SCOPES[attempt.reason or Reason.UNKNOWN] is not Scope.PASSING


def _least_tried(routes: Sequence[str], past: Sequence[Past]) -> str:
    """The route with the fewest tries, the best of equals; the last one used when none is healthy."""
    if not routes:
        return past[-1].route
    counts = [sum(attempt.route == route for attempt in past) for route in routes]
    return routes[counts.index(min(counts))]


def _wait(past: Sequence[Past], message: bytes, retry_after: float | None) -> timedelta:
    """Full jitter over a doubling wait, never less than the provider asked for."""
    rounds = min(len(past) - 1, 10)
    longest = min(FIRST_WAIT * int(2**rounds), LONGEST_WAIT)
    digest = hashlib.blake2b(message + bytes((len(past),)), digest_size=4).digest()
    jittered: timedelta = longest * (int.from_bytes(digest, "big") / 0xFFFFFFFF)
    asked = timedelta(seconds=min(retry_after or 0.0, LONGEST_ASKED.total_seconds()))
    return max(jittered, asked)
