"""Validity: a message that is no longer worth sending is dropped, and none is sent after its last instant."""

from __future__ import annotations

from outrider.contracts.gate import Case
from outrider.domain.decision import GateVerdict, Judgment, Phase
from outrider.orchestration.wording import instant, span


class Validity:
    """Reads `valid_until`. Passes up to and including that instant, and closes the window there."""

    name = "validity"
    phase = Phase.VALIDITY
    order = 0

    def judge(self, case: Case) -> Judgment:
        """Pass with the time that is left, or drop with the time it is late."""
        now, last = case.facts.now, case.candidate.valid_until
        if now <= last:
            return Judgment(GateVerdict.PASS, "It is still worth sending.", f"{span(last - now)} left", None, last)
        return Judgment(
            GateVerdict.DROP,
            f"It was worth sending until {instant(last, case.facts.zone)} only.",
            f"{span(now - last)} late",
            otherwise=f"it had been asked {span(now - last)} earlier, or were valid for longer",
        )


GATE = Validity()
