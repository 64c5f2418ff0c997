"""Every plug-in by kind, found by discovery; loaded once."""

from __future__ import annotations

from functools import cache
from typing import Any

from outrider.configuration.build import Shipped
from outrider.contracts.gate import Gate
from outrider.lib.discover import plugins
from outrider.orchestration.order import in_order


@cache
def gates() -> tuple[Gate, ...]:
    """Gates in the order in which they are asked. Raises when two stand at one place."""
    return in_order(plugins("outrider.orchestration.gates", "GATE").values())


@cache
def providers() -> dict[str, Any]:
    """Provider classes by name."""
    return plugins("outrider.providers", "PROVIDER")


@cache
def shipped() -> Shipped:
    """What configurations are checked against."""
    markets = plugins("outrider.markets", "MARKET")
    return Shipped(
        markets={market.code: market for market in markets.values()},
        channels=plugins("outrider.channels", "CHANNEL"),
        providers=providers(),
    )
