"""Conditions against declared fields: what is used, what type results, every mistake with its place."""

from __future__ import annotations

import pytest
from expression_strategies import FIELDS, conditions, contexts
from hypothesis import given, settings

from outrider.expressions import (
    ANY,
    BOOL,
    INT,
    EvaluationError,
    Expr,
    ExpressionError,
    FieldType,
    Kind,
    check,
    declare,
    declare_fields,
    find_errors,
    list_of,
    map_of,
    parse,
    write,
)
from outrider.expressions import compile as to_function
from outrider.expressions.values import kind

EXTRA = {**FIELDS, "event": ANY, "tags": FieldType(Kind.MAP), "limits": FieldType(Kind.MAP, element=INT)}


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ('market == "GB" && booking.days >= 3', "bool"),
        ("booking.days > 10.5", "bool"),
        ("booking.days + 1", "int"),
        ("booking.days + booking.price", "float"),
        ("booking.starts_at - now", "duration"),
        ('booking.starts_at - now < duration("3h")', "bool"),
        ('booking.starts_at - duration("1h")', "timestamp"),
        ("booking.extras + ['a']", "list"),
        ("booking.extras[0]", "string"),
        ("booking.car", "map"),
        ("booking['days']", "int"),
        ("size(booking.extras) > 0", "bool"),
        ("booking.extras.size()", "int"),
        ("size(market)", "int"),
        ('"GPS" in booking.extras', "bool"),
        ('"vip" in profile', "bool"),
        ("has(booking.car.model)", "bool"),
        ("booking.car.model == null", "bool"),
        ("booking.paid ? 1 : 2.5", "float"),
        ("booking.paid ? market : null", "string"),
        ("booking.paid ? null : market", "string"),
        ("booking.paid ? event.a : market", "any"),
        ("booking.extras.exists(e, e.startsWith('A'))", "bool"),
        ("profile.exists(key, key == 'age')", "bool"),
        ("event.items.all(i, i.price > 3)", "bool"),
        ("event.data.amount > 10.5", "bool"),
        ("event.a + 1", "any"),
        ("event[0].x", "any"),
        ("size(event) == 1", "bool"),
        ("event.at.getHours('Europe/Paris')", "int"),
        ("booking.length.getHours()", "int"),
        ("booking.starts_at.getHours('+05:30')", "int"),
        ("tags.anything", "any"),
        ("tags[market]", "any"),
        ("limits.sms", "int"),
        ("limits[market]", "int"),
        ("-booking.price", "float"),
        ("timestamp(event.at)", "timestamp"),
        ("duration(booking.length)", "duration"),
        ("[]", "list"),
        ("[1, 2.5, null][0]", "float"),
        ("[null, 1][0]", "int"),
        ("booking.days.exists(days, true) || true", None),
    ],
)
def test_a_condition_has_the_type_of_its_parts(text: str, result: str | None) -> None:
    if result is None:
        with pytest.raises(ExpressionError):
            check(parse(text), EXTRA)
    else:
        assert check(parse(text), EXTRA).type.kind == result


