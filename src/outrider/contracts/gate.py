"""The gate port: one rule, one pure judgment on one candidate for one channel.

One file in `orchestration/gates/{name}.py` holds a module-level ``GATE = TheGate()``; discovery finds it
and orders gates by phase, then `order`; two gates at the same place fail the start.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from outrider.domain.decision import Candidate, Facts, Judgment, Phase, ReachFact
from outrider.domain.policy import MarketRules, Policy
from outrider.domain.purpose import PurposeRules


class Case(msgspec.Struct, frozen=True):
    """One candidate on one channel, with every fact a gate may read."""

    candidate: Candidate
    channel: str
    #: None when the person has no living address on the channel.
    reach: ReachFact | None
    facts: Facts
    rules: PurposeRules
    market: MarketRules
    policy: Policy


class Gate(Protocol):
    """What every gate offers."""

    @property
    def name(self) -> str:
        """Unique; shown by explain and kept in decisions."""
        ...

    @property
    def phase(self) -> Phase:
        """When it is asked."""
        ...

    @property
    def order(self) -> int:
        """Place within the phase."""
        ...

    def judge(self, case: Case) -> Judgment | None:
        """The gate's answer; None where its rule is not about such a candidate. Pure and total."""
        ...
