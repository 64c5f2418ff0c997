"""What an SMS costs in a market: the pack's price of one segment, times the segments."""

from __future__ import annotations

from datetime import date

import msgspec

from outrider.domain.policy import MarketRules, price_of


class Cost(msgspec.Struct, frozen=True):
    """The price of one text, as far as it is known."""

    market: str
    #: Of one segment; None when no price is known.
    segment: float | None
    total: float | None
    currency: str
    source: str
    confirmed: bool
    valid_from: date | None = None


def cost_of(market: MarketRules, provider: str, segments: int, on: date) -> Cost:
    """The cost of so many segments to a market by a provider (empty: any) on a day."""
    price = price_of(market, provider, "sms", on)
    if price is None:
        return Cost(market.code, None, None, market.currency, "The pack names no price.", confirmed=False)
    total = round(price.amount * segments, 6)
    return Cost(market.code, price.amount, total, price.currency, price.source, price.confirmed, price.valid_from)


def cost_line(cost: Cost) -> str:
    """The cost as a sentence; a price that nobody confirmed says so."""
    if cost.total is None:
        return f"Price in {cost.market}: not known. {cost.source}"
    doubt = "" if cost.confirmed else "unconfirmed: "
    each = f"{cost.segment:g} {cost.currency} a segment"
    return f"Price in {cost.market}: {cost.total:g} {cost.currency} ({each}; {doubt}{cost.source})"
