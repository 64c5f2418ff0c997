"""Route health as it is kept and shared: what was seen of each route, its share of its weight, and every change."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Seen(msgspec.Struct, frozen=True):
    """The attempts of one route in a span of time."""

    route: str
    tries: int
    #: Refusals that speak of the route, and calls that broke off.
    refused: int = 0
    #: Answers that took longer than the rule allows.
    slow: int = 0
    #: Sum of the hand-off times.
    seconds: float = 0.0


class Told(msgspec.Struct, frozen=True):
    """The accepted messages of one route whose receipts are due, and how many of them had none."""

    route: str
    due: int
    missing: int = 0


class Look(msgspec.Struct, frozen=True):
    """What was seen of all routes in one look."""

    seen: tuple[Seen, ...] = ()
    told: tuple[Told, ...] = ()


class RouteHealth(msgspec.Struct, frozen=True):
    """What is remembered of one route: counts that fade by half every half-life."""

    #: The part of its configured weight that it gets, from the floor to 1.
    share: float = 1.0
    tries: float = 0.0
    refused: float = 0.0
    slow: float = 0.0
    seconds: float = 0.0
    due: float = 0.0
    missing: float = 0.0
    #: The part of its messages that usually have a receipt in time; 0 for a route that gives none.
    usual: float = 0.0
    changed_at: datetime | None = None
    #: The last step down: receipts of attempts begun before it say nothing new.
    lowered_at: datetime | None = None


class Board(msgspec.Struct, frozen=True):
    """The health of all routes, written by one sweep at a time: whoever saves an old version is refused."""

    version: int = 0
    #: Attempts begun until here were seen; None before the first look.
    seen_until: datetime | None = None
    #: Receipts of attempts begun until here were looked for.
    told_until: datetime | None = None
    routes: dict[str, RouteHealth] = {}


class RouteChange(msgspec.Struct, frozen=True):
    """One change of a route, with its reason: of its share of the weight (`weight`), or of a process's `breaker`."""

    at: datetime
    route: str
    #: weight or breaker.
    kind: str
    before: str
    after: str
    reason: str
    #: The counts it follows from, by name.
    evidence: dict[str, float] = {}
    #: The process, for a breaker; empty for a weight, which holds for all of them.
    process: str = ""
