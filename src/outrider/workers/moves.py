"""A message's next move over the routes that fit it and may be used: no I/O, shared with the simulator."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from outrider.delivery.choose_route import fitting, in_order
from outrider.delivery.destination import destination
from outrider.delivery.next_move import Look, Move, Stop, Try, next_move
from outrider.domain.message import Message, Status
from outrider.domain.outbox import Next, Past
from outrider.domain.route import Route
from outrider.workers.desk import Desk

#: The end of a window is not the end of a message: it may be quiet hours that begin. So a try after it is planned like
#: any other; the claim finds the window over and gives the message back to the engine, which knows the validity.
NEVER_TOO_LATE = datetime.max.replace(tzinfo=UTC)
#: The first instant after a window.
INSTANT = timedelta(microseconds=1)


def legal(routes: tuple[Route, ...], message: Message, desk: Desk, now: datetime) -> tuple[Route, ...]:
    """The routes whose sender may be used in the country the message goes to."""
    closed = desk.closed(now.date())
    names = closed.get(destination(message)) if closed else None
    return tuple(route for route in routes if route.name not in names) if names else routes


def choose_move(
    message: Message, past: tuple[Past, ...], desk: Desk, now: datetime, ticks: float, retry_after: float | None = None
) -> Move:
    """The next move over healthy routes; a message all of them refused waits for one that rests and may take it."""
    fit = legal(fitting(desk.routes, message), message, desk, now)
    order = in_order(fit, message.id, lambda name: desk.breakers[name].is_open(ticks), desk.weights)
    healthy = [route.name for route in order]
    resting = [route.name for route in fit if route.name not in healthy]
    rules = desk.purposes[message.purpose]
    move = next_move(healthy, past, rules, now, NEVER_TOO_LATE, message.id, retry_after)
    if isinstance(move, Stop) and move.status is Status.FAILED and resting:
        return next_move([*healthy, *resting], past, rules, now, NEVER_TOO_LATE, message.id, retry_after)
    return move


def follow(
    message: Message, past: tuple[Past, ...], desk: Desk, now: datetime, ticks: float, retry_after: float | None = None
) -> Next:
    """The next move of a message after its last attempt, as what is to be written."""
    move = choose_move(message, past, desk, now, ticks, retry_after)
    if isinstance(move, Try):
        at = max(now, min(move.at, message.not_after + INSTANT))
        return Next(Status.QUEUED, move.label, retry_at=at)
    if isinstance(move, Look):
        return Next(Status.UNKNOWN, "the outcome is in doubt", check_at=move.check_at, give_up_at=move.give_up_at)
    return Next(move.status, move.reason)
