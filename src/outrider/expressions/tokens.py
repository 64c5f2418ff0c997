"""From the text of a condition to its tokens, by the lexis of the CEL language definition.

Source: google/cel-spec, doc/langdef.md, section Syntax. Left out: unsigned integers and bytes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import msgspec

from outrider.expressions.errors import ExpressionError
from outrider.expressions.nodes import Literal, Place
from outrider.expressions.types import Kind

#: Characters in one condition. Ours; a page of text, and enough for a list of some hundred values.
CHARACTERS = 4096
#: CEL integers have 64 bits (langdef.md, section Numeric Values). The smallest one is written with its sign.
LARGEST = 2**63 - 1

TOKEN = re.compile(
    r"""(?P<space>[ \t\n\f\r]+|//[^\r\n]*)
    |(?P<bytes>[bB][rR]?["'])
    |(?P<raw>[rR](?:\"{3}.*?\"{3}|'{3}.*?'{3}|"[^"\r\n]*"|'[^'\r\n]*'))
    |(?P<string>\"{3}(?:[^\\]|\\.)*?\"{3}|'{3}(?:[^\\]|\\.)*?'{3}|"(?:[^"\\\r\n]|\\[^\r\n])*"|'(?:[^'\\\r\n]|\\[^\r\n])*')
    |(?P<float>[0-9]*\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+)
    |(?P<unsigned>(?:0[xX][0-9a-fA-F]+|[0-9]+)[uU]\b)
    |(?P<int>0[xX][0-9a-fA-F]+|[0-9]+)
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign>\|\||&&|==|!=|<=|>=|[-+*/%!<>?:.,()\[\]{}])""",
    re.VERBOSE | re.DOTALL,
)
NEWLINE = re.compile(r"\r\n|\r|\n")
ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|X([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.)|$)", re.DOTALL
)
#: The one-letter escapes of langdef.md, section String and Bytes Values.
LETTERS = dict(zip("\\?\"'`abfnrtv", "\\?\"'`\a\b\f\n\r\t\v", strict=True))
WORDS = {"true": (Kind.BOOL, True), "false": (Kind.BOOL, False), "null": (Kind.NULL, None)}
#: Characters people bring from other languages, and what to write here.
SLIPS = {
    "=": "write == to compare",
    "&": "write && for and",
    "|": "write || for or",
    "“": 'write straight quotes "',
    "”": 'write straight quotes "',
    "‘": "write straight quotes '",
    "’": "write straight quotes '",
}


class Token(msgspec.Struct, frozen=True):
    """One piece of text. `kind` is word, sign, literal or end; `literal` is set for literals."""

    kind: str
    text: str
    place: Place
    literal: Literal | None = None


def tokenize(text: str) -> list[Token]:
    """The tokens of a condition, the last of kind "end". Raises ExpressionError."""
    if len(text) > CHARACTERS:
        extra = _place(text, CHARACTERS, len(text) - CHARACTERS)
        raise ExpressionError(f"a condition has at most {CHARACTERS} characters, this one has {len(text)}", extra)
    tokens = list(_tokens(text))
    tokens.append(Token("end", "", _place(text, len(text), 0)))
    return tokens


def _tokens(text: str) -> Iterator[Token]:
    offset, line, start = 0, 1, 0
    while offset < len(text):
        match = TOKEN.match(text, offset)
        if match is None:
            raise _unreadable(text, offset)
        found = match.group()
        if match.lastgroup != "space":
            place = Place(offset, len(found), line, offset - start + 1)
            yield _token(str(match.lastgroup), found, place)
        offset = match.end()
        for newline in NEWLINE.finditer(found):
            line, start = line + 1, match.start() + newline.end()


def _place(text: str, offset: int, length: int) -> Place:
    newlines = list(NEWLINE.finditer(text, 0, offset))
    start = newlines[-1].end() if newlines else 0
    return Place(offset, length, len(newlines) + 1, offset - start + 1)


def _unreadable(text: str, offset: int) -> ExpressionError:
    character = text[offset]
    if character in "\"'":
        end = NEWLINE.search(text, offset)
        length = (end.start() if end else len(text)) - offset
        return ExpressionError("the string is not closed", _place(text, offset, length), f"end it with {character}")
    hint = SLIPS.get(character, "")
    return ExpressionError(f"unexpected character {character!r}", _place(text, offset, 1), hint)


def _token(group: str, text: str, place: Place) -> Token:
    if group == "sign" or (group == "word" and text not in WORDS):
        return Token(group, text, place)
    return Token("literal", text, place, _literal(group, text, place))


def _literal(group: str, text: str, place: Place) -> Literal:
    if group == "word":
        kind, value = WORDS[text]
        return Literal(kind, value, place=place)
    if group == "int":
        return Literal(Kind.INT, _whole(text, place), place=place)
    if group == "float":
        return Literal(Kind.FLOAT, _fraction(text, place), place=place)
    if group in ("string", "raw"):
        return Literal(Kind.STRING, _string(group, text, place), place=place)
    if group == "unsigned":
        raise ExpressionError("unsigned integers are not part of conditions", place, f"write {text[:-1]}")
    raise ExpressionError("bytes are not part of conditions", place, "write a string without the b")


def _whole(text: str, place: Place) -> int:
    value = int(text, 16 if text[:2] in ("0x", "0X") else 10)
    if value > LARGEST + 1:
        raise ExpressionError("the number does not fit 64 bits", place, f"the largest is {LARGEST}")
    return value


def _fraction(text: str, place: Place) -> float:
    value = float(text)
    if math.isinf(value):
        raise ExpressionError("the number is too large", place, "the largest is about 1.8e308")
    return value


def _string(group: str, text: str, place: Place) -> str:
    body = text[1:] if group == "raw" else text
    width = 3 if body[:3] in ('"""', "'''") and len(body) >= 6 else 1
    body = body[width:-width]
    return body if group == "raw" else ESCAPE.sub(lambda match: _unescape(match, place), body)


def _unescape(match: re.Match[str], place: Place) -> str:
    *codes, octal, letter = match.groups()
    if letter is not None and letter in LETTERS:
        return LETTERS[letter]
    code = next((int(digits, 16) for digits in codes if digits), int(octal, 8) if octal else -1)
    if 0 <= code <= 0x10FFFF and not 0xD800 <= code <= 0xDFFF:
        return chr(code)
    hint = r"known are \\ \" \' \n \r \t, \x41, \u00e9, \U0001f697 and octal \101"
    raise ExpressionError(f"unknown escape {match.group()} in the string", place, hint)
