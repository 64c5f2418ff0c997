"""The condition language: a subset of CEL, the Common Expression Language (google/cel-spec, doc/langdef.md).

A condition is parsed to a tree, checked against the declared fields, and compiled to a Python function:

    tree = parse('market == "GB" && booking.days >= 3')
    check(tree, fields, BOOL)                  # ExpressionError with place and hint
    condition = compile(tree, fields)
    holds(condition, {"market": "GB", "booking": {"days": 4}})    # True

Values of a context are str, int, float, bool, None, aware datetime, timedelta, list and dict.

Missing and null:
* A field that is missing, or that is read from something without fields (null, a number), has no value: the
  function raises EvaluationError with the path. So does an operator whose operands do not fit, a naive datetime,
  a division of ints by zero, and a result beyond 64 bits.
* `&&` and `||` are commutative, as in CEL: `false && error` and `error && false` are false, `true || error` and
  `error || true` are true; otherwise an error among the parts is the result. exists and all do the same.
* `? :` looks only at the branch it takes.
* null is a value. It equals null and nothing else, is never less or greater (an error), and has no fields.
  `has(a.b)` is true when b is there, also when it is null.
* Values of different kinds are unequal, an int and a float are compared as numbers, true is not 1.
* `judge` and `holds` never raise: an error counts as false, and `judge` tells it.

Where CEL gives a value, the same text gives the same value here, with one exception: with declared fields, `/` is a
float division when one side is declared float, although JSON brought whole numbers (10 for 10.0). In two places CEL
has an error and this language a value: `has(a.b.c)` is false when a or a.b is missing or null, and `+ - * /` between
an int and a float is done in floats.
"""

from outrider.expressions.checker import Checked, check, find_errors
from outrider.expressions.compared import compared_texts
from outrider.expressions.compiler import compile  # noqa: A004  named as in re.compile
from outrider.expressions.errors import EvaluationError, ExpressionError
from outrider.expressions.never import is_never_true
from outrider.expressions.nodes import Expr, Place
from outrider.expressions.parser import parse
from outrider.expressions.paths import used_fields
from outrider.expressions.reading import Compiled, Context
from outrider.expressions.types import (
    ANY,
    BOOL,
    DURATION,
    FLOAT,
    INT,
    STRING,
    TIMESTAMP,
    FieldType,
    Kind,
    declare,
    declare_fields,
    list_of,
    map_of,
)
from outrider.expressions.verdict import Verdict, holds, judge
from outrider.expressions.writer import write

__all__ = [
    "ANY",
    "BOOL",
    "DURATION",
    "FLOAT",
    "INT",
    "STRING",
    "TIMESTAMP",
    "Checked",
    "Compiled",
    "Context",
    "EvaluationError",
    "Expr",
    "ExpressionError",
    "FieldType",
    "Kind",
    "Place",
    "Verdict",
    "check",
    "compared_texts",
    "compile",
    "declare",
    "declare_fields",
    "find_errors",
    "holds",
    "is_never_true",
    "judge",
    "list_of",
    "map_of",
    "parse",
    "used_fields",
    "write",
]
