"""Route tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.delivery.throttle import UNTHROTTLED, TokenBucket
from outrider.domain.purpose import Purpose


@pytest.mark.parametrize(("per_second", "burst"), [(10.0, 10), (2.5, 2), (1.0, 1), (0.2, 1)])
def test_a_bucket_starts_with_one_second_of_tokens_and_at_least_one(per_second, burst):
    bucket = TokenBucket(per_second)
    assert [bucket.wait(5.0) for _ in range(burst)] == [0.0] * burst
    assert bucket.wait(5.0) > 0


@pytest.mark.parametrize("per_second", [0.1, 1.0, 3.0, 50.0])
def test_waiting_as_told_gives_a_token(per_second):
    bucket, now = TokenBucket(per_second), 100.0
    for _ in range(200):
        wait = bucket.wait(now)
        now += wait
        if wait:
            assert bucket.wait(now + 1e-6) == 0.0


@given(st.floats(0.1, 100), st.lists(st.floats(0, 2), max_size=200))
def test_no_stretch_of_time_lets_more_through_than_the_rate_and_one_burst(per_second, waits):
    bucket, now, taken = TokenBucket(per_second), 0.0, 0
    for wait in waits:
        now += wait
        taken += bucket.wait(now) == 0.0
        assert taken <= now * per_second + max(per_second, 1.0) + 1e-6


def test_who_never_waits_still_uses_the_route_up():
    bucket = TokenBucket(1.0)
    bucket.take_anyway(0.0)
    assert bucket.wait(0.0) > 0
    bucket.take_anyway(0.0)
    assert bucket.wait(1.0) == 0.0


def test_safety_security_and_legal_are_the_ones_that_never_wait():
    assert {Purpose.SAFETY, Purpose.SECURITY, Purpose.LEGAL} == UNTHROTTLED
