"""Senders that a market does not take are warned about where they are written."""

from __future__ import annotations

import pytest
from outrider.configuration.senders import wrong_with

from outrider.configuration import build
from outrider.domain.policy import Allowed, SenderRules
from outrider.plugged import shipped

TOML = """
[accounts.main]
provider = "smsmode"
api_key = "env:KEY"

[[routes]]
name = "main"
channel = "sms"
account = "main"
sender = "{sender}"
markets = [{markets}]
"""


def warnings(sender: str, markets: str) -> list[tuple[str, int, str]]:
    made, problems = build({"outrider.toml": TOML.format(sender=sender, markets=markets)}, shipped())
    assert made is not None, problems
    return [(one.severity, one.line, one.message) for one in problems]


@pytest.mark.parametrize(
    ("sender", "markets", "message"),
    [
        ("MyCarRentalCo", '"DE"', "market DE takes at most 11 characters in a sender: 'MyCarRentalCo'"),
        ("+33700000000", '"GB", "FR"', "market FR replaces numeric senders: '+33700000000'"),
        ("+351910000000", '"PT"', "market PT does not take numeric senders: '+351910000000'"),
        ("24Rent", '"IT", "FR"', "market IT takes no sender that starts with a digit: '24Rent'"),
    ],
)
def test_a_sender_a_market_does_not_take_is_a_warning_at_its_place(sender: str, markets: str, message: str) -> None:
    assert warnings(sender, markets) == [("warning", 10, message)]


@pytest.mark.parametrize(
    ("sender", "markets"),
    [("Rental", '"FR", "ES", "IT"'), ("+4470000000", '"GB"'), ("36034", ""), ("VeryLongSender", "")],
)
def test_other_senders_and_routes_without_markets_are_not(sender: str, markets: str) -> None:
    assert warnings(sender, markets) == []


def test_a_market_may_refuse_every_name() -> None:
    rule = SenderRules("sms", Allowed.NO, Allowed.YES)
    assert wrong_with(rule, "Rental") == "does not take alphanumeric senders"
    assert wrong_with(rule, "+12025550123") == ""


def test_a_market_nobody_knows_is_an_error_of_its_own() -> None:
    _, problems = build({"outrider.toml": TOML.format(sender="24Rent", markets='"XX"')}, shipped())
    assert [one.message for one in problems] == ["there is no market 'XX'"]
