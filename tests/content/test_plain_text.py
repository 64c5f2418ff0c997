"""The text part of an e-mail says what its HTML says, without a tag."""

from __future__ import annotations

import re
from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.content.plain import text_of
from outrider.content.source import Source
from outrider.content.words import tidy


def text(html: str) -> str:
    return tidy(text_of(Source("x.html", html)).text)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("Hello <b>you</b>, all", "Hello you, all"),
        ("<p>One\n  line</p><p>Two</p>", "One line\n\nTwo"),
        ("<h1>Title</h1>text", "Title\n\ntext"),
        ("<div>a</div><div>b</div>", "a\nb"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
        ("<ol><li>a</li><li>b</li></ol>", "1. a\n2. b"),
        ("<ul><li>a<ol><li>b</li></ol></li><li>c</li></ul>", "- a\n  1. b\n- c"),
        ("<ol>{% for x in y %}<li>{{ x }}</li>{% endfor %}</ol>", "{% for x in y %}\n- {{ x }}\n{% endfor %}"),
        ('See <a href="https://a.fr/x">the page</a>.', "See the page (https://a.fr/x)."),
        ('<a href="https://a.fr">https://a.fr</a>', "https://a.fr"),
        ('<a href="https://a.fr">a.fr</a>', "a.fr"),
        ('<a href="mailto:a@b.fr">a@b.fr</a> <a href="tel:+33">call</a>', "a@b.fr call (+33)"),
        ('<a href="tel:+33199">+33 1 99</a>', "+33 1 99"),
        ("""<a href="tel:{{ help|replace(' ', '') }}">{{ help }}</a>""", "{{ help }}"),
        ('<a href="#top">top</a> <a>b</a>', "top b"),
        ('<a href="{{ url }}"><img src="x" alt="Map"></a>', "Map ({{ url }})"),
        ('<a href="https://a.fr"><img src="x"></a>', "https://a.fr"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        (
            "<table><tr><td><div>a</div></td></tr><tr><td> <table><tr><td>b</td></tr></table></td></tr></table>",
            "a\n\nb",
        ),
        ("<head><title>T</title></head><style>p{}</style><script>x()</script><p>a</p>", "a"),
        ('<div style="display: none">hidden <b>too</b></div>shown', "shown"),
        ("<head>{% set x = 1 %}{{ y }}</head>{{ x }}", "{% set x = 1 %}{{ x }}"),
        ("<!--[if mso]><p>only Outlook</p><![endif]-->a", "a"),
        ("a<hr>b", "a\n\n---\n\nb"),
        ("<pre>a  b\n c</pre>", "a  b\n c"),
        ("R&amp;D &lt;b&gt; &eacute;&nbsp;x", "R&D <b> é\u00a0x"),
        ("{{ a }} {# gone #}{% if b %}<p>x</p>{% endif %}", "{{ a }} {% if b %}\n\nx\n\n{% endif %}"),
        ("{% raw %}{{ x }}{% endraw %}", "{% raw %}{{ x }}{% endraw %}"),
        ("&#123;{ x }}", "{{ '{' }}{ x }}"),
        ("", ""),
    ],
)
def test_html_is_written_as_text(html: str, expected: str) -> None:
    assert text(html) == expected


WORDS = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8)
INLINE = st.one_of(
    WORDS,
    WORDS.map(lambda word: f"<b>{word}</b>"),
    WORDS.map(lambda word: f'<a href="https://x.y/{word}">{word}</a>'),
    st.text(st.characters(exclude_characters="{}<>", exclude_categories=["Cs", "Cc"]), max_size=8).map(escape),
)
BLOCK = st.one_of(INLINE, st.lists(INLINE, max_size=3).map(lambda parts: "".join(f"<li>{each}</li>" for each in parts)))
PAGE = st.recursive(
    BLOCK,
    lambda inner: st.tuples(st.sampled_from(["p", "div", "ul", "td", "h2", "span"]), st.lists(inner, max_size=4)).map(
        lambda made: f"<{made[0]}>{''.join(made[1])}</{made[0]}>"
    ),
    max_leaves=12,
)


@given(PAGE)
def test_no_tag_is_left_and_the_lines_are_tidy(html: str) -> None:
    made = text(html)
    assert not re.search(r"</?[a-z]", made)
    assert "\n\n\n" not in made
    assert made == made.strip()


@given(st.lists(WORDS, min_size=1, max_size=6))
def test_every_word_is_kept_in_order(words: list[str]) -> None:
    html = "".join(f"<div><p>{word}</p></div>" for word in words)
    assert text(html).split() == words


@given(st.text(st.sampled_from("<>{}%#&;ab/ '\"=!-"), max_size=40))
def test_any_text_is_read(html: str) -> None:
    assert isinstance(text(html), str)
