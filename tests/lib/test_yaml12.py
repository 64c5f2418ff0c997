"""YAML 1.2 is read by its own rules, with the place of every key and value, and refused with a place."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.lib.yaml12 import MAX_DEPTH, Located, Mark, Path, YamlError, meant_boolean, read

JOURNEY = """\
start: {on: NO, at: 21:00}   # a comment
exit:
  - on: booking.canceled
    where: 'a == ''b'' && c'

steps:
  - |
    one == 1 &&
      two
  - "caf\\u00e9 \\"x\\" y"
  - >-
    one
    two
  - plain
    folded
last:
"""


def pointed(located: Located, mark: Mark) -> str:
    """The text a mark points at."""
    return located.text.split("\n")[mark.line - 1][mark.column - 1 :][: mark.length]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        *((word, word) for word in ("on", "off", "yes", "no", "NO", "y", "n", "21:00", "1_000", "0b11", "2030-01-01")),
        *((word, None) for word in ("null", "Null", "NULL", "~", "")),
        *((word, True) for word in ("true", "True", "TRUE")),
        *((word, False) for word in ("false", "False", "FALSE")),
        ("017", 17),
        ("-12", -12),
        ("+3", 3),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e3", 1000.0),
        ("-.inf", -math.inf),
        ("+.inf", math.inf),
        (".Inf", math.inf),
        ("'true'", "true"),
        ('"12"', "12"),
        ("30m", "30m"),
        ("<<", "<<"),
    ],
)
def test_scalars_follow_the_core_schema_of_yaml_1_2(written: str, meant: object) -> None:
    value = read(f"key: {written}\n").value["key"]
    assert value == meant
    assert type(value) is type(meant)


def test_not_a_number_is_one_of_the_core_schema() -> None:
    assert math.isnan(read(".nan").value)


def test_keys_are_text_as_written() -> None:
    assert read("404: a\ntrue: b\nNO: c\n~: d\n").value == {"404": "a", "true": "b", "NO": "c", "~": "d"}


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "---\n", "\ufeff"])
def test_an_empty_document_is_none_and_still_has_a_place(text: str) -> None:
    located = read(text)
    assert located.value is None
    assert located.at(("steps", 0)).length == 1


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        (("start",), Mark(1, 1, 5), Mark(1, 8, 19)),
        (("start", "on"), Mark(1, 9, 2), Mark(1, 13, 2)),
        (("start", "at"), Mark(1, 17, 2), Mark(1, 21, 5)),
        (("exit", 0), Mark(3, 5, 20), Mark(3, 5, 20)),
        (("exit", 0, "where"), Mark(4, 5, 5), Mark(4, 12, 17)),
        (("last",), Mark(16, 1, 4), Mark(16, 1, 4)),
        (("exit", 0, "then", "send"), Mark(3, 5, 20), Mark(3, 5, 20)),
    ],
)
def test_every_key_and_value_has_its_place(path: Path, key: Mark, value: Mark) -> None:
    located = read(JOURNEY, "rental.yaml")
    assert (located.key(path), located.at(path)) == (key, value)


def test_a_byte_order_mark_shifts_no_column() -> None:
    assert read("\ufeffa: b").at(("a",)) == Mark(1, 4, 1)


def test_windows_line_ends_shift_no_line() -> None:
    located = read("a: 1\r\nb: 2\r\n")
    assert (located.value, located.at(("b",))) == ({"a": 1, "b": 2}, Mark(2, 4, 1))


def test_a_block_ends_before_the_blank_lines_and_comments_after_it() -> None:
    located = read("a:\n  - b\n\n# end\nc: d\n")
    span = located.values[("a",)]
    assert located.text[span.start : span.end] == "- b"


@pytest.mark.parametrize(
    ("path", "part"),
    [
        (("exit", 0, "where"), "'b'"),
        (("exit", 0, "where"), "c"),
        (("steps", 0), "one"),
        (("steps", 0), "two"),
        (("steps", 1), "y"),
        (("steps", 2), "two"),
        (("steps", 3), "folded"),
    ],
)
def test_a_part_of_a_text_is_found_behind_quotes_escapes_and_folds(path: Path, part: str) -> None:
    located = read(JOURNEY)
    value: Any = located.value
    for step in path:
        value = value[step]
    mark = located.inside(path, value.index(part), len(part))
    assert pointed(located, mark).startswith(part[0] if part[0] != "'" else "''")


def test_a_part_at_the_end_of_a_text_stays_on_its_line() -> None:
    located = read("when: 'a =='\nnext: 1\n")
    assert located.inside(("when",), 4, 1) == Mark(1, 12, 1)


@pytest.mark.parametrize(
    ("text", "line", "column", "word"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 1, "the first is on line 1"),
        ("x: {a: 1, a: 2}", 1, 11, "second time"),
        ("1: a\n'1': b\n", 2, 1, "second time"),
        ("a: [1, 2\n", 1, 4, "never closed"),
        ("a: [\n", 1, 4, "never closed"),
        ("b: 1\na: {  \n\n", 2, 4, "never closed"),
        ("a: 'x\n", 1, 4, "never closed"),
        ("a: b: c", 1, 5, "quote a text"),
        ("a:\n\t- b", 2, 1, "indent with spaces"),
        ("a: @b", 1, 4, "quote the text"),
        ("a: &x b", 1, 4, "anchors"),
        ("a: *x", 1, 4, "anchors"),
        ("a: !!str b", 1, 4, "tags"),
        ("&k a: b", 1, 1, "anchors"),
        ("--- a\n--- b\n", 2, 1, "second document"),
        ("? [a]\n: b", 1, 3, "a key must be"),
        ("a: \x01", 1, 4, "U+0001"),
        ('a: "\\q"', 1, 6, "escape"),
        ('a: "\\ud83d"', 1, 4, "half a character"),
        ("- a\nb: c", 2, 1, "block collection"),
        ("%YAML 3.0\n---\na", 1, 1, "version 1"),
        ("[" * 400, 1, MAX_DEPTH + 2, "deeper"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, line: int, column: int, word: str) -> None:
    with pytest.raises(YamlError, match=word.replace("+", r"\+")) as caught:
        read(text)
    assert (caught.value.line, caught.value.column) == (line, column)


def test_an_old_version_directive_does_not_bring_the_old_rules_back() -> None:
    assert read("%YAML 1.1\n---\na: yes\n").value == {"a": "yes"}


@pytest.mark.parametrize(
    ("value", "word"), [("yes", "true"), ("ON", "true"), ("n", "false"), ("Off", "false"), ("maybe", ""), (True, "")]
)
def test_words_that_were_booleans_once_are_known(value: object, word: str) -> None:
    assert meant_boolean(value) == word


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcde", min_size=1), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_json_is_read_as_itself_and_every_scalar_is_where_its_place_says(value: object) -> None:
    located = read(json.dumps(value, indent=1, ensure_ascii=False))
    assert located.value == value
    for path, span in located.values.items():
        written = json.loads(located.text[span.start : span.end])
        found: Any = value
        for step in path:
            found = found[step]
        assert written == found


def refusal(text: str) -> YamlError | None:
    """Why a text is not read, if it is not."""
    try:
        read(text)
    except YamlError as error:
        return error
    return None


@given(st.text(st.sampled_from("ab:-[]{}'\"|>&*!# \n\t%@`,?0"), max_size=30))
def test_any_text_is_read_or_refused_with_a_place_inside_it(text: str) -> None:
    error = refusal(text)
    if error is None:
        located = read(text)
        assert all(located.at(path).length >= 1 for path in located.values)
    else:
        assert 1 <= error.line <= text.count("\n") + 1
        assert error.column >= 1


@given(st.text("ab '&=\n", min_size=1, max_size=30), st.integers(0, 29))
def test_a_character_of_a_double_quoted_text_is_found_again(text: str, offset: int) -> None:
    offset = min(offset, len(text) - 1)
    located = read(json.dumps(text))
    width = 2 if text[offset] == "\n" else 1
    assert json.loads(f'"{pointed(located, located.inside((), offset, width))}"') == text[offset]
