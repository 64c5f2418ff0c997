"""The rules gates judge by, as data: markets, caps, purposes. Compiled from market packs and the company folder."""

from __future__ import annotations

from datetime import date, time, timedelta

import msgspec

from outrider.domain.purpose import PURPOSES, Purpose, PurposeRules

#: Monday 0 to Sunday 6.
EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)


class Window(msgspec.Struct, frozen=True):
    """Local times in which sending is allowed. A `start` after `end` crosses midnight: the day it starts."""

    start: time
    end: time
    days: tuple[int, ...] = EVERY_DAY


class Holiday(msgspec.Struct, frozen=True):
    """A public holiday that returns every year: on a fixed `month` and `day`, or so many days after Easter Sunday."""

    name: str
    month: int = 0
    day: int = 0
    #: Days after Easter Sunday (Gregorian), negative before it; None for a fixed date.
    after_easter: int | None = None


class QuietRule(msgspec.Struct, frozen=True):
    """The allowed windows of one market for some purposes on some channels (empty: all).

    A market's first rule that fits a purpose and channel counts; where none fits, every hour is allowed.
    """

    windows: tuple[Window, ...]
    purposes: tuple[Purpose, ...] = ()
    channels: tuple[str, ...] = ()
    #: Windows that start on one of the market's holidays are closed.
    not_on_holidays: bool = False
    #: Where the times come from, and whether a lawyer confirmed them.
    source: str = ""
    confirmed: bool = False


class Price(msgspec.Struct, frozen=True):
    """What one segment (or one message, on channels without segments) costs at a provider, from a day on."""

    provider: str
    channel: str
    amount: float
    currency: str
    valid_from: date
    #: Where the price comes from, and whether the company's own contract confirms it.
    source: str
    confirmed: bool = False


class MarketRules(msgspec.Struct, frozen=True, cache_hash=True):
    """One market's rules: language, zone, hours."""

    code: str
    name: str
    #: The company's zone there, the last rung of the zone ladder.
    zone: str
    #: Locale chain, first the default.
    locales: tuple[str, ...]
    #: E.164 country calling code without plus, and the region for parsing national numbers.
    phone_region: str
    quiet: tuple[QuietRule, ...] = ()
    #: Purposes that need consent here although the default does not.
    consent_also_for: tuple[Purpose, ...] = ()
    #: Days on which rules with `not_on_holidays` are closed.
    holidays: tuple[Holiday, ...] = ()
    #: ISO date on which the pack was last reviewed.
    reviewed_on: str = ""
    #: Dated estimates, for routes that name no price of their own.
    prices: tuple[Price, ...] = ()


def price_of(market: MarketRules, provider: str, channel: str, on: date) -> Price | None:
    """The price that holds on a day: the newest of that provider and channel; None while none is known."""
    known = [
        one for one in market.prices if (one.provider, one.channel) == (provider, channel) and one.valid_from <= on
    ]
    return max(known, key=lambda one: one.valid_from, default=None)


class MarketOverride(msgspec.Struct, frozen=True):
    """What a company tightens in one market. A rule replaces the pack's for the purposes and channels it names."""

    market: str
    #: Asked before the pack's rules; must not open an hour that the pack's rule keeps closed.
    quiet: tuple[QuietRule, ...] = ()
    #: Added to the pack's.
    consent_also_for: tuple[Purpose, ...] = ()
    #: Added to the pack's.
    holidays: tuple[Holiday, ...] = ()
    #: The days it holds, both included; None is unbounded.
    valid_from: date | None = None
    valid_to: date | None = None
    #: Where it is written, for errors: ``markets/fr.yaml``.
    place: str = ""


class Cap(msgspec.Struct, frozen=True, cache_hash=True):
    """At most `at_most` messages in any rolling `within`, over the named purposes and channels (empty: all)."""

    name: str
    at_most: int
    within: timedelta
    purposes: tuple[Purpose, ...] = ()
    channels: tuple[str, ...] = ()


class Policy(msgspec.Struct, frozen=True):
    """Everything the gates judge by, with the digest of the configuration it came from."""

    markets: dict[str, MarketRules]
    #: Market of people without one.
    home_market: str
    caps: tuple[Cap, ...] = ()
    purposes: dict[Purpose, PurposeRules] = msgspec.field(default_factory=lambda: PURPOSES)
    #: Number of the applied configuration.
    config: int = 0
