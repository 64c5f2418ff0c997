"""E-mails: MJML or HTML with a front matter; values are escaped where they are written, and nowhere else."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from content_folder import FRONT, YAML, compiled, errors, mjml, warnings
from hypothesis import given, settings
from hypothesis import strategies as st

from outrider.content.template import RenderError, TemplateSet

TEXT = "<mj-text>Hello {{ name }}</mj-text>"
BUTTON = '<mj-button href="{{ url }}">Open</mj-button>'
EVERYWHERE = """\
---
subject: "Hi {{ name }}"
preheader: Bay & {{ name }}
---
<html><body class="{{ name }}"><h1>Hi</h1><p title='{{ name }}'>{{ name }}</p><!-- {{ name }} --></body></html>
"""
FILES = {"email.en.html": EVERYWHERE}


@pytest.fixture(scope="module")
def everywhere() -> TemplateSet:
    return compiled(FILES)


def test_an_email_has_a_subject_an_html_part_and_a_text_part() -> None:
    rendered = compiled({"email.en.mjml": mjml(TEXT + BUTTON)}).preview("t", "email", "en", "FR")
    assert (rendered.body.subject, rendered.text) == ("Hi", "Hello Anna\n\nOpen (https://a.fr/x)")
    assert "Hello Anna</div>" in rendered.body.html
    assert 'href="https:&#x2f;&#x2f;a.fr&#x2f;x"' in rendered.body.html
    assert (rendered.count, rendered.segments) == (None, 1)
    assert "mj-" not in re.sub(r'class="[^"]*"|\.mj-[^{]*|#[\w-]+', "", rendered.body.html)


def test_a_text_file_beside_it_is_the_text_part() -> None:
    files = {"email.en.html": f"{FRONT}<p>{{{{ name }}}}</p>", "email.en.txt.j2": "By hand: {{ name }}\n"}
    assert compiled(files).preview("t", "email", "en", None).text == "By hand: Anna"


def test_the_preheader_is_the_first_thing_in_the_body_and_not_in_the_text_part(everywhere: TemplateSet) -> None:
    rendered = everywhere.preview("t", "email", "en", None)
    assert re.search(r'<body class="Anna"><div style="display:none[^"]*">Bay &amp; Anna</div><h1>', rendered.body.html)
    assert rendered.text == "Hi\n\nAnna"


def test_blocks_may_stand_around_elements_and_around_the_whole() -> None:
    inner = f"{{% for n in [1, 2] %}}\n{TEXT}\n{{% endfor %}}{{% if name == 'x' %}}{BUTTON}{{% endif %}}"
    text = mjml(inner).replace("<mjml>", "{% set greeting = 'Ho' %}<mjml>").replace("Hello", "{{ greeting }}")
    rendered = compiled({"email.en.mjml": text}).preview("t", "email", "en", None)
    assert rendered.body.html.count("Ho Anna</div>") == 2
    assert rendered.body.html.startswith("<!doctype html>")
    assert rendered.text == "Ho Anna\n\nHo Anna"


def test_a_comment_goes_with_the_blocks_in_it() -> None:
    rendered = compiled({"email.en.mjml": mjml(f"<!-- {{{{ name }}}} -->{TEXT}{{# {{{{ nobody }}}} #}}")})
    assert rendered.preview("t", "email", "en", None).body.html.count("Anna") == 1


class Seen(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


NASTY = st.text(
    st.one_of(st.sampled_from("<>\"'&/ \n=-!`"), st.characters(exclude_categories=["Cs", "Cc"])),
    min_size=1,
    max_size=40,
)


@given(NASTY)
def test_no_value_becomes_a_tag_an_attribute_or_the_end_of_a_comment(everywhere: TemplateSet, value: str) -> None:
    html = everywhere.render("t", "email", "en", "FR", {"name": value}).body.html
    harmless = everywhere.render("t", "email", "en", "FR", {"name": "x"}).body.html
    seen, expected = Seen(html), Seen(harmless)
    assert [(tag, [name for name, _ in attrs]) for tag, attrs in seen.tags] == [
        (tag, [name for name, _ in attrs]) for tag, attrs in expected.tags
    ]
    assert dict(next(attrs for tag, attrs in seen.tags if tag == "body"))["class"] == value
    assert dict(next(attrs for tag, attrs in seen.tags if tag == "p"))["title"] == value
    assert value in "".join(seen.texts)


@given(st.text(min_size=1, max_size=40).map(lambda text: text.encode("utf-8", "replace").decode()))
def test_a_subject_is_one_line_whatever_the_value(everywhere: TemplateSet, value: str) -> None:
    subject = everywhere.render("t", "email", "en", "FR", {"name": value}).body.subject
    assert len(subject.splitlines()) == 1
    assert not re.search(r"[\x00-\x1f\x7f]", subject)
    assert subject.startswith("Hi")


@pytest.mark.parametrize(
    ("value", "subject"), [("a\r\nBcc: x@y.fr", "Hi a Bcc: x@y.fr"), ("R&D <b>", "Hi R&D <b>"), ("a\u2028b", "Hi a b")]
)
def test_a_subject_is_not_escaped_and_never_a_second_header(everywhere: TemplateSet, value: str, subject: str) -> None:
    assert everywhere.render("t", "email", "en", "FR", {"name": value}).body.subject == subject


LINKS = compiled({"email.en.mjml": mjml(f'{BUTTON}<mj-text><a href="{{{{ url }}}}{{{{ name }}}}">x</a></mj-text>')})


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", " JaVaScRiPt:x", "java\tscript:x", "\x01javascript:x", "vbscript:x", "data:text/html,x"],
)
def test_an_address_that_runs_code_is_refused(url: str) -> None:
    with pytest.raises(RenderError, match="which is refused") as caught:
        LINKS.render("t", "email", "en", "FR", {"url": url, "name": "x"})
    assert caught.value.problem.file == "templates/t/email.en.mjml"
    assert "alert" not in str(caught.value)


def test_an_address_put_together_of_two_values_is_refused_too() -> None:
    with pytest.raises(RenderError, match="`javascript:`, which is refused"):
        LINKS.render("t", "email", "en", "FR", {"url": "java", "name": "script:x"})


@pytest.mark.parametrize(
    "url", ["https://a.fr/?javascript:", "mailto:a@b.fr", "tel:+33", "azur://car/1", "/x", "#a", "é"]
)
def test_other_addresses_pass_and_leave_no_mark(url: str) -> None:
    html = LINKS.render("t", "email", "en", "FR", {"url": url, "name": "x"}).body.html
    assert "\ufdd0" not in html
    assert [dict(attrs)["href"] for tag, attrs in Seen(html).tags if tag == "a"] == [url, f"{url}x"]


@given(NASTY)
@settings(max_examples=50)
def test_what_a_value_holds_never_hides_the_scheme(value: str) -> None:
    with pytest.raises(RenderError):
        LINKS.render("t", "email", "en", "FR", {"url": "javascript:", "name": value})


WRONG = [
    ("<mjml></mjml>", 1, 1, "the subject is missing", "begin the file with a line ---"),
    ("---\npreheader: x\n---\n<p>x</p>", 1, 1, "the subject is missing", "add a line"),
    ("---\nsubject: x\nsubjekt: y\n---\n<p>x</p>", 3, 1, "unknown key 'subjekt'", "'subject'"),
    ("---\nsubject: 5\n---\n<p>x</p>", 2, 1, "expected a text as subject", "quotes"),
    ("---\nsubject: {{ name }}\n---\n", 2, 11, "not valid YAML", ""),
    ("---\nsubject: 'Hi {{ nam }}'\n---\n<p>x</p>", 2, 17, "'nam' is not declared", "'name'"),
    ("---\nsubject: '{{ name * 6 }}'\n---\n<p>x</p>", 2, 11, "the subject has 240 characters", ""),
    (mjml("<mj-txt>a</mj-txt>"), 6, 2, "unknown tag 'mj-txt'", "'mj-text'"),
    (mjml("<mj-text>a"), 6, 1, "<mj-text> is not closed before </mj-column> on line 7", ""),
    (mjml("</mj-text>a"), 6, 1, "</mj-text> closes nothing", ""),
    (mjml("<mj-text><p>a</mj-text>"), 6, 10, "<p> is not closed before </mj-text>", ""),
    (mjml("hello"), 6, 1, "text directly in mj-column: expected it in mj-text", ""),
    (mjml("<mj-text>a < b</mj-text>"), 6, 12, "a sign < that begins no tag", "write &lt;"),
    (mjml('<mj-include path="x" />'), 6, 1, "mj-include is not read", ""),
    (mjml("<mj-navbar>{% if name %}{% endif %}</mj-navbar>"), 6, 12, "a Jinja block directly in mj-navbar", ""),
    (mjml("<mj-text>{{ name</mj-text>"), 6, 18, "unexpected `/`", ""),
    (mjml("<mj-text>\n{{ nam }}</mj-text>"), 7, 4, "'nam' is not declared", "'name'"),
    (mjml("<mj-text>{{ name|date }}</mj-text>"), 6, 13, "'name|date': expected an ISO 8601", ""),
    (mjml("<mj-image src='a' width='{{ name }}'/>"), 6, 26, "this value does not arrive", ""),
    (mjml("<mj-button href='javascript:x'>a</mj-button>"), 6, 12, "`javascript:` is refused", ""),
    (mjml("<mj-text>{{ name|safe }}</mj-text>"), 6, 18, "the filter 'safe' is not available in HTML", ""),
    (f"{FRONT}<div><p>a<p>b", 4, 1, "<div> is never closed", ""),
    (f"{FRONT}<p>{{{{ name|tojson }}}}</p>", 4, 12, "the filter 'tojson' is not available in HTML", ""),
    (f"{FRONT}<a href={{{{ url }}}}>x</a>", 4, 9, "must stand in quotes", "{{ address }}"),
    (f"{FRONT}<a {{{{ name }}}}>x</a>", 4, 4, "must stand in quotes", ""),
    (f"{FRONT}<a onclick='x'>x</a>", 4, 4, "no mail program runs 'onclick'", ""),
    (f"{FRONT}<script>x</script>", 4, 1, "no mail program runs scripts", ""),
    (f"{FRONT}", 4, 1, "the text is empty", ""),
    (f"{FRONT}<b>x</b>", 4, 1, "expected <mjml> as the first tag", ""),
]


@pytest.mark.parametrize(("text", "line", "column", "message", "hint"), WRONG)
def test_what_is_wrong_is_told_with_its_place(text: str, line: int, column: int, message: str, hint: str) -> None:
    extension = "mjml" if "mj" in text or "as the first tag" in message else "html"
    found = errors({f"email.en.{extension}": text})
    assert [(problem.file, problem.line, problem.column) for problem in found] == [
        (f"templates/t/email.en.{extension}", line, column)
    ]
    assert message in found[0].message
    assert hint in found[0].hint


def test_two_files_for_one_language_are_one_too_many() -> None:
    [found] = errors({"email.en.mjml": mjml(TEXT), "email.en.html": FRONT})
    assert found.message == "there are email.en.mjml and email.en.html: expected one of them"


def test_a_text_part_alone_is_no_email() -> None:
    [found] = errors({"email.en.txt.j2": "a"})
    assert (found.file, "stands alone" in found.message) == ("templates/t/email.en.txt.j2", True)


def test_a_missing_language_is_named_with_the_extension_of_the_others() -> None:
    [found] = errors({"email.en.html": f"{FRONT}<p>x</p>"}, f"languages: [en, fr]\n{YAML}")
    assert (found.file, found.hint) == ("templates/t/template.yaml", "create templates/t/email.fr.html")
    assert found.message == "there is no email text in fr: `languages` names it"


def test_a_mail_that_gmail_cuts_is_warned_about() -> None:
    [found] = warnings({"email.en.html": f"{FRONT}<p>{'x' * 103_000}</p>"})
    assert (found.severity, "Gmail cuts" in found.message) == ("warning", True)


@given(st.text(max_size=80))
@settings(max_examples=150)
def test_any_body_compiles_or_is_explained_in_its_own_file(text: str) -> None:
    for extension in ("mjml", "html"):
        for problem in errors({f"email.en.{extension}": f"{FRONT}{text}"}):
            assert problem.file == f"templates/t/email.en.{extension}"
            assert problem.line == 0 or problem.line >= 4


def test_a_head_with_styles_and_values_in_them_arrives() -> None:
    head = "<mjml><mj-head><mj-style>.a > .b { color: {{ name }} }</mj-style><mj-title>T</mj-title></mj-head>"
    rendered = compiled({"email.en.mjml": mjml(TEXT).replace("<mjml>", head)}).preview("t", "email", "en", None)
    assert ".a > .b { color: Anna }" in rendered.body.html
