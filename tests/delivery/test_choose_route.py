"""Which routes a message may take, and in which order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.delivery.choose_route import fitting, in_order
from outrider.domain.purpose import Purpose
from outrider.domain.route import Route
from outrider.testing import builders
from outrider.testing.memory_subject import HandClock

AT = HandClock().at


def route(name, weight=100, **conditions):
    return Route(name, conditions.pop("channel", "sms"), "main", "ME", weight=weight, **conditions)


def names(routes):
    return [one.name for one in routes]


@pytest.mark.parametrize(
    ("conditions", "fits"),
    [
        ({}, True),
        ({"channel": "push"}, False),
        ({"markets": ("FR", "DE")}, True),
        ({"markets": ("DE",)}, False),
        ({"purposes": (Purpose.SERVICE,)}, True),
        ({"purposes": (Purpose.LEGAL, Purpose.SAFETY)}, False),
    ],
)
def test_a_route_fits_by_channel_market_and_purpose(conditions, fits):
    message = builders.message(builders.stream("anna"), AT)
    assert names(fitting([route("a", **conditions)], message)) == (["a"] if fits else [])


def test_fitting_routes_keep_the_configured_order():
    message = builders.message(builders.stream("anna"), AT)
    assert names(fitting([route("b"), route("x", channel="push"), route("a")], message)) == ["b", "a"]


@pytest.mark.parametrize("weights", [{"a": 60, "b": 40}, {"a": 1, "b": 1, "c": 2}, {"a": 95, "b": 5}])
def test_the_first_route_is_shared_out_by_weight(weights):
    routes = [route(name, weight) for name, weight in weights.items()]
    first = [in_order(routes, number.to_bytes(16, "big"), lambda _: False)[0].name for number in range(10_000)]
    for name, weight in weights.items():
        assert abs(first.count(name) / 10_000 - weight / sum(weights.values())) < 0.03


@given(message=st.binary(min_size=16, max_size=16), weights=st.lists(st.integers(0, 100), min_size=1, max_size=6))
def test_the_order_is_stable_complete_and_has_weight_zero_last(message, weights):
    routes = [route(f"r{number}", weight) for number, weight in enumerate(weights)]
    found = in_order(routes, message, lambda _: False)
    assert found == in_order(list(reversed(routes)), message, lambda _: False)
    assert sorted(names(found)) == sorted(names(routes))
    zeros = [one.weight == 0 for one in found]
    assert zeros == sorted(zeros)


@pytest.mark.parametrize("count", [0, 1])
def test_few_routes_need_no_order(count):
    routes = [route("a"), route("b")]
    assert names(in_order(routes, b"m" * 16, lambda name: name == "b" or not count)) == ["a"][:count]


def test_a_resting_route_is_left_out_without_changing_the_order_of_the_others():
    routes = [route(name) for name in "abcd"]
    full = names(in_order(routes, b"m" * 16, lambda _: False))
    for resting in "abcd":
        assert names(in_order(routes, b"m" * 16, lambda name, resting=resting: name == resting)) == [
            name for name in full if name != resting
        ]
