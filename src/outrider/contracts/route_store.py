"""What route health loads and saves: looks at the attempts, one shared board, and every change with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from outrider.domain.attempt import Reason
from outrider.domain.health import Board, Look, RouteChange


class Span(msgspec.Struct, frozen=True):
    """What to look at: attempts begun after the first and up to the second instant of each pair."""

    seen: tuple[datetime, datetime]
    told: tuple[datetime, datetime]
    #: Reasons of refusals that speak of the route.
    about_route: frozenset[Reason]
    #: Seconds after which an answer is slow.
    slow_after: float


class RouteStore(Protocol):
    """Route health in the store."""

    async def board(self) -> tuple[Board, datetime]:
        """The health of all routes, and the database's time."""
        ...

    async def look(self, span: Span) -> Look:
        """What became of the attempts of a span, by route; open ones are left out."""
        ...

    async def save_board(self, board: Board, changes: Sequence[RouteChange] = ()) -> bool:
        """Replace the board in the version that was read, and record the changes with it; False for an old version."""
        ...

    async def note_changes(self, changes: Sequence[RouteChange]) -> None:
        """Record changes that are not of the board: a process's breakers."""
        ...

    async def route_changes(self, routes: Sequence[str], since: datetime, most: int) -> list[RouteChange]:
        """The newest changes of some routes since an instant, at most so many of each, newest first."""
        ...

    async def resting(self, seconds: float) -> dict[str, int]:
        """Route → how many processes let it rest, by what they said within the last so many seconds.

        A process is known by the owner of its delivery lease; one whose lease is over says nothing any more.
        """
        ...
