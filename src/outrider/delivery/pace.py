"""How fast one process uses a route: its configured limit, and below it what the provider bears just now.

A 429 halves the rate (multiplicative decrease), then it grows by a twentieth of the rate it had a second (additive
increase), as TCP's congestion avoidance does (RFC 5681, 3.1) and for the same reason: everybody who shares the limit
comes to a fair part of it.
"""

from __future__ import annotations

from outrider.delivery.throttle import TokenBucket

SLOWER = 0.5
#: Of the rate before the trouble, a second: after ten seconds it is back where it was told to slow.
GROWTH = 0.05
#: Answers that come within this many seconds after a change answer calls that were made before it.
PATIENCE = 1.0
#: Never slower than one message in two seconds: a trickle shows when the trouble is over.
SLOWEST = 0.5
#: Places are promised for so many seconds ahead; who comes later asks again then. A rate may change meanwhile.
PROMISED = 10.0


class Pace:
    """The pace of one route; times are monotonic seconds."""

    def __init__(self, limit: float | None) -> None:
        self.limit = limit
        self._bucket = None if limit is None else TokenBucket(limit)
        #: The rate when the provider last asked to slow down; None while it bears everything.
        self._before: float | None = None
        self._changed = 0.0
        #: Messages of this second and of the one before it, to know the rate of a route without a limit.
        self._second, self._count, self._last = 0, 0, 0
        #: Lane → the last place that was promised: express messages do not stand behind bulk ones.
        self._promised: dict[int, float] = {}

    @property
    def per_second(self) -> float | None:
        """The rate now; None for no limit."""
        return None if self._bucket is None else self._bucket.per_second

    def wait(self, now: float) -> float:
        """Take a place: 0 when there was one, else the seconds until the next (nothing is taken then)."""
        if self._before is not None:
            self._grow(now)
        seconds = 0.0 if self._bucket is None else self._bucket.wait(now)
        if not seconds:
            self._tally(now)
        return seconds

    def promise(self, now: float, wait: float, lane: int) -> float:
        """Seconds until a message that found no place should ask again, given the seconds until the next place.

        Everybody at the next place would be one who gets it and a backlog that asks again, for each single message.
        """
        each = 1.0 / self._bucket.per_second if self._bucket is not None else 0.0
        place = max(now + wait, self._promised.get(lane, 0.0) + each)
        if place > now + PROMISED:
            return max(wait, PROMISED)
        self._promised[lane] = place
        return place - now

    def take_anyway(self, now: float) -> None:
        """A message that never waits uses the route too: later ones pay for it."""
        self.wait(now)

    def slow_down(self, now: float) -> None:
        """The provider asked for less."""
        if self._before is not None and now - self._changed < PATIENCE:
            return
        rate = max(self._rate(now), SLOWEST)
        slower = max(rate * SLOWER, SLOWEST)
        if self._bucket is None:
            self._bucket = TokenBucket(slower)
            self._bucket.wait(now)
        self._bucket.slow_to(slower)
        self._before, self._changed = rate, now

    def _grow(self, now: float) -> None:
        assert self._before is not None
        assert self._bucket is not None
        self._bucket.per_second += (now - self._changed) * GROWTH * self._before
        self._changed = max(now, self._changed)
        if self.limit is None and self._bucket.per_second >= 2 * self._before:
            self._bucket = self._before = None
        elif self.limit is not None and self._bucket.per_second >= self.limit:
            self._bucket.per_second, self._before = self.limit, None

    def _rate(self, now: float) -> float:
        if self._bucket is not None:
            return self._bucket.per_second
        self._turn(int(now))
        return float(max(self._count, self._last))

    def _tally(self, now: float) -> None:
        self._turn(int(now))
        self._count += 1

    def _turn(self, second: int) -> None:
        if second != self._second:
            self._last = self._count if second == self._second + 1 else 0
            self._second, self._count = second, 0
