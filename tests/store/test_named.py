from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.store.named import BadQuery, load, parse

TWO = """-- About timers.

-- name: claim_due_timers
-- Takes the due timers of one shard,
-- passing over those another worker holds.
select id -- the key
from timer where due_at <= $1;

-- name: count_timers
-- Counts them.
select count(*) from timer
"""

names = st.from_regex(r"[a-z][a-z0-9]{0,5}(_[a-z0-9]{1,5}){1,2}", fullmatch=True)
lines = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1).filter(
    lambda text: text.strip(" -;") and not text.lstrip().startswith(("--", "/*"))
)


def test_statements_are_read_with_name_purpose_text_and_place() -> None:
    first, second = parse(TWO, "timer.sql")
    assert first.name == "claim_due_timers"
    assert first.purpose == "Takes the due timers of one shard, passing over those another worker holds."
    assert first.sql == "/* claim_due_timers */ select id -- the key\nfrom timer where due_at <= $1"
    assert (first.place, second.place) == ("timer.sql:3", "timer.sql:9")


def test_a_folder_gives_attributes_and_a_mapping(tmp_path: Path) -> None:
    (tmp_path / "timer.sql").write_text(TWO)
    (tmp_path / "notes.txt").write_text("not SQL")
    (tmp_path / "profile.sql").write_text("-- name: find_profile\n-- Finds it.\nselect 1\n")
    queries = load(tmp_path)
    assert list(queries) == ["find_profile", "claim_due_timers", "count_timers"]
    assert len(queries) == 3
    assert queries.find_profile == queries["find_profile"] == "/* find_profile */ select 1"
    assert queries.details["count_timers"].purpose == "Counts them."


def test_a_package_folder_without_statements_is_empty() -> None:
    assert dict(load(files("outrider.testing"))) == {}


def test_an_unknown_name_is_refused_with_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "timer.sql").write_text(TWO)
    queries = load(tmp_path)
    with pytest.raises(AttributeError, match="no statement is named count_timer; did you mean count_timers"):
        _ = queries.count_timer
    with pytest.raises(KeyError, match="no statement is named zebra'"):
        _ = queries["zebra"]
    assert not hasattr(queries, "__wrapped__")


def test_a_name_used_twice_is_refused_with_both_places(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text(TWO)
    (tmp_path / "b.sql").write_text("-- name: count_timers\n-- Again.\nselect 2\n")
    with pytest.raises(BadQuery, match=r"^b.sql:1: count_timers is named already at a.sql:9$"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("select 1\n-- name: x\n-- P.\nselect 1", "f.sql:1: text before the first `-- name:` belongs to no statement"),
        ("\n-- just this\nselect 1", "f.sql:3: text before the first `-- name:` belongs to no statement"),
        ("-- name: CamelCase\n-- P.\nselect 1", "f.sql:1: the name 'CamelCase' is not in snake_case"),
        ("-- name: a b\n-- P.\nselect 1", "f.sql:1: the name 'a b' is not in snake_case"),
        ("-- name:\n-- P.\nselect 1", "f.sql:1: the name '' is not in snake_case"),
        ("-- name: items\n-- P.\nselect 1", "f.sql:1: the name items is taken by Python's mapping methods"),
        ("-- name: x\nselect 1", "f.sql:1: x has no line of purpose; begin the line after its name with `-- `"),
        ("-- name: x\n--\nselect 1", "f.sql:1: x has no line of purpose; begin the line after its name with `-- `"),
        ("-- name: x\n-- P.\n", "f.sql:1: x has no SQL"),
        ("\n-- name: x\n-- P.\n/* later\n */ -- soon\n;", "f.sql:2: x has no SQL"),
    ],
)
def test_what_breaks_a_rule_is_refused_with_place_and_expectation(text: str, fault: str) -> None:
    with pytest.raises(BadQuery) as refusal:
        parse(text, "f.sql")
    assert str(refusal.value) == fault


@given(st.dictionaries(names, st.tuples(lines, lines), min_size=1, max_size=5))
def test_whatever_is_written_in_form_is_read_back(written: dict[str, tuple[str, str]]) -> None:
    text = "\n".join(f"-- name: {name}\n-- p {purpose}\nselect {sql}\n" for name, (purpose, sql) in written.items())
    found = parse(text, "f.sql")
    assert [query.name for query in found] == list(written)
    for query, (purpose, sql) in zip(found, written.values(), strict=True):
        assert query.purpose == f"p {purpose}".strip()
        assert query.sql == f"/* {query.name} */ select {sql}".strip().rstrip(";").rstrip()
