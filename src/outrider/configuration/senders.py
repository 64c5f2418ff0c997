"""Senders of routes against the sender rules of their markets: warnings, since most rules are unconfirmed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from outrider.configuration.toml import FILE, place_of
from outrider.domain.policy import Allowed, MarketRules, SenderRules
from outrider.domain.problem import Problem
from outrider.domain.route import Route

REFUSED = {Allowed.NO: "does not take", Allowed.REPLACED: "replaces"}


def sender_warnings(routes: Sequence[Route], markets: Mapping[str, MarketRules], text: str) -> Iterator[Problem]:
    """What a market does to a route's sender. Only routes that name markets are looked at. text: of outrider.toml."""
    for index, route in enumerate(routes):
        for code in route.markets:
            rules = markets[code].senders if code in markets else ()
            for rule in rules:
                if rule.channel == route.channel and (wrong := wrong_with(rule, route.sender)):
                    line, column, length = place_of(text, ["routes", f"[{index}]"], "sender")
                    message = f"market {code} {wrong}: '{route.sender}'"
                    yield Problem(FILE, line, column, message, rule.source, length, severity="warning")


def wrong_with(rule: SenderRules, sender: str) -> str:
    """What a market has against a sender; empty for nothing. A sender with a letter is alphanumeric."""
    if not any(char.isalpha() for char in sender):
        return f"{REFUSED[rule.numeric]} numeric senders" if rule.numeric in REFUSED else ""
    if rule.alphanumeric in REFUSED:
        return f"{REFUSED[rule.alphanumeric]} alphanumeric senders"
    if len(sender) > rule.longest:
        return f"takes at most {rule.longest} characters in a sender"
    if sender[0].isdigit() and not rule.may_start_with_digit:
        return "takes no sender that starts with a digit"
    return ""
