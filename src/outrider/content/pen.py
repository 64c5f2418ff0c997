"""How a message writes numbers, money, dates and times: as people of its locale do, in its market.

The market pack's habits in the language count first, then what the Unicode CLDR says of the language in that market
(English in Germany: 1.234,50 €), then the habits of the language's home (French in Germany: as in France). In an SMS,
spaces, minus signs and currencies are written so that GSM-7 carries them.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time
from decimal import Decimal, InvalidOperation
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from outrider.content import cldr
from outrider.content.declaration import Policy
from outrider.content.gsm7 import ALL_GSM
from outrider.content.moments import BadMoment, day_of, local
from outrider.content.spelling import transliterate
from outrider.domain.policy import Habits, MarketRules

if TYPE_CHECKING:
    from babel import Locale

#: Decimals of a number that does not say how many (CLDR's standard format), and most that may be asked for.
DECIMALS, MOST_DECIMALS = 3, 10
#: Beyond it a number is a mistake, and no text for a person.
LARGEST = 10**15
#: Digits of a group, almost everywhere.
THREE = 3
#: ISO 8601, for a language nobody knows: read wrongly by none.
ISO_DATE, ISO_TIME = "yyyy-MM-dd", "HH:mm"
STYLES = ("short", "day", "long", "full")
WEEKDAYS = {"full": "EEEE", "short": "EEE"}

_GSM_SIGNS = str.maketrans({"\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2212": "-", "\u200e": "", "\u200f": ""})
#: Every weekday in every month, on days of two digits; and both halves of the day.
_DAYS = [date(2026, month, day) for month in range(1, 13) for day in range(20, 27)]
_TIMES = [time(10, 58), time(22, 58)]
#: Days and minutes whose written form is kept, for each style: most messages of a day share a few.
KEPT = 512

#: Within `Pen`, `date` and `time` are methods.
Day: TypeAlias = date
Time: TypeAlias = time
Write = Callable[[Day | Time], str]


class BadFigure(ValueError):
    """A value cannot be written as a number or an amount; the text says what was expected, without the value."""


class Place(msgspec.Struct, frozen=True):
    """Where a text is read, and whose habits it may follow."""

    #: ISO 3166-1 alpha-2 in any case, or the rest of a locale's tag; empty when it is not known.
    region: str
    #: The habits of that region in the language.
    own: Habits | None = None
    #: The habits of the language's home, and that country.
    usual: Habits | None = None
    home: str = ""


class Pen:
    """Writes for one locale in one market. Immutable but for what it has worked out; share it through `pen_for`."""

    def __init__(self, language: str, place: Place, gsm: bool, longest: Policy | None) -> None:
        """gsm: with signs that GSM-7 carries, where the same can be said so. longest: every date and time comes out as
        expensive as any can under this policy, every broken number with all its decimals."""
        self._language, self._place, self._gsm, self._longest = language, place, gsm, longest
        self._written: dict[str, Write] = {}
        self._affixed: dict[str, str] = {}

    @property
    def formal(self) -> bool:
        """Whether people are spoken to formally; also where nothing is agreed."""
        row = self._place.own or self._place.usual
        return row is None or row.address == "formal"

    @cached_property
    def _habits(self) -> Habits | None:
        if self._place.own is None and cldr.knows(self._language, self._place.region):
            return None
        return self._place.own or self._place.usual

    def date(self, value: object, zone: object, style: object = "short") -> str:
        """A day: `short` 24/12/2026, `day` 24/12, `long` 24 décembre 2026, `full` jeudi 24 décembre 2026.

        value: an instant, shown in `zone` (IANA), or a calendar day as it is. Raises BadMoment.
        """
        if style not in STYLES:
            raise BadMoment(f"unknown style of a date: expected {', '.join(STYLES)}")
        return self._write(str(style), day_of(value, zone))

    def time(self, value: object, zone: object) -> str:
        """The time of day of an instant in `zone`: 14:05, or 2:05 PM. Raises BadMoment."""
        return self._write("time", local(value, zone).time())

    def datetime(self, value: object, zone: object) -> str:
        """Date and time of an instant in `zone`, with a space between. Raises BadMoment."""
        moment = local(value, zone)
        return f"{self._write('short', moment.date())} {self._write('time', moment.time())}"

    def weekday(self, value: object, zone: object, style: object = "full") -> str:
        """The name of the day of the week: `full` jeudi, `short` jeu. Raises BadMoment."""
        if style not in WEEKDAYS:
            raise BadMoment(f"unknown style of a weekday: expected {', '.join(WEEKDAYS)}")
        return self._write(WEEKDAYS[str(style)], day_of(value, zone))

    def number(self, value: object, decimals: object = None) -> str:
        """1.234,5: with so many decimals, or as many as it has, at most three. Raises BadFigure."""
        amount = amount_of(value)
        if decimals is not None:
            text = f"{abs(amount):,.{_decimals(decimals)}f}"
        else:
            text = f"{abs(amount):,.{DECIMALS}f}"
            is_whole = amount == int(amount)
            text = text if self._longest and not is_whole else text.rstrip("0").rstrip(".")
        return self._minus(amount, text) + self._figures(text)

    def money(self, value: object, currency: object) -> str:
        """1.234,50 €: an amount in a currency (ISO 4217), with its sign where it stands here. Raises BadFigure."""
        digits = cldr.digits_of(currency) if isinstance(currency, str) else None
        if digits is None:
            raise BadFigure('expected the ISO 4217 code of a currency, such as money("EUR")')
        amount = amount_of(value)
        text = f"{abs(amount):,.{digits}f}"
        affixed = self._affixed.get(str(currency)) or self._affix(str(currency))
        return self._minus(amount, text) + affixed.replace("#", self._figures(text))

    @cached_property
    def _locale(self) -> Locale:
        return self._found or cldr.any_locale()

    @cached_property
    def _found(self) -> Locale | None:
        """None for a language CLDR does not know."""
        place = self._place
        here = place.own is not None or cldr.knows(self._language, place.region)
        return cldr.find_locale(self._language, place.region if here else place.home or place.region)

    @cached_property
    def _further(self) -> int:
        return cldr.further_group(self._locale)

    @cached_property
    def _signs(self) -> tuple[dict[int, str], str]:
        decimal, group, minus = cldr.signs(self._locale)
        if self._habits is not None:
            decimal, group = self._habits.decimal, self._habits.group
        return {ord("."): self._plain(decimal), ord(","): self._plain(group)}, self._plain(minus)

    def _minus(self, amount: Decimal, text: str) -> str:
        """The minus sign; not before what is rounded to nothing."""
        return self._signs[1] if amount < 0 and text.strip("0.,") else ""

    def _figures(self, text: str) -> str:
        """An amount written as 1,234.50 with the signs and groups of the locale."""
        whole, point, broken = text.partition(".")
        if self._habits is not None and len(whole) - whole.count(",") < self._habits.groups_from:
            whole = whole.replace(",", "")
        elif self._further != THREE:
            whole = _regrouped(whole.replace(",", ""), self._further)
        return (whole + point + broken).translate(self._signs[0])

    def _affix(self, currency: str) -> str:
        """The sign of a currency around `#`, kept for the next amount."""
        before, after = cldr.affixes(self._locale)
        if self._habits is not None:
            before, after = ("¤", "") if self._habits.currency == "before" else ("", "\u00a0¤")
        sign = self._plain(cldr.sign_of(currency, self._locale))
        if self._gsm and not ALL_GSM.fullmatch(sign):
            sign = currency
        if before.endswith("¤") and sign[-1:].isalpha():
            before += "\u00a0"  # CLDR's currency spacing: CHF 12.00, but €12.00
        self._affixed[currency] = written = self._plain(f"{before}#{after}").replace("¤", sign)
        return written

    def _plain(self, text: str) -> str:
        return text.translate(_GSM_SIGNS) if self._gsm else text

    def _write(self, style: str, when: Day | Time) -> str:
        write = self._written.get(style)
        if write is None:
            write = self._written[style] = lru_cache(maxsize=KEPT)(self._writer(style))
        return write(when)

    def _writer(self, style: str) -> Write:
        pattern = self._plain(self._pattern(style))
        write = _writer(pattern, self._locale, self._gsm)
        if not self._longest:
            return write
        size = _SIZES[self._longest]
        widest = _widest(pattern, self._locale, self._gsm, size, style == "time")
        return lambda when: max(write(when), widest, key=size)

    def _pattern(self, style: str) -> str:
        if style == "day":
            return cldr.without_year(self._pattern("short"))
        if style == "short":
            return self._own("date") or (cldr.short_date(self._locale) if self._found else ISO_DATE)
        if style == "time":
            return self._own("time") or (cldr.short_time(self._locale) if self._found else ISO_TIME)
        return cldr.named_date(self._locale, style) if style in STYLES else style

    def _own(self, habit: str) -> str:
        return str(getattr(self._habits, habit, ""))


@lru_cache(maxsize=4096)
def pen_for(
    locale: str,
    market: MarketRules | None,
    home: MarketRules | None = None,
    *,
    gsm: bool = False,
    longest: Policy | None = None,
) -> Pen:
    """The pen for a text that speaks `locale` in a market (None: none is known); for the rest see `Pen`.

    home: the market whose language it is; its habits serve where the market has none for it and CLDR neither.
    """
    language, _, region = locale.replace("_", "-").lower().partition("-")
    if region:
        own = next((_row(pack, language) for pack in (market, home) if pack and pack.code.lower() == region), None)
        return Pen(language, Place(region, own), gsm, longest)
    own, usual = (_row(pack, language) if pack else None for pack in (market, home))
    place = Place(market.code if market else "", own, usual, home.code if home else "")
    return Pen(language, place, gsm, longest)


def _row(pack: MarketRules, language: str) -> Habits | None:
    """The pack's habits in a language: the row that names the region first."""
    rows = {row.locale.lower(): row for row in pack.habits}
    return rows.get(f"{language}-{pack.code}".lower()) or rows.get(language)


