"""Estimated against told costs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from outrider.analytics.costs import drift, is_off
from outrider.contracts.reading_store import CostLine

LINE = CostLine(
    key="FR", currency="EUR", messages=2, counted=2, segments=2, recounted=0, estimated=0.1, told=0.1, priced=2,
    estimated_of_told=0.1, told_of_estimated=0.1,
)  # fmt: skip


@pytest.mark.parametrize(
    ("estimated", "told", "found", "off"),
    [
        (1.0, 1.0, 0.0, False),
        (1.0, 1.019, 0.019, False),
        (1.0, 1.021, 0.021, True),
        (1.0, 0.97, -0.03, True),
        (None, None, None, False),
        (1.0, None, None, False),
        (0.0, 0.5, None, False),
    ],
)
def test_more_than_two_percent_either_way_is_off(estimated, told, found, off):
    line = replace(LINE, estimated_of_told=estimated, told_of_estimated=told)
    assert drift(line) == (None if found is None else pytest.approx(found))
    assert is_off(line) is off


def test_other_segments_are_off_whatever_they_cost():
    assert is_off(replace(LINE, recounted=1))


@given(st.floats(0.01, 1e6), st.floats(0, 1e6))
def test_the_estimate_and_its_drift_give_the_told_costs(estimated, told):
    line = replace(LINE, estimated_of_told=estimated, told_of_estimated=told)
    assert estimated * (1 + drift(line)) == pytest.approx(told, abs=1e-6)
