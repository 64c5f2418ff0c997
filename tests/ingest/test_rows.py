"""Files of rows: cut from any stream of chunks, with lines, places and reasons."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.ingest.rows import LONGEST_ROW, BadRow, Header, RawRow, Splitter, cells_of, delimiter_of, text_of, whole

CELL = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from('",;\n'), max_size=8)


def rows(content: bytes, *, quoted: bool, size: int = 7) -> list[RawRow]:
    splitter = Splitter(quoted=quoted)
    found: list[RawRow] = []
    for start in range(0, len(content), size):
        found += splitter.feed(content[start : start + size])
    return [*found, *splitter.finish()]


@pytest.mark.parametrize(
    ("content", "quoted", "expected"),
    [
        pytest.param(b"a\nb\n", False, [(1, b"a"), (2, b"b")], id="lines"),
        pytest.param(b"a\r\nb", False, [(1, b"a"), (2, b"b")], id="windows, and no end"),
        pytest.param(b"\xef\xbb\xbfa\n\n  \nb\n", False, [(1, b"a"), (4, b"b")], id="mark and blank lines"),
        pytest.param(b'a\n"x\ny"\nb\n', True, [(1, b"a"), (2, b'"x\ny"'), (4, b"b")], id="a cell of two lines"),
        pytest.param(b'a\n"x\ny\n', True, [(1, b"a"), (2, b'"x\ny')], id="a quote left open at the end"),
        pytest.param(b'a,5" x\nb,6" y\n', True, [(1, b'a,5" x'), (2, b'b,6" y')], id="inches are no quotes"),
        pytest.param(b'"a""",x\nb\n', True, [(1, b'"a""",x'), (2, b"b")], id="a doubled quote at the end of a cell"),
        pytest.param(b'a\t"x\ny"\tc\n', True, [(1, b'a\t"x\ny"\tc')], id="tabs"),
        pytest.param(b'\xef\xbb\xbf"a\nb"\n', True, [(1, b'"a\nb"')], id="a quote after the mark"),
        pytest.param(b'"x\n\n""\n"\n"",b\n', True, [(1, b'"x\n\n""\n"'), (5, b'"",b')], id="blank lines within"),
        pytest.param("a\u2028b\u0085c\n".encode(), False, [(1, "a\u2028b\u0085c".encode())], id="ends of Unicode"),
        pytest.param(b'{"a": "\\""}\n{}\n', False, [(1, b'{"a": "\\""}'), (2, b"{}")], id="quotes of JSON"),
        pytest.param(b"", False, [], id="nothing"),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_rows_are_cut_wherever_the_chunks_end(
    content: bytes, quoted: bool, expected: list[tuple[int, bytes]], size: int
) -> None:
    found = rows(content, quoted=quoted, size=size)
    assert [(row.line, row.raw) for row in found] == expected
    assert all(content[: row.end].rstrip(b"\r\n").endswith(row.raw) for row in found)


@given(st.lists(st.lists(CELL, min_size=2, max_size=2), max_size=6), st.sampled_from(",;\t"), st.integers(1, 20))
def test_what_a_spreadsheet_writes_is_read_back(table: list[list[str]], delimiter: str, size: int) -> None:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="\r\n").writerows(table)
    found = rows(out.getvalue().encode(), quoted=True, size=size)
    read = [cells_of(text_of(row.raw), delimiter) for row in found]
    assert [cells for cells in read if any(cell.strip() for cell in cells)] == [
        cells for cells in table if any(cell.strip() for cell in cells)
    ]


def test_a_row_without_an_end_is_refused_before_it_fills_the_memory() -> None:
    splitter = Splitter(quoted=True)
    assert list(splitter.feed(b'"' + b"x" * (LONGEST_ROW - 1))) == []
    with pytest.raises(BadRow, match="line 1: longer than"):
        list(splitter.feed(b"x"))


def test_of_a_line_that_is_too_long_only_the_beginning_is_kept() -> None:
    splitter = Splitter(quoted=False)
    pieces = [b"a\n", *[b"x" * 1000] * 400, b"\nb\n"]
    found = [row for piece in pieces for row in splitter.feed(piece)]
    assert [(row.line, row.cut, len(row.raw), row.end) for row in found] == [
        (1, False, 1, 2),
        (2, True, 200, 400_003),
        (3, False, 1, 400_005),
    ]
    with pytest.raises(BadRow, match="longer than 262144 bytes"):
        whole(found[1])


def test_other_encodings_are_named() -> None:
    with pytest.raises(BadRow, match="not UTF-8: byte 2"):
        text_of("aé".encode("latin-1"))


@pytest.mark.parametrize(
    ("header", "expected"), [("a,b", ","), ("a;b,c;d", ";"), ('"a,b,c";d', ";"), ("a", ","), ("a\tb\tc,d", "\t")]
)
def test_the_delimiter_is_the_more_frequent_one(header: str, expected: str) -> None:
    assert delimiter_of(header) == expected


def test_columns_become_a_row_with_lists_and_groups() -> None:
    names = ["key", "market", "traits.name", "addresses.sms", "addresses.push", "consents.commercial/sms", "zone"]
    row = Header("profiles", names).row(["c-1", " FR ", "Zoé", "06", "", "granted", ""])
    assert row == {
        "key": "c-1",
        "market": "FR",
        "traits": {"name": "Zoé"},
        "addresses": [{"channel": "sms", "value": "06"}],
        "consents": [{"purpose": "commercial", "channel": "sms", "state": "granted"}],
    }
    ends = Header("relations", ["from.kind", "from.key", "to.kind", "to.key", "role"])
    assert ends.row(["profile", "c", "booking", "b", "driver"])["to"] == {"kind": "booking", "key": "b"}


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["key", "markt"], "did you mean 'market'"),
        (["key", "zzzzzz"], "known: key, kind"),
        (["key", "traits."], "traits.NAME"),
        (["key", "colour"], "traits.NAME"),
        (["key", "key"], "twice"),
    ],
)
def test_a_column_that_means_nothing_is_refused_with_a_hint(names: list[str], reason: str) -> None:
    with pytest.raises(BadRow, match="column") as caught:
        Header("profiles", names)
    assert reason in caught.value.reason


def test_a_row_has_as_many_cells_as_the_header() -> None:
    with pytest.raises(BadRow, match="expected 2 cells as in the header, got 3"):
        Header("profiles", ["key", "zone"]).row(["a", "b", "c"])
    with pytest.raises(BadRow, match="not CSV"):
        cells_of('"a"b', ",")