@pytest.mark.parametrize(
    ("text", "part", "message", "hint"),
    [
        ("booking.chanel == 'web'", "chanel", "there is no field booking.chanel", "did you mean booking.channel?"),
        ("booking['chanel'] == 'web'", "'chanel'", "there is no field booking.chanel", "did you mean booking.channel?"),
        ("markt == 'GB'", "markt", "there is no field markt", "did you mean market?"),
        ("booking.car.zzz == 1", "zzz", "there is no field booking.car.zzz", ""),
        ("has(booking.spot)", "spot", "there is no field booking.spot", ""),
        ("market.code == 'GB'", "code", "market is string, it has no field code", ""),
        ("booking.days == '3'", "booking.days == '3'", "comparing int with string is always false", "without quotes"),
        ("'3' == booking.days", "'3' == booking.days", "comparing string with int is always false", "without quotes"),
        ("market != 3", "market != 3", "comparing string with int is always true", ""),
        ("profile.vip == 'true'", "profile.vip == 'true'", "comparing bool with string is always false", "write true"),
        ("booking.days >= '3'", "booking.days >= '3'", ">= cannot compare int with string", "write the number"),
        ("now < '2026-01-01'", "now < '2026-01-01'", "< cannot compare timestamp with string", "write timestamp("),
        ("booking.length > '3h'", "booking.length > '3h'", "> cannot compare duration with string", "write duration("),
        ("now > booking.length", "now > booking.length", "> cannot compare timestamp with duration", ""),
        ("booking.extras < ['a']", "booking.extras < ['a']", "< cannot compare list with list", ""),
        ("booking.days < null", "booking.days < null", "< cannot compare int with null", ""),
        ("1 < booking.days < 3", "1 < booking.days < 3", "< cannot compare bool with int", "write a < b && b < c"),
        ("market && true", "market", "&& joins bool, got string", "compare it with a value"),
        ("true || booking.days", "booking.days", "|| joins bool, got int", "compare it with a value"),
        ("!market", "market", "! needs bool, got string", ""),
        ("-market == 'x'", "market", "- needs int or float, got string", ""),
        ("market", "market", "the result must be bool, this gives string", "compare it with a value"),
        ("booking.days + 1", "booking.days + 1", "the result must be bool, this gives int", "compare"),
        ("market + 1 == 'x'", "market + 1", "there is no string + int", ""),
        ("booking.price % 2.0 == 0.0", "booking.price % 2.0", "there is no float % float", ""),
        ("now + now == now", "now + now", "there is no timestamp + timestamp", ""),
        ("'a' in market", "market", "`in` needs a list or a map on its right, got string", "write x.contains(…)"),
        ("1 in booking.days", "booking.days", "`in` needs a list or a map on its right, got int", ""),
        ("3 in booking.extras", "3", "a list of string never has a int in it", ""),
        ("market in [1, 2]", "market", "a list of int never has a string in it", ""),
        ("1 in profile", "1", "the keys of a map are strings, looking for int is always false", ""),
        ("[1, 'a'] == [2]", "'a'", "this item is string, those before are int", ""),
        ("booking.extras['a'] == 'b'", "'a'", "booking.extras is list, it has no field a", ""),
        ("booking.extras[1.5] == 'b'", "1.5", "a list is indexed by int, not float", ""),
        ("booking.extras[-1] == 'b'", "-1", "items are counted from 0, there are none below", ""),
        ("market[0] == 'G'", "0", "market is string, only a list or a map has items", ""),
        ("booking.paid ? 1 : 'a'", "booking.paid ? 1 : 'a'", "the two results of ? are int and string", ""),
        ("booking.days ? true : false", "booking.days", "? asks bool, got int", "compare it with a value"),
        (
            "size(booking.days) > 1",
            "size(booking.days)",
            "cannot call size(int)",
            "known is size(string) or size(list)",
        ),
        ("size() > 1", "size()", "cannot call size()", "known is size(string)"),
        (
            "market.startsWith(1)",
            "market.startsWith(1)",
            "cannot call string.startsWith(int)",
            "known is string.starts",
        ),
        ("booking.days.contains('a')", "booking.days.contains('a')", "cannot call int.contains(string)", "known is"),
        (
            "now.getHours(1) > 1",
            "now.getHours(1)",
            "cannot call timestamp.getHours(int)",
            "known is timestamp.getHours()",
        ),
        ("now.getHours('Europe/Pariss') > 1", "'Europe/Pariss'", "'Europe/Pariss' is not a time zone", ""),
        ("now > timestamp('1 May')", "'1 May'", "'1 May' is not a timestamp: expected RFC 3339", ""),
        ("booking.length > duration('1d')", "'1d'", "'1d' is not a duration: expected numbers with units", ""),
        ("market.exists(m, m == 'a')", "market", "exists looks through a list or the keys of a map, got string", ""),
        ("booking.extras.all(e, e == 1)", "e == 1", "comparing string with int is always false", ""),
        ("booking.extras.all(e, e)", "e", "all asks bool, got string", "compare it with a value"),
        ("booking.extras.all(e, e == 'a') && e == 'b'", "e", "there is no field e", ""),
    ],
)
def test_a_mistake_is_told_with_place_and_hint(text: str, part: str, message: str, hint: str) -> None:
    errors = find_errors(parse(text), FIELDS)
    assert len(errors) == 1
    error = errors[0]
    assert text[error.offset : error.offset + error.length] == part
    assert error.message.startswith(message)
    assert hint in error.hint
    assert bool(hint) == bool(error.hint)


def test_all_mistakes_are_told_in_the_order_of_the_text() -> None:
    errors = find_errors(parse("markt == 'GB' &&\n booking.days > '3' && booking.chanel == 'x'"), FIELDS)
    assert [(error.line, error.column) for error in errors] == [(1, 1), (2, 2), (2, 32)]


def test_check_raises_the_first_mistake() -> None:
    with pytest.raises(ExpressionError, match="line 1, column 1: there is no field markt; did you mean market"):
        check(parse("markt == 'GB' && market"), FIELDS)


def test_check_tells_what_is_used_and_given() -> None:
    checked = check(parse("has(booking.car) && booking.days > size(market)"), FIELDS, BOOL)
    assert checked == (frozenset({"booking.car", "booking.days", "market"}), BOOL)


def test_the_wanted_type_is_required_only_when_given() -> None:
    assert check(parse("booking.days"), FIELDS).type == INT
    assert check(parse("booking.days"), FIELDS, INT).type == INT
    assert check(parse("event.x"), EXTRA, INT).type == ANY
    with pytest.raises(ExpressionError, match="the result must be int, this gives string"):
        check(parse("market"), FIELDS, INT)


@settings(max_examples=400, deadline=None)
@given(conditions(), contexts())
def test_a_checked_condition_on_facts_of_the_declared_kinds_has_the_inferred_kind(
    tree: Expr, context: dict[str, object]
) -> None:
    try:
        found = check(tree, FIELDS).type
        value = to_function(tree, FIELDS)(context)
    except (ExpressionError, EvaluationError):
        return
    assert (
        found.kind in (Kind.ANY, kind(value))
        or kind(value) is Kind.NULL
        or (found.kind, kind(value))
        == (
            Kind.FLOAT,
            Kind.INT,
        )
    )


@settings(max_examples=300, deadline=None)
@given(conditions())
def test_mistakes_are_found_the_same_in_a_written_condition_and_stand_inside_it(tree: Expr) -> None:
    text = write(tree)
    errors = find_errors(parse(text), FIELDS)
    assert [error.message for error in errors] == [error.message for error in find_errors(tree, FIELDS)] or len(
        errors
    ) > 1
    assert all(0 <= error.offset < error.offset + error.length <= len(text) for error in errors)


def test_shapes_are_declared_in_short_notation() -> None:
    shape = {"a": "int", "b": ["string"], "c": {"d": "any"}}
    assert declare(shape) == map_of({"a": INT, "b": list_of(FieldType(Kind.STRING)), "c": map_of({"d": ANY})})
    assert declare_fields({"x": "bool"}) == {"x": BOOL}


@pytest.mark.parametrize("shape", ["integer", "null", "", 3, None, [], ["int", "string"], {"a": "number"}])
def test_an_unknown_shape_is_refused(shape: object) -> None:
    with pytest.raises(ValueError, match="is not a type: expected one of string, int, float, bool"):
        declare(shape)
