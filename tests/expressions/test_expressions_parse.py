"""Texts to trees: shapes, places, precise errors, limits."""

from __future__ import annotations

import pytest
from expression_strategies import trees
from hypothesis import given, settings
from hypothesis import strategies as st

from outrider.expressions import ExpressionError, parse, used_fields, write
from outrider.expressions.nodes import Expr, Literal, Select, children
from outrider.expressions.parser import LEVELS
from outrider.expressions.tokens import CHARACTERS


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("a || b && c", "a || (b && c)"),
        ("a && b || c", "(a && b) || c"),
        ("a == b && c", "(a == b) && c"),
        ("a + b * c == d", "(a + (b * c)) == d"),
        ("a - b - c", "(a - b) - c"),
        ("a / b % c", "(a / b) % c"),
        ("a ? b : c ? d : e", "a ? b : (c ? d : e)"),
        ("a || b ? c : d", "(a || b) ? c : d"),
        ("!a == b", "(!a) == b"),
        ("!a.b", "!(a.b)"),
        ("-a.b", "-(a.b)"),
        ("a in b && c", "(a in b) && c"),
        ("a < b == c", "(a < b) == c"),
        ("!!a", "!(!a)"),
        ("a - 1", "a - (1)"),
        ("a -1", "a - (1)"),
        ("a - -1", "a - (-1)"),
        ("[1, 2,]", "[1, 2]"),
        ("a // every b\n && b", "a && b"),
        ('"""a"b"""', r"'a\"b'"),
        (r"r'\n'", r'"\\n"'),
        (r"'\x41\u00e9\U0001F697\101\?\`'", '"Aé🚗A?`"'),
        ("0x1F", "31"),
        (".5 + 1e3 + 2.5E-1", "0.5 + 1000.0 + 0.25"),
        ("a.if", "(a).if"),
        ("-9223372036854775808", "(-9223372036854775808)"),
    ],
)
def test_operators_bind_as_in_the_cel_grammar(text: str, shape: str) -> None:
    assert parse(text) == parse(shape)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "1.0"),
        ("1", "true"),
        ("0", "false"),
        ("a && (b && c)", "a && b && c"),
        ("(a - b) - c", "a - (b - c)"),
        ("-(1)", "-1"),
        ("a.b", 'a["b"]'),
        ("size(a)", "a.size()"),
        ("(a ? b : c) ? d : e", "a ? b : c ? d : e"),
    ],
)
def test_different_conditions_have_different_trees(one: str, other: str) -> None:
    assert parse(one) != parse(other)


