"""From a claimed message to its intent, and from an outcome to what follows: no I/O, shared with the simulator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Protocol

import msgspec

from outrider.contracts.provider import Outbound, Provider
from outrider.delivery.breaker import Breaker
from outrider.delivery.budget import UNBUDGETED, RetryBudget, RetryRules
from outrider.delivery.choose_route import fitting, in_order
from outrider.delivery.destination import destination
from outrider.delivery.legality import Legality
from outrider.delivery.next_move import Look, Move, Stop, Try, end_without_copy, next_move
from outrider.delivery.pace import Pace
from outrider.delivery.throttle import UNTHROTTLED
from outrider.delivery.unsubscribe import ONE_CLICK_CHANNELS, ONE_CLICK_PURPOSES, leaving, write_token
from outrider.domain.attempt import Accepted, AttemptState, Outcome, Reason, Refused
from outrider.domain.health import RouteChange
from outrider.domain.message import Message, Rendition, Status
from outrider.domain.policy import MarketRules, price_of
from outrider.domain.purpose import PURPOSES, Purpose, PurposeRules
from outrider.domain.route import Route
from outrider.domain.stops import stop_keys
from outrider.domain.work import Done, Due, Intent, Next, Past, Verdictless
from outrider.lib.ids import write_id
from outrider.receipts.acknowledgment import ACKNOWLEDGE_PATH, Acknowledgments

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


class Render(Protocol):
    """Renders a message in its configuration."""

    def __call__(self, message: Message, tables: frozenset[str] = frozenset()) -> Text:
        """The content; `tables`: national shift tables the route supports. Raises CannotRender."""
        ...


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
    #: Makes the tokens with which apps acknowledge messages of providers without receipts; None makes none.
    acknowledgments: Acknowledgments | None = None
    #: Signs the links of messages; empty: messages carry none.
    link_key: bytes = b""
    purposes: Mapping[Purpose, PurposeRules] = field(default_factory=lambda: PURPOSES)
    #: Where each route may be used.
    legality: Legality = field(default_factory=Legality)
    retries: RetryRules = field(default_factory=RetryRules)
    #: Whose packs price a route that names no price of its own.
    markets: Mapping[str, MarketRules] = field(default_factory=dict)
    #: Route → the weight its health leaves it; a route that is not here has its configured one.
    weights: Mapping[str, float] = field(default_factory=dict)
    breakers: dict[str, Breaker] = field(default_factory=dict)
    paces: dict[str, Pace] = field(default_factory=dict)
    budgets: dict[str, RetryBudget] = field(default_factory=dict)
    #: Changes of breakers that were not recorded yet.
    changes: list[RouteChange] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.replace_routes(self.routes)

    def follow(self, other: Desk) -> None:
        """Work by the rules and routes of another desk from now on."""
        self.allowed, self.purposes, self.legality = other.allowed, other.purposes, other.legality
        self.retries, self.markets = other.retries, other.markets
        self.replace_routes(other.routes)

    def replace_routes(self, routes: tuple[Route, ...]) -> None:
        """Work with these routes from now on; what is known of a route's health stays."""
        self.routes = routes
        self.by_name = {route.name: route for route in routes}
        self.paces = {route.name: self._pace(route) for route in routes}
        self._prices: dict[tuple[str, str, date], tuple[float | None, str]] = {}
        self._closed_on: tuple[date, Legality] | None = None
        self._closed: Mapping[str, frozenset[str]] = {}
        for route in routes:
            self.breakers.setdefault(route.name, Breaker())
            self.budgets.setdefault(route.name, RetryBudget(self.retries)).rules = self.retries

    def closed(self, day: date) -> Mapping[str, frozenset[str]]:
        """Country → the routes that may not be taken there on a day; found out once a day and configuration."""
        if self._closed_on != (day, self.legality):
            self._closed_on, self._closed = (day, self.legality), self.legality.closed(self.routes, day)
        return self._closed

    def _pace(self, route: Route) -> Pace:
        known = self.paces.get(route.name)
        return known if known is not None and known.limit == route.per_second else Pace(route.per_second)

    def price(self, route: Route, country: str, day: date) -> tuple[float | None, str]:
        """The estimated price of a segment and its currency: the route's own, else its provider's in that market."""
        if route.price is not None:
            return route.price, route.currency
        key = (route.name, country, day)
        if key not in self._prices:
            self._prices[key] = self._market_price(route, country, day)
        return self._prices[key]

    def _market_price(self, route: Route, country: str, day: date) -> tuple[float | None, str]:
        market, account = self.markets.get(country), self.accounts.get(route.account)
        if market is None or account is None:
            return None, route.currency
        found = price_of(market, account.provider.name, route.channel, day)
        return (None, route.currency) if found is None else (found.amount, found.currency)


