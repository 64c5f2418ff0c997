"""Pushes: title, body, link and data from a YAML file, each a text in Jinja syntax with its own place."""

from __future__ import annotations

import msgspec
import pytest
from content_folder import YAML, compiled, errors, warnings
from hypothesis import given
from hypothesis import strategies as st

from outrider.content.media.push import PAYLOAD, payload
from outrider.content.template import RenderError, TemplateSet
from outrider.domain.message import Rendition

PUSH = """\
title: "Hi {{ name }}"
body: |
  Your car:
  {{ name }}
link: "{{ url }}"
data:
  kind: handover
  empty: "{% if false %}x{% endif %}"
"""


@pytest.fixture(scope="module")
def push() -> TemplateSet:
    return compiled({"push.en.yaml": PUSH, "markets/gb/push.en.yaml": "title: Oi\nbody: '{{ name }}, {{ market }}'"})


def test_a_push_is_a_title_a_body_and_data_with_the_link(push: TemplateSet) -> None:
    rendered = push.preview("t", "push", "en", "FR")
    data = {"kind": "handover", "link": "https://a.fr/x"}
    assert rendered.body == Rendition("Your car:\nAnna", "Hi Anna", data=data)
    assert (rendered.count, rendered.segments) == (None, 1)


def test_the_push_of_a_market_stands_for_itself(push: TemplateSet) -> None:
    rendered = push.preview("t", "push", "en-GB", "GB")
    assert (rendered.body, rendered.overlay) == (Rendition("Anna, GB", "Oi"), "gb")


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=50))
def test_values_are_not_escaped(push: TemplateSet, value: str) -> None:
    body = push.render("t", "push", "en", "FR", {"name": value, "url": "x"}).body
    assert body.text == f"Your car:\n{value}"


@given(st.text(max_size=50))
def test_a_title_is_one_line(push: TemplateSet, value: str) -> None:
    assert len(push.render("t", "push", "en", "FR", {"name": value, "url": "x"}).body.subject.splitlines()) == 1


@pytest.mark.parametrize("url", ["javascript:x", " data:x", "VBScript:x"])
def test_a_link_that_runs_code_is_refused(push: TemplateSet, url: str) -> None:
    with pytest.raises(RenderError, match=r"push\.en\.yaml: the link begins with `(javascript|data|vbscript):`"):
        push.render("t", "push", "en", "FR", {"name": "x", "url": url})


def test_a_link_is_one_line_and_an_app_may_have_its_own_scheme(push: TemplateSet) -> None:
    data = push.render("t", "push", "en", "FR", {"name": "x", "url": "azur://car\r\n1"}).body.data
    assert data["link"] == "azur://car 1"


def test_a_link_that_turns_out_empty_is_left_out(push: TemplateSet) -> None:
    assert "link" not in push.render("t", "push", "en", "FR", {"name": "x", "url": ""}).body.data


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=3000))
def test_what_goes_out_is_never_larger_than_the_payload(push: TemplateSet, value: str) -> None:
    try:
        body = push.render("t", "push", "en", "FR", {"name": value, "url": value}).body
    except RenderError:
        return
    assert payload(body) <= PAYLOAD
    assert payload(body) == len(msgspec.json.encode({"title": body.subject, "body": body.text, "data": body.data}))


@pytest.mark.parametrize("name", ["é" * 1000, '"' * 1000])
def test_bytes_count_as_they_are_sent(push: TemplateSet, name: str) -> None:
    with pytest.raises(RenderError, match="bytes, expected at most 4000"):
        push.render("t", "push", "en", "FR", {"name": name, "url": "x"})


@pytest.mark.parametrize(
    ("text", "line", "column", "message", "hint"),
    [
        ("title: [", 1, 8, "not valid YAML: this bracket", ""),
        ("- a", 1, 1, "expected the keys title and body", ""),
        ("body: x", 1, 1, "the key 'title' is missing", ""),
        ("title: x", 1, 1, "the key 'body' is missing", ""),
        ("title: a\nbody: b\ntitel: c", 3, 1, "unknown key 'titel'", "'title'"),
        ("title: a\nbody: b\ndata: [x]", 3, 1, "expected a mapping of names to texts", ""),
        ("title: a\nbody: b\ndata: {n: 1}", 3, 8, "expected a text, got int", "quotes"),
        ("title: true\nbody: b", 1, 1, "expected a text, got bool", "quotes"),
        ("title: a\nbody: b\nlink: x\ndata: {link: y}", 4, 8, "the link is given twice", ""),
        ("title: 'It''s {{ nam }}'\nbody: b", 1, 18, "'nam' is not declared", "'name'"),
        ("title: a\nbody: |\n  x\n  {{ nam }}", 4, 6, "'nam' is not declared", "'name'"),
        ('title: a\nbody: "\\u0041 {{ nam }}"', 2, 18, "'nam' is not declared", "'name'"),
        ("title: a\nbody: '{{ name'", 2, 10, "unexpected end of input", ""),
        ("title: ''\nbody: b", 1, 8, "the text is empty", ""),
        ("title: a\nbody: '{{ name * 101 }}'", 2, 8, "4040 characters: expected at most 4000", ""),
        ("title: a\nbody: '{% include \"x\" %}'", 2, 11, "there is no partial 'x'", ""),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, line: int, column: int, message: str, hint: str) -> None:
    found = errors({"push.en.yaml": text})
    assert [(problem.file, problem.line, problem.column) for problem in found] == [
        ("templates/t/push.en.yaml", line, column)
    ]
    assert message in found[0].message
    assert hint in found[0].hint


def test_words_that_devices_cut_are_warned_about_once() -> None:
    found = warnings({"push.en.yaml": "title: '{{ name }} {{ name }}'\nbody: b"})
    assert [(problem.severity, problem.line, problem.column) for problem in found] == [("warning", 1, 9)]
    assert "the title has 81 characters with the longest values: devices cut it near 65" in found[0].message


def test_a_missing_language_is_named() -> None:
    [found] = errors({"push.en.yaml": PUSH}, f"languages: [en, fr]\n{YAML}")
    assert (found.file, found.hint) == ("templates/t/template.yaml", "create templates/t/push.fr.yaml")
