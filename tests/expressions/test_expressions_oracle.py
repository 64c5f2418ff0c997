"""The same conditions and facts through an independent implementation of CEL (common-expression-language, in Rust)."""

from __future__ import annotations

from collections.abc import Mapping

import cel
import pytest
from expression_strategies import conditions, contexts, same
from hypothesis import given, settings
from hypothesis import strategies as st

from outrider.expressions import EvaluationError, Expr, parse, write
from outrider.expressions import compile as to_function
from outrider.expressions.parser import LEVELS

ERROR = "error"
#: What the oracle raises when a condition has no value.
FAILURES = (TypeError, KeyError, RuntimeError, ValueError, IndexError, OverflowError, ZeroDivisionError)


def ours(tree: Expr, context: Mapping[str, object]) -> object:
    try:
        return to_function(tree)(context)
    except EvaluationError:
        return ERROR


def theirs(text: str, context: Mapping[str, object]) -> object:
    try:
        return cel.evaluate(text, dict(context))
    except FAILURES:
        return ERROR


@settings(max_examples=600, deadline=None)
@given(conditions(), contexts())
def test_random_conditions_have_the_value_or_the_error_of_the_oracle(tree: Expr, context: dict[str, object]) -> None:
    expected = theirs(write(tree), context)
    assert same(ours(tree, context), expected)


@settings(max_examples=300, deadline=None)
@given(conditions(), st.randoms(use_true_random=False), contexts())
def test_the_parts_of_a_junction_may_stand_in_any_order(tree: Expr, random: object, context: dict[str, object]) -> None:
    one, other = write(tree), 'booking.paid == profile.vip || booking.days < "x"'
    for op in ("&&", "||"):
        there, back = parse(f"({one}) {op} ({other})"), parse(f"({other}) {op} ({one})")
        assert ours(there, context) == ours(back, context)


FACTS = {
    "a": {"b": 1, "none": None, "list": [1, "x", 2.5], "text": "Astra", "map": {"k": True}},
    "yes": True,
}


@pytest.mark.parametrize(
    "text",
    [
        "1 == 1.0",
        "1 < 1.5",
        '"a" == 1',
        '"a" != 1',
        '1 < "a"',
        "null == null",
        "a.none == null",
        "a.none < 1",
        "a.none.x == 1",
        "true == 1",
        "1 in [true]",
        "1.0 in [1]",
        "7 / -2",
        "-7 % 3",
        "7 % -3",
        "1 / 0",
        "1 % 0",
        "1.0 / 0.0",
        "-1.0 / 0.0",
        "0.0 / 0.0",
        "9223372036854775807 + 1",
        "-9223372036854775808 - 1",
        "-9223372036854775808 / -1",
        "9223372036854775807 * 2",
        "1.5 % 1.0",
        "true + 1",
        '"a" + "b"',
        '"a" * 2',
        "[1] + [2, 3]",
        "[1, 2] == [1.0, 2]",
        "[[1], [2]] == [[1], [2]]",
        "[1] == [true]",
        "[1, 2] == [1]",
        "[1] < [2]",
        "true && 1",
        "1 && false",
        "false && 1",
        "1 || true",
        "1 || 1",
        "!1",
        "true ? 1 : a.x",
        "false ? a.x : 2",
        "1 ? 1 : 2",
        "a.x ? 1 : 2",
        "a.list[0]",
        "a.list[3]",
        "a.list[-1]",
        "a.list[1.0]",
        "a.list[true]",
        'a["b"]',
        'a["x"]',
        '"abc"[0]',
        "has(a.b)",
        "has(a.x)",
        "has(a.none)",
        "has(a.b.c)",
        "has(a.text.c)",
        "has(a.map.k)",
        '"k" in a.map',
        '"x" in a.map',
        '"a" in "abc"',
        "size(a.list)",
        "a.list.size()",
        "size(a.map)",
        'size("abc")',
        "size(1)",
        'a.text.startsWith("As")',
        'a.text.endsWith("x")',
        'a.text.contains("str")',
        "a.text.contains(1)",
        "a.b.startsWith('x')",
        "a.list.exists(x, x == 'x')",
        "a.list.all(x, x < 1)",
        "a.list.all(x, x < 9)",
        "[].exists(x, x)",
        "[].all(x, x)",
        "[1].exists(x, x)",
        "a.map.exists(x, x == 'k')",
        "a.b.exists(x, true)",
        "missing == 1",
        "missing || yes",
        "yes && missing",
        "-9223372036854775808",
        "--1",
        "-a.b",
        "-a.text",
        'timestamp("2026-05-01T12:00:00+02:00") == timestamp("2026-05-01T10:00:00Z")',
        'timestamp("2026-05-01T12:00:00Z") - duration("90m")',
        'timestamp("2026-05-01T12:00:00Z") - timestamp("2026-04-30T12:00:00.5Z")',
        'duration("1h30m") > duration("89m59.9s")',
        'duration("-1.5s") + duration("1s500ms")',
        'duration("1h") * 2',
        '-duration("1h")',
        'duration("1d")',
        'timestamp("2026-05-01")',
        'timestamp("2026-05-01T12:00:00Z") < "2026"',
        'timestamp("2026-05-01T12:34:56.789Z").getFullYear()',
        'timestamp("2026-05-01T12:34:56.789Z").getMonth()',
        'timestamp("2026-05-01T12:34:56.789Z").getDate()',
        'timestamp("2026-05-01T12:34:56.789Z").getDayOfMonth()',
        'timestamp("2026-05-01T12:34:56.789Z").getDayOfYear()',
        'timestamp("2026-05-03T12:34:56.789Z").getDayOfWeek()',
        'timestamp("2026-05-01T12:34:56.789Z").getHours()',
        'timestamp("2026-05-01T12:34:56.789Z").getMinutes()',
        'timestamp("2026-05-01T12:34:56.789Z").getSeconds()',
        'timestamp("2026-05-01T12:34:56.789Z").getMilliseconds()',
        'duration("-90m").getHours()',
        'duration("90m").getMinutes()',
        'duration("1.9s").getSeconds()',
    ],
)
def test_known_corners_have_the_value_of_the_oracle(text: str) -> None:
    assert same(ours(parse(text), FACTS), theirs(text, FACTS))


def test_what_is_written_is_read_by_the_oracle_to_the_deepest_level() -> None:
    text = "!" * (LEVELS - 2) + "true"
    assert theirs(text, {}) is ours(parse(text), {})


@pytest.mark.parametrize(
    ("text", "value"),
    [("has(a.x.y)", False), ("has(a.none.y)", False), ("has(missing.y)", False), ("a.b + 1.5", 2.5), ("3.0 / 2", 1.5)],
)
def test_the_documented_additions_have_a_value_where_the_oracle_has_an_error(text: str, value: object) -> None:
    assert theirs(text, FACTS) == ERROR
    assert same(ours(parse(text), FACTS), value)
