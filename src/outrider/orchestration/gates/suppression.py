"""Suppression: an address that must not be written to is not used, whatever the purpose.

Safety, security and legal messages are stopped too: what a carrier blocks does not arrive, so another channel (or
a task for a person) has to carry them.
"""

from __future__ import annotations

from outrider.contracts.gate import Case
from outrider.domain.decision import GateVerdict, Judgment, Phase

CLEAR = Judgment(GateVerdict.PASS, "The address is not suppressed.")
#: Reasons whose code does not read as a sentence: the suppression list of the provider facts (E.4) and our refusals.
WORDS = {
    "opted_out": "the person opted out with the carrier",
    "unsubscribe": "the person unsubscribed",
    "stop_keyword": "the person replied STOP",
    "complaint": "the person complained about a message",
    "hard_bounce": "messages to it bounce for good",
    "erasure": "the person's data was erased",
    "manual": "an operator suppressed it",
    "carrier_block": "the carrier blocks it",
}


class Suppression:
    """Reads why the address on this channel is suppressed. No address at all is left to the reachability gate."""

    name = "suppression"
    phase = Phase.SUPPRESSION
    order = 0

    def judge(self, case: Case) -> Judgment:
        """Pass, or not on this channel."""
        reach = case.reach
        if reach is None or reach.suppressed is None:
            return CLEAR
        why = WORDS.get(reach.suppressed) or reach.suppressed.replace("_", " ") or "no reason was given"
        return Judgment(
            GateVerdict.NOT_HERE,
            f"The {case.channel} address is suppressed: {why}.",
            otherwise=f"the {case.channel} address were not suppressed",
        )


GATE = Suppression()
