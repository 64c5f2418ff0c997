"""Reachability: a channel without a living address is not used."""

from __future__ import annotations

from outrider.contracts.gate import Case
from outrider.domain.decision import STRANGER, GateVerdict, Judgment, Phase

UNKNOWN = Judgment(
    GateVerdict.NOT_HERE, "Nobody is known by this key.", otherwise="the profile were known before, with an address"
)
REACHABLE = Judgment(GateVerdict.PASS, "There is a living address.")


class Reachability:
    """Reads whether the person has a living address on the channel, or is nobody we know."""

    name = "reachability"
    phase = Phase.REACHABILITY
    order = 0

    def judge(self, case: Case) -> Judgment:
        """Pass, or not on this channel."""
        if case.reach is not None:
            return REACHABLE
        if STRANGER in case.facts.extra:
            return UNKNOWN
        return Judgment(
            GateVerdict.NOT_HERE,
            f"There is no living {case.channel} address.",
            otherwise=f"there were a living {case.channel} address",
        )


GATE = Reachability()
