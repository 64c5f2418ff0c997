"""A message's next move over the routes that fit it and may be used: no I/O, shared with the simulator."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from outrider.delivery.choose_route import in_order
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


def healthy(ways: tuple[Route, ...], message: Message, desk: Desk, ticks: float) -> tuple[Route, ...]:
    """Those of a message's ways that do not rest, best first."""
    breakers = desk.breakers
    return in_order(ways, message.id, lambda name: breakers[name].is_open(ticks), desk.weights)


def choose_move(
    message: Message, past: tuple[Past, ...], desk: Desk, now: datetime, ticks: float, retry_after: float | None = None
) -> Move:
    """The next move of a message over its ways."""
    ways = desk.ways(message, now.date())
    return move_along(ways, healthy(ways, message, desk, ticks), message, past, desk, now, retry_after)


def move_along(
    ways: tuple[Route, ...],
    order: tuple[Route, ...],
    message: Message,
    past: tuple[Past, ...],
    desk: Desk,
    now: datetime,
    retry_after: float | None = None,
) -> Move:
    """The next move over healthy ways; a message all of them refused waits for one that rests and may take it."""
    names = [route.name for route in order]
    rules = desk.purposes[message.purpose]
    move = next_move(names, past, rules, now, NEVER_TOO_LATE, message.id, retry_after)
    if isinstance(move, Stop) and move.status is Status.FAILED and len(order) < len(ways):
        resting = [route.name for route in ways if route.name not in names]
        return next_move([*names, *resting], past, rules, now, NEVER_TOO_LATE, message.id, retry_after)
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
