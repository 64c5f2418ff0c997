"""A problem is shown with its place, its line, a caret under the right characters, and the hint."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.domain.problem import Problem, place, show

SOURCE = "journey: rental\nsteps:\n  - wiat: {for: 3h}\n"


def test_a_problem_is_shown_with_place_line_caret_and_hint() -> None:
    problem = Problem("journeys/rental.yaml", 3, 5, "unknown step 'wiat'", "did you mean 'wait'?", length=4)
    assert show(problem, SOURCE) == (
        "journeys/rental.yaml:3:5: error: unknown step 'wiat'\n"
        "    - wiat: {for: 3h}\n"
        "      ^^^^\n"
        "  hint: did you mean 'wait'?"
    )


def test_a_warning_is_named_a_warning_and_is_no_error() -> None:
    problem = Problem("a.yaml", 1, 1, "unused", severity="warning")
    assert show(problem, SOURCE).startswith("a.yaml:1:1: warning: unused")
    assert not problem.is_error
    assert Problem("a.yaml", 1, 1, "bad").is_error


@pytest.mark.parametrize(
    ("line", "column", "expected"),
    [(0, 0, "a.yaml"), (2, 0, "a.yaml:2"), (2, 7, "a.yaml:2:7")],
)
def test_the_place_says_as_much_as_is_known(line: int, column: int, expected: str) -> None:
    assert place(Problem("a.yaml", line, column, "bad")) == expected


@pytest.mark.parametrize(
    ("line", "column", "length", "source", "caret"),
    [
        (1, 1, 1, "abc", "  ^"),
        (1, 3, 9, "abc", "    ^"),
        (1, 4, 1, "abc", "     ^"),
        (1, 99, 5, "abc", "     ^"),
        (1, 2, 0, "abc", "   ^"),
        (1, 2, 2, "\tbc", "  \t^^"),
        (1, 2, 1, "日b", "    ^"),
        (1, 1, 1, "日b", "  ^^"),
        (1, 3, 1, "e\u0301b", "   ^"),
        (1, 2, 1, "ab\r\nc", "   ^"),
        (2, 1, 1, "ab\r\nc", "  ^"),
    ],
)
def test_the_caret_stands_under_the_characters_meant(
    line: int, column: int, length: int, source: str, caret: str
) -> None:
    shown = show(Problem("f", line, column, "bad", length=length), source).split("\n")
    assert shown[2:] == [caret]


@pytest.mark.parametrize(("line", "source"), [(0, "abc"), (2, "abc"), (1, "")])
def test_without_a_source_line_only_place_and_message_are_shown(line: int, source: str) -> None:
    assert "\n" not in show(Problem("f", line, 1, "bad"), source)


def test_without_a_column_the_line_is_shown_without_a_caret() -> None:
    assert show(Problem("f", 2, 0, "bad"), "a\nb") == "f:2: error: bad\n  b"


@pytest.mark.parametrize("column", [1, 40, 150, 251, 299, 300])
def test_a_long_line_is_cropped_around_the_character_meant(column: int) -> None:
    line = "a" * (column - 1) + "X" + "b" * (300 - column)
    _, excerpt, carets = show(Problem("f", 1, column, "bad"), line).split("\n")
    assert len(excerpt) <= 104
    assert excerpt[carets.index("^")] == "X"
    assert excerpt.startswith("  …") == (column > 51)
    assert excerpt.endswith("…") == (column < 250)


@given(st.text(), st.integers(0, 5), st.integers(0, 50), st.integers(0, 50))
def test_showing_never_fails_and_starts_with_the_place(source: str, line: int, column: int, length: int) -> None:
    problem = Problem("f", line, column, "bad", length=length)
    assert show(problem, source).startswith(place(problem) + ": error: bad")
