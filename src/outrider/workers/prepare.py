"""From a claimed message to its intent, or to why there is none now: no I/O, shared with the simulator."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from outrider.delivery.budget import UNBUDGETED
from outrider.delivery.choose_route import fitting
from outrider.delivery.destination import destination
from outrider.delivery.next_move import Look, Move, Stop, Try, end_without_copy
from outrider.delivery.throttle import UNTHROTTLED
from outrider.domain.attempt import Reason
from outrider.domain.message import Message, Status
from outrider.domain.outbox import Due, Intent, Verdictless
from outrider.domain.route import Route
from outrider.domain.stops import stop_keys
from outrider.workers.desk import CannotRender, Desk
from outrider.workers.moves import healthy, move_along

#: How long a message waits at least, and at most, when every route that fits it rests.
REST, LONGEST_REST = timedelta(seconds=2), timedelta(seconds=15)


def prepare(due: Due, desk: Desk, now: datetime, ticks: float) -> Intent | Verdictless:
    """What to do with one claimed message: an intent, or why not now. `ticks` is monotonic seconds."""
    message = due.message
    if now > message.not_after:
        return Verdictless(message, "stale", reason="its window is over")
    if now < message.not_before:
        return Verdictless(message, "retry", at=message.not_before)
    ways = desk.ways(message, now.date())
    if not ways:
        return _closed(due, _why_none(message, desk, now))
    order = healthy(ways, message, desk, ticks)
    if not order:
        at = now + _rest((desk.breakers[route.name].reopens_at() for route in ways), ticks)
        return Verdictless(message, "retry", at=at, reason="every route that fits rests")
    move = move_along(ways, order, message, due.past, desk, now)
    return _on_route(due, desk, order, move, now, ticks)


def _rest(reopenings: Iterable[float], ticks: float) -> timedelta:
    """Until the first of some resting routes is tried again: a whole backlog need not ask every two seconds."""
    return min(max(REST, timedelta(seconds=min(reopenings) - ticks)), LONGEST_REST)


def _why_none(message: Message, desk: Desk, now: datetime) -> str:
    routes = fitting(desk.routes, message)
    if not routes:
        return f"no route for {message.channel} to {message.market} ({message.purpose})"
    country = destination(message)
    reasons = "; ".join(f"{route.name}: {desk.legality.barred(route, now.date())[country]}" for route in routes)
    return f"no route may be used in {country}: {reasons}"


def _on_route(
    due: Due, desk: Desk, order: tuple[Route, ...], move: Move, now: datetime, ticks: float
) -> Intent | Verdictless:
    message = due.message
    if isinstance(move, Stop):
        return Verdictless(message, "closed", status=move.status, reason=move.reason)
    if isinstance(move, Look):
        return Verdictless(message, "closed", status=Status.UNKNOWN, reason="an attempt is still in doubt")
    route = desk.by_name[move.route]
    if not any(route is one for one in order):
        return Verdictless(message, "retry", at=now + REST, reason=f"route {route.name}, whose turn it is, rests")
    if refusal := _not_allowed(due, desk, route):
        return refusal
    if wait := _over_budget(due, desk, route, ticks):
        reason = f"the retry budget of route {route.name} is spent"
        return Verdictless(message, "retry", at=now + timedelta(seconds=wait), reason=reason)
    if wait := _throttled(message, desk, route, ticks):
        return Verdictless(message, "retry", at=now + timedelta(seconds=wait), reason=f"route {route.name} is full")
    _account_for(due, desk, route)
    return _intent(due, desk, route, move, now)


def _closed(due: Due, reason: str) -> Verdictless:
    stop = end_without_copy(due.past, Status.FAILED, reason)
    return Verdictless(due.message, "closed", status=stop.status, reason=stop.reason)


def _not_allowed(due: Due, desk: Desk, route: Route) -> Verdictless | None:
    if desk.allowed is None or desk.accounts[route.account].sandbox:
        return None
    if any(fnmatchcase(due.message.content.address, pattern) for pattern in desk.allowed):
        return None
    return _closed(due, "this environment is not production and the address is not on its allow-list")


def _throttled(message: Message, desk: Desk, route: Route, ticks: float) -> float:
    pace = desk.paces[route.name]
    if message.purpose in UNTHROTTLED:
        pace.take_anyway(ticks)
        return 0.0
    wait = pace.wait(ticks)
    return wait and pace.promise(ticks, wait, message.lane)


def _was_called(due: Due) -> bool:
    """Whether a provider was called for the message before: attempts we did not begin spare nobody anything."""
    return bool(due.past) and any(past.reason is not Reason.NOT_BEGUN for past in due.past)


def _over_budget(due: Due, desk: Desk, route: Route, ticks: float) -> float:
    """Seconds until a further attempt may be made; 0 for now. Those that wait come back at different times."""
    if not _was_called(due) or due.message.purpose in UNBUDGETED:
        return 0.0
    wait = desk.budgets[route.name].wait(ticks)
    return wait and wait * (1 + due.message.id[-1] / 64)


def _account_for(due: Due, desk: Desk, route: Route) -> None:
    """A first attempt pays into the retry budget of its route, a further one takes out of it."""
    if not _was_called(due):
        desk.budgets[route.name].first()
    elif due.message.purpose not in UNBUDGETED:
        desk.budgets[route.name].take()


def _intent(due: Due, desk: Desk, route: Route, move: Try, now: datetime) -> Intent | Verdictless:
    message = due.message
    try:
        tables = frozenset(route.shift_tables)
        text = desk.render(message, tables) if tables else desk.render(message)
    except CannotRender as error:
        return _closed(due, f"the template cannot be rendered: {error}")
    desk.breakers[route.name].begin_probe()
    country = destination(message) if route.price is None else ""
    price, currency = desk.price(route, country, now.date())
    return Intent(
        message=message,
        number=len(due.past) + 1,
        route=route.name,
        account=route.account,
        body=text.body,
        segments=text.segments,
        estimate=None if price is None else price * text.segments,
        currency=currency,
        label=move.label,
        stop_keys=stop_keys(message, route.account),
    )
