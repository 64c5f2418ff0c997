"""Tags and attributes of HTML and MJML texts with Jinja blocks in them: where they stand and what is wrong with them.

No parser of either language keeps Jinja blocks and places; this scan knows tags, quoted values and comments, which is
all that is needed. Blocks are masked first (`scan.masked`), so that every offset is one of the source.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

import msgspec

from outrider.content import scan
from outrider.content.declaration import near
from outrider.content.links import ATTRIBUTES, MARK, refused_scheme
from outrider.content.source import Source, joined, problem_at
from outrider.domain.problem import Problem

#: Elements without an end tag (HTML standard, 13.1.2).
VOID = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"])

#: Elements whose end tag may be left out in HTML (HTML standard, 13.1.2.4); MJML wants every one.
OPTIONAL_END = frozenset(
    [
        "html",
        "head",
        "body",
        "p",
        "li",
        "dt",
        "dd",
        "option",
        "optgroup",
        "thead",
        "tbody",
        "tfoot",
        "tr",
        "td",
        "th",
        "colgroup",
        "caption",
    ]
)

#: Filters that let a value pass as it is into HTML, or escape it a second time.
UNSAFE = frozenset({"safe", "tojson", "e", "escape"})

_COMMENT = re.compile(r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<![^>]*>", re.DOTALL)
_TAG = re.compile(
    r"""<(?P<close>/?)(?P<name>[A-Za-z][\w:.-]*)(?P<rest>(?:"[^"]*"|'[^']*'|[^'">])*?)(?P<self>/?)>""", re.DOTALL
)
_ATTRIBUTE = re.compile(r"""(?P<name>[^\s"'=<>/]+)\s*=\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>\S+))""")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")


class Tag(msgspec.Struct, frozen=True):
    """One start or end tag; offsets in code points of the source."""

    start: int
    end: int
    name: str
    is_end: bool
    is_closed: bool
    #: What stands between the name and the closing bracket.
    rest: str
    rest_start: int


def plain_masked(source: str) -> str:
    """The text with blocks masked and comments blanked, at the same offsets."""
    return _COMMENT.sub(lambda found: " " * len(found[0]), scan.masked(source))


def tags(masked: str) -> Iterator[Tag]:
    """Start and end tags of a masked text in order; the content of `style` and `script` is passed over."""
    position = 0
    while found := _TAG.search(masked, position):
        position = found.end()
        name = found["name"].lower()
        yield Tag(
            found.start(),
            found.end(),
            name,
            bool(found["close"]),
            bool(found["self"]),
            found["rest"],
            found.start("rest"),
        )
        if name in ("style", "script", "mj-style") and not found["close"] and not found["self"]:
            end = masked.lower().find(f"</{name}", position)
            position = end if end >= 0 else len(masked)


def html_problems(source: Source) -> Iterator[Problem]:
    """What would be dangerous or broken in HTML: scripts, values outside quotes, refused addresses, unsafe filters."""
    for tag in tags(plain_masked(source.text)):
        if tag.name == "script":
            yield problem_at(source, tag.start, "no mail program runs scripts: leave the script out", length=7)
        if not tag.is_end and tag.rest:
            yield from _attribute_problems(source, tag)
    yield from unsafe_filters(source)


def unsafe_filters(source: Source) -> Iterator[Problem]:
    """Filters that let a value into the HTML as it is, or escape it twice."""
    for start, name in scan.filters(source.text):
        if name in UNSAFE:
            message = f"the filter {name!r} is not available in HTML: values are escaped where they are written"
            yield problem_at(source, start, message, length=len(name))


def _attribute_problems(source: Source, tag: Tag) -> Iterator[Problem]:
    for found in _ATTRIBUTE.finditer(tag.rest):
        start = tag.rest_start + found.start()
        name = found["name"].lower()
        if name.startswith("on") and name[2:].isalpha():
            yield problem_at(source, start, f"no mail program runs {name!r}: leave it out", length=len(name))
        value = found["double"] or found["single"] or found["bare"] or ""
        if name in ATTRIBUTES and (scheme := refused_scheme(value)) and not value.startswith("data:image/"):
            yield problem_at(source, start, f"an address that begins with `{scheme}:` is refused", length=len(found[0]))
    bare = _QUOTED.sub(lambda found: " " * len(found[0]), tag.rest)
    if (place := bare.find(scan.OUTPUT)) >= 0:
        hint = 'write for example href="{{ address }}"'
        yield problem_at(source, tag.rest_start + place, "a value within a tag must stand in quotes", hint)


def with_marks(source: Source) -> Source:
    """The HTML with `MARK` before each address whose beginning a value decides, also in conditional comments."""
    starts = [place for tag in tags(scan.masked(source.text)) for place in _open_addresses(tag)]
    if not starts:
        return source
    parts: list[Source | str] = [source.part(0, starts[0])]
    for start, end in pairwise([*starts, len(source.text)]):
        parts += [MARK, source.part(start, end)]
    return joined(parts, source)


def _open_addresses(tag: Tag) -> Iterator[int]:
    if scan.OUTPUT not in tag.rest and scan.TAG not in tag.rest:
        return
    for found in _ATTRIBUTE.finditer(tag.rest):
        group = next(each for each in ("double", "single", "bare") if found[each] is not None)
        literal = re.split(f"[{scan.OUTPUT}{scan.TAG}]", found[group], maxsplit=1)
        if found["name"].lower() in ATTRIBUTES and len(literal) > 1 and not re.search("[:/?#]", literal[0]):
            yield tag.rest_start + found.start(group)


def unclosed(source: Source, found: Iterable[Tag], *, strict: bool) -> Iterator[Problem]:
    """Tags that are opened and never closed, or closed and never opened. `strict`: also those HTML may leave open."""
    stack: list[Tag] = []
    for tag in found:
        if tag.name in VOID or tag.is_closed:
            continue
        if not tag.is_end:
            stack.append(tag)
            continue
        names = [each.name for each in stack]
        if tag.name not in names:
            yield _tag_problem(source, tag, f"</{tag.name}> closes nothing", near(tag.name, frozenset(names)))
            continue
        while (last := stack.pop()).name != tag.name:
            if strict or last.name not in OPTIONAL_END:
                line = source.place(tag.start)[1]
                yield _tag_problem(source, last, f"<{last.name}> is not closed before </{tag.name}> on line {line}")
    for tag in stack:
        if strict or tag.name not in OPTIONAL_END:
            yield _tag_problem(source, tag, f"<{tag.name}> is never closed")


def _tag_problem(source: Source, tag: Tag, message: str, hint: str = "") -> Problem:
    return problem_at(source, tag.start, message, hint, tag.end - tag.start)
