"""From a claimed message to its intent, and from an outcome to what follows: no I/O, shared with the simulator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Protocol

import msgspec

from outrider.contracts.provider import Outbound, Provider
from outrider.delivery.breaker import Breaker
from outrider.delivery.choose_route import fitting, in_order
from outrider.delivery.next_move import Look, Move, Stop, Try, end_without_copy, next_move
from outrider.delivery.throttle import UNTHROTTLED, TokenBucket
from outrider.delivery.unsubscribe import ONE_CLICK_CHANNELS, ONE_CLICK_PURPOSES, leaving, write_token
from outrider.domain.attempt import Accepted, AttemptState, Outcome, Reason, Refused
from outrider.domain.message import Message, Rendition, Status
from outrider.domain.purpose import PURPOSES, Purpose, PurposeRules
from outrider.domain.route import Route
from outrider.domain.stops import stop_keys
from outrider.domain.work import Done, Due, Intent, Next, Past, Verdictless
from outrider.lib.ids import write_id

#: How long a message waits when every route that fits it rests.
REST = timedelta(seconds=2)
#: The end of a window is not the end of a message: it may be quiet hours that begin. So a try after it is planned like
#: any other; the claim finds the window over and gives the message back to the engine, which knows the validity.
NEVER_TOO_LATE = datetime.max.replace(tzinfo=UTC)
#: The first instant after a window.
INSTANT = timedelta(microseconds=1)


class Account(msgspec.Struct, frozen=True):
    """One configured set of credentials at a provider."""

    name: str
    provider: Provider
    #: The unguessable part of the callback path.
    token: str
    #: Seconds for one call.
    deadline: float = 10.0
    #: A simulated provider: exempt from the allow-list of non-production environments.
    sandbox: bool = False


class Text(Protocol):
    """What rendering gives."""

    @property
    def body(self) -> Rendition:
        """The content as it goes out."""
        ...

    @property
    def segments(self) -> int:
        """How many segments it takes."""
        ...


#: Renders a message in a configuration: (message) → text. Raises CannotRender.
Render = Callable[[Message], Text]


class CannotRender(Exception):
    """The template cannot be rendered with these values; the text says where and why."""


@dataclass
class Desk:
    """Everything delivery knows besides the message: configuration, and this process's view of its routes."""

    routes: tuple[Route, ...]
    accounts: Mapping[str, Account]
    render: Render
    public_url: str
    #: Patterns of addresses a non-production environment may write to; None in production.
    allowed: tuple[str, ...] | None = None
    #: Signs the links of messages; empty: messages carry none.
    link_key: bytes = b""
    purposes: Mapping[Purpose, PurposeRules] = field(default_factory=lambda: PURPOSES)
    breakers: dict[str, Breaker] = field(default_factory=dict)
    buckets: dict[str, TokenBucket] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.replace_routes(self.routes)

    def follow(self, other: Desk) -> None:
        """Work by the rules and routes of another desk from now on."""
        self.allowed, self.purposes = other.allowed, other.purposes
        self.replace_routes(other.routes)

    def replace_routes(self, routes: tuple[Route, ...]) -> None:
        """Work with these routes from now on; what is known of a route's health stays."""
        self.routes = routes
        self.by_name = {route.name: route for route in routes}
        self.buckets.clear()
        for route in routes:
            self.breakers.setdefault(route.name, Breaker())
            if route.per_second is not None:
                self.buckets[route.name] = TokenBucket(route.per_second)


def prepare(due: Due, desk: Desk, now: datetime, ticks: float) -> Intent | Verdictless:
    """What to do with one claimed message: an intent, or why not now. `ticks` is monotonic seconds."""
    message = due.message
    if now > message.not_after:
        return Verdictless(message, "stale", reason="its window is over")
    if now < message.not_before:
        return Verdictless(message, "retry", at=message.not_before)
    routes = fitting(desk.routes, message)
    if not routes:
        return _closed(due, f"no route for {message.channel} to {message.market} ({message.purpose})")
    healthy = in_order(routes, message.id, lambda name: desk.breakers[name].is_open(ticks))
    if not healthy:
        return Verdictless(message, "retry", at=now + REST, reason="every route that fits rests")
    return _on_route(due, desk, healthy, now, ticks)