@pytest.mark.parametrize(
    ("text", "offset", "length", "message", "hint"),
    [
        ("", 0, 0, "expected a value, found the end of the condition", ""),
        ("a ==", 4, 0, "expected a value, found the end of the condition", ""),
        ("a = 1", 2, 1, "unexpected character '='", "write == to compare"),
        ("a & b", 2, 1, "unexpected character '&'", "write && for and"),
        ("a and b", 2, 3, "expected an operator or the end, found 'and'", "write &&"),
        ("not a", 0, 3, "expected a value, found 'not'", "write !"),
        ("a == “GB”", 5, 1, "unexpected character '“'", 'write straight quotes "'),
        ('a == "GB', 5, 3, "the string is not closed", 'end it with "'),
        ("a == 'G\nB'", 5, 2, "the string is not closed", "end it with '"),
        ("(a", 2, 0, "expected ')' to close the bracket, found the end of the condition", ""),
        ("a)", 1, 1, "expected an operator or the end, found ')'", ""),
        ("a[1", 3, 0, "expected ']' after the index, found the end of the condition", ""),
        ("[1 2]", 3, 1, "expected ']' or ',', found '2'", ""),
        ("size(a,)", 7, 1, "expected an argument after ',', found ')'", ""),
        ("a ? b", 5, 0, "expected ':' between the two results of ?, found the end of the condition", ""),
        ("a.1", 1, 2, "expected an operator or the end, found '.1'", ""),
        ("a.", 2, 0, "expected a field name after '.', found the end of the condition", ""),
        ("a.in", 2, 2, "expected a field name after '.', found 'in'", ""),
        ("a.true", 2, 4, "expected a field name after '.', found 'true'", ""),
        ("if == 1", 0, 2, "'if' is a reserved word", "it cannot name a field here"),
        ("a == {}", 5, 1, "maps cannot be written in conditions", "compare single fields"),
        (".a", 0, 1, "expected a value, found '.'", ""),
        ("a == 3u", 5, 2, "unsigned integers are not part of conditions", "write 3"),
        ("a == b'x'", 5, 2, "bytes are not part of conditions", "write a string without the b"),
        ("9223372036854775808", 0, 19, "the number does not fit 64 bits", "the largest is 9223372036854775807"),
        ("99999999999999999999", 0, 20, "the number does not fit 64 bits", "the largest is 9223372036854775807"),
        ("1e999", 0, 5, "the number is too large", "the largest is about 1.8e308"),
        ("!-a", 1, 1, "expected no other sign right after '!': write brackets, found '-'", ""),
        ("a.matches('(a+)+')", 2, 7, "the method matches is not part of conditions", "patterns are refused"),
        ("int(a)", 0, 3, "the function int is not part of conditions", "compare int and float directly"),
        ("a.map(x, x)", 2, 3, "the method map is not part of conditions", "use exists or all"),
        ("a.startswith('x')", 2, 10, "there is no method startswith", "did you mean startsWith?"),
        ("a.exist(x, x)", 2, 5, "there is no method exist", "did you mean exists?"),
        ("contains(a, b)", 0, 8, "there is no function contains", "write x.contains(…)"),
        ("a.duration()", 2, 8, "there is no method duration", "write duration(…)"),
        ("foo(a)", 0, 3, "there is no function foo", ""),
        ("has(a)", 0, 6, "has takes one field of something", "write has(booking.spot)"),
        ("has(a.b, c.d)", 0, 13, "has takes one field of something", "write has(booking.spot)"),
        ("a.exists(x)", 10, 1, "expected ',' after the variable of exists, found ')'", ""),
        ("a.all(1, x)", 6, 1, "expected a variable name, as in all(x, x > 1), found '1'", ""),
        ("a.all(x, x.all(y, y))", 11, 3, "all cannot stand inside another exists or all", ""),
        (r"'\q'", 0, 4, r"unknown escape \q in the string", r"known are"),
        (r"'\ud800'", 0, 8, r"unknown escape \ud800 in the string", r"known are"),
        ("a == 1 @", 7, 1, "unexpected character '@'", ""),
    ],
)
def test_a_wrong_text_is_refused_with_place_and_hint(
    text: str, offset: int, length: int, message: str, hint: str
) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    error = caught.value
    assert (error.offset, error.length, error.message) == (offset, length, message)
    assert error.hint.startswith(hint)
    assert bool(error.hint) == bool(hint)


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_an_error_on_a_later_line_has_line_and_column(newline: str) -> None:
    text = f'market == "GB" &&{newline}  booking.days => 3'
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert (caught.value.line, caught.value.column) == (2, 16)
    assert str(caught.value) == "line 2, column 16: unexpected character '='; write == to compare"
    assert caught.value.pointed(text) == "  booking.days => 3\n               ^"


def test_a_place_after_a_string_of_two_lines_counts_from_its_last_line() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse('"""a\nb""" == @')
    assert (caught.value.line, caught.value.column) == (2, 9)


def test_every_node_carries_its_text() -> None:
    text = '!(a.b == "x") ||\n  size(c[0]) in [1, -2] || has(d.e) || (f ? g : h.exists(i, i > 1.5))'
    row: list[Expr] = [parse(text)]
    seen = 0
    while row:
        node = row.pop()
        piece = text[node.place.offset : node.place.end]
        assert parse(f"({piece})") == node
        assert node.place.column == node.place.offset - (text.rfind("\n", 0, node.place.offset))
        seen += 1
        row.extend(children(node))
    assert seen == 25


def test_the_field_of_a_selection_has_its_own_place() -> None:
    node = parse("booking.days")
    assert isinstance(node, Select)
    assert (node.field_place.offset, node.field_place.length) == (8, 4)


def test_the_longest_condition_is_read_and_a_longer_one_refused() -> None:
    text = "a".ljust(CHARACTERS)
    assert parse(text) == parse("a")
    with pytest.raises(ExpressionError, match="at most 4096 characters, this one has 4098") as caught:
        parse(text + "  ")
    assert (caught.value.offset, caught.value.length) == (CHARACTERS, 2)


@pytest.mark.parametrize(
    ("start", "middle", "end", "kept"),
    [
        ("(", "a", ")", LEVELS),
        ("!", "a", "", LEVELS - 1),
        ("[", "a", "]", LEVELS - 1),
        ("", "a", " + a", LEVELS - 1),
        ("", "a", ".a", LEVELS - 1),
        ("", "a", "[0]", LEVELS - 1),
        ("a ? b : ", "a", "", LEVELS - 1),
    ],
)
def test_64_levels_are_read_and_one_more_refused(start: str, middle: str, end: str, kept: int) -> None:
    assert parse(start * kept + middle + end * kept)
    with pytest.raises(ExpressionError, match="nested more than 64 levels deep; split the condition"):
        parse(start * (kept + 1) + middle + end * (kept + 1))


