"""Routes: an account and a sender with their conditions."""

from __future__ import annotations

import msgspec

from outrider.domain.purpose import Purpose


class Route(msgspec.Struct, frozen=True):
    """One way out: which account, which sender, for whom, how often."""

    name: str
    channel: str
    account: str
    sender: str
    #: Relative share among the routes that fit; 0 keeps it for failover only.
    weight: int = 100
    #: Market codes; empty means every market.
    markets: tuple[str, ...] = ()
    #: Empty means every purpose.
    purposes: tuple[Purpose, ...] = ()
    #: Estimated price of one segment; None while unknown.
    price: float | None = None
    currency: str = "EUR"
    #: Most messages a second; None for no limit. Never delays safety, security and legal messages.
    per_second: float | None = None
    #: Languages whose national shift table of GSM-7 the account sends with (see content/shift.py).
    shift_tables: tuple[str, ...] = ()

    def fits(self, channel: str, market: str, purpose: Purpose) -> bool:
        """Whether a message of this channel, market and purpose may take the route."""
        return (
            self.channel == channel
            and (not self.markets or market in self.markets)
            and (not self.purposes or purpose in self.purposes)
        )
