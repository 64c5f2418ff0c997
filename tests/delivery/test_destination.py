"""The country a message goes to."""

from __future__ import annotations

import pytest

from outrider.delivery.destination import country_of, destination
from outrider.domain.message import Content
from outrider.testing import builders
from outrider.testing.memory_subject import HandClock


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+34612345678", "ES"),
        ("+33612345678", "FR"),
        ("+351912345678", "PT"),
        ("+393331234567", "IT"),
        ("+447400123456", "GB"),
        ("+12025550123", "US"),
        ("+15142345678", "CA"),
        ("+262692123456", "RE"),
        ("+99912345", ""),
        ("+800123456", ""),
        ("+", ""),
        ("+x", ""),
    ],
)
def test_the_country_of_a_number(number, country):
    assert country_of(number) == country


@pytest.mark.parametrize(
    ("address", "country"),
    [("+34612345678", "ES"), ("+99912345", "GB"), ("anna@example.test", "GB"), ("token-1", "GB")],
)
def test_a_phone_number_decides_and_the_market_elsewhere(address, country):
    message = builders.message(builders.stream("anna"), HandClock().at, market="GB", content=Content(address, "en", {}))
    assert destination(message) == country
