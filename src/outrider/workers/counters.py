"""What a delivery worker has done since it started."""

from __future__ import annotations

from dataclasses import dataclass

from outrider.domain.attempt import Outcome, Refused, Unknown


@dataclass
class Counters:
    """Intents written, and what came of their calls."""

    intents: int = 0
    accepted: int = 0
    refused: int = 0
    unknown: int = 0
    failovers: int = 0

    def count(self, outcome: Outcome) -> None:
        """One more outcome."""
        if isinstance(outcome, Refused):
            self.refused += 1
        elif isinstance(outcome, Unknown):
            self.unknown += 1
        else:
            self.accepted += 1
