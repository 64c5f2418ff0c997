"""The sandbox's price list: what a company folder's routes say, and for the rest what the market packs do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING

import phonenumbers

from outrider.domain.policy import MarketRules, price_of
from outrider.sandbox.tariff import Charge, Tariff

if TYPE_CHECKING:
    from outrider.configuration.toml import Toml

SMS = "sms"


def tariff_of(toml: Toml | None, markets: Mapping[str, MarketRules], providers: Mapping[str, str], on: date) -> Tariff:
    """Prices of one segment by SMS.

    toml: the folder's `outrider.toml`, None without a folder. markets: the packs by code. providers: name → channel of
    the simulated ones. on: the day.
    """
    routes = dict(_routes(toml, markets)) if toml else {}
    prices: dict[str, dict[str, Charge]] = {}
    for provider in (name for name, channel in providers.items() if channel == SMS):
        for market in markets.values():
            charge = routes.get((provider, market.code)) or _packs(market, provider, on)
            if charge is not None:
                prices.setdefault(provider, {})[calling_code(market)] = charge
    return Tariff(prices)


def calling_code(market: MarketRules) -> str:
    """The digits its numbers begin with (E.164)."""
    return str(phonenumbers.country_code_for_region(market.phone_region))


def _packs(market: MarketRules, provider: str, on: date) -> Charge | None:
    price = price_of(market, provider, SMS, on)
    return Charge(price.amount, price.currency) if price else None


def _routes(toml: Toml, markets: Mapping[str, MarketRules]) -> Iterator[tuple[tuple[str, str], Charge]]:
    """Provider and market → price; of several routes of a provider to a market the first."""
    providers = {account.name: account.provider for account in toml.accounts}
    for route in reversed(toml.routes):
        if route.channel == SMS and route.price is not None and route.account in providers:
            for code in route.markets or tuple(markets):
                yield (providers[route.account], code), Charge(route.price, route.currency)
