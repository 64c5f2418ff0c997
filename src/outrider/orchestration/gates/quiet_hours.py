"""Quiet hours: the market's allowed windows for a purpose and channel, read on the clock where the person is.

A pass also closes the window at the end of the current opening, so a queue never pushes a message into quiet hours.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from outrider.contracts.gate import Case
from outrider.domain.decision import GateVerdict, Judgment, Phase
from outrider.domain.policy import QuietRule
from outrider.domain.purpose import Purpose, WhenQuiet
from outrider.orchestration.hours import HORIZON, closing_rule, next_opening, opening_at
from outrider.orchestration.wording import hours, instant, span

#: The store's finest time: the last allowed instant is this much before the end of a window.
INSTANT = timedelta(microseconds=1)
IGNORED = Judgment(GateVerdict.PASS, "Quiet hours do not apply to this purpose.")
URGENT = Judgment(GateVerdict.PASS, "It is time-critical, so quiet hours do not apply.", "time-critical")
NO_RULE = Judgment(GateVerdict.PASS, "Every hour is allowed here.")


class QuietHours:
    """Reads the market's first fitting rule, the zone, and what the purpose does when it is quiet."""

    name = "quiet_hours"
    phase = Phase.MARKET
    order = 0

    def judge(self, case: Case) -> Judgment:
        """Pass until the current opening ends; when closed, hold until the next or drop when that is too late."""
        purpose, facts = case.candidate.purpose, case.facts
        if case.rules.quiet_hours is WhenQuiet.IGNORE:
            return IGNORED
        if case.candidate.time_critical and purpose is Purpose.TRANSACTIONAL:
            return URGENT
        rule = closing_rule(case.market, purpose, case.channel)
        if rule is None:
            return NO_RULE
        opening = opening_at(case.market, purpose, case.channel, facts.zone, facts.now)
        if opening is None:
            return _closed(case, rule)
        left = f"closes in {span(opening[1] - facts.now)}"
        return Judgment(GateVerdict.PASS, "It is within the allowed hours.", left, None, opening[1] - INSTANT)


def _closed(case: Case, rule: QuietRule) -> Judgment:
    facts = case.facts
    opens = next_opening(case.market, case.candidate.purpose, case.channel, facts.zone, facts.now)
    margin = f"opens in {span(opens - facts.now)}" if opens else f"does not open within {HORIZON} days"
    if opens is not None and opens <= case.candidate.valid_until:
        return Judgment(GateVerdict.HOLD, _reason(case, rule), margin, opens, otherwise=_otherwise(rule))
    if case.rules.quiet_hours is WhenQuiet.HOLD_UNLESS_LATE:
        return Judgment(
            GateVerdict.PASS, "It is outside the allowed hours, but its deadline wins.", f"deadline wins, {margin}"
        )
    return _too_late(case, rule, opens, margin)


def _too_late(case: Case, rule: QuietRule, opens: datetime | None, margin: str) -> Judgment:
    reason = f"{_reason(case, rule)} It is not worth sending by the time that begins."
    longer = f", or it were valid for {span(opens - case.candidate.valid_until)} longer" if opens else ""
    return Judgment(GateVerdict.DROP, reason, margin, otherwise=_otherwise(rule) + longer)


def _reason(case: Case, rule: QuietRule) -> str:
    facts = case.facts
    there = f"it is {instant(facts.now, facts.zone)} in {facts.zone}"
    where = case.market.spoken
    what = f"allows {case.candidate.purpose} messages by {case.channel} {hours(rule)}"
    return f"{where[:1].upper()}{where[1:]} {what}; {there}."


def _otherwise(rule: QuietRule) -> str:
    return f"it had been asked for within the allowed hours ({hours(rule)})"


GATE = QuietHours()
