"""Route health of one process: a breaker for each route, opened by trouble, healed by a probe.

Only trouble that says something about the route counts: broken calls, no connection, unavailable. Refusals of a
recipient or a text do not. The figures: opened by at least half of the last 20 calls failing (at least 5 of them),
probed after 15 s with a single message, doubling to 4 min while probes fail.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

from outrider.domain.attempt import Accepted, Outcome, Reason, Refused, Scope, Unknown

WINDOW = 20
LEAST_FAILURES = 5
SHARE = 0.5
FIRST_REST = 15.0
LONGEST_REST = 240.0

#: Refusals that speak of the route's own trouble.
TROUBLE = frozenset({Reason.UNAVAILABLE, Reason.NOT_CONNECTED})


class Health(StrEnum):
    """The state of a breaker."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass
class Breaker:
    """The health of one route; times are monotonic seconds."""

    state: Health = Health.CLOSED
    reason: str = ""
    _recent: deque[bool] = field(default_factory=lambda: deque(maxlen=WINDOW))
    _rest: float = FIRST_REST
    _until: float = 0.0
    _probing: bool = False

    def is_open(self, now: float) -> bool:
        """Whether the route rests. After its rest one caller gets False: the probe."""
        if self.state is Health.CLOSED:
            return False
        if self.state is Health.OPEN and now >= self._until:
            self.state = Health.HALF_OPEN
            self._probing = False
        return self.state is Health.OPEN or self._probing

    def begin_probe(self) -> None:
        """The route was chosen: while half open, nobody else is let through until the answer."""
        if self.state is Health.HALF_OPEN:
            self._probing = True

    def forgo_probe(self) -> None:
        """The message that was chosen is not sent, so there will be no answer: let another one through."""
        self._probing = False

    def reopens_at(self) -> float:
        """When an open breaker lets a probe through."""
        return self._until

    def learn(self, outcome: Outcome, now: float) -> bool:
        """Take an outcome in; True when the state changed.

        While it rests, answers are those of calls begun before: they neither end nor lengthen the rest.
        """
        before = self.state
        trouble = _is_trouble(outcome)
        if trouble is None:
            self._probing = False
            return False
        self._recent.append(trouble)
        if self.state is Health.CLOSED:
            self._trip_when_bad(outcome, now)
        elif self._probing:
            self._after_probe(trouble, outcome, now)
        return self.state is not before

    def _trip_when_bad(self, outcome: Outcome, now: float) -> None:
        failures = sum(self._recent)
        if failures >= LEAST_FAILURES and failures >= SHARE * len(self._recent):
            self._open(outcome, now, FIRST_REST)

    def _after_probe(self, trouble: bool, outcome: Outcome, now: float) -> None:
        if trouble:
            self._open(outcome, now, min(self._rest * 2, LONGEST_REST))
        else:
            self.state, self.reason, self._probing = Health.CLOSED, "a trial message got an answer", False
            self._recent.clear()

    def _open(self, outcome: Outcome, now: float, rest: float) -> None:
        self.state, self._rest, self._until, self._probing = Health.OPEN, rest, now + rest, False
        self.reason = (
            f"{sum(self._recent)} of the last {len(self._recent)} calls failed, the last with: {_words(outcome)}"
        )


def _is_trouble(outcome: Outcome) -> bool | None:
    """True for trouble of the route, False for a sign of life, None when it says nothing."""
    if isinstance(outcome, Unknown):
        return True
    if isinstance(outcome, Refused):
        if outcome.reason in TROUBLE:
            return True
        return None if outcome.scope is Scope.ACCOUNT else False
    assert isinstance(outcome, Accepted)
    return False


def _words(outcome: Outcome) -> str:
    if isinstance(outcome, Refused):
        return f"{outcome.reason} {outcome.detail}".strip()
    return outcome.detail if isinstance(outcome, Unknown) else "accepted"
