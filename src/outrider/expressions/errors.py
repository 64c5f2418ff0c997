"""What can be wrong with a condition: in its text (ExpressionError) or when it meets facts (EvaluationError)."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from outrider.expressions.nodes import Place


class ExpressionError(ValueError):
    """The text of a condition is wrong, at one place.

    `message` says what is wrong, `hint` what to write instead ("" when there is nothing to suggest).
    `offset` and `length` count characters from 0; `line` and `column` count from 1.
    """

    def __init__(self, message: str, place: Place, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.offset = place.offset
        self.length = place.length
        self.line = place.line
        self.column = place.column

    def __str__(self) -> str:
        tail = f"; {self.hint}" if self.hint else ""
        return f"line {self.line}, column {self.column}: {self.message}{tail}"

    def pointed(self, text: str) -> str:
        """The line of `text` the error is in, and below it carets under the wrong part."""
        lines = re.split(r"\r\n|\r|\n", text)
        line = lines[self.line - 1]
        width = max(1, min(self.length, len(line) - self.column + 1))
        return f"{line}\n{' ' * (self.column - 1)}{'^' * width}"


class EvaluationError(Exception):
    """A condition has no value for these facts: a field is missing, or values do not fit an operator.

    `path` is the dotted path of the missing field, or the text of the part that failed; `reason` says why.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class Undefined(Exception):
    """An operator or function has no value for its operands; the argument says why. The compiler adds the path."""


def nearest(word: str, known: Iterable[str], prefix: str = "") -> str:
    """A hint naming the known word most like `word`, after `prefix`; "" when none comes close."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"did you mean {prefix}{found[0]}?" if found else ""
