"""A retry budget: second and further attempts on a route stay a share of its first ones.

Retries by everybody at once keep a provider down that is in trouble. A token bucket bounds them: each first attempt
pays in a share of a token, each further attempt (a retry, or a failover from elsewhere) takes one out. A few tokens a
minute come for free, so that a quiet installation can retry at all. Common practice of retry budgets: Finagle's default
is 20 % of requests and a free minimum; gRPC's retry throttling (gRFC A6) and the AWS Builders' Library ("Timeouts,
retries, and backoff with jitter") use the same bucket.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from outrider.domain.purpose import Purpose

#: These are tried again whatever it costs: a code or a warning that is late is lost.
UNBUDGETED = frozenset({Purpose.SAFETY, Purpose.SECURITY})


class RetryRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much may be tried again."""

    #: Tokens each first attempt pays in.
    share: float = 0.2
    #: Tokens a minute that come for free; also the most that is kept.
    per_minute: float = 30.0

    def most(self, firsts: int, seconds: float) -> float:
        """The most further attempts on one route by one process in a stretch of time with so many first attempts."""
        return self.share * firsts + self.per_minute * (1 + seconds / 60)


@dataclass
class RetryBudget:
    """The budget of one route in one process; times are monotonic seconds."""

    rules: RetryRules
    _tokens: float | None = None
    _at: float = 0.0

    def first(self) -> None:
        """A first attempt begins."""
        tokens = self.rules.per_minute if self._tokens is None else self._tokens
        self._tokens = min(tokens + self.rules.share, self.rules.per_minute)

    def wait(self, now: float) -> float:
        """0 when there is a token for a further attempt, else seconds until one comes for free. Takes nothing."""
        rate = self.rules.per_minute / 60
        tokens = self.rules.per_minute if self._tokens is None else self._tokens + (now - self._at) * rate
        self._tokens, self._at = min(tokens, self.rules.per_minute), now
        return 0.0 if self._tokens >= 1.0 else (1.0 - self._tokens) / rate

    def take(self) -> None:
        """A further attempt begins; `wait` has just said 0."""
        assert self._tokens is not None
        self._tokens -= 1.0
