"""How a send step chooses among its channels."""

from __future__ import annotations

from datetime import timedelta

import msgspec


class First(msgspec.Struct, frozen=True, tag="first"):
    """The first channel of the list on which the person can be reached now; the next one when it fails for good."""

    channels: tuple[str, ...]


class Escalate(msgspec.Struct, frozen=True, tag="escalate"):
    """One channel after the other, each when the one before failed, or has not reached the person after a time."""

    channels: tuple[str, ...]
    after: timedelta
    #: The status that ends it: `delivered`.
    until: str = "delivered"


Strategy = First | Escalate
