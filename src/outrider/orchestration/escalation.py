"""Which message a fallback follows, and what followed a message: an escalation as its records tell it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import msgspec

from outrider.domain.decision import Candidate, Decision, Verdict
from outrider.orchestration.explain import STATUSES
from outrider.orchestration.reasons import reason_words
from outrider.orchestration.wording import instant

#: Statuses of a message that did not reach the person.
MISSED = ("failed", "undelivered", "expired")

#: A candidate without a message was dropped; a message that is no longer kept may have been more.
VERDICTS = {Verdict.DROP: "was dropped", Verdict.HOLD: "was held", Verdict.SEND: "was let pass"}


class Rung(msgspec.Struct, frozen=True):
    """One candidate of an escalation: its last decision, and where the message made of it stands, if there is one."""

    #: The message's id as people write it; the decision's where no message is.
    name: str
    decision: Decision
    status: str | None = None
    status_at: datetime | None = None
    reason: str | None = None

    @property
    def candidate(self) -> Candidate:
        """What was asked for."""
        return self.decision.candidate


def escalation_of(identifier: bytes, beside: Iterable[Rung]) -> list[Rung]:
    """The escalation a candidate belongs to, first to last, itself included; empty for one that stands alone.

    beside: candidates among which those of the escalation are (`Reading.beside`).
    """
    rungs = list(beside)
    root = next((rung.candidate.root for rung in rungs if rung.candidate.id == identifier), None) or identifier
    found = [rung for rung in rungs if root in (rung.candidate.id, rung.candidate.root)]
    return sorted(found, key=_order) if len(found) > 1 else []


def _order(rung: Rung) -> tuple[bool, datetime, int]:
    candidate = rung.candidate
    return candidate.root is not None, candidate.asked_at, candidate.rung


def tell(identifier: bytes, escalation: Sequence[Rung], zone: str) -> Iterator[str]:
    """A sentence for each other rung, in order; `zone` is where the person is."""
    place = next((n for n, rung in enumerate(escalation) if rung.candidate.id == identifier), 0)
    for number, rung in enumerate(escalation):
        if number != place:
            yield f"{'Before' if number < place else 'After'} it: {_sentence(rung, zone)}"


def _sentence(rung: Rung, zone: str) -> str:
    why = f", a fallback since {rung.candidate.fallback}," if rung.candidate.fallback else ""
    if rung.status is None:
        return f"{rung.name}{why} {_decided(rung.decision, zone)}"
    missed = f": {reason_words(rung.reason, rung.decision.channel)}" if rung.reason and rung.status in MISSED else ""
    at = f", as of {instant(rung.status_at, zone)}" if rung.status_at else ""
    status = STATUSES.get(rung.status, f"has status {rung.status}")
    return f"{rung.name} by {rung.decision.channel}{why} {status}{at}{missed}."


def _decided(decision: Decision, zone: str) -> str:
    gate = f" by {decision.gate}" if decision.gate else ""
    return f"{VERDICTS[decision.verdict]}{gate} at {instant(decision.facts.now, zone)}. {decision.reason}".rstrip()