def amount_of(value: object) -> Decimal:
    """A number, or a text that is one, such as `128.40`. Raises BadFigure."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise BadFigure(f"expected a number, got {type(value).__name__}")
    try:
        amount = Decimal(value if isinstance(value, int) else str(value))
    except InvalidOperation:
        raise BadFigure(f"expected a number such as 128.40, got {len(str(value))} other characters") from None
    if not amount.is_finite() or abs(amount) >= LARGEST:
        raise BadFigure(f"expected a number below {LARGEST:,}")
    return amount


def _decimals(given: object) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= MOST_DECIMALS:
        raise BadFigure(f"expected 0 to {MOST_DECIMALS} decimals")
    return given


def _regrouped(digits: str, further: int) -> str:
    head, tail = digits[:-3], digits[-3:]
    first = len(head) % further
    groups = [head[:first], *(head[start : start + further] for start in range(first, len(head), further)), tail]
    return ",".join(filter(None, groups))


def _writer(pattern: str, locale: Locale, gsm: bool) -> Write:
    write = cldr.writer(pattern, locale)
    return (lambda when: write(when).translate(_GSM_SIGNS)) if gsm else write


@lru_cache(maxsize=1024)
def _widest(pattern: str, locale: Locale, gsm: bool, size: Size, is_time: bool) -> str:
    """The form that takes most, of all days or times; markets share most patterns."""
    return max(map(_writer(pattern, locale, gsm), _TIMES if is_time else _DAYS), key=size)


def _needed(text: str) -> tuple[bool, int]:
    """What a text takes once it is transliterated."""
    return False, len(transliterate(text))


def _kept(text: str) -> tuple[bool, int]:
    """What a text takes as it is: one character that GSM-7 lacks more than halves a segment."""
    return not ALL_GSM.fullmatch(text), len(text)


Size: TypeAlias = Callable[[str], tuple[bool, int]]
_SIZES: dict[Policy, Size] = {Policy.TRANSLITERATE: _needed, Policy.STRICT: _kept, Policy.UNICODE: _kept}
