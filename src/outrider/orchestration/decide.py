"""Whether, when and on which channel a candidate is sent. Pure and total: the same facts give the same decision."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from outrider.contracts.gate import Case, Gate
from outrider.domain.decision import (
    Blocked,
    Candidate,
    Decision,
    Facts,
    GateResult,
    GateVerdict,
    ReachFact,
    Verdict,
)
from outrider.domain.policy import MarketRules, Policy

PASS, HOLD, NOT_HERE = GateVerdict.PASS, GateVerdict.HOLD, GateVerdict.NOT_HERE
#: Steps that wait for a held candidate; the others skip or leave.
WAITING = frozenset({Blocked.HOLD, Blocked.OTHER_CHANNEL})
#: The gate named when a strategy has no channel to offer.
NO_CHANNEL = "strategy"


def decide(candidate: Candidate, facts: Facts, policy: Policy, gates: Sequence[Gate], number: int = 0) -> Decision:
    """Ask the gates about the strategy's channels, in order, and settle what happens to the candidate.

    candidate: what the step asks for. facts: everything the gates may read, `facts.now` included. policy: from
    `build_policy`. gates: from `in_order`. number: 0 for the first decision on this candidate, then 1, 2, ….

    The first channel that no gate calls "not here" is the one: passed by all, it is sent there in a window; held or
    dropped there, the candidate is held or dropped, except that a step with `other_channel` looks on for a channel that
    may go now. A step that skips or exits when blocked drops instead of holding. Every gate's answer is in `results`.
    """
    results: list[GateResult] = []
    stops: list[GateResult] = []
    market, rules = market_of(facts, policy), policy.purposes[candidate.purpose]
    for channel in channels_of(candidate):
        case = Case(candidate, channel, reach_on(facts, channel), facts, rules, market, policy)
        not_after = _ask(case, gates, results)
        if not_after is not None:
            return Decision(
                candidate, facts, Verdict.SEND, tuple(results), "", "", channel, facts.now, not_after, number=number
            )
        stops.append(results[-1])
        if results[-1].judgment.verdict is not NOT_HERE and candidate.blocked is not Blocked.OTHER_CHANNEL:
            break
    return _blocked(candidate, facts, tuple(results), stops, number)


def channels_of(candidate: Candidate) -> tuple[str, ...]:
    """The channels still open to the candidate, in order: a fallback starts at its rung."""
    return candidate.strategy.channels[candidate.rung :]


def market_of(facts: Facts, policy: Policy) -> MarketRules:
    """The rules of the facts' market; the home market's when the policy does not know it."""
    return policy.markets.get(facts.market) or policy.markets[policy.home_market]


def reach_on(facts: Facts, channel: str) -> ReachFact | None:
    """The address judged and written to on a channel: the first that may be, else the first; None without any."""
    found = None
    for reach in facts.reach:
        if reach.channel == channel:
            if reach.suppressed is None:
                return reach
            found = found or reach
    return found


def _ask(case: Case, gates: Sequence[Gate], results: list[GateResult]) -> datetime | None:
    """Ask gate after gate until one blocks, noting each. The last instant of the window; None when one blocked."""
    last = case.candidate.valid_until
    for gate in gates:
        judgment = gate.judge(case)
        if judgment is None:
            continue
        results.append(GateResult(gate.name, case.channel, judgment))
        if judgment.verdict is not PASS:
            return None
        if judgment.not_after is not None and judgment.not_after < last:
            last = judgment.not_after
    return last


def _blocked(
    candidate: Candidate, facts: Facts, results: tuple[GateResult, ...], stops: list[GateResult], number: int
) -> Decision:
    holds = [stop for stop in stops if stop.judgment.verdict is HOLD]
    if holds and candidate.blocked in WAITING:
        stop = min(holds, key=lambda hold: _until(hold, candidate))
        return Decision(
            candidate,
            facts,
            Verdict.HOLD,
            results,
            stop.gate,
            stop.judgment.reason,
            stop.channel,
            until=_until(stop, candidate),
            number=number,
        )
    gate, reason, channel = _drop(stops)
    leave = candidate.blocked is Blocked.EXIT
    return Decision(candidate, facts, Verdict.DROP, results, gate, reason, channel, leave=leave, number=number)


def _until(hold: GateResult, candidate: Candidate) -> datetime:
    """When a held candidate is decided again; a gate that does not say waits for the end of its validity."""
    return hold.judgment.until or candidate.valid_until


def _drop(stops: list[GateResult]) -> tuple[str, str, str]:
    """Gate, reason and channel of a drop: the first channel that could be used, else all of them together."""
    for stop in stops:
        if stop.judgment.verdict is not NOT_HERE:
            return stop.gate, stop.judgment.reason, stop.channel
    if not stops:
        return NO_CHANNEL, "The step names no further channel.", ""
    channel = stops[0].channel if len(stops) == 1 else ""
    return stops[-1].gate, " ".join(dict.fromkeys(stop.judgment.reason for stop in stops)), channel
