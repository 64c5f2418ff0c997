"""Consent: purposes that need it need a granted state; a withdrawal is obeyed where the person may object.

A state for one channel (``commercial/sms``) beats the state for the whole purpose (``commercial``).
Service and commercial messages are stopped by an explicit withdrawal even where they need no consent (the right to
object, GDPR Art. 21); safety, security, legal and transactional ones are not: nobody can object to those.
"""

from __future__ import annotations

from functools import lru_cache

from outrider.contracts.gate import Case
from outrider.domain.decision import GateVerdict, Judgment, Phase
from outrider.domain.profile import ConsentState
from outrider.domain.purpose import Purpose

#: A withdrawal stops these also where they need no consent.
MAY_OBJECT = frozenset({Purpose.SERVICE, Purpose.COMMERCIAL})
NOT_NEEDED = Judgment(GateVerdict.PASS, "No consent is needed.")
GRANTED = Judgment(GateVerdict.PASS, "Consent is granted.")


class Consent:
    """Reads the consent states, the purpose's rule and the market's `consent_also_for`. Speaks of one channel only."""

    name = "consent"
    phase = Phase.CONSENT
    order = 0

    def judge(self, case: Case) -> Judgment:
        """Pass when granted, or when neither needed nor withdrawn; otherwise not on this channel."""
        purpose, states = case.candidate.purpose, case.facts.consents
        needed = case.rules.needs_consent or purpose in case.market.consent_also_for
        if not needed and (not states or purpose not in MAY_OBJECT):
            return NOT_NEEDED
        state = states.get(consent_key(purpose, case.channel)) or states.get(purpose)
        if state is ConsentState.GRANTED:
            return GRANTED
        if state is None and not needed:
            return NOT_NEEDED
        return _refused(case, state)


@lru_cache(maxsize=1024)
def consent_key(purpose: Purpose, channel: str) -> str:
    """The key of a state that names a channel: ``commercial/sms``."""
    return f"{purpose}/{channel}"


def _refused(case: Case, state: ConsentState | None) -> Judgment:
    what = f"{case.candidate.purpose} messages by {case.channel}"
    if state is None:
        return Judgment(
            GateVerdict.NOT_HERE,
            f"Consent to {what} was never given, and {case.market.spoken} needs it.",
            otherwise=f"the person had consented to {what}",
        )
    return Judgment(
        GateVerdict.NOT_HERE,
        f"The person withdrew consent to {what}.",
        otherwise=f"the person had not withdrawn consent to {what}",
    )


GATE = Consent()
