"""What delivery knows besides the message: accounts, routes, how to render, and what each route's calls taught."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

import msgspec

from outrider.contracts.provider import Provider
from outrider.delivery.breaker import Breaker
from outrider.delivery.budget import RetryBudget, RetryRules
from outrider.delivery.choose_route import fitting
from outrider.delivery.destination import destination
from outrider.delivery.legality import Legality
from outrider.delivery.pace import Pace
from outrider.domain.bounces import BounceRules
from outrider.domain.health import RouteChange
from outrider.domain.message import Message, Rendition
from outrider.domain.policy import MarketRules, price_of
from outrider.domain.purpose import PURPOSES, Purpose, PurposeRules
from outrider.domain.route import Route
from outrider.receipts.acknowledgment import Acknowledgments


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
    #: When mail that keeps coming back ends its address.
    soft_bounces: BounceRules = field(default_factory=BounceRules)
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
        self.public_url, self.allowed = other.public_url, other.allowed
        self.purposes, self.legality = other.purposes, other.legality
        self.retries, self.markets = other.retries, other.markets
        self.soft_bounces = other.soft_bounces
        self.replace_routes(other.routes)

    def replace_routes(self, routes: tuple[Route, ...]) -> None:
        """Work with these routes from now on; what is known of a route's health stays."""
        self.routes = routes
        self.by_name = {route.name: route for route in routes}
        self.paces = {route.name: self._pace(route) for route in routes}
        self._prices: dict[tuple[str, str, date], tuple[float | None, str]] = {}
        self._ways_on: tuple[date, Legality] | None = None
        for route in routes:
            self.breakers.setdefault(route.name, Breaker())
            self.budgets.setdefault(route.name, RetryBudget(self.retries)).rules = self.retries

    def ways(self, message: Message, day: date) -> tuple[Route, ...]:
        """The routes that fit a message and whose sender may be used where it goes, in configured order.

        They depend on the configuration, the day and a few words of the message only: found out once for each.
        """
        if self._ways_on != (day, self.legality):
            self._ways_on, self._closed = (day, self.legality), self.legality.closed(self.routes, day)
            self._ways: dict[tuple[str, str, Purpose, str], tuple[Route, ...]] = {}
        place = (message.channel, message.market, message.purpose, destination(message))
        ways = self._ways.get(place)
        if ways is None:
            closed = self._closed.get(place[-1], frozenset())
            ways = tuple(route for route in fitting(self.routes, message) if route.name not in closed)
            self._ways[place] = ways
        return ways

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
