"""Frequency caps: at most so many messages in a rolling time or in a local day, week or month, per purpose and channel.

A slot is held from the decision on, takes the intent's time, is given back on refusal and kept while the outcome is
unknown: which messages those are is for whoever collects `recent`; here they are counted.
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from functools import lru_cache

from outrider.contracts.gate import Case
from outrider.domain.decision import GateVerdict, Judgment, Phase
from outrider.domain.policy import Cap
from outrider.orchestration.slots import fitting, free_at, since, slots, zone_of
from outrider.orchestration.wording import instant, span

NOT_OBEYED = Judgment(GateVerdict.PASS, "Caps do not apply to this purpose.")
NO_CAP = Judgment(GateVerdict.PASS, "No cap applies.")

Counted = tuple[Cap, list[datetime]]


class FrequencyCap:
    """Reads the caps that apply to the purpose and channel, and the recent messages that hold a slot."""

    name = "frequency_cap"
    phase = Phase.CAP
    order = 0

    def judge(self, case: Case) -> Judgment:
        """Pass with the margin of the tightest cap; hold until each full cap has a free slot, or drop if too late."""
        if not case.rules.obeys_caps:
            return NOT_OBEYED
        caps = fitting(case.policy.caps, case.candidate.purpose, case.channel)
        if not caps:
            return NO_CAP
        now, recent, zone = case.facts.now, case.facts.recent, zone_of(case.facts.zone, case.market)
        counted = [(cap, slots(cap, recent, since(cap, now, zone))) for cap in caps]
        tightest = min(counted, key=_room)
        if _room(tightest) > 0:
            return Judgment(GateVerdict.PASS, "Every cap has a free slot.", _used(tightest[0], len(tightest[1])))
        return _full(case, zone, [one for one in counted if _room(one) <= 0])


def _room(counted: Counted) -> int:
    return counted[0].at_most - len(counted[1])


def _full(case: Case, zone: tzinfo, full: list[Counted]) -> Judgment:
    """The cap that frees a slot last decides."""
    now, last = case.facts.now, case.candidate.valid_until
    until, cap, used = max(
        ((free_at(cap, taken, now, zone), cap, len(taken)) for cap, taken in full), key=lambda one: one[0]
    )
    margin = f"{_used(cap, used)}; a slot is free in {span(until - now)}"
    reason = f"The cap '{cap.name}' is full until {instant(until, case.facts.zone)}."
    otherwise = f"the cap '{cap.name}' had a free slot"
    if until <= last:
        return Judgment(GateVerdict.HOLD, reason, margin, until, otherwise=otherwise)
    late = f"{otherwise}, or it were valid for {span(until - last)} longer"
    return Judgment(GateVerdict.DROP, f"{reason} It is not worth sending by then.", margin, otherwise=late)


@lru_cache(maxsize=4096)
def _used(cap: Cap, used: int) -> str:
    return f"{used} of {cap.at_most} used {f'this {cap.per}' if cap.per else f'in {span(cap.within)}'}"


GATE = FrequencyCap()
