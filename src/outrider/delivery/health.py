"""Route health: what was seen of a route, and the share of its weight that follows. Pure.

Down fast, up slowly: a route whose refusals, slow answers or missing receipts pass their limit keeps half of its share,
and loses half again when what came after the change is as bad. It gains a tenth after each quiet stretch. A route never
falls below the floor, so that a trickle shows whether it is well again; nothing is sent only while its breaker is open.
The form follows GOV.UK Notify, which moves 10 points between two providers for 50 errors in a minute or for 15 % of
messages slower than five minutes, and drifts back by 10 points after 15 quiet minutes. The figures are settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from math import isclose

import msgspec
from msgspec.structs import replace

from outrider.domain.attempt import SCOPES, Reason, Scope
from outrider.domain.health import Board, Look, RouteChange, RouteHealth, Seen, Told

#: Refusals that speak of the route. Throttling slows the route down instead (delivery/throttle.py).
ABOUT_ROUTE = frozenset(
    reason
    for reason, scope in SCOPES.items()
    if scope in (Scope.ROUTE, Scope.ACCOUNT, Scope.PASSING) and reason is not Reason.THROTTLED
)
#: How fast the usual part of receipts follows what is seen, each look: up at once, down so slowly that it takes an hour
#: (240 looks) to take half of a loss for the usual.
USUAL_UP, USUAL_DOWN = 0.2, 0.003
#: Few attempts (fewer than `least`) are remembered so many times longer, so that a route with a message a minute is
#: judged too, by its last hour.
FEW_LAST = 30.0
#: So many attempts are enough to keep a share from growing.
SIGN = 2


class HealthRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits and steps; times are seconds, shares are from 0 to 1."""

    #: What was seen counts half after this long.
    half_life: float = 120.0
    #: Fewer attempts (or due receipts) than this prove nothing.
    least: int = 20
    #: Refused or broken off, of all attempts.
    refused_share: float = 0.25
    #: An answer that takes longer is slow.
    slow_after: float = 5.0
    #: Slow answers, of all attempts.
    slow_share: float = 0.15
    #: When an accepted message should have a receipt.
    receipts_after: float = 300.0
    #: Receipts that are missing, of those that usually come.
    missing_share: float = 0.25
    #: The share is multiplied by this at a step down.
    step_down: float = 0.5
    #: The share grows by this at a step up.
    step_up: float = 0.1
    #: The share never falls below this.
    floor: float = 0.05
    #: A share rests so long before it grows, and a fifth of it before it falls again.
    calm: float = 300.0


def advance(
    board: Board, look: Look, rules: HealthRules, now: datetime, elapsed: float
) -> tuple[Board, list[RouteChange]]:
    """The board after one more look, and the changes that follow; `elapsed` is seconds since the last look."""
    seen = {one.route: one for one in look.seen}
    told = {one.route: one for one in look.told}
    routes, changes = {}, []
    for name in sorted({*board.routes, *seen, *told}):
        health = board.routes.get(name, RouteHealth())
        fresh = told.get(name) if _is_after(board.told_until, health.lowered_at) else None
        health = remember(health, seen.get(name), fresh, elapsed, rules)
        routes[name], change = judge(name, health, rules, now, board.told_until)
        changes += [change] if change else []
    return replace(board, routes=routes), changes


def _is_after(told_until: datetime | None, lowered_at: datetime | None) -> bool:
    """Whether a look at receipts begins with attempts after the last step down: those before it were its cause.

    Receipts are looked for minutes after their attempts, so without this one short trouble would lower a share for
    minutes after it is over.
    """
    return lowered_at is None or (told_until is not None and told_until >= lowered_at)


def remember(
    health: RouteHealth, seen: Seen | None, told: Told | None, elapsed: float, rules: HealthRules
) -> RouteHealth:
    """Old counts fade over the elapsed seconds, new ones are added."""
    seen = seen or Seen("", 0)
    told = told or Told("", 0)
    fade, told_fade = _fade(health.tries, elapsed, rules), _fade(health.due, elapsed, rules)
    due, missing = health.due * told_fade + told.due, health.missing * told_fade + told.missing
    return replace(
        health,
        tries=health.tries * fade + seen.tries,
        refused=health.refused * fade + seen.refused,
        slow=health.slow * fade + seen.slow,
        seconds=health.seconds * fade + seen.seconds,
        due=due,
        missing=missing,
        usual=_usual(health.usual, due, missing, rules) if told.due else health.usual,
    )