@pytest.mark.parametrize("op", ["&&", "||"])
def test_a_row_of_500_tests_is_one_level(op: str) -> None:
    assert len(list(children(parse(f" {op} ".join(["a"] * 500))))) == 500


@pytest.mark.parametrize("opening", ["(", "[", "!", "-", "a[", "size(", "a ? ", "a ? b : ", "has(", "a.all(x, "])
def test_a_text_of_openings_only_is_refused(opening: str) -> None:
    with pytest.raises(ExpressionError):
        parse(opening * (CHARACTERS // len(opening)))


WORDS = ["a", "b.c", "1", "2.5", "'x'", '"y"', "true", "null", "in", "has(", "size(", ".exists(x, ", "timestamp(", "if"]
SIGNS = ["(", ")", "[", "]", ".", ",", "?", ":", "!", "-", "+", "*", "/", "%", "==", "!=", "<=", ">", "&&", "||", " "]
STRAYS = ["r'", "b'", "1u", "0x", "\\", "//", "\n", "\r\n", "'''", "@", "é", "=", "&", "{", "}", "matches(", "\ud83d"]
PIECES = st.sampled_from([*WORDS, *SIGNS, *STRAYS])


def refusal(text: str) -> ExpressionError | None:
    """Why a text is refused; None when it is read, and then written and read again the same."""
    try:
        node = parse(text)
    except ExpressionError as error:
        return error
    assert parse(write(node)) == node
    return None


@settings(max_examples=500)
@given(st.one_of(st.text(), st.lists(PIECES, max_size=25).map(" ".join), st.lists(PIECES, max_size=25).map("".join)))
def test_any_text_is_read_or_refused_at_a_place_inside_it(text: str) -> None:
    error = refusal(text)
    if error is not None:
        assert 0 <= error.offset <= error.offset + error.length <= len(text)
        line, marks = error.pointed(text).split("\n")
        assert marks.index("^") == error.column - 1 <= len(line)
        assert str(error).startswith(f"line {error.line}, column {error.column}: ")


@given(trees())
def test_a_written_tree_is_read_back_the_same(tree: Expr) -> None:
    assert parse(write(tree)) == tree


@pytest.mark.parametrize(
    "text",
    [
        'market == "GB" && (a || b) && !c',
        "a ? b : c ? d : e",
        "(a ? b : c) ? d : e",
        "a - (b - c) - -1",
        "-(1) + (-1).size() + -(1.size()) + --a - --1",
        'has(a.b) && a["b c"][0].d in [1, 2.5, "x", null, true]',
        "a.exists(x, x.y > 1) || !(!a && b)",
        '"tab\\t quote\\" line\\n nul\\u0000"',
    ],
)
def test_a_text_without_spare_brackets_is_written_as_it_was(text: str) -> None:
    assert write(parse(text)) == text


def test_spare_brackets_and_spaces_go() -> None:
    assert write(parse("((a)  ==(b+ (c*d)))")) == "a == b + c * d"


def test_trees_are_equal_whatever_their_layout_and_can_be_keys() -> None:
    one, other = parse("a  ==\n 1"), parse("a == 1")
    assert one == other
    assert hash(one) == hash(other)
    assert one.place.length != other.place.length
    assert one.place != (0, 8)


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("1 == 1", set()),
        ("market == 'GB' || booking.days > booking.extra.days", {"market", "booking.days", "booking.extra.days"}),
        ("has(booking.spot)", {"booking.spot"}),
        ("booking['pick up'].at == now", {"booking.pick up.at", "now"}),
        ("booking.extras[booking.index].kind == 'a'", {"booking.extras", "booking.index"}),
        ("booking.extras.exists(e, e.kind == wanted.kind)", {"booking.extras", "wanted.kind"}),
        ("e.days == 1 && extras.all(e, e > 1)", {"e.days", "extras"}),
        ("size(a.b) > 0 ? c.d.startsWith(e) : -f in [g]", {"a.b", "c.d", "e", "f", "g"}),
    ],
)
def test_used_fields_are_the_longest_paths_read(text: str, fields: set[str]) -> None:
    assert used_fields(parse(text)) == fields


def test_a_literal_keeps_its_kind() -> None:
    nodes = [parse(text) for text in ("1", "1.0", "true", '"1"', "null")]
    assert [node.kind for node in nodes if isinstance(node, Literal)] == ["int", "float", "bool", "string", "null"]
