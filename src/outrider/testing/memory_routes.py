"""Route health, in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from outrider.contracts.route_store import Span
from outrider.domain.attempt import AttemptState
from outrider.domain.health import Board, Look, RouteChange, Seen, Told
from outrider.domain.message import Status
from outrider.testing.memory_part import MemoryPart, transaction
from outrider.testing.memory_rows import AttemptRow

DOUBTED = frozenset({AttemptState.UNKNOWN, AttemptState.UNRESOLVED, AttemptState.ABSENT})
ANSWERED = frozenset({AttemptState.ACCEPTED, AttemptState.REFUSED})


class MemoryRoutes(MemoryPart):
    """The port `RouteStore`."""

    @transaction
    async def board(self) -> tuple[Board, datetime]:
        """See the port."""
        return self.tables.route_board, self.clock.now()

    @transaction
    async def look(self, span: Span) -> Look:
        """See the port."""
        seen = [one for one in self._begun(*span.seen) if one.state is not AttemptState.INTENT]
        told = [one for one in self._begun(*span.told) if one.state is AttemptState.ACCEPTED]
        due = Counter(one.route for one in told)
        missing = Counter(o.route for o in told if self.tables.messages[o.message].status is Status.ACCEPTED)
        return Look(
            tuple(self._seen(route, seen, span) for route in sorted({one.route for one in seen})),
            tuple(Told(route, due[route], missing[route]) for route in sorted(due)),
        )

    def _begun(self, start: datetime, end: datetime) -> Iterator[AttemptRow]:
        """The attempts begun in a span, newest first: they are kept in the order of time."""
        for attempt in reversed(self.tables.attempts.values()):
            if attempt.at <= start:
                return
            if attempt.at <= end:
                yield attempt

    def _seen(self, route: str, attempts: Sequence[AttemptRow], span: Span) -> Seen:
        mine = [one for one in attempts if one.route == route]
        times = [_seconds(one) for one in mine if one.state in ANSWERED]
        bad = sum(one.state in DOUBTED or one.reason in span.about_route for one in mine)
        return Seen(route, len(mine), bad, sum(time > span.slow_after for time in times), sum(times))

    @transaction
    async def save_board(self, board: Board, changes: Sequence[RouteChange] = ()) -> bool:
        """See the port."""
        if board.version != self.tables.route_board.version:
            return False
        self.tables.route_board = replace(board, version=board.version + 1)
        self.tables.route_changes.extend(changes)
        return True

    @transaction
    async def note_changes(self, changes: Sequence[RouteChange]) -> None:
        """See the port."""
        self.tables.route_changes.extend(changes)

    @transaction
    async def route_changes(self, routes: Sequence[str], since: datetime, most: int) -> list[RouteChange]:
        """See the port."""
        found: list[RouteChange] = []
        for route in routes:
            mine = [one for one in self.tables.route_changes if one.route == route and one.at >= since]
            found += sorted(mine, key=lambda one: one.at, reverse=True)[:most]
        return sorted(sorted(found, key=lambda one: one.route), key=lambda one: one.at, reverse=True)

    @transaction
    async def resting(self, seconds: float) -> dict[str, int]:
        """See the port."""
        since = self.clock.now() - timedelta(seconds=seconds)
        alive = {one.owner for one in self.tables.delivery_leases.values() if one.until > self.clock.now()}
        said = [one for one in self.tables.route_changes if one.kind == "breaker" and one.at >= since]
        said = [one for one in said if one.process in alive]
        last = {(one.route, one.process): one.after for one in sorted(said, key=lambda one: one.at)}
        return dict(Counter(route for (route, _), after in last.items() if after != "closed"))


def _seconds(attempt: AttemptRow) -> float:
    return 0.0 if attempt.ended_at is None else (attempt.ended_at - attempt.at).total_seconds()