def _on_route(due: Due, desk: Desk, healthy: tuple[Route, ...], now: datetime, ticks: float) -> Intent | Verdictless:
    message = due.message
    move = _move(message, due.past, desk, now, ticks)
    if isinstance(move, Stop):
        return Verdictless(message, "closed", status=move.status, reason=move.reason)
    if isinstance(move, Look):
        return Verdictless(message, "closed", status=Status.UNKNOWN, reason="an attempt is still in doubt")
    route = desk.by_name[move.route]
    if route not in healthy:
        return Verdictless(message, "retry", at=now + REST, reason=f"route {route.name}, whose turn it is, rests")
    if refusal := _not_allowed(due, desk, route):
        return refusal
    if wait := _throttled(message, desk, route, ticks):
        return Verdictless(message, "retry", at=now + timedelta(seconds=wait), reason=f"route {route.name} is full")
    return _intent(due, desk, route, move)


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
    bucket = desk.buckets.get(route.name)
    if bucket is None:
        return 0.0
    if message.purpose in UNTHROTTLED:
        bucket.take_anyway(ticks)
        return 0.0
    return bucket.wait(ticks)


def _intent(due: Due, desk: Desk, route: Route, move: Try) -> Intent | Verdictless:
    message = due.message
    try:
        text = desk.render(message)
    except CannotRender as error:
        return _closed(due, f"the template cannot be rendered: {error}")
    desk.breakers[route.name].begin_probe()
    return Intent(
        message=message,
        number=len(due.past) + 1,
        route=route.name,
        account=route.account,
        body=text.body,
        segments=text.segments,
        estimate=None if route.price is None else route.price * text.segments,
        currency=route.currency,
        label=move.label,
        stop_keys=stop_keys(message, route.account),
    )


def forgo(intent: Intent, desk: Desk) -> None:
    """No call follows an intent that was not written: if it was a route's probe, another message may be."""
    desk.breakers[intent.route].forgo_probe()


def echo(message: bytes, number: int) -> str:
    """The attempt's name that travels out and comes back."""
    return f"{write_id('msg', message)}.{number}"


def outbound(intent: Intent, desk: Desk, now: datetime) -> Outbound:
    """What the provider gets."""
    message = intent.message
    name = echo(message.id, intent.number)
    token = desk.accounts[intent.account].token
    return Outbound(
        attempt=name,
        to=message.content.address,
        sender=desk.by_name[intent.route].sender,
        body=intent.body,
        callback_url=f"{desk.public_url}/v1/callbacks/{intent.account}/{token}?attempt={name}",
        validity=max(1, int((message.not_after - now).total_seconds())),
        unsubscribe_url=_unsubscribe_url(message, desk),
        at=now,
    )


def _unsubscribe_url(message: Message, desk: Desk) -> str:
    """Where one click ends such mail; empty for channels and purposes without that way out."""
    if message.channel not in ONE_CLICK_CHANNELS or message.purpose not in ONE_CLICK_PURPOSES or not desk.link_key:
        return ""
    return f"{desk.public_url}/v1/unsubscribe/{write_token(desk.link_key, leaving(message))}"


def not_begun(intent: Intent, now: datetime) -> Done:
    """The outcome of an intent that may be durable though no call follows it: provably not sent, due again at once."""
    message = intent.message
    detail = "the intent was not confirmed; nothing was sent"
    return Done(
        message=message.id,
        stream=message.stream,
        number=intent.number,
        account=intent.account,
        outcome=Refused(Reason.NOT_CONNECTED, detail),
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
        desk.breakers[intent.route].learn(outcome, ticks)
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


def follow(
    message: Message, past: tuple[Past, ...], desk: Desk, now: datetime, ticks: float, retry_after: float | None = None
) -> Next:
    """The next move of a message after its last attempt, as what is to be written."""
    move = _move(message, past, desk, now, ticks, retry_after)
    if isinstance(move, Try):
        at = max(now, min(move.at, message.not_after + INSTANT))
        return Next(Status.QUEUED, move.label, retry_at=at)
    if isinstance(move, Look):
        return Next(Status.UNKNOWN, "the outcome is in doubt", check_at=move.check_at, give_up_at=move.give_up_at)
    return Next(move.status, move.reason)


def _move(
    message: Message, past: tuple[Past, ...], desk: Desk, now: datetime, ticks: float, retry_after: float | None = None
) -> Move:
    """The next move over healthy routes; a message all of them refused waits for one that rests and may take it."""
    fit = fitting(desk.routes, message)
    healthy = [route.name for route in in_order(fit, message.id, lambda name: desk.breakers[name].is_open(ticks))]
    resting = [route.name for route in fit if route.name not in healthy]
    rules = desk.purposes[message.purpose]
    move = next_move(healthy, past, rules, now, NEVER_TOO_LATE, message.id, retry_after)
    if isinstance(move, Stop) and move.status is Status.FAILED and resting:
        return next_move([*healthy, *resting], past, rules, now, NEVER_TOO_LATE, message.id, retry_after)
    return move
