"""Deciding with a condition: never raises, an error counts as no."""

from __future__ import annotations

import msgspec

from outrider.expressions.errors import EvaluationError
from outrider.expressions.reading import Compiled, Context


class Verdict(msgspec.Struct, frozen=True):
    """Whether a condition holds; `error` says why it has no value, and then `value` is False."""

    value: bool
    error: str | None = None


HOLDS, FAILS = Verdict(True), Verdict(False)


def judge(compiled: Compiled, context: Context) -> Verdict:
    """What a compiled condition says of a context. A missing field, or a result that is not bool, is in `error`."""
    try:
        value = compiled(context)
    except EvaluationError as error:
        return Verdict(False, str(error))
    if value is True:
        return HOLDS
    return FAILS if value is False else Verdict(False, f"the result is {type(value).__name__}, not bool")


def holds(compiled: Compiled, context: Context) -> bool:
    """Whether a compiled condition is true of a context; an error counts as False."""
    try:
        return compiled(context) is True
    except EvaluationError:
        return False
