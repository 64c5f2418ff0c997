"""E-mail: `email.<locale>.mjml` or `.html` with a front matter, and perhaps `email.<locale>.txt.j2` for the text part.

    ---
    subject: Your car is ready, {{ profile.first_name }}
    preheader: Bay {{ booking.bay }}
    ---
    <mjml>…

Values are escaped in the HTML and nowhere else; whatever they hold, the subject stays one line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from msgspec.structs import replace

from outrider.content import scan
from outrider.content.declaration import Declaration, near
from outrider.content.engine import Failure, parse
from outrider.content.links import MARK, marked_scheme
from outrider.content.markup import html_problems, plain_masked, tags, unclosed, unsafe_filters, with_marks
from outrider.content.medium import Overrun, Written
from outrider.content.mjml import compile_mjml
from outrider.content.partials import BadContent, Wanted
from outrider.content.plain import text_of
from outrider.content.source import HTML, Source, from_yaml, joined, problem_at
from outrider.content.words import one_line, tidy
from outrider.domain.message import Rendition
from outrider.domain.problem import Problem
from outrider.lib.yaml12 import Located, YamlError, read

KEYS = frozenset({"subject", "preheader"})

#: Code points of a subject: a house rule; mail programs show far fewer.
SUBJECT = 200
#: Code points of a preheader, and of the HTML and text parts.
PREHEADER, PART = 500, 1_000_000
#: Bytes of HTML above which Gmail cuts a mail (practice, unconfirmed by its maker): only warned about.
CLIPPED = 102_000

_FRONT = re.compile(r"---[ \t]*\n(?P<front>.*?)(?:^|\n)---[ \t]*(?:\n|\Z)", re.DOTALL)
_BODY = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
#: Mail programs show the first words of a mail beside its subject; these are hidden in the mail itself.
_HIDDEN = '<div style="display:none;max-height:0;max-width:0;opacity:0;overflow:hidden">'


class Email:
    """Pieces `subject`, `html` and `text`."""

    name = "email"
    extensions = ("mjml", "html")
    companions = ("txt.j2",)
    in_gsm = False

    def read(self, files: Mapping[str, Source], wanted: Wanted) -> dict[str, Source]:
        """Front matter and body; MJML becomes HTML here."""
        both = [extension for extension in self.extensions if extension in files]
        if len(both) > 1:
            names = " and ".join(files[extension].path.rpartition("/")[2] for extension in both)
            raise BadContent(problem_at(files[both[0]], -1, f"there are {names}: expected one of them"))
        file = files[both[0]]
        located, start = _front_matter(file)
        body = wanted.expand(file.part(start, len(file.text)), both[0])
        _check_syntax(body)
        html = _compiled(body, both[0])
        if "preheader" in located.value:
            html = _with_preheader(html, wanted.expand(from_yaml(located, ("preheader",), ""), "j2"))
        subject = wanted.expand(from_yaml(located, ("subject",), f"{file.path}#subject"), "j2")
        text = wanted.expand(files["txt.j2"], "j2") if "txt.j2" in files else text_of(html)
        return {
            "subject": replace(subject, most=PART),
            "html": replace(with_marks(html), name=f"{file.path}{HTML}", most=PART),
            "text": replace(text, name=f"{text.path}#text", most=PART, may_be_empty=True),
        }

    def lint(self, pieces: Mapping[str, Source], declaration: Declaration) -> Iterator[Problem]:
        """Filters that would let a value into the HTML as it is."""
        yield from unsafe_filters(pieces["html"])

    def write(self, texts: Mapping[str, str], declaration: Declaration, tables: frozenset[str]) -> Written:
        """Subject on one line, a tidy text part. Raises Failure for a refused address or too long a subject."""
        subject = one_line(texts["subject"])
        if not 0 < len(subject) <= SUBJECT:
            message = f"the subject has {len(subject)} characters, expected 1 to {SUBJECT}"
            raise Failure(message, piece="subject")
        if scheme := marked_scheme(texts["html"]):
            raise Failure(f"an address begins with `{scheme}:`, which is refused", -1, piece="html")
        return Written(Rendition(tidy(texts["text"]), subject, texts["html"].replace(MARK, "")))

    def overruns(self, written: Written, declaration: Declaration, sources: Mapping[str, Source]) -> Iterator[Overrun]:
        """HTML that Gmail cuts."""
        if (size := len(written.body.html.encode())) > CLIPPED:
            message = f"the HTML has {size} bytes with the longest values: Gmail cuts a mail near {CLIPPED}"
            yield Overrun(message, piece="html", is_error=False)


MEDIUM = Email()


def _front_matter(file: Source) -> tuple[Located, int]:
    """The front matter as YAML, and where the body begins."""
    found = _FRONT.match(file.text)
    if found is None:
        hint = "begin the file with a line ---, a line such as `subject: Your car is ready`, and a line ---"
        raise BadContent(problem_at(file, 0, "the subject is missing", hint))
    try:
        located = read("\n" + found["front"], file.path)
    except YamlError as error:
        raise BadContent(Problem(file.path, error.line, error.column, f"not valid YAML: {error.message}")) from None
    _check_keys(located)
    return located, found.end()


def _check_keys(located: Located) -> None:
    value: Any = located.value
    if not isinstance(value, dict) or "subject" not in value:
        raise BadContent(
            Problem(located.file, 1, 1, "the subject is missing", "add a line `subject: …` between the ---")
        )
    for key, text in value.items():
        mark = located.key((key,))
        problem = Problem(located.file, mark.line, mark.column, "", length=mark.length)
        if key not in KEYS:
            expected = f"unknown key {key!r}: expected subject, and perhaps preheader"
            raise BadContent(replace(problem, message=expected, hint=near(key, KEYS)))
        if not isinstance(text, str):
            hint = "put it in quotes; a text that begins with {{ needs them"
            raise BadContent(replace(problem, message=f"expected a text as {key}", hint=hint))


def _check_syntax(body: Source) -> None:
    """Jinja mistakes are told as they stand in the file, before MJML moves them about."""
    try:
        parse(body)
    except Failure as failure:
        raise BadContent(problem_at(body, failure.start, failure.message, failure.hint, failure.length)) from None


def _compiled(body: Source, extension: str) -> Source:
    for problem in html_problems(body):
        raise BadContent(problem)
    if extension == "mjml":
        return compile_mjml(body)
    for problem in unclosed(body, tags(plain_masked(body.text)), strict=False):
        raise BadContent(problem)
    return body


def _with_preheader(html: Source, preheader: Source) -> Source:
    """The HTML with the preheader as its first words; its own signs are escaped, its blocks are as all blocks."""
    masked = plain_masked(html.text)
    start = next((tag.end for tag in tags(masked) if tag.name == "body" and not tag.is_end), 0)
    parts = [_HIDDEN, *_escaped(preheader), "</div>"]
    return joined([html.part(0, start), *parts, html.part(start, len(html.text))], html)


def _escaped(source: Source) -> Iterator[Source | str]:
    done = 0
    for start, end, kind in scan.spans(source.text):
        yield escape(source.text[done:start])
        if kind != "comment":
            yield source.part(start, end)
        done = end
    yield escape(source.text[done:])