def prepare(due: Due, desk: Desk, now: datetime, ticks: float) -> Intent | Verdictless:
    """What to do with one claimed message: an intent, or why not now. `ticks` is monotonic seconds."""
    message = due.message
    if now > message.not_after:
        return Verdictless(message, "stale", reason="its window is over")
    if now < message.not_before:
        return Verdictless(message, "retry", at=message.not_before)
    fit = fitting(desk.routes, message)
    if not fit:
        return _closed(due, f"no route for {message.channel} to {message.market} ({message.purpose})")
    routes = legal(fit, message, desk, now)
    if not routes:
        return _closed(due, _why_illegal(fit, message, desk, now))
    healthy = in_order(routes, message.id, lambda name: desk.breakers[name].is_open(ticks), desk.weights)
    if not healthy:
        return Verdictless(message, "retry", at=now + REST, reason="every route that fits rests")
    return _on_route(due, desk, healthy, now, ticks)


def legal(routes: tuple[Route, ...], message: Message, desk: Desk, now: datetime) -> tuple[Route, ...]:
    """The routes whose sender may be used in the country the message goes to."""
    closed = desk.closed(now.date())
    names = closed.get(destination(message)) if closed else None
    return tuple(route for route in routes if route.name not in names) if names else routes


def _why_illegal(routes: tuple[Route, ...], message: Message, desk: Desk, now: datetime) -> str:
    country = destination(message)
    reasons = "; ".join(f"{route.name}: {desk.legality.barred(route, now.date())[country]}" for route in routes)
    return f"no route may be used in {country}: {reasons}"


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
    return pace.wait(ticks)


def _over_budget(due: Due, desk: Desk, route: Route, ticks: float) -> float:
    """Seconds until a further attempt may be made; 0 for now. Those that wait come back at different times."""
    if not due.past or due.message.purpose in UNBUDGETED:
        return 0.0
    wait = desk.budgets[route.name].wait(ticks)
    return wait and wait * (1 + due.message.id[-1] / 64)


def _account_for(due: Due, desk: Desk, route: Route) -> None:
    """A first attempt pays into the retry budget of its route, a further one takes out of it."""
    if not due.past:
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
    price, currency = desk.price(route, destination(message), now.date())
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
    acknowledgment = _acknowledgment(intent, desk)
    return Outbound(
        attempt=name,
        to=message.content.address,
        sender=desk.by_name[intent.route].sender,
        body=intent.body,
        callback_url=f"{desk.public_url}/v1/callbacks/{intent.account}/{token}?attempt={name}",
        validity=max(1, int((message.not_after - now).total_seconds())),
        expires_at=message.not_after,
        acknowledgment=acknowledgment,
        acknowledge_url=f"{desk.public_url}{ACKNOWLEDGE_PATH}" if acknowledgment else "",
        unsubscribe_url=_unsubscribe_url(message, desk),
        at=now,
    )


def _acknowledgment(intent: Intent, desk: Desk) -> str:
    """The token of an attempt whose provider brings no receipts."""
    receipts = desk.accounts[intent.account].provider.abilities.receipts
    if receipts or desk.acknowledgments is None:
        return ""
    return desk.acknowledgments.token(intent.message.id, intent.number, intent.message.not_after)


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
    fit = legal(fitting(desk.routes, message), message, desk, now)
    order = in_order(fit, message.id, lambda name: desk.breakers[name].is_open(ticks), desk.weights)
    healthy = [route.name for route in order]
    resting = [route.name for route in fit if route.name not in healthy]
    rules = desk.purposes[message.purpose]
    move = next_move(healthy, past, rules, now, NEVER_TOO_LATE, message.id, retry_after)
    if isinstance(move, Stop) and move.status is Status.FAILED and resting:
        return next_move([*healthy, *resting], past, rules, now, NEVER_TOO_LATE, message.id, retry_after)
    return move
