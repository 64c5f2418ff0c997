"""The reference page of conditions: every example on it does what the page says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from outrider.expressions import (
    EvaluationError,
    ExpressionError,
    FieldType,
    Kind,
    check,
    declare_fields,
    holds,
    parse,
)
from outrider.expressions import compile as to_function
from outrider.expressions.compiler import ITEMS
from outrider.expressions.functions import FUNCTIONS, METHODS, REFUSED, duration, timestamp
from outrider.expressions.parser import LEVELS
from outrider.expressions.tokens import CHARACTERS
from outrider.expressions.types import BOOL

PAGE = (Path(__file__).parents[2] / "docs/reference/conditions.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def examples() -> list[tuple[str, str]]:
    lines = [line for block in blocks("cel") for line in block.splitlines() if line]
    return [(text.strip(), expected.strip()) for text, expected in (line.rsplit("//", 1) for line in lines)]


def typed(value: Any, declared: FieldType | None) -> Any:
    """Facts written as JSON, with the instants and spans their declaration asks for."""
    if declared is None or value is None:
        return value
    if declared.kind is Kind.MAP and declared.fields is not None:
        return {name: typed(part, declared.fields.get(name)) for name, part in value.items()}
    readers = {Kind.TIMESTAMP: timestamp, Kind.DURATION: duration}
    return readers[declared.kind](value) if declared.kind in readers else value


SAMPLE = json.loads(blocks("json")[0])
FIELDS = declare_fields(SAMPLE["fields"])
FACTS = {name: typed(value, FIELDS[name]) for name, value in SAMPLE["facts"].items()}


def result(text: str) -> str:
    """What a condition comes to, in the words of the page."""
    try:
        tree = parse(text)
        check(tree, FIELDS, BOOL)
        compiled = to_function(tree, FIELDS)
        value = compiled(FACTS)
    except ExpressionError as error:
        return f"refused: {error.message}; {error.hint}".rstrip("; ")
    except EvaluationError as error:
        assert not holds(compiled, FACTS)
        return f"no value: {error}"
    return {True: "true", False: "false"}[value]


@pytest.mark.parametrize(("text", "expected"), examples())
def test_an_example_does_what_the_page_says(text: str, expected: str) -> None:
    assert expected in ("true", "false") or expected.startswith(("no value: ", "refused: "))
    found = result(text)
    assert found.startswith(expected) if ": " in expected else found == expected


def test_the_page_has_all_functions_and_names_all_that_are_left_out() -> None:
    assert [name for name in {*FUNCTIONS, *METHODS} if f"{name}(" not in PAGE] == []
    left_out = PAGE.split("Left out:")[1]
    assert [name for name in REFUSED if f"`{name}`" not in left_out] == []


def test_the_page_has_the_limits_of_the_code() -> None:
    limits = PAGE.split("## Limits")[1].split("##")[0]
    assert re.findall(r"\| ([\d,]+) \|", limits) == [f"{CHARACTERS:,}", f"{LEVELS}", f"{ITEMS:,}"]


def test_the_page_has_a_good_number_of_examples_of_each_outcome() -> None:
    outcomes = [expected.split(":")[0] for _, expected in examples()]
    assert {outcome: outcomes.count(outcome) >= 8 for outcome in ("true", "false", "no value", "refused")} == {
        "true": True,
        "false": True,
        "no value": True,
        "refused": True,
    }
