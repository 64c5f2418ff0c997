"""Route tokens: how fast one process may use a route."""

from __future__ import annotations

from dataclasses import dataclass

from outrider.domain.purpose import Purpose

#: These never wait for a token: a throttle must not delay them.
UNTHROTTLED = frozenset({Purpose.SAFETY, Purpose.SECURITY, Purpose.LEGAL})


@dataclass
class TokenBucket:
    """A bucket that holds one second of tokens; times are monotonic seconds."""

    per_second: float
    _tokens: float = 0.0
    _at: float | None = None

    def wait(self, now: float) -> float:
        """Take a token: 0 when there was one, else the seconds until the next (nothing is taken then)."""
        burst = max(self.per_second, 1.0)
        if self._at is None:
            self._tokens, self._at = burst, now
        self._tokens = min(burst, self._tokens + (now - self._at) * self.per_second)
        self._at = now
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return 0.0
        return (1.0 - self._tokens) / self.per_second

    def take_anyway(self, now: float) -> None:
        """A message that never waits uses the route too: later ones pay for it."""
        self.wait(now)

    def slow_to(self, per_second: float) -> None:
        """From now on no more than this, and no burst of what was saved."""
        self.per_second = per_second
        self._tokens = min(self._tokens, 1.0)
