"""From the text of a condition to its syntax tree.

A recursive-descent parser with precedence climbing for the grammar of google/cel-spec, doc/langdef.md, section
Syntax. Left out: map and message literals, bytes, unsigned integers, names with a leading dot, and macros other
than has, exists and all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from outrider.expressions.errors import ExpressionError, nearest
from outrider.expressions.functions import FUNCTIONS, MACROS, METHODS, QUANTIFIERS, REFUSED
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
    Place,
    Quantifier,
    Select,
    Unary,
    children,
)
from outrider.expressions.tokens import LARGEST, Token, tokenize
from outrider.expressions.types import Kind

#: Levels of one condition, of brackets as of operators. CEL asks for at least 32 (langdef.md, section Syntax).
LEVELS = 64
#: Binding strength of the binary operators, weakest first (langdef.md, table of precedence, 7 up to 3).
RANKS = {"||": 1, "&&": 2} | dict.fromkeys(("==", "!=", "<", "<=", ">", ">=", "in"), 3)
RANKS |= {"+": 4, "-": 4, "*": 5, "/": 5, "%": 5}
#: Words that cannot name a field or variable by themselves (langdef.md, RESERVED).
RESERVED = frozenset(
    ("in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop")
) | {"package", "namespace", "return", "var", "void", "while"}
#: Operators of other languages.
SLIPS = {"and": "write &&", "or": "write ||", "not": "write !", "is": "write ==", "AND": "write &&", "OR": "write ||"}


def parse(text: str) -> Expr:
    """The syntax tree of a condition. Raises ExpressionError, and nothing else, for any other text."""
    parser = Parser(tokenize(text))
    node = parser.whole()
    _refuse_depth(node)
    return node


def _refuse_depth(root: Expr) -> None:
    """Chains such as a + b + c nest to the left without brackets; bound them too, for whoever walks the tree."""
    row, level = [root], 1
    while row:
        if level > LEVELS:
            raise _too_deep(row[0].place)
        row = [child for node in row for child in children(node)]
        level += 1


def _too_deep(place: Place) -> ExpressionError:
    return ExpressionError(f"nested more than {LEVELS} levels deep", place, "split the condition")


def _join(start: Place, end: Place) -> Place:
    return Place(start.offset, end.end - start.offset, start.line, start.column)


class Parser:
    """One pass over the tokens of one condition."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._position = 0
        self._level = 0
        self._quantified = False

    def whole(self) -> Expr:
        """The tree of all tokens. Raises ExpressionError."""
        node = self._expression()
        if self._next.kind != "end":
            raise self._unexpected("an operator or the end")
        return node

    @property
    def _next(self) -> Token:
        return self._tokens[self._position]

    def _take(self) -> Token:
        token = self._tokens[self._position]
        self._position += 1
        return token

    def _sees(self, *texts: str) -> bool:
        token = self._tokens[self._position]
        return token.kind in ("sign", "word") and token.text in texts

    def _accept(self, text: str) -> bool:
        if self._sees(text):
            self._position += 1
            return True
        return False

    def _expect(self, text: str, after: str) -> Token:
        if self._sees(text):
            return self._take()
        raise self._unexpected(f"{text!r} {after}")

    def _unexpected(self, expected: str) -> ExpressionError:
        token = self._next
        found = "the end of the condition" if token.kind == "end" else repr(token.text[:40])
        return ExpressionError(f"expected {expected}, found {found}", token.place, SLIPS.get(token.text, ""))

    def _nested(self, parse: Callable[..., Expr], *arguments: int) -> Expr:
        """Go one level down. The level is not restored after an error, since that ends the whole parse."""
        self._level += 1
        if self._level > LEVELS:
            raise _too_deep(self._next.place)
        node = parse(*arguments)
        self._level -= 1
        return node

    def _expression(self) -> Expr:
        test = self._binary(1)
        if not self._accept("?"):
            return test
        then = self._nested(self._binary, 1)
        self._expect(":", "between the two results of ?")
        other = self._nested(self._expression)
        return Conditional(test, then, other, place=_join(test.place, other.place))

    def _binary(self, weakest: int) -> Expr:
        left = self._unary()
        while self._next.kind in ("sign", "word") and RANKS.get(self._next.text, 0) >= weakest:
            op = self._take().text
            if op in ("&&", "||"):
                left = self._logical(op, left)
            else:
                right = self._nested(self._binary, RANKS[op] + 1)
                left = Binary(op, left, right, place=_join(left.place, right.place))
        return left

    def _logical(self, op: str, first: Expr) -> Expr:
        parts = [first, self._nested(self._binary, RANKS[op] + 1)]
        while self._accept(op):
            parts.append(self._nested(self._binary, RANKS[op] + 1))
        return Logical(op, tuple(parts), place=_join(first.place, parts[-1].place))

    def _unary(self) -> Expr:
        if not self._sees("!", "-"):
            return self._postfix(self._primary())
        sign = self._take()
        if sign.text == "-" and self._next.literal and self._next.literal.kind in (Kind.INT, Kind.FLOAT):
            return self._postfix(self._negative(sign))
        if self._sees("!", "-") and not self._sees(sign.text) and not self._starts_number():
            raise self._unexpected(f"no other sign right after {sign.text!r}: write brackets")
        operand = self._nested(self._unary)
        return Unary(sign.text, operand, place=_join(sign.place, operand.place))

    def _starts_number(self) -> bool:
        literal = self._tokens[self._position + 1].literal
        return self._sees("-") and literal is not None and literal.kind in (Kind.INT, Kind.FLOAT)

    def _negative(self, sign: Token) -> Literal:
        literal = self._take().literal
        assert literal is not None
        assert isinstance(literal.value, int | float)
        return Literal(literal.kind, -literal.value, place=_join(sign.place, literal.place))

    def _postfix(self, node: Expr) -> Expr:
        while True:
            if self._accept("."):
                node = self._member(node)
            elif self._accept("["):
                index = self._nested(self._expression)
                end = self._expect("]", "after the index")
                node = Index(node, index, place=_join(node.place, end.place))
            else:
                return node

    def _member(self, source: Expr) -> Expr:
        word = self._next
        if word.kind != "word" or word.text == "in":
            raise self._unexpected("a field name after '.'")
        self._take()
        if not self._sees("("):
            return Select(source, word.text, word.place, place=_join(source.place, word.place))
        if word.text in QUANTIFIERS:
            return self._quantifier(source, word)
        self._refuse_unknown(word, METHODS, FUNCTIONS, "method")
        arguments, end = self._arguments()
        return Call(word.text, source, arguments, place=_join(source.place, end.place))

    def _primary(self) -> Expr:
        token = self._next
        if token.literal is not None:
            return self._positive(self._take().literal or token.literal)
        if token.kind == "word" and token.text not in RESERVED:
            self._take()
            return self._call(token) if self._sees("(") else self._name(token)
        if self._accept("("):
            return self._bracketed(token)
        if self._accept("["):
            items, end = self._listed("]")
            return Items(items, place=_join(token.place, end.place))
        raise self._no_value(token)

    def _no_value(self, token: Token) -> ExpressionError:
        if token.text in RESERVED:
            return ExpressionError(f"{token.text!r} is a reserved word", token.place, "it cannot name a field here")
        if token.text == "{":
            return ExpressionError("maps cannot be written in conditions", token.place, "compare single fields")
        return self._unexpected("a value")

    def _positive(self, literal: Literal) -> Literal:
        if literal.kind is Kind.INT and literal.value == LARGEST + 1:
            raise ExpressionError("the number does not fit 64 bits", literal.place, f"the largest is {LARGEST}")
        return literal

    def _name(self, token: Token) -> Name:
        if token.text in SLIPS:
            raise ExpressionError(f"expected a value, found {token.text!r}", token.place, SLIPS[token.text])
        return Name(token.text, place=token.place)

    def _bracketed(self, opening: Token) -> Expr:
        node = self._nested(self._expression)
        closing = self._expect(")", "to close the bracket")
        return msgspec.structs.replace(node, place=_join(opening.place, closing.place))

    def _listed(self, closing: str) -> tuple[tuple[Expr, ...], Token]:
        nodes: list[Expr] = []
        while not self._sees(closing):
            nodes.append(self._nested(self._expression))
            if not self._accept(","):
                break
            if closing == ")" and self._sees(closing):
                raise self._unexpected("an argument after ','")
        return tuple(nodes), self._expect(closing, "or ','")

    def _arguments(self) -> tuple[tuple[Expr, ...], Token]:
        self._expect("(", "before arguments")
        return self._listed(")")

    def _call(self, word: Token) -> Expr:
        if word.text == "has":
            return self._has(word)
        self._refuse_unknown(word, FUNCTIONS, METHODS, "function")
        arguments, end = self._arguments()
        return Call(word.text, None, arguments, place=_join(word.place, end.place))

    def _has(self, word: Token) -> Has:
        arguments, end = self._arguments()
        place = _join(word.place, end.place)
        if len(arguments) == 1 and isinstance(arguments[0], Select):
            return Has(arguments[0], place=place)
        raise ExpressionError("has takes one field of something", place, "write has(booking.spot)")

    def _quantifier(self, source: Expr, word: Token) -> Quantifier:
        if self._quantified:
            raise ExpressionError(f"{word.text} cannot stand inside another exists or all", word.place)
        self._expect("(", f"after {word.text}")
        variable = self._next
        if variable.kind != "word" or variable.text in RESERVED:
            raise self._unexpected(f"a variable name, as in {word.text}(x, x > 1)")
        self._take()
        self._expect(",", f"after the variable of {word.text}")
        self._quantified = True
        test = self._nested(self._expression)
        self._quantified = False
        end = self._expect(")", f"to close {word.text}")
        return Quantifier(word.text, source, variable.text, test, place=_join(source.place, end.place))

    def _refuse_unknown(self, word: Token, known: Iterable[str], elsewhere: Iterable[str], what: str) -> None:
        if word.text in known:
            return
        if word.text in REFUSED:
            message = f"the {what} {word.text} is not part of conditions"
            raise ExpressionError(message, word.place, REFUSED[word.text])
        if word.text in elsewhere:
            hint = f"write x.{word.text}(…)" if what == "function" else f"write {word.text}(…)"
        else:
            extra = MACROS if what == "function" else QUANTIFIERS
            hint = nearest(word.text, [*known, *extra])
        raise ExpressionError(f"there is no {what} {word.text}", word.place, hint)
