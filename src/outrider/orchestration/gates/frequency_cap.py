"""Frequency caps: at most so many messages in any rolling stretch of time, counted over everything that holds a slot.

A slot is held from the decision on, takes the intent's time, is given back on refusal and kept while the outcome is
unknown: which messages those are is for whoever collects `recent`; here they are counted.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache

from outrider.contracts.gate import Case
from outrider.domain.decision import GateVerdict, Judgment, Phase, Recent
from outrider.domain.policy import Cap
from outrider.domain.purpose import Purpose
from outrider.orchestration.wording import instant, span

NOT_OBEYED = Judgment(GateVerdict.PASS, "Caps do not apply to this purpose.")
NO_CAP = Judgment(GateVerdict.PASS, "No cap applies.")


class FrequencyCap:
    """Reads the caps that apply to the purpose and channel, and the recent messages that hold a slot."""

    name = "frequency_cap"
    phase = Phase.CAP
    order = 0

    def judge(self, case: Case) -> Judgment:
        """Pass with the margin of the tightest cap; hold until each full cap has a free slot, or drop if too late."""
        if not case.rules.obeys_caps:
            return NOT_OBEYED
        caps = caps_for(case.policy.caps, case.candidate.purpose, case.channel)
        if not caps:
            return NO_CAP
        now, recent = case.facts.now, case.facts.recent
        counted = [(cap, len(slots(cap, recent, now))) for cap in caps]
        cap, used = min(counted, key=_room)
        if used < cap.at_most:
            return Judgment(GateVerdict.PASS, "Every cap has a free slot.", _used(used, cap.at_most, cap.within))
        return _full(case, [cap for cap, used in counted if used >= cap.at_most])


@lru_cache(maxsize=1024)
def caps_for(caps: tuple[Cap, ...], purpose: Purpose, channel: str) -> tuple[Cap, ...]:
    """The caps that name the purpose and channel, or leave them open; in the given order."""
    return tuple(
        cap
        for cap in caps
        if (not cap.purposes or purpose in cap.purposes) and (not cap.channels or channel in cap.channels)
    )


def slots(cap: Cap, recent: tuple[Recent, ...], now: datetime) -> list[datetime]:
    """When the messages holding a slot of the cap at `now` were sent; one exactly `within` ago holds none any more."""
    since, purposes, channels = now - cap.within, cap.purposes, cap.channels
    return [
        one.at
        for one in recent
        if one.at > since and (not purposes or one.purpose in purposes) and (not channels or one.channel in channels)
    ]


def _room(counted: tuple[Cap, int]) -> int:
    return counted[0].at_most - counted[1]


def _full(case: Case, caps: list[Cap]) -> Judgment:
    """The cap that frees a slot last decides."""
    now, last = case.facts.now, case.candidate.valid_until
    until, cap = max(((_free_at(cap, case), cap) for cap in caps), key=lambda pair: pair[0])
    used = len(slots(cap, case.facts.recent, now))
    margin = f"{_used(used, cap.at_most, cap.within)}; a slot is free in {span(until - now)}"
    reason = f"The cap {cap.name} is full until {instant(until, case.facts.zone)}."
    otherwise = f"the cap {cap.name} had a free slot"
    if until <= last:
        return Judgment(GateVerdict.HOLD, reason, margin, until, otherwise=otherwise)
    late = f"{otherwise}, or it were valid for {span(until - last)} longer"
    return Judgment(GateVerdict.DROP, f"{reason} It is not worth sending by then.", margin, otherwise=late)


def _free_at(cap: Cap, case: Case) -> datetime:
    """When so many have fallen out that one fits: the newest `at_most` are what has to shrink by one."""
    taken = sorted(slots(cap, case.facts.recent, case.facts.now), reverse=True)
    return taken[cap.at_most - 1] + cap.within


@lru_cache(maxsize=4096)
def _used(used: int, at_most: int, within: timedelta) -> str:
    return f"{used} of {at_most} used in {span(within)}"


GATE = FrequencyCap()
