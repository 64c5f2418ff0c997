"""The wheel: never early, at most a tick late, silent once discarded, asleep when empty."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from outrider.lib.http.wheel import LONGEST, TICK, Wheel

#: What float arithmetic on ticks may lose.
ROUNDING = 1e-6


class Timer:
    def __init__(self, at: float, ring: Callable[[], None]) -> None:
        self.at, self.ring, self.is_canceled = at, ring, False

    def when(self) -> float:
        return self.at

    def cancel(self) -> None:
        self.is_canceled = True


class FakeLoop:
    """Time that jumps from timer to timer."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.timers: list[Timer] = []

    def time(self) -> float:
        return self.now

    def call_at(self, at: float, ring: Callable[[], None]) -> Timer:
        self.timers.append(Timer(at, ring))
        return self.timers[-1]

    def pending(self) -> list[Timer]:
        return sorted((timer for timer in self.timers if not timer.is_canceled), key=Timer.when)

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while (due := self.pending()) and due[0].at <= end:
            self.now = max(self.now, due[0].at)
            self.timers.remove(due[0])
            due[0].ring()
        self.now = end


class Item:
    def __init__(self, loop: FakeLoop) -> None:
        self.loop = loop
        self.expired_at: float | None = None

    def expire(self) -> None:
        assert self.expired_at is None, "expired twice"
        self.expired_at = self.loop.now


def wheel_on(loop: FakeLoop) -> Wheel:
    return Wheel(cast(asyncio.AbstractEventLoop, loop))


SECONDS = st.floats(0.001, 40)


@given(st.lists(st.tuples(st.floats(0, 5), SECONDS), min_size=1, max_size=20))
def test_every_item_expires_once_within_a_tick_after_its_time(plan: list[tuple[float, float]]) -> None:
    loop = FakeLoop()
    wheel = wheel_on(loop)
    items = []
    for pause, seconds in plan:
        loop.advance(pause)
        items.append((Item(loop), loop.now + seconds))
        wheel.add(items[-1][0], seconds)
    loop.advance(100)
    for item, due in items:
        assert item.expired_at is not None
        assert due - ROUNDING <= item.expired_at <= due + TICK + ROUNDING
    assert not loop.pending()


@given(st.lists(st.tuples(SECONDS, st.booleans()), min_size=1, max_size=20))
def test_a_discarded_item_never_expires(plan: list[tuple[float, bool]]) -> None:
    loop = FakeLoop()
    wheel = wheel_on(loop)
    items = [(Item(loop), discard) for _, discard in plan]
    for (item, discard), (seconds, _) in zip(items, plan, strict=True):
        slot = wheel.add(item, seconds)
        if discard:
            slot.discard(item)
    loop.advance(100)
    assert [item.expired_at is None for item, _ in items] == [discard for _, discard in items]


@given(st.lists(SECONDS, min_size=1, max_size=20))
def test_one_timer_serves_all(seconds: list[float]) -> None:
    loop = FakeLoop()
    wheel = wheel_on(loop)
    for each in seconds:
        wheel.add(Item(loop), each)
    assert len(loop.pending()) == 1


def test_an_item_may_add_and_discard_others_while_it_expires() -> None:
    loop = FakeLoop()
    wheel = wheel_on(loop)
    later = Item(loop)

    class Adding(Item):
        def expire(self) -> None:
            super().expire()
            slot.discard(self)
            wheel.add(later, 1.0)

    adding = Adding(loop)
    slot = wheel.add(adding, 1.0)
    loop.advance(5)
    assert adding.expired_at is not None
    assert later.expired_at is not None
    assert later.expired_at - adding.expired_at >= 1.0 - ROUNDING


def test_an_endless_deadline_is_cut_to_a_day() -> None:
    loop = FakeLoop()
    item = Item(loop)
    wheel_on(loop).add(item, float("inf"))
    loop.advance(LONGEST + 1)
    assert item.expired_at is not None


def test_a_stopped_wheel_forgets_everything() -> None:
    loop = FakeLoop()
    wheel = wheel_on(loop)
    item = Item(loop)
    wheel.add(item, 1.0)
    wheel.stop()
    loop.advance(5)
    assert item.expired_at is None
    assert not loop.pending()
