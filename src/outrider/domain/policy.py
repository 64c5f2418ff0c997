"""The rules gates judge by, as data: markets, caps, purposes. Compiled from market packs and the company folder."""

from __future__ import annotations

from datetime import date, time, timedelta
from enum import StrEnum

import msgspec

from outrider.domain.purpose import PURPOSES, Purpose, PurposeRules

#: Monday 0 to Sunday 6.
EVERY_DAY = (0, 1, 2, 3, 4, 5, 6)


class Window(msgspec.Struct, frozen=True):
    """Local times in which sending is allowed. A `start` after `end` crosses midnight: the day it starts."""

    start: time
    end: time
    days: tuple[int, ...] = EVERY_DAY


class Sourced(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a market pack says where it comes from and whether somebody competent confirmed it."""

    #: The law, page or practice it was taken from, as a sentence.
    source: str = ""
    confirmed: bool = False
    #: ISO date of the row's last review; empty: that of its pack.
    reviewed_on: str = ""


class Holiday(msgspec.Struct, frozen=True):
    """A public holiday that returns every year: a fixed `month` and `day`, or so many days after Easter Sunday."""

    name: str
    month: int = 0
    day: int = 0
    #: Days after Easter Sunday (Gregorian), negative before it; None for a fixed date.
    after_easter: int | None = None
    #: The first such weekday (Monday 0) on or after the fixed date: the last Monday of May is the first from 25 May on.
    weekday: int | None = None
    #: On a weekend, the next day that is neither weekend nor holiday is one too.
    moves: bool = False
    #: The first year it is kept.
    since: int = 0


class QuietRule(Sourced, frozen=True):
    """The allowed windows of one market for some purposes on some channels (empty: all).

    A market's first rule that fits a purpose and channel counts; where none fits, every hour is allowed.
    """

    windows: tuple[Window, ...]
    purposes: tuple[Purpose, ...] = ()
    channels: tuple[str, ...] = ()
    #: Windows that start on one of the market's holidays are closed.
    not_on_holidays: bool = False


class PhoneRange(Sourced, frozen=True):
    """Numbers whose place, and so whose zone, is known: those that begin with these digits."""

    #: Digits after the plus, calling code included.
    prefix: str
    zone: str
    name: str


class OptOutWords(Sourced, frozen=True):
    """What a person writes to hear no more, and to hear again."""

    #: ISO 639-1; empty for words of every language.
    language: str
    stop: tuple[str, ...]
    start: tuple[str, ...] = ()


class Allowed(StrEnum):
    """Whether a market takes a kind of sender."""

    YES = "yes"
    #: Only after it was entered in the market's registry.
    REGISTERED = "registered"
    #: Operators put another sender in its place.
    REPLACED = "replaced"
    NO = "no"


class SenderRules(Sourced, frozen=True):
    """Which senders a market takes on one channel: `check` and routing go by it, and `markets show` tells it."""

    #: The row of `sms` counts for the other text channels too, unless they have their own.
    channel: str
    alphanumeric: Allowed
    numeric: Allowed
    #: The registry's name; empty when there is none.
    registry: str = ""
    #: Most characters of an alphanumeric sender.
    longest: int = 11
    #: Whether a registered sender holds in its exact spelling only.
    case_sensitive: bool = False
    may_start_with_digit: bool = True
    #: Beginnings of numbers that must not send for companies, as written without plus or 00.
    numbers_forbidden: tuple[str, ...] = ()
    #: Nothing of the row holds before this day.
    valid_from: date = date.min


class Price(msgspec.Struct, frozen=True):
    """What one segment (one message on channels without segments) costs from a day on."""

    #: Empty: whatever the provider.
    provider: str
    channel: str
    amount: float
    #: ISO 4217.
    currency: str
    valid_from: date
    source: str
    confirmed: bool = False
    #: ISO date of the row's last review; empty: that of its pack.
    reviewed_on: str = ""


class Habits(Sourced, frozen=True):
    """How numbers, dates and times are written in one locale, and how people are spoken to: templates follow it."""

    locale: str
    decimal: str
    #: Between groups of three digits.
    group: str
    #: Unicode date pattern (UTS 35), such as ``dd/MM/yyyy``.
    date: str
    #: ``formal`` or ``informal``; what a text takes when nothing else is agreed.
    address: str
    #: Where the currency sign stands: ``before`` or ``after`` the amount.
    currency: str = "after"
    #: First day of the week, Monday 0.
    week_starts: int = 0
    #: Unicode time pattern (UTS 35), such as ``HH'h'mm``; empty: that of CLDR.
    time: str = ""
    #: Fewest digits before the decimal sign that are written in groups: 5 where 1234 has none.
    groups_from: int = 4


class LegalRule(Sourced, frozen=True):
    """One rule of law or practice that is told, not computed: consent, opt-out wording, proof."""

    topic: str
    text: str


class Retention(Sourced, frozen=True):
    """How long the proof of a consent is kept after the last contact."""

    years: int


class MarketRules(msgspec.Struct, frozen=True, cache_hash=True):
    """One market's rules: language, zones, hours, holidays, words, senders, prices, habits."""

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
    #: Further zones people of this market live in.
    other_zones: tuple[str, ...] = ()
    #: Numbers whose zone is another than their country's main one.
    phone_ranges: tuple[PhoneRange, ...] = ()
    #: Kept in some regions only; closed where the company asks for it (`regional_holidays` of an override).
    regional_holidays: tuple[Holiday, ...] = ()
    #: The law the holidays come from.
    holidays_source: LegalRule | None = None
    opt_out: tuple[OptOutWords, ...] = ()
    senders: tuple[SenderRules, ...] = ()
    prices: tuple[Price, ...] = ()
    habits: tuple[Habits, ...] = ()
    law: tuple[LegalRule, ...] = ()
    retention: Retention | None = None
    #: ISO 4217.
    currency: str = "EUR"
    #: Stands before the name within a sentence: ``the`` United Kingdom.
    article: str = ""

    @property
    def spoken(self) -> str:
        """The name within a sentence: `France`, `the United Kingdom`."""
        return f"{self.article} {self.name}".lstrip()


def price_of(market: MarketRules, provider: str, channel: str, on: date) -> Price | None:
    """The newest price that holds on a day: the provider's own before one for any; None when none is known."""
    fitting = [
        price
        for price in market.prices
        if price.channel == channel and price.provider in (provider, "") and price.valid_from <= on
    ]
    return max(fitting, key=lambda price: (bool(price.provider), price.valid_from), default=None)


class MarketOverride(msgspec.Struct, frozen=True):
    """What a company tightens in one market. A rule replaces the pack's for the purposes and channels it names."""

    market: str
    #: Asked before the pack's rules; must not open an hour that the pack's rule keeps closed.
    quiet: tuple[QuietRule, ...] = ()
    #: Added to the pack's.
    consent_also_for: tuple[Purpose, ...] = ()
    #: Added to the pack's.
    holidays: tuple[Holiday, ...] = ()
    #: Keep the holidays of every region, since nobody knows where people live.
    regional_holidays: bool = False
    #: The days it holds, both included; None is unbounded.
    valid_from: date | None = None
    valid_to: date | None = None
    #: Where it is written, for errors: ``markets/fr.yaml``.
    place: str = ""


class Calendar(StrEnum):
    """A stretch of the calendar where the person is; a week starts on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


#: The longest each can be, with a day for clocks that change and for people who move between zones.
LONGEST = {Calendar.DAY: timedelta(days=2), Calendar.WEEK: timedelta(days=8), Calendar.MONTH: timedelta(days=32)}


class Cap(msgspec.Struct, frozen=True, cache_hash=True):
    """At most `at_most` messages in any rolling `within`, or `per` calendar stretch, over the named purposes and
    channels (empty: all)."""

    name: str
    at_most: int
    #: Rolling; zero when `per` is given.
    within: timedelta = timedelta()
    purposes: tuple[Purpose, ...] = ()
    channels: tuple[str, ...] = ()
    per: Calendar | None = None

    @property
    def looks_back(self) -> timedelta:
        """How far back a message may be that holds a slot."""
        return self.within if self.per is None else LONGEST[self.per]


class Gap(msgspec.Struct, frozen=True, cache_hash=True):
    """At least so long between two messages of the named purposes and channels (empty: all)."""

    name: str
    at_least: timedelta
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
    gaps: tuple[Gap, ...] = ()
    #: Digits after the plus → zone, of the phone ranges of every market.
    ranges: dict[str, str] = {}
    #: Channels on which a message goes to every address of a person at once.
    everywhere: frozenset[str] = frozenset()

    @property
    def looks_back(self) -> timedelta:
        """How far back caps and gaps look together; zero without any."""
        lengths = [*(cap.looks_back for cap in self.caps), *(gap.at_least for gap in self.gaps)]
        return max(lengths, default=timedelta(0))
