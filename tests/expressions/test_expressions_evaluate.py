"""What a compiled condition gives: values, missing fields, null, zones, bounds; always the same, never a crash."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from expression_strategies import FIELDS, VALUES, conditions, contexts, literals, path, same
from hypothesis import given, settings
from hypothesis import strategies as st

from outrider.expressions import EvaluationError, Expr, Kind, Verdict, holds, judge, parse, write
from outrider.expressions import compile as to_function
from outrider.expressions.compiler import ITEMS
from outrider.expressions.nodes import Binary, Index, Items, Literal
from outrider.expressions.values import LEVELS

PARIS = ZoneInfo("Europe/Paris")
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Color(StrEnum):
    RED = "red"


FACTS: dict[str, Any] = {
    "market": "GB",
    "now": NOON,
    "color": Color.RED,
    "profile": {"language": "fr", "vip": False, "zone": "America/New_York"},
    "booking": {
        "days": 3,
        "price": 10,
        "spot": None,
        "extras": ["gps", "seat"],
        "cars": [{"model": "Astra"}, {"model": "Corsa"}],
        "starts_at": datetime(2026, 5, 1, 16, tzinfo=PARIS),
        "pick up": {"city": "Lyon"},
    },
}


def value(text: str, context: Mapping[str, Any] = FACTS) -> Any:
    return to_function(parse(text), FIELDS)(context)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('market == "GB" && booking.days >= 3', True),
        ('booking.channel != "partner"', "booking.channel: missing"),
        ('profile.language in ["fr", "es"]', True),
        ('profile.language in ["de", "es"]', False),
        ("booking.days in [3.0, 4]", True),
        ("has(booking.spot)", True),
        ("has(booking.spot) && booking.spot != null", False),
        ("has(booking.car)", False),
        ("has(booking.car.model)", False),
        ("has(booking.spot.id)", False),
        ("has(trip.car.model)", False),
        ("has(booking.days.x)", "has(booking.days.x): booking.days is not a map"),
        ("has(booking.days.x.y)", "booking.days.x: booking.days is not a map"),
        ("has(booking.cars[0].model)", True),
        ("has(booking.cars[0].seats)", False),
        ("has(booking.cars[2].model)", "booking.cars[2]: there is no item 2, the list has 2"),
        ("booking.cars[1].model", "Corsa"),
        ("booking.cars[1].seats", "booking.cars[1].seats: missing"),
        ("booking.extras[0].model", "booking.extras[0].model: booking.extras[0] is not a map"),
        ('booking["pick up"].city == "Lyon"', True),
        ("booking.cars.exists(car, car.model == market || car.model == 'Astra')", True),
        ("booking.cars.exists(market, market.model == 'Astra') && market == 'GB'", True),
        ("booking.cars.all(car, car.seats > 2)", "car.seats: missing"),
        ("booking.cars.all(car, car.seats > 2 && car.model == 'x')", False),
        ("[1, 'x', 2.5].exists(i, i > 2)", True),
        ("[1, 'x', 2.5].all(i, i > 2)", False),
        ("['x', 2.5].all(i, i > 2)", "i > 2: cannot compare string with int"),
        ("[1].all(i, i)", "i: expected bool, got int"),
        ("market.exists(m, true)", "market: exists needs a list or a map, got string"),
        ("booking.starts_at - now", timedelta(hours=2)),
        ('booking.starts_at - now < duration("3h")', True),
        ('duration("1h") + now', datetime(2026, 5, 1, 13, tzinfo=UTC)),
        ('booking.starts_at == timestamp("2026-05-01T14:00:00Z")', True),
        ("booking.starts_at.getHours()", 14),
        ('booking.starts_at.getHours("Europe/Paris")', 16),
        ("booking.starts_at.getHours(profile.zone)", 10),
        ('booking.starts_at.getMinutes("+05:30")', 30),
        ('booking.starts_at.getHours("-02:00")', 12),
        (
            "now.getHours(profile.language)",
            "now.getHours(profile.language): 'fr' is not a time zone: expected a name such as Europe/Paris",
        ),
        ("now.getHours(profile)", "now.getHours(profile): getHours does not take timestamp and map"),
        ('now.getHours("../etc/passwd")', "'../etc/passwd' is not a time zone"),
        ('now.getHours("Europe")', "'Europe' is not a time zone"),
        ('now.getHours("+24:00")', "'+24:00' is not a time zone"),
        ("timestamp(market)", "timestamp(market): 'GB' is not a timestamp"),
        ('timestamp("2026-02-30T00:00:00Z")', "'2026-02-30T00:00:00Z' is not a timestamp"),
        ('timestamp("2026-05-01T12:00:00")', "'2026-05-01T12:00:00' is not a timestamp"),
        ('timestamp("0001-01-01T00:00:00+01:00")', "the timestamp is out of range"),
        ('timestamp("9999-12-31T23:59:59Z") + duration("1s")', "the result is out of range"),
        ('timestamp("9999-12-31T23:59:59Z").getHours("+01:00")', "the timestamp is out of range"),
        ("timestamp(now) == now", True),
        ('duration("1h2m3s4ms5us6ns")', timedelta(hours=1, minutes=2, seconds=3, milliseconds=4, microseconds=5)),
        ('duration("7µs") == duration("7us") && duration("1500ns") == duration("1us")', True),
        ('duration("-1.5h")', timedelta(minutes=-90)),
        ('duration("+.5s")', timedelta(milliseconds=500)),
        ('duration("0")', timedelta()),
        ('duration("5")', "'5' is not a duration"),
        ('duration("")', "'' is not a duration"),
        ('duration("99999999999h")', "is longer than 10,000 years"),
        ('duration(duration("1s"))', timedelta(seconds=1)),
        ('duration("-90m").getHours()', -1),
        ("booking.spot == null", True),
        ("booking.spot == 1", False),
        ("booking.spot < 1", "booking.spot < 1: cannot compare null with int"),
        ("booking.spot.id == 1", "booking.spot.id: booking.spot is null and has no fields"),
        ("market.code == 1", "market.code: market is a str and has no fields"),
        ("trip.car.model == 'x'", "trip: missing"),
        ("trip == 1", "trip: missing"),
        ("booking.a.b.c == 1", "booking.a: missing"),
        ("booking.days.a.b == 1", "booking.days.a.b: booking.days is a int and has no fields"),
        ("trip.x == 1 || market == 'GB'", True),
        ("market == 'GB' || trip.x == 1", True),
        ("trip.x == 1 && market == 'FR'", False),
        ("market == 'FR' && trip.x == 1", False),
        ("trip.x == 1 && market == 'GB'", "trip: missing"),
        ("trip.x == 1 || trip.y == 2 || market == 'FR'", "trip: missing"),
        ("market || booking.days == 3", True),
        ("market || booking.days == 4", "market: expected bool, got string"),
        ("market ? 1 : 2", "market: expected bool, got string"),
        ("market == 'GB' ? 1 : trip.x", 1),
        ("market == 'FR' ? trip.x : 2", 2),
        ("!market", "!market: ! needs bool, got string"),
        ("-market", "-market: there is no negative of string"),
        ("-booking.days", -3),
        ("-(-9223372036854775808)", "the result does not fit 64 bits"),
        ("9223372036854775807 + 1", "9223372036854775807 + 1: the result does not fit 64 bits"),
        ("-9223372036854775807 - 1", -(2**63)),
        ("-9223372036854775807 - 2", "the result does not fit 64 bits"),
        ("9223372036854775806 + 1", 2**63 - 1),
        ("-(1.5 + 1.0)", -2.5),
        ('booking[market == "GB" ? "days" : "x"]', 3),
        ("booking.days / 0", "booking.days / 0: division by zero"),
        ("booking.days % 0", "division by zero"),
        ("7 / -2", -3),
        ("-7 % 3", -1),
        ("7 % -3", 1),
        ("7 / 2", 3),
        ("booking.price / 4", 2.5),
        ("booking.price / 0", math.inf),
        ("4 / booking.price", 0.4),
        ("booking.price / market", "there is no int / string"),
        ("booking.days + 0.5", 3.5),
        ("7 % 2.0", "7 % 2.0: there is no int % float"),
        ("1e308 * 10.0", math.inf),
        ("-1.0 / 0.0", -math.inf),
        ("1.0 / -0.0", -math.inf),
        ("0.0 / 0.0 == 0.0 / 0.0", False),
        ("0.0 / 0.0 != 0.0 / 0.0", True),
        ("1 == true", False),
        ("0 == false", False),
        ("profile.vip == 0", False),
        ("profile.vip != 0", True),
        ("profile.vip < 1", "profile.vip < 1: cannot compare bool with int"),
        ("false < true", True),
        ('"Z" < "a" && "é" > "z"', True),
        ("[1, [2.0, 'a']] == [1.0, [2, 'a']]", True),
        ("[1] == [true]", False),
        ("profile == profile", True),
        ("booking.cars[0] == booking.cars[1]", False),
        ("booking.extras + ['a'] == ['gps', 'seat', 'a']", True),
        ('"days" in booking', True),
        ("3 in booking", False),
        ('"g" in market', '"g" in market: `in` needs a list or a map on its right, got string'),
        ("market in market", "`in` needs a list or a map on its right, got string"),
        ("booking[market]", "booking[market]: there is no key 'GB'"),
        ("booking.extras[booking.days]", "there is no item 3, the list has 2"),
        ("booking.extras[-1]", "there is no item -1, the list has 2"),
        ("booking.extras[true]", "cannot take item bool of list"),
        ("market[0]", "cannot take item int of string"),
        ('market.startsWith("G") && market.endsWith("B") && market.contains("")', True),
        ("booking.days.startsWith('x')", "startsWith does not take int and string"),
        ("size()", "size(): size does not take nothing"),
        ('size("é🚗")', 2),
        ("booking.extras.size() + size(booking.cars[0])", 3),
        ('color == "red" && color in ["red"] && color.startsWith("r") && color < "s"', True),
    ],
)
def test_a_condition_gives_a_value_or_says_why_not(text: str, expected: object) -> None:
    if isinstance(expected, str) and expected != value_or_none(text):
        with pytest.raises(EvaluationError) as caught:
            value(text)
        assert expected in str(caught.value)
    else:
        assert same(value(text), expected)


def value_or_none(text: str) -> object:
    try:
        return value(text)
    except EvaluationError:
        return None


def test_an_error_tells_path_and_reason_apart() -> None:
    with pytest.raises(EvaluationError) as caught:
        value("booking.cars[0].model == trip.car")
    assert (caught.value.path, caught.value.reason) == ("trip", "missing")


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("market == 'GB'", Verdict(True)),
        ("market == 'FR'", Verdict(False)),
        ("trip.x == 1", Verdict(False, "trip: missing")),
        ("!(trip.x == 1)", Verdict(False, "trip: missing")),
        ("market", Verdict(False, "the result is str, not bool")),
        ("booking.spot", Verdict(False, "the result is NoneType, not bool")),
    ],
)
def test_an_error_counts_as_no_and_is_told(text: str, verdict: Verdict) -> None:
    compiled = to_function(parse(text))
    assert judge(compiled, FACTS) == verdict
    assert holds(compiled, FACTS) is verdict.value


@pytest.mark.parametrize(
    "text", ["at == now", "at < now", "now >= at", "at - now", "at + duration('1h')", "at in [now]"]
)
def test_a_naive_datetime_is_refused(text: str) -> None:
    with pytest.raises(EvaluationError, match="a timestamp needs a time zone, this one has none"):
        value(text, {"at": datetime(2026, 5, 1), "now": NOON})


def test_a_naive_datetime_has_no_hours() -> None:
    with pytest.raises(EvaluationError, match=r"at.getHours\(\): a timestamp needs a time zone"):
        value("at.getHours()", {"at": datetime(2026, 5, 1)})


@pytest.mark.parametrize("foreign", [Decimal(1), date(2026, 5, 1), b"x", {1, 2}, object()])
@pytest.mark.parametrize(
    "text", ["x == 1", "x == 'a'", "x != null", "x < 1", "x in ['a']", "x in [1]", "-x", "size(x) > 1"]
)
def test_a_value_of_a_foreign_type_is_refused(text: str, foreign: object) -> None:
    with pytest.raises(EvaluationError, match="cannot be used in a condition"):
        value(text, {"x": foreign})


def test_timestamps_are_instants_whatever_their_zone() -> None:
    """Python compares wall times within one zone, wrong by an hour when clocks go back (Paris, 25 October 2026)."""
    summer = datetime(2026, 10, 25, 2, 30, tzinfo=PARIS)
    winter = summer.replace(fold=1)
    context = {"a": summer, "b": winter, "c": winter.astimezone(timezone(timedelta(hours=5)))}
    assert value("b - a", context) == timedelta(hours=1)
    assert value("a < b && a != b && b == c && b <= c", context) is True
    assert value("a + duration('1h') == b", context) is True


def test_mappings_and_tuples_serve_as_maps_and_lists() -> None:
    context = MappingProxyType({"a": MappingProxyType({"b": (1, 2)})})
    assert value("a.b == [1, 2] && 2 in a.b && a.b.exists(x, x == 2) && has(a.b) && size(a) == 1", context) is True
    assert value("a.b + [3]", context) == [1, 2, 3]


def nested(levels: int) -> list[object]:
    inner: list[object] = []
    for _ in range(levels - 1):
        inner = [inner]
    return inner


def test_lists_are_compared_64_levels_deep() -> None:
    assert value("a == b", {"a": nested(LEVELS), "b": nested(LEVELS)}) is True
    for levels in (LEVELS + 1, 2000):
        with pytest.raises(EvaluationError, match="more than 64 levels deep"):
            value("a == b", {"a": nested(levels), "b": nested(levels)})


def test_a_foreign_value_is_named_where_a_bool_is_expected() -> None:
    with pytest.raises(EvaluationError, match=r"^x: expected bool, got Decimal$"):
        value("x && true", {"x": Decimal(1)})


def test_exists_looks_through_a_bounded_list() -> None:
    assert value("a.all(x, x == 1)", {"a": [1] * ITEMS}) is True
    with pytest.raises(EvaluationError, match=f"all looks through {ITEMS} items, there are {ITEMS + 1}"):
        value("a.all(x, x == 1)", {"a": [1] * (ITEMS + 1)})


@pytest.mark.parametrize("number", [2**63, 10**400])
def test_a_number_beyond_64_bits_can_be_compared_but_not_computed_with(number: int) -> None:
    assert value("a > 1 && a != 2.5 && a > 2.5", {"a": number}) is True
    with pytest.raises(EvaluationError, match="the result does not fit 64 bits"):
        value("a + 1", {"a": number})


@pytest.mark.parametrize("text", ["a * 1.5", "a / 2.0", "2.0 / a"])
def test_a_number_too_large_for_a_float_is_out_of_range(text: str) -> None:
    with pytest.raises(EvaluationError, match="the result is out of range"):
        value(text, {"a": 10**400})


def test_a_division_is_in_floats_only_where_a_side_is_declared_float() -> None:
    tree = parse("booking.price / 4")
    assert same(to_function(tree)(FACTS), 2)
    assert same(to_function(tree, FIELDS)(FACTS), 2.5)
    assert same(value("booking.days / 2"), 1)


def test_a_variable_hides_a_declared_field_in_a_division() -> None:
    assert same(value("[10].exists(booking, booking / 4 == 2)"), True)


def test_a_path_of_five_names_is_read() -> None:
    assert value("a.b.c.d.e", {"a": {"b": {"c": {"d": {"e": 1}}}}}) == 1
    with pytest.raises(EvaluationError, match=r"^a.b.c: missing$"):
        value("a.b.c.d.e", {"a": {"b": {}}})


COMPARISONS = ["==", "!=", "<", "<=", ">", ">="]


def outcome(tree: Expr, context: Mapping[str, object]) -> object:
    try:
        return to_function(tree)(context)
    except EvaluationError as error:
        return error.reason


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(COMPARISONS), st.sampled_from(sorted(VALUES)), literals(), contexts())
def test_a_test_against_a_constant_gives_what_the_general_operator_gives(
    op: str, name: str, constant: Expr, context: dict[str, object]
) -> None:
    general = Index(Items((constant,)), Literal(Kind.INT, 0))
    assert outcome(Binary(op, path(name), constant), context) == outcome(Binary(op, path(name), general), context)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(VALUES)), st.lists(literals(), max_size=3), contexts())
def test_membership_in_constants_is_equality_with_one_of_them(
    name: str, constants: list[Expr], context: dict[str, object]
) -> None:
    among = outcome(Binary("in", path(name), Items(tuple(constants))), context)
    tests = [outcome(Binary("==", path(name), constant), context) for constant in constants]
    assert among == (True in tests) or among in ("missing", *tests)


@settings(max_examples=300, deadline=None)
@given(conditions(), contexts())
def test_a_compiled_condition_is_pure_and_never_crashes(tree: Expr, context: dict[str, object]) -> None:
    before = copy.deepcopy(context)
    compiled = to_function(tree, FIELDS)
    first, second = judge(compiled, context), judge(compiled, context)
    assert first == second
    assert context == before
    assert holds(compiled, context) is first.value
    assert not (first.value and first.error)


@settings(max_examples=300, deadline=None)
@given(conditions(), contexts())
def test_a_condition_and_its_negation_never_both_hold(tree: Expr, context: dict[str, object]) -> None:
    compiled = to_function(tree)
    negated = to_function(parse(f"!({write(tree)})"))
    if judge(compiled, context).error is None:
        assert holds(negated, context) is not holds(compiled, context)
    else:
        assert not holds(negated, context)
