"""Virtual time: what is to happen in order, the clocks of processes, and coroutines driven by hand."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Coroutine, Generator
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Generic, TypeVar

T = TypeVar("T")
Call = Callable[[], None]


class Died(BaseException):
    """The process that runs this ends here and now. Not an Exception: no code of ours may survive it."""


class Later(Generic[T]):
    """Awaited by simulated I/O: after `delay` seconds it gives `result` or raises `error`."""

    def __init__(self, delay: float, result: T | None = None, error: Exception | None = None) -> None:
        self.delay = delay
        self.result = result
        self.error = error

    def __await__(self) -> Generator[Later[T], Any, T]:
        answer: T = yield self
        return answer


class Timeline:
    """What is to happen, in order of time, then in the order in which it was planned."""

    def __init__(self, start: datetime, *, verbose: bool = False) -> None:
        self.start = start
        self.seconds = 0.0
        self.verbose = verbose
        self.steps = 0
        self._heap: list[tuple[float, int, Call]] = []
        self._order = 0
        self._hash = hashlib.blake2b(digest_size=16)

    def now(self) -> datetime:
        """The true time."""
        return self.start + timedelta(seconds=self.seconds)

    def seconds_of(self, at: datetime) -> float:
        """An instant in seconds from the start."""
        return (at - self.start).total_seconds()

    def at(self, seconds: float, call: Call) -> None:
        """Plan a call; never in the past."""
        self._order += 1
        heapq.heappush(self._heap, (max(seconds, self.seconds), self._order, call))

    def after(self, delay: float, call: Call) -> None:
        """Plan a call from now."""
        self.at(self.seconds + delay, call)

    def run_until(self, seconds: float) -> None:
        """Let everything happen up to an instant. May be called from inside a call: a process that stands still."""
        while self._heap and self._heap[0][0] <= seconds:
            at, _, call = heapq.heappop(self._heap)
            self.seconds = max(self.seconds, at)
            self.steps += 1
            call()
        self.seconds = max(self.seconds, seconds)

    def note(self, text: str) -> None:
        """A line of the trace: part of its hash, printed when asked for."""
        line = f"{self.seconds:.6f} {text}"
        self._hash.update(line.encode())
        if self.verbose:
            print(self.now().strftime("%m-%d %H:%M:%S.%f"), text)  # the trace of a replayed day

    @property
    def digest(self) -> str:
        """The hash of the trace so far."""
        return self._hash.hexdigest()


class Process:
    """One process of ours: its own clock, and coroutines that end with it. The port `Clock`."""

    #: The process whose code runs now; set while it runs.
    running: Process | None = None

    def __init__(self, timeline: Timeline, name: str, skew: timedelta = timedelta(0)) -> None:
        self.timeline = timeline
        self.name = name
        self.skew = skew
        self.alive = True
        #: Stands still until then (SIGSTOP, a frozen machine).
        self.frozen_until = 0.0
        self.at_death: Call = lambda: None

    def now(self) -> datetime:
        """The wall clock of this process, which may be wrong."""
        return self.timeline.now() + self.skew

    def monotonic(self) -> float:
        """Seconds since the start; not touched by the wall clock."""
        return self.timeline.seconds

    def freeze(self, seconds: float) -> None:
        """Stand still; what was planned happens when it wakes."""
        self.frozen_until = max(self.frozen_until, self.timeline.seconds + seconds)

    def die(self) -> None:
        """SIGKILL: nothing it was doing goes on."""
        if self.alive:
            self.alive = False
            self.timeline.note(f"{self.name} died")
            self.at_death()

    def after(self, delay: float, call: Call, dropped: Call | None = None) -> None:
        """Plan a call that happens only while the process lives, and not while it stands still."""
        self.timeline.after(delay, partial(self._run, call, dropped))

    def _run(self, call: Call, dropped: Call | None = None) -> None:
        if not self.alive:
            if dropped is not None:
                dropped()
            return
        if self.timeline.seconds < self.frozen_until:
            self.timeline.at(self.frozen_until, partial(self._run, call, dropped))
            return
        before, Process.running = Process.running, self
        try:
            call()
        except Died:
            self.die()
        finally:
            Process.running = before

    def start(
        self,
        coroutine: Coroutine[Any, Any, T],
        done: Callable[[T], None] = lambda _: None,
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Drive a coroutine from now on; it may await `Later` only. `failed` gets what it raises."""
        self._run(partial(self._send, coroutine, done, failed, None))

    def _send(
        self,
        coroutine: Coroutine[Any, Any, T],
        done: Callable[[T], None],
        failed: Callable[[Exception], None] | None,
        later: Later[Any] | None,
    ) -> None:
        try:
            if later is not None and later.error is not None:
                waits = coroutine.throw(later.error)
            else:
                waits = coroutine.send(later.result if later is not None else None)
        except StopIteration as end:
            done(end.value)
        except Exception as error:
            if failed is None:
                raise
            failed(error)
        else:
            self.after(waits.delay, partial(self._send, coroutine, done, failed, waits), coroutine.close)
