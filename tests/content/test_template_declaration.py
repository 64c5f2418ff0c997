"""template.yaml is read as YAML 1.2 and everything wrong in it is told with its place."""

from __future__ import annotations

import pytest

from outrider.content.declaration import Policy, read_declaration
from outrider.domain.problem import Problem
from outrider.domain.purpose import Purpose


def read(text: str) -> tuple[object, list[Problem]]:
    return read_declaration("x", "templates/x/template.yaml", text)


def test_a_full_declaration() -> None:
    declaration, problems = read_declaration(
        "find-your-car",
        "t.yaml",
        "purpose: transactional\nlanguages: [fr, en-GB]\nfallback: en-GB\ntransliterate: strict\nvariables:\n"
        '  booking.spot: {type: string, example: "B12", longest: 20}\n'
        "  booking.starts_at: {type: datetime, example: 2026-12-24T14:05:00+01:00}\n"
        "  booking.day: {type: date, example: 2026-12-24}\n"
        "  price: {type: number, example: 12.5}\n  seats: {type: integer, example: 0x10}\n"
        "  big: {type: boolean, example: true}\n  extras: {type: list, example: [seat, {name: x, n: null}]}\n",
    )
    assert problems == []
    assert (declaration.purpose, declaration.policy) == (Purpose.TRANSACTIONAL, Policy.STRICT)
    assert (declaration.languages, declaration.fallback) == (("fr", "en-GB"), "en-GB")
    assert {name: variable.example for name, variable in declaration.variables.items()} == {
        "booking.spot": "B12",
        "booking.starts_at": "2026-12-24T14:05:00+01:00",
        "booking.day": "2026-12-24",
        "price": 12.5,
        "seats": 16,
        "big": True,
        "extras": ["seat", {"name": "x", "n": None}],
    }
    assert declaration.variables["booking.spot"].longest == 20


def test_an_empty_file_declares_the_defaults() -> None:
    declaration, problems = read_declaration("x", "t.yaml", "# nothing yet\n")
    assert problems == []
    assert (declaration.purpose, declaration.fallback, declaration.policy) == (None, "en", Policy.TRANSLITERATE)


def test_on_and_no_are_texts_as_yaml_1_2_says() -> None:
    declaration, problems = read_declaration("x", "t", "variables: {v: {type: string, example: NO}}")
    assert problems == []
    assert declaration.variables["v"].example == "NO"


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("- a", 1, 1, "expected a mapping"),
        ("purpos: x", 1, 1, "unknown key 'purpos'"),
        ("purpose: marketing", 1, 10, "unknown purpose 'marketing'"),
        ("purpose: [a]", 1, 10, "unknown purpose 'a collection'"),
        ("fallback: french!", 1, 11, "expected a language tag"),
        ("languages: fr", 1, 12, "expected a list of language tags"),
        ("languages: [fr, 12]", 1, 17, "expected a language tag"),
        ("transliterate: maybe", 1, 16, "unknown policy 'maybe'"),
        ("fallback: en\nfallback: fr", 2, 1, "'fallback' is given twice"),
        ("a: [1\nb: 2", 2, 2, "not valid YAML"),
        ("a: \x01", 0, 0, "not valid YAML"),
        ("variables: [a]", 1, 12, "expected a mapping"),
        ("variables:\n  a: {type: string}", 2, 3, "variable 'a' has no example"),
        ("variables:\n  a: {example: x}", 2, 3, "variable 'a' has no type"),
        ("variables:\n  a: {type: text, example: x}", 2, 13, "unknown type 'text'"),
        ("variables:\n  a: {type: string, example: 12}", 2, 30, "of type string, got a whole number"),
        ("variables:\n  a: {type: integer, example: 1.5}", 2, 31, "of type integer, got a number"),
        ("variables:\n  a: {type: list, example: x}", 2, 28, "of type list, got text"),
        ("variables:\n  a: {type: datetime, example: soon}", 2, 32, "expected an ISO 8601 date"),
        ("variables:\n  a: {type: datetime, example: 2026-12-24T14:05:00}", 2, 32, "with a UTC offset"),
        ("variables:\n  a: {type: date, example: 2026-02-30}", 2, 28, "expected an ISO 8601 date"),
        ("variables:\n  a: {type: string, example: x, longest: 0}", 2, 42, "a number of characters above 0"),
        ("variables:\n  a: {type: string, example: x, longest: many}", 2, 42, "a number of characters above 0"),
        ("variables:\n  a: {type: integer, example: 1, longest: 5}", 2, 43, "for a variable of type string"),
        ("variables:\n  a b: {type: string, example: x}", 2, 3, "'a b' is no variable name"),
        ("variables:\n  zone: {type: string, example: x}", 2, 3, "'zone' is always there"),
        (
            "variables:\n  a: {type: string, example: x}\n  a.b: {type: string, example: x}",
            2,
            3,
            "'a' cannot be a value and hold 'a.b'",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, line: int, column: int, message: str) -> None:
    _, problems = read(text)
    assert len(problems) == 1
    assert (problems[0].line, problems[0].column) == (line, column)
    assert message in problems[0].message
    assert problems[0].is_error


def test_a_near_miss_gets_a_suggestion() -> None:
    _, problems = read("purpos: legal\ntransliterate: unicod")
    assert [problem.hint for problem in problems] == ["did you mean 'purpose'?", "did you mean 'unicode'?"]


def test_one_pass_tells_everything() -> None:
    _, problems = read("purpose: x\nfallback: 1\nvariables:\n  a: {type: string}\n  b: 1\n")
    assert [problem.line for problem in problems] == [1, 2, 4, 5, 5, 5]
