"""The sandbox charges by provider and country, as its price list says."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from outrider.cli._tariff import calling_code, tariff_of
from outrider.configuration.toml import read_toml
from outrider.plugged import shipped
from outrider.sandbox.counterpart import Taken
from outrider.sandbox.side import Options, Side
from outrider.sandbox.sms.smsmode import Smsmode
from outrider.sandbox.tariff import Charge, Tariff

LIST = Tariff({"smsmode": {"33": Charge(0.049), "44": Charge(0.04, "GBP"), "33639": Charge(0.2)}})
SIMULATED = {"smsmode": "sms", "twilio": "sms", "fcm": "push"}
TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("provider", "number", "expected"),
    [
        ("smsmode", "+33612345678", Charge(0.049)),
        ("smsmode", "+33639980017", Charge(0.2)),
        ("smsmode", "+447400123456", Charge(0.04, "GBP")),
        ("smsmode", "+15005550006", None),
        ("smsmode", "a device", None),
        ("twilio", "+33612345678", None),
    ],
)
def test_the_longest_beginning_of_a_number_counts(provider: str, number: str, expected: Charge | None) -> None:
    assert LIST.charge(provider, number) == expected


@pytest.mark.parametrize(
    ("options", "price"),
    [
        (Options(tariff=LIST), {"amount": 0.147, "currency": "EUR"}),
        (Options(), {"amount": 0.135, "currency": "EUR"}),
    ],
)
def test_a_report_tells_the_price_of_all_segments(options: Options, price: dict[str, object]) -> None:
    side = Side(Smsmode, Smsmode.accounts, None, options)  # type: ignore[arg-type]
    taken = Taken("id", "", "+33612345678", "Drive", "x", "", "", datetime(2026, 1, 1, tzinfo=UTC), segments=3)
    side.charge(taken)
    assert taken.charge == options.tariff.charge("smsmode", taken.to)
    assert f'"price":{{"amount":{price["amount"]},"currency":"EUR"}}' in side.counterpart.accepted(taken).body.decode()


def test_without_a_folder_the_packs_say_what_it_costs() -> None:
    tariff = tariff_of(None, shipped().markets, SIMULATED, TODAY)
    assert set(tariff.prices) == {"smsmode", "twilio"}
    assert tariff.charge("twilio", "+4915123456789") == Charge(0.09)
    assert tariff.charge("smsmode", "+351912345678") == Charge(0.045)


def test_a_folder_s_routes_come_first_and_of_two_the_first() -> None:
    text = "\n".join(
        f'[[routes]]\nname = "{name}"\nchannel = "sms"\naccount = "main"\nsender = "Drive"\n{more}'
        for name, more in [
            ("one", 'markets = ["FR"]\nprice = 0.05\ncurrency = "USD"'),
            ("two", 'markets = ["FR", "DE"]\nprice = 0.07'),
            ("three", 'markets = ["IT"]'),
        ]
    )
    toml, _ = read_toml(f'[accounts.main]\nprovider = "smsmode"\n{text}\n')
    tariff = tariff_of(toml, shipped().markets, SIMULATED, TODAY)
    assert tariff.charge("smsmode", "+33612345678") == Charge(0.05, "USD")
    assert tariff.charge("smsmode", "+4915123456789") == Charge(0.07)
    # A route without a price: as the pack says. Another provider: likewise.
    assert tariff.charge("smsmode", "+39312345678") == tariff.charge("twilio", "+39312345678")


@pytest.mark.parametrize("code", sorted(shipped().markets))
def test_the_example_is_charged_what_its_routes_say(code: str) -> None:
    folder = Path(__file__).parents[2] / "examples" / "rental"
    toml, _ = read_toml((folder / "outrider.toml").read_text(encoding="utf-8"))
    tariff = tariff_of(toml, shipped().markets, SIMULATED, TODAY)
    market = shipped().markets[code]
    for route in toml.routes:
        if code in route.markets:
            provider = {"smsmode-main": "smsmode", "twilio-backup": "twilio"}[route.account]
            assert tariff.charge(provider, f"+{calling_code(market)}612345678") == Charge(route.price or 0.0)
