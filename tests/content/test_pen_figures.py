"""Numbers and amounts of money are written as people of the locale write them, in the market."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.content.declaration import Policy
from outrider.content.gsm7 import ALL_GSM
from outrider.content.pen import BadFigure, Pen, pen_for
from outrider.plugged import shipped

MARKETS = sorted(shipped().markets)
HOMES = {"fr": "FR", "pt": "PT", "de": "DE"}


def pen(locale: str, market: str = "", *, gsm: bool = False, longest: Policy | None = None) -> Pen:
    packs = shipped().markets
    return pen_for(locale, packs.get(market), packs.get(HOMES.get(locale[:2], "")), gsm=gsm, longest=longest)


@pytest.mark.parametrize(
    ("locale", "market", "expected"),
    [
        ("fr", "FR", "12\u202f345,60\u00a0€"),
        ("es", "ES", "12.345,60\u00a0€"),
        ("pt", "PT", "12\u00a0345,60\u00a0€"),
        ("en", "GB", "€12,345.60"),
        ("en-GB", "GB", "€12,345.60"),
        ("de", "DE", "12.345,60\u00a0€"),
        ("it", "IT", "12.345,60\u00a0€"),
        # Of another language or region than the market's: as CLDR has it there.
        ("en", "DE", "12.345,60\u00a0€"),
        ("en-US", "DE", "€12,345.60"),
        # Of a language CLDR does not know in that market: as at home, and home is not Brazil.
        ("fr", "DE", "12\u202f345,60\u00a0€"),
        ("pt", "DE", "12\u00a0345,60\u00a0€"),
        ("pt", "", "12\u00a0345,60\u00a0€"),
        ("en", "", "12,345.60\u00a0€"),
        ("de-AT", "DE", "€\u00a012.345,60"),
        ("hi-IN", "", "€12,345.60"),
        ("xx", "", "12,345.60\u00a0€"),
    ],
)
def test_money_has_its_sign_and_groups_where_people_expect_them(locale: str, market: str, expected: str) -> None:
    assert pen(locale, market).money(12345.6, "EUR") == expected


@pytest.mark.parametrize(
    ("locale", "market", "currency", "expected"),
    [
        ("en", "GB", "GBP", "£12.50"),
        ("en", "GB", "CHF", "CHF\u00a012.50"),
        ("en", "GB", "JPY", "JP¥12"),
        ("en", "GB", "KWD", "KWD\u00a012.500"),
        ("fr", "FR", "GBP", "12,50\u00a0£GB"),
        ("pl", "", "PLN", "12,50\u00a0zł"),
    ],
)
def test_a_currency_has_its_sign_and_its_decimals(locale: str, market: str, currency: str, expected: str) -> None:
    assert pen(locale, market).money(12.5, currency) == expected


@pytest.mark.parametrize(
    ("locale", "market", "currency", "expected"),
    [
        ("fr", "FR", "EUR", "1 234,50 €"),
        ("en", "GB", "GBP", "£1,234.50"),
        ("pl", "", "PLN", "1 234,50 PLN"),
        ("sv", "", "SEK", "-1 234,50 kr"),
    ],
)
def test_in_an_sms_an_amount_is_written_with_signs_of_gsm_7(
    locale: str, market: str, currency: str, expected: str
) -> None:
    value = -1234.5 if expected.startswith("-") else 1234.5
    assert pen(locale, market, gsm=True).money(value, currency) == expected


@pytest.mark.parametrize(
    ("locale", "market", "value", "decimals", "expected"),
    [
        ("fr", "FR", 1234, None, "1\u202f234"),
        ("es", "ES", 1234, None, "1234"),
        ("es", "ES", 12345, None, "12.345"),
        ("pt", "PT", 1234.5, None, "1234,5"),
        ("de", "DE", 1234.5678, None, "1.234,568"),
        ("de", "DE", 1234.0, None, "1.234"),
        ("de", "DE", 1234.0, 1, "1.234,0"),
        ("de", "DE", 1234.5678, 0, "1.235"),
        ("de", "DE", -0.4, 0, "0"),
        ("de", "DE", -1234, 0, "-1.234"),
        ("hi-IN", "", 1234567, None, "12,34,567"),
        ("hi-IN", "", 123, None, "123"),
        ("en", "GB", "128.40", None, "128.4"),
        ("en", "GB", 0, None, "0"),
        ("en", "GB", 100, None, "100"),
        ("sv", "", -5, None, "\u22125"),
    ],
)
def test_a_number_in_customary_groups(
    locale: str, market: str, value: object, decimals: int | None, expected: str
) -> None:
    assert pen(locale, market).number(value, decimals) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "got NoneType"),
        (True, "got bool"),
        ([], "got list"),
        ("a secret", "got 8 other characters"),
        ("NaN", "expected a number below"),
        (float("inf"), "expected a number below"),
        (10**15, "expected a number below 1,000,000,000,000,000"),
    ],
)
def test_what_is_no_number_is_told_without_the_value(value: object, message: str) -> None:
    for write in (lambda: pen("fr").number(value), lambda: pen("fr").money(value, "EUR")):
        with pytest.raises(BadFigure, match=message) as caught:
            write()
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize("currency", ["€", "eur", "XXXX", "", None, 978])
def test_a_currency_is_named_by_its_code(currency: object) -> None:
    with pytest.raises(BadFigure, match="ISO 4217"):
        pen("fr").money(1, currency)


@pytest.mark.parametrize("decimals", [-1, 11, True, "2", 1.0])
def test_decimals_are_a_small_whole_number(decimals: object) -> None:
    with pytest.raises(BadFigure, match="0 to 10 decimals"):
        pen("fr").number(1, decimals)


@given(st.decimals(-(10**9), 10**9, places=2), st.sampled_from(MARKETS))
def test_what_is_written_is_the_amount(amount: Decimal, code: str) -> None:
    market = shipped().markets[code]
    for habits in market.habits:
        text = pen_for(habits.locale, market, gsm=True).money(amount, market.currency)
        digits = "".join(sign for sign in text if sign.isdigit() or sign in ("-", habits.decimal))
        assert Decimal(digits.replace(habits.decimal, ".")) == amount
        assert ALL_GSM.fullmatch(text)


@given(st.floats(0, 9999.999), st.sampled_from(["fr", "de", "en-US"]))
def test_no_number_is_longer_than_the_longest(value: float, locale: str) -> None:
    assert len(pen(locale).number(value)) <= len(pen(locale, longest=Policy.STRICT).number(9999.5))


@pytest.mark.parametrize("code", MARKETS)
def test_the_figures_of_every_pack_are_those_of_the_cldr(code: str) -> None:
    market = shipped().markets[code]
    for habits in market.habits:
        language, _, region = habits.locale.partition("-")
        plain = pen(f"{language}-{region or code}")
        assert pen_for(habits.locale, market).money(12345.6, "EUR") == plain.money(12345.6, "EUR")


@pytest.mark.parametrize(
    ("locale", "market", "expected"),
    [("es", "ES", False), ("en", "GB", False), ("de", "DE", True), ("es", "DE", True), ("fr", "", True)],
)
def test_people_are_spoken_to_formally_unless_their_market_does_otherwise(
    locale: str, market: str, expected: bool
) -> None:
    assert pen(locale, market).formal is expected
