"""Minimum gap: two messages to one person stand so far apart, whatever journeys and campaigns they come from.

What counts is what holds a slot of a cap: decided, intended, or of unknown outcome.
"""

from __future__ import annotations

from datetime import datetime

from outrider.contracts.gate import Case
from outrider.domain.decision import GateVerdict, Judgment, Phase
from outrider.orchestration.slots import fitting, since, slots, zone_of
from outrider.orchestration.wording import instant, span

NOT_OBEYED = Judgment(GateVerdict.PASS, "Gaps do not apply to this purpose.")
NO_GAP = Judgment(GateVerdict.PASS, "No gap applies.")
QUIET = Judgment(GateVerdict.PASS, "The last message is long enough ago.")


class MinimumGap:
    """Reads the gaps that apply to the purpose and channel, and when the last message that counts went out."""

    name = "minimum_gap"
    phase = Phase.GAP
    order = 0

    def judge(self, case: Case) -> Judgment:
        """Pass, hold until the longest open gap is over, or drop when it is not worth sending by then."""
        if not case.rules.obeys_caps:
            return NOT_OBEYED
        gaps = fitting(case.policy.gaps, case.candidate.purpose, case.channel)
        if not gaps:
            return NO_GAP
        facts = case.facts
        zone = zone_of(facts.zone, case.market)
        near = [(gap, slots(gap, facts.recent, since(gap, facts.now, zone))) for gap in gaps]
        ends = [(max(sent) + gap.at_least, gap.name) for gap, sent in near if sent]
        return _too_near(case, *max(ends)) if ends else QUIET


def _too_near(case: Case, until: datetime, name: str) -> Judgment:
    now, last = case.facts.now, case.candidate.valid_until
    margin = f"over in {span(until - now)}"
    reason = f"The gap '{name}' to the message before it lasts until {instant(until, case.facts.zone)}."
    otherwise = f"the gap '{name}' were over"
    if until <= last:
        return Judgment(GateVerdict.HOLD, reason, margin, until, otherwise=otherwise)
    late = f"{otherwise}, or it were valid for {span(until - last)} longer"
    return Judgment(GateVerdict.DROP, f"{reason} It is not worth sending by then.", margin, otherwise=late)


GATE = MinimumGap()