def _fade(count: float, elapsed: float, rules: HealthRules) -> float:
    return float(0.5 ** (elapsed / (rules.half_life if count >= rules.least else FEW_LAST * rules.half_life)))


def _usual(usual: float, due: float, missing: float, rules: HealthRules) -> float:
    if due < rules.least:
        return usual
    off = 1 - missing / due - usual
    return usual + off * (USUAL_UP if off > 0 else USUAL_DOWN)


def judge(
    name: str, health: RouteHealth, rules: HealthRules, now: datetime, told_until: datetime | None = None
) -> tuple[RouteHealth, RouteChange | None]:
    """Whether the share changes now. Evidence is spent by a step down: the next one needs new evidence.

    `told_until`: receipts of attempts begun until then were looked for.
    """
    trouble, waited = _trouble(health, rules, 1.0, rules.least), _waited(health, now)
    if trouble and waited >= timedelta(seconds=rules.calm / 5):
        share, reason = max(rules.floor, health.share * rules.step_down), trouble
    elif waited >= timedelta(seconds=rules.calm) and _is_quiet(health, rules, told_until):
        share, reason = min(1.0, round(health.share + rules.step_up, 6)), "nothing is wrong with it"
    else:
        return health, None
    if isclose(share, health.share):
        return health, None
    change = RouteChange(now, name, "weight", f"{health.share:.0%}", f"{share:.0%}", reason, evidence(health))
    changed = replace(health, share=share, changed_at=now)
    return _spent(changed) if share < health.share else changed, change


def _is_quiet(health: RouteHealth, rules: HealthRules, told_until: datetime | None) -> bool:
    """Whether a share may grow: half of every limit holds, also by few attempts, and receipts had time to come.

    A route that gives receipts is not well before those of a calm stretch after its last step down were looked for.
    """
    if _trouble(health, rules, 0.5, SIGN):
        return False
    if health.lowered_at is None or not health.usual:
        return True
    return _is_after(told_until, health.lowered_at + timedelta(seconds=rules.calm))


def _trouble(health: RouteHealth, rules: HealthRules, part: float, least: float) -> str:
    """What passes this part of its limit by at least so many attempts; empty for nothing."""
    if health.tries >= least and health.refused > part * rules.refused_share * health.tries:
        return f"{health.refused:.0f} of {health.tries:.0f} attempts were refused or broke off"
    if health.tries >= least and health.slow > part * rules.slow_share * health.tries:
        return f"{health.slow:.0f} of {health.tries:.0f} answers took longer than {rules.slow_after:g} s"
    usual = health.due * (1 - health.usual)
    if health.due >= least and health.missing - usual > part * rules.missing_share * (health.due - usual) > 0:
        late = f"{rules.receipts_after:g} s"
        return f"{health.missing:.0f} of {health.due:.0f} accepted messages had no receipt after {late}"
    return ""


def _waited(health: RouteHealth, now: datetime) -> timedelta:
    return timedelta.max if health.changed_at is None else now - health.changed_at


def _spent(health: RouteHealth) -> RouteHealth:
    """Right after a step down."""
    return RouteHealth(
        share=health.share, usual=health.usual, changed_at=health.changed_at, lowered_at=health.changed_at
    )


def evidence(health: RouteHealth) -> dict[str, float]:
    """The counts of a route, rounded, by name."""
    names = ("tries", "refused", "slow", "due", "missing")
    return {name: round(getattr(health, name), 1) for name in names}


def effective(weights: Mapping[str, int], board: Board) -> dict[str, float]:
    """Route → the weight it has now: its configured one by its share; 0 stays 0, nothing else becomes it."""
    return {name: weight * board.routes.get(name, RouteHealth()).share for name, weight in weights.items()}


def kept(board: Board, names: Iterable[str]) -> Board:
    """The board with the configured routes only."""
    wanted = set(names)
    return replace(board, routes={name: health for name, health in board.routes.items() if name in wanted})
