"""MJML → HTML, once, when the configuration is built; Jinja blocks pass through and are filled for every message.

The compiler (mrml) passes over unknown tags in silence and reports mistakes without a place; so they are looked for
here first. Each Jinja block travels as a word the compiler leaves alone; where only elements may stand, the word is
wrapped in `mj-raw`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from outrider.content import scan
from outrider.content.declaration import near
from outrider.content.markup import Tag, plain_masked, tags, unclosed
from outrider.content.partials import BadContent
from outrider.content.source import Source, joined, problem_at
from outrider.domain.problem import Problem

#: Elements that hold text and HTML, and those that hold elements only (MJML 4, component reference).
ENDING = frozenset(
    [
        "mj-text",
        "mj-button",
        "mj-table",
        "mj-raw",
        "mj-style",
        "mj-title",
        "mj-preview",
        "mj-accordion-title",
        "mj-accordion-text",
        "mj-navbar-link",
        "mj-social-element",
        "mj-html-attribute",
        "mj-image",
        "mj-divider",
        "mj-spacer",
        "mj-font",
        "mj-carousel-image",
    ]
)
#: Where `mj-raw` may stand.
OPEN = frozenset(["mj-head", "mj-body", "mj-section", "mj-column", "mj-group", "mj-wrapper", "mj-hero"])
CLOSED = frozenset(
    [
        "mjml",
        "mj-attributes",
        "mj-html-attributes",
        "mj-selector",
        "mj-all",
        "mj-class",
        "mj-breakpoint",
        "mj-navbar",
        "mj-social",
        "mj-carousel",
        "mj-accordion",
        "mj-accordion-element",
    ]
)
KNOWN = ENDING | OPEN | CLOSED

#: A word of letters and digits: no compiler escapes or cuts it.
_WORD = re.compile(r"outrider0block(\d+)x")
_BARE = re.compile(r"<(?![A-Za-z/!])")


@lru_cache(maxsize=256)
def compile_mjml(source: Source) -> Source:
    """The HTML, each Jinja block with its place in the MJML. Raises BadContent for the first mistake.

    Results are kept: versions of a configuration share most of their e-mails.
    """
    import mrml  # late: 6 MB of code that a folder without MJML never needs

    for problem in mjml_problems(source):
        raise BadContent(problem)
    protected, before, after = _protected(source)
    try:
        html = mrml.to_html(protected, None, mrml.RenderOptions(disable_comments=True)).content
    except OSError as error:
        raise BadContent(problem_at(source, -1, f"the MJML cannot be compiled: {error}")) from None
    _check_arrived(source, protected, html)
    return joined([*before, *_restored(source, html), *after], source)


def mjml_problems(source: Source) -> Iterator[Problem]:
    """Unknown tags, unclosed tags, text where only elements may stand, signs that must be escaped."""
    masked = plain_masked(source.text)
    found = list(tags(masked))
    if not found or found[0].name != "mjml":
        yield problem_at(source, found[0].start if found else 0, "expected <mjml> as the first tag")
        return
    for tag in found:
        if tag.name == "mj-include":
            yield problem_at(source, tag.start, 'mj-include is not read: write {% include "NAME" %}', length=10)
        elif tag.name.startswith("mj") and tag.name not in KNOWN:
            yield problem_at(
                source, tag.start + 1 + tag.is_end, f"unknown tag {tag.name!r}", near(tag.name, KNOWN), len(tag.name)
            )
    for bare in _BARE.finditer(masked):
        yield problem_at(source, bare.start(), "a sign < that begins no tag", "write &lt;")
    yield from unclosed(source, found, strict=True)
    yield from _stray(source, masked, found)


def _stray(source: Source, masked: str, found: list[Tag]) -> Iterator[Problem]:
    """Text that stands directly in an element that holds elements only, and blocks where nothing can stand for them."""
    for start, end, parent in _gaps(masked, found):
        text = masked[start:end]
        if parent in OPEN | CLOSED and (words := text.strip(f" \t\n{scan.OUTPUT}{scan.TAG}")):
            place = start + text.index(words)
            yield problem_at(source, place, f"text directly in {parent}: expected it in mj-text", length=len(words))
        if parent in CLOSED - {"mjml"} and (place := _first_block(text)) >= 0:
            yield problem_at(
                source, start + place, f"a Jinja block directly in {parent}: put it around the whole element"
            )


def _first_block(text: str) -> int:
    return min((place for mask in (scan.OUTPUT, scan.TAG) if (place := text.find(mask)) >= 0), default=-1)


def _gaps(masked: str, found: list[Tag]) -> Iterator[tuple[int, int, str]]:
    """Start and end of each stretch between tags, and the element it stands in (empty outside all)."""
    stack: list[str] = []
    done = 0
    for tag in found:
        yield done, tag.start, stack[-1] if stack else ""
        done = tag.end
        if tag.is_end and tag.name in stack:
            del stack[len(stack) - 1 - stack[::-1].index(tag.name) :]
        elif not tag.is_end and not tag.is_closed and tag.name.startswith("mj"):
            stack.append(tag.name)
    yield done, len(masked), ""


def _protected(source: Source) -> tuple[str, list[Source], list[Source]]:
    """The MJML with words for blocks; the blocks before and after everything that is written."""
    masked = plain_masked(source.text)
    found = list(tags(masked))
    parents = list(_gaps(masked, found))
    body = next((tag.start for tag in found if tag.name == "mj-body"), len(source.text))
    pieces: list[str] = []
    before: list[Source] = []
    after: list[Source] = []
    done = 0
    for number, (start, end, kind) in enumerate(scan.spans(source.text)):
        pieces.append(source.text[done:start])
        done = end
        parent = next((name for first, last, name in parents if first <= start < last), None)
        if kind == "comment" or masked[start] == " ":
            continue  # a Jinja comment, or a block within an HTML comment, which goes as a whole
        if parent in ("", "mjml"):
            (before if start < body else after).append(source.part(start, end))
        else:
            word = f"outrider0block{number}x"
            pieces.append(f"<mj-raw>{word}</mj-raw>" if parent in OPEN else word)
    pieces.append(source.text[done:])
    return "".join(pieces), before, after


def _check_arrived(source: Source, protected: str, html: str) -> None:
    arrived = set(_WORD.findall(html))
    spans = list(scan.spans(source.text))
    for number in _WORD.findall(protected):
        if number not in arrived:
            start, end, _ = spans[int(number)]
            message = "this value does not arrive in the HTML: expected one that is written as it stands here"
            raise BadContent(problem_at(source, start, message, length=end - start))


def _restored(source: Source, html: str) -> Iterator[Source | str]:
    spans = list(scan.spans(source.text))
    done = 0
    for found in _WORD.finditer(html):
        yield html[done : found.start()]
        start, end, _ = spans[int(found[1])]
        yield source.part(start, end)
        done = found.end()
    yield html[done:]
