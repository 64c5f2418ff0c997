"""Histories of attempts for tests of delivery, and a game that plays one out against any provider."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from outrider.delivery.next_move import Look, Move, Stop, Try, next_move
from outrider.domain.attempt import AttemptState, Reason
from outrider.domain.outbox import Past
from outrider.domain.purpose import PurposeRules

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
LATER = NOW + timedelta(days=30)

S = AttemptState


def past(*attempts: tuple[str, AttemptState] | tuple[str, AttemptState, Reason]) -> tuple[Past, ...]:
    """Attempts, oldest first, as (route, state, reason)."""
    return tuple(
        Past(number, one[0], one[1], NOW, one[2] if len(one) == 3 else None) for number, one in enumerate(attempts, 1)
    )


#: What happens to an attempt: (state, reason).
Fate = tuple[AttemptState, Reason | None]


def play(
    routes: Sequence[str], rules: PurposeRules, fates: Callable[[int], Fate], not_after: datetime = LATER
) -> tuple[tuple[Past, ...], Stop, list[Move]]:
    """Follow next_move to its end; a doubt takes the state its fate says. History, last move, all moves."""
    now, history, moves = NOW, (), []
    while True:
        move = next_move(routes, history, rules, now, not_after, b"m")
        moves.append(move)
        if isinstance(move, Stop):
            return history, move, moves
        if isinstance(move, Look):
            now = max(now, move.give_up_at)
            history = (*history[:-1], msgspec.structs.replace(history[-1], state=fates(len(history))[0]))
            continue
        assert isinstance(move, Try)
        now = max(now, move.at)
        state, reason = fates(len(history) + 1)
        first = S.UNKNOWN if state in (S.ABSENT, S.UNRESOLVED) else state
        history = (*history, Past(len(history) + 1, move.route, first, now, reason, move.label))
        assert len(history) <= 100, "it never ends"
