"""Random conditions and random contexts for the properties of the condition language."""

from __future__ import annotations

import math
import string
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from outrider.expressions import declare_fields
from outrider.expressions.nodes import (
    Binary,
    Call,
    Conditional,
    Expr,
    Has,
    Index,
    Items,
    Literal,
    Logical,
    Name,
    Quantifier,
    Select,
    Unary,
)
from outrider.expressions.types import Kind

FIELDS = declare_fields(
    {
        "market": "string",
        "now": "timestamp",
        "profile": {"language": "string", "vip": "bool", "age": "int", "score": "float", "loose": "any"},
        "booking": {
            "channel": "string",
            "days": "int",
            "paid": "bool",
            "price": "float",
            "starts_at": "timestamp",
            "length": "duration",
            "extras": ["string"],
            "counts": ["int"],
            "car": {"model": "string", "seats": "int"},
        },
    }
)
ASCII = st.text(string.ascii_letters + " _-", max_size=4)
WHOLE = st.one_of(st.integers(-4, 4), st.integers(-(2**63), 2**63 - 1))
REAL = st.one_of(st.sampled_from([0.0, 1.0, -1.5, 2.0, 10.5]), st.floats(allow_nan=False, allow_infinity=False))
INSTANT = st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))
SPAN = st.timedeltas(timedelta(days=-400), timedelta(days=400))
VALUES = {
    "market": ASCII,
    "profile.language": ASCII,
    "profile.vip": st.booleans(),
    "profile.age": WHOLE,
    "profile.score": REAL,
    "profile.loose": st.one_of(ASCII, st.booleans(), WHOLE, st.lists(WHOLE, max_size=2)),
    "booking.channel": ASCII,
    "booking.days": WHOLE,
    "booking.paid": st.booleans(),
    "booking.price": REAL,
    "booking.extras": st.lists(ASCII, max_size=3),
    "booking.counts": st.lists(WHOLE, max_size=3),
    "booking.starts_at": INSTANT,
    "booking.length": SPAN,
}
PATHS = [*VALUES, "now"]


@st.composite
def contexts(draw: st.DrawFn) -> dict[str, object]:
    """Facts of the declared kinds; any of them may be missing or null."""
    facts: dict[str, object] = {"now": draw(INSTANT), "profile": {}, "booking": {}}
    for path, values in VALUES.items():
        value = draw(st.one_of(values, values, values, st.none(), st.just(...)))
        *above, name = path.split(".")
        if value is not ...:
            place = facts[above[0]] if above else facts
            place[name] = value  # type: ignore[index]
    return facts


def path(text: str) -> Expr:
    """The tree of a dotted path."""
    first, *rest = text.split(".")
    node: Expr = Name(first)
    for name in rest:
        node = Select(node, name)
    return node


def literal(value: object) -> Literal:
    """The tree of a constant."""
    kinds = {str: Kind.STRING, bool: Kind.BOOL, int: Kind.INT, float: Kind.FLOAT, type(None): Kind.NULL}
    return Literal(kinds[type(value)], value)  # type: ignore[arg-type]


def literals(texts: st.SearchStrategy[str] = ASCII) -> st.SearchStrategy[Expr]:
    """Constants of all kinds."""
    values: st.SearchStrategy[object] = st.one_of(texts, st.booleans(), WHOLE, REAL, st.none())
    return values.map(literal)


def calls(nodes: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    """Calls that fit their target or not."""
    size = nodes.map(lambda node: Call("size", None, (node,)))
    tests = st.sampled_from(["startsWith", "endsWith", "contains"])
    method = st.builds(lambda name, target, text: Call(name, target, (text,)), tests, nodes, nodes)
    return size | method


def integers() -> st.SearchStrategy[Expr]:
    """Sums and the like over whole numbers."""
    leaves = st.one_of(WHOLE.map(literal), st.sampled_from([path("booking.days"), path("profile.age")]))
    operators = st.sampled_from("+-*/%")
    return st.recursive(leaves, lambda inner: st.builds(Binary, operators, inner, inner), max_leaves=4)


def conditions() -> st.SearchStrategy[Expr]:
    """Conditions over FIELDS, right and wrong, in the part of CEL that any implementation must agree on."""
    fields = st.sampled_from(PATHS).map(path)
    words = st.lists(ASCII.map(literal), max_size=3).map(lambda items: Items(tuple(items)))
    leaves = st.one_of(fields, fields, literals(), words, integers())
    compare = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in"])
    has = st.sampled_from([name for name in VALUES if "." in name]).map(lambda name: Has(path(name)))  # type: ignore[arg-type]
    tests = st.one_of(
        st.builds(Binary, compare, leaves, leaves),
        st.builds(Binary, compare, leaves, leaves),
        has,
        calls(leaves),
        leaves,
    )
    return st.recursive(tests, branches, max_leaves=8)


def branches(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    """What joins conditions."""
    parts = st.lists(inner, min_size=2, max_size=4).map(tuple)
    lists = st.sampled_from(["booking.extras", "booking.counts", "profile.loose"]).map(path)
    item = st.builds(Binary, st.sampled_from(["==", "<", ">="]), st.just(Name("x")), literals())
    return st.one_of(
        st.builds(Logical, st.sampled_from(["&&", "||"]), parts),
        st.builds(Logical, st.sampled_from(["&&", "||"]), parts),
        # The oracle drops double negation, also of what is no bool.
        inner.map(lambda node: node if isinstance(node, Unary) else Unary("!", node)),
        st.builds(Conditional, inner, inner, inner),
        st.builds(Quantifier, st.sampled_from(["exists", "all"]), lists, st.just("x"), item),
    )


def trees() -> st.SearchStrategy[Expr]:
    """Any tree that has a text, meaningful or not."""
    names = st.sampled_from(["market", "booking", "x", "_a1", "size", "has_it"])
    leaves = st.one_of(names.map(Name), literals(st.text(max_size=6)))
    return st.recursive(leaves, _grown, max_leaves=12)


def _grown(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    many = st.lists(inner, max_size=3).map(tuple)
    select = st.builds(Select, inner, st.sampled_from(["days", "if", "startsWith", "exists"]))
    binary = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "+", "-", "*", "/", "%"])
    return st.one_of(
        select,
        st.builds(Index, inner, inner),
        st.builds(Unary, st.sampled_from("!-"), inner),
        st.builds(Binary, binary, inner, inner),
        st.builds(Logical, st.sampled_from(["&&", "||"]), st.lists(inner, min_size=2, max_size=4).map(tuple)),
        st.builds(Conditional, inner, inner, inner),
        st.builds(Items, many),
        st.builds(Call, st.sampled_from(["size", "timestamp", "duration"]), st.none(), many),
        st.builds(Call, st.sampled_from(["size", "contains", "getHours"]), inner, many),
        st.builds(Has, select),
        st.builds(Quantifier, st.sampled_from(["exists", "all"]), names_of_lists(), st.just("x"), literals()),
    )


def names_of_lists() -> st.SearchStrategy[Expr]:
    """Lists to look through."""
    return st.sampled_from([path("booking.extras"), Items((literal(1), literal(2)))])


def same(one: object, other: object) -> bool:
    """Equal, of the same type, and not-a-number equal to itself."""
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return type(one) is type(other) and one == other
