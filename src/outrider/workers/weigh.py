"""Route health at work: one sweep looks and decides, every process follows the weights and reports its breakers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from msgspec.structs import replace

from outrider.contracts.route_store import RouteStore, Span
from outrider.delivery.health import ABOUT_ROUTE, HealthRules, advance, effective, kept
from outrider.domain.health import RouteChange
from outrider.workers.desk import Desk

#: Attempts are looked at once their call is over for certain: longer than any account's deadline.
SETTLED = timedelta(seconds=15)
#: The least between two looks, whoever takes them.
LOOK_EVERY = timedelta(seconds=15)
#: The longest span of one look: after a standstill the older attempts say nothing any more.
LONGEST_LOOK = timedelta(minutes=10)

log = structlog.get_logger(__name__)


@dataclass
class Weigher:
    """The one that decides: any number may run, the board's version lets one of them through."""

    store: RouteStore
    rules: Callable[[], HealthRules]
    #: Names of the configured routes.
    routes: Callable[[], tuple[str, ...]]

    async def step(self) -> int:
        """Look and decide, unless somebody did just now; how many shares changed."""
        board, now = await self.store.board()
        rules = self.rules()
        if board.seen_until is not None and now - SETTLED - board.seen_until < LOOK_EVERY:
            return 0
        span = _span(board.seen_until, board.told_until, now, rules)
        look = await self.store.look(span)
        elapsed = LOOK_EVERY if board.seen_until is None else now - SETTLED - board.seen_until
        weighed, changes = advance(kept(board, self.routes()), look, rules, now, elapsed.total_seconds())
        weighed = replace(weighed, seen_until=span.seen[1], told_until=span.told[1])
        if not await self.store.save_board(weighed, changes):
            return 0
        _tell(changes)
        return len(changes)


def _span(seen: datetime | None, told: datetime | None, now: datetime, rules: HealthRules) -> Span:
    seen_end, told_end = now - SETTLED, now - timedelta(seconds=rules.receipts_after)
    first = max(seen or seen_end - LOOK_EVERY, seen_end - LONGEST_LOOK)
    # A longer `receipts_after` moves the end back behind what was looked at already: that is not counted twice.
    second = max(told or told_end - LOOK_EVERY, told_end - LONGEST_LOOK)
    return Span((first, seen_end), (second, max(second, told_end)), ABOUT_ROUTE, rules.slow_after)


def _tell(changes: list[RouteChange]) -> None:
    for change in changes:
        log.warning(
            "a route's weight changed", route=change.route, before=change.before, after=change.after, why=change.reason
        )


@dataclass
class Weights:
    """The ones that follow: a process's desk, kept at the board's weights."""

    store: RouteStore
    desk: Desk
    process: str

    def __post_init__(self) -> None:
        self._known: dict[str, float] = {}

    async def step(self) -> None:
        """Take over the newest weights, and record what this process's breakers did."""
        board, _ = await self.store.board()
        weights = effective({route.name: route.weight for route in self.desk.routes}, board)
        if weights != self._known:
            self._known = self.desk.weights = weights
        await self._report()

    async def _report(self) -> None:
        changes, self.desk.changes = self.desk.changes, []
        if not changes:
            return
        try:
            await self.store.note_changes([replace(change, process=self.process) for change in changes])
        except Exception:
            self.desk.changes = changes + self.desk.changes
            raise
