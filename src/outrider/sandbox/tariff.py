"""What simulated providers charge for a segment: by provider and by the country of the number, as real ones do."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Charge(msgspec.Struct, frozen=True):
    """The price of one segment."""

    amount: float
    #: ISO 4217.
    currency: str = "EUR"


class Tariff(msgspec.Struct, frozen=True):
    """A price list."""

    #: Provider → the digits numbers begin with, without plus → price. The longest beginning counts.
    prices: Mapping[str, Mapping[str, Charge]] = {}

    def charge(self, provider: str, number: str) -> Charge | None:
        """The price of a segment to an E.164 number; None when the list says nothing of it."""
        listed = self.prices.get(provider)
        if listed is None:
            return None
        digits = number.removeprefix("+")
        return next((listed[digits[:n]] for n in range(len(digits), 0, -1) if digits[:n] in listed), None)
