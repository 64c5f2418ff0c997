"""What becomes of a written intent, for its message and for its route: no I/O, shared with the simulator."""

from __future__ import annotations

from datetime import datetime

from outrider.domain.attempt import Accepted, AttemptState, Outcome, Reason, Refused
from outrider.domain.health import RouteChange
from outrider.domain.message import Status
from outrider.domain.outbox import Done, Intent, Next, Past
from outrider.workers.desk import Desk
from outrider.workers.moves import follow


def forgo(intent: Intent, desk: Desk) -> None:
    """No call follows an intent that was not written: if it was a route's probe, another message may be."""
    desk.breakers[intent.route].forgo_probe()


def not_begun(intent: Intent, now: datetime, detail: str) -> Done:
    """The outcome of an intent that may be durable though no call follows it: provably not sent, due again at once."""
    message = intent.message
    return Done(
        message=message.id,
        stream=message.stream,
        number=intent.number,
        account=intent.account,
        outcome=Refused(Reason.NOT_BEGUN, detail),
        next=Next(Status.QUEUED, detail, retry_at=now),
        awaited=message.awaited,
    )


def conclude(
    intent: Intent,
    past: tuple[Past, ...],
    outcome: Outcome,
    desk: Desk,
    now: datetime,
    ticks: float,
    *,
    about_route: bool = True,
) -> Done:
    """What one outcome means for the attempt, for the message, and for the route where it was about the route."""
    message = intent.message
    if about_route:
        _learn(intent.route, outcome, desk, now, ticks)
    else:
        forgo(intent, desk)
    return Done(
        message=message.id,
        stream=message.stream,
        number=intent.number,
        account=intent.account,
        outcome=outcome,
        next=_next(intent, past, outcome, desk, now, ticks),
        awaited=message.awaited,
    )


def _learn(route: str, outcome: Outcome, desk: Desk, now: datetime, ticks: float) -> None:
    """What an outcome says of its route: trouble for its breaker, too much for its pace."""
    breaker = desk.breakers[route]
    before = breaker.state
    if breaker.learn(outcome, ticks):
        desk.changes.append(RouteChange(now, route, "breaker", before, breaker.state, breaker.reason))
    if isinstance(outcome, Refused) and outcome.reason is Reason.THROTTLED and route in desk.paces:
        desk.paces[route].slow_down(ticks)


def _next(intent: Intent, past: tuple[Past, ...], outcome: Outcome, desk: Desk, now: datetime, ticks: float) -> Next:
    if isinstance(outcome, Accepted):
        return Next(Status.ACCEPTED)
    refused = isinstance(outcome, Refused)
    this = Past(
        number=intent.number,
        route=intent.route,
        state=AttemptState.REFUSED if refused else AttemptState.UNKNOWN,
        at=now,
        reason=outcome.reason if isinstance(outcome, Refused) else None,
        label=intent.label,
    )
    wait = outcome.retry_after if isinstance(outcome, Refused) else None
    return follow(intent.message, (*past, this), desk, now, ticks, wait)
