"""Dedupe key: what was asked for under a key already is not sent again, however often it is asked for."""

from __future__ import annotations

from outrider.contracts.gate import Case
from outrider.domain.decision import DEDUPE, GateVerdict, Judgment, Phase
from outrider.domain.message import LET_GO
from outrider.orchestration.wording import instant

FIRST = Judgment(GateVerdict.PASS, "Nothing was asked for under its dedupe key before.", "first under its key")


class DedupeKey:
    """Reads the earlier message under the candidate's dedupe key. Has no say on candidates without one."""

    name = "dedupe_key"
    phase = Phase.VALIDITY
    order = 1

    def judge(self, case: Case) -> Judgment | None:
        """Pass the first one, and one after a message that certainly did not arrive; drop the others."""
        earlier = case.facts.extra.get(DEDUPE)
        if earlier is None:
            return None
        if not earlier:
            return FIRST
        message, status = earlier["message"], earlier["status"]
        if status in LET_GO:
            return Judgment(
                GateVerdict.PASS, "The earlier message under its dedupe key did not arrive.", f"{message} {status}"
            )
        return Judgment(
            GateVerdict.DROP,
            f"It was already asked for on {instant(earlier['at'], case.facts.zone)} as {message}.",
            f"that one is {status}" if status else "",
            otherwise=f"{message} had not been sent or had not arrived, or it had another dedupe key",
        )


GATE = DedupeKey()
