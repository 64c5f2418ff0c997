"""What the Unicode CLDR says of a locale, by way of Babel: patterns, signs, names. Read once for each locale.

Babel and its data are loaded when a text first writes a date or a number: a folder that never does goes without.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, time
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from babel import Locale

#: English where nobody says whose: European, as CLDR's en-150 writes it, never American.
EUROPEAN_ENGLISH = "en-150"

_PLAIN_FIELDS = {"dd": "%d", "MM": "%m", "yyyy": "%Y", "y": "%Y", "HH": "%H", "mm": "%M"}
_FIELD = re.compile(r"'(?P<quoted>[^']*)'|(?P<field>([A-Za-z])\3*)|(?P<sign>[^A-Za-z']+)")
_PADDED = {"d": "dd", "M": "MM", "yy": "yyyy", "y": "yyyy", "H": "HH"}
_LEADING_YEAR, _TRAILING_YEAR = re.compile(r"^y+[^A-Za-z]+"), re.compile(r"(?:(?<=\.)|[^A-Za-z.]+)y+$")


def find_locale(language: str, region: str) -> Locale | None:
    """The locale of a language in a region (ISO 3166-1 alpha-2, or empty); None for a language CLDR does not know."""
    general = EUROPEAN_ENGLISH if language == "en" else language
    return (_parsed(f"{language}-{region}") if region else None) or _parsed(general)


def knows(language: str, region: str) -> bool:
    """Whether CLDR says how people in that very region write the language."""
    found = _parsed(f"{language}-{region}") if region else None
    return found is not None and (found.territory or "").lower() == region.lower()


@lru_cache(maxsize=1024)
def _parsed(tag: str) -> Locale | None:
    from babel import Locale, UnknownLocaleError

    try:
        return Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError, TypeError):
        return None


def any_locale() -> Locale:
    """European English: its names and signs serve where a language is not known."""
    from babel import Locale

    return Locale.parse(EUROPEAN_ENGLISH, sep="-")


def short_date(locale: Locale) -> str:
    """The shortest pattern in figures (UTS 35), with a year of four digits and every field padded."""
    return _padded(locale.date_formats["short"].pattern).replace(" ", "")


def short_time(locale: Locale) -> str:
    """Hours and minutes (UTS 35); the hour padded on a clock of 24."""
    return _padded(locale.time_formats["short"].pattern)


def named_date(locale: Locale, style: str) -> str:
    """The pattern (UTS 35) of a date with the name of its month: `long`, or `full` with that of its day."""
    return str(locale.date_formats[style].pattern)


def _padded(pattern: str) -> str:
    fields = (
        _PADDED.get(found["field"], found["field"]) if found["field"] else found[0]
        for found in _FIELD.finditer(pattern)
    )
    return "".join(fields)


def without_year(pattern: str) -> str:
    """A short pattern's day and month: `dd/MM/yyyy` → `dd/MM`, `dd.MM.yyyy` → `dd.MM.`."""
    return _TRAILING_YEAR.sub("", _LEADING_YEAR.sub("", pattern))


def writer(pattern: str, locale: Locale) -> Callable[[date | time], str]:
    """Writes dates or times by a pattern (UTS 35): by `strftime` where all is figures, else by Babel."""
    if (figures := _strftime(pattern)) is not None:
        return lambda when: when.strftime(figures)
    from babel.dates import parse_pattern

    parsed = parse_pattern(pattern)
    return lambda when: parsed.apply(when, locale)


def _strftime(pattern: str) -> str | None:
    pieces = list(_pieces(pattern))
    return None if None in pieces else "".join(piece for piece in pieces if piece)


def _pieces(pattern: str) -> Iterator[str | None]:
    for found in _FIELD.finditer(pattern):
        if found["field"]:
            yield _PLAIN_FIELDS.get(found["field"])
        else:
            text = found[0] if found["sign"] else found["quoted"] or "'"
            yield text.replace("%", "%%")


def affixes(locale: Locale) -> tuple[str, str]:
    """What stands before and after an amount of money, with `¤` for the sign of the currency."""
    pattern = locale.currency_formats["standard"].pattern.partition(";")[0]
    found = re.fullmatch(r"([^#0]*)[#0.,]+([^#0]*)", pattern)
    return (found[1], found[2]) if found else ("", "\u00a0¤")


def signs(locale: Locale) -> tuple[str, str, str]:
    """Decimal sign, sign between groups, minus sign."""
    symbols = locale.number_symbols["latn"]
    return symbols["decimal"], symbols["group"], symbols["minusSign"]


def further_group(locale: Locale) -> int:
    """Digits of a group beyond the first: 3, or 2 in India."""
    return int(locale.decimal_formats[None].grouping[1])


@lru_cache(maxsize=1024)
def digits_of(currency: str) -> int | None:
    """Decimals of a currency's amounts (ISO 4217); None when there is no such currency."""
    from babel.numbers import get_currency_precision, list_currencies

    return get_currency_precision(currency) if currency in list_currencies() else None


def sign_of(currency: str, locale: Locale) -> str:
    """The sign people of the locale know a currency by, or its code."""
    from babel.numbers import get_currency_symbol

    return get_currency_symbol(currency, locale)
