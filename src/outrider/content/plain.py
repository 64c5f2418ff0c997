"""The text part of an e-mail, made from its HTML when the configuration is built: no tags, nothing lost.

Links are written `text (address)`, lists with `- ` or numbers, headings and paragraphs with an empty line around them,
pictures by their `alt`. Jinja blocks keep their order; what they leave empty is closed up when a message is rendered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from html.parser import HTMLParser

from outrider.content import scan
from outrider.content.source import Source, joined

#: Elements that begin on a new line, and those with an empty line around them.
LINES = frozenset(
    [
        "div",
        "tr",
        "li",
        "dt",
        "dd",
        "table",
        "tbody",
        "thead",
        "section",
        "article",
        "header",
        "footer",
        "main",
        "address",
        "form",
        "option",
    ]
)
PARAGRAPHS = frozenset(["p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "blockquote", "pre", "hr", "figure"])
#: Elements whose content nobody reads.
SILENT = frozenset(["head", "style", "script", "title", "template", "noscript"])
VOID = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"])

_WORD = re.compile(r"outrider0block(\d+)x")
_SPACES = re.compile(r"[ \t\r\n\f]+")
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_OPENING = re.compile(r"\{(?=[{%#])")


@lru_cache(maxsize=256)
def text_of(source: Source) -> Source:
    """A text in Jinja syntax that says what the HTML says; each block keeps its place."""
    spans = [span for span in scan.spans(source.text) if span[2] != "comment"]
    reader = _Reader(frozenset(n for n, span in enumerate(spans) if span[2] == "tag"))
    reader.feed(_with_words(source.text, spans))
    reader.close()
    return joined(_restored(source, spans, reader.text()), source)


def _with_words(text: str, spans: list[tuple[int, int, str]]) -> str:
    pieces, done = [], 0
    for number, (start, end, _) in enumerate(spans):
        pieces += [text[done:start], f"outrider0block{number}x"]
        done = end
    return scan.without_comments("".join([*pieces, text[done:]]))


def _restored(source: Source, spans: list[tuple[int, int, str]], text: str) -> Iterator[Source | str]:
    done = 0
    for found in _WORD.finditer(text):
        yield text[done : found.start()]
        start, end, _ = spans[int(found[1])]
        yield source.part(start, end)
        done = found.end()
    yield text[done:]


class _Reader(HTMLParser):
    """Writes text while it reads HTML."""

    def __init__(self, jinja_tags: frozenset[int]) -> None:
        super().__init__(convert_charrefs=True)
        self._jinja_tags = jinja_tags
        self._written = ""
        #: Line breaks that come before the next word.
        self._breaks = 0
        self._space = False
        #: Open elements that are not read, and all that are open within the outermost of them.
        self._silent: list[str] = []
        #: Open lists: the next number, or 0 for bullets.
        self._lists: list[int] = []
        #: Open links: address and where their text begins.
        self._links: list[tuple[str, int]] = []
        self._verbatim = 0
        #: The tag just opened; empty once anything else was read.
        self._opened = ""

    def text(self) -> str:
        """What was written."""
        return self._written.strip()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin lines, list items, links; pass over what is hidden."""
        given = {name: value or "" for name, value in attrs}
        if self._silent or tag in SILENT or _HIDDEN.search(given.get("style", "")):
            if tag not in VOID:
                self._silent.append(tag)
            return
        self._break(tag)
        if tag in ("div", "table") and self._opened == "td":
            self._breaks = 2  # a block in a cell is layout, as MJML makes it: a paragraph, no table of data
        self._opened = tag
        if tag in ("ul", "ol"):
            self._lists.append(int(tag == "ol"))
        elif tag == "pre":
            self._verbatim += 1
        elif tag == "a":
            self._links.append((given.get("href", "").strip(), len(self._written)))
        else:
            self._write_mark(tag, given)

    def handle_endtag(self, tag: str) -> None:
        """End lines, lists and links."""
        self._opened = ""
        if self._silent:
            if tag in self._silent:
                del self._silent[len(self._silent) - 1 - self._silent[::-1].index(tag) :]
            return
        if tag in ("ul", "ol") and self._lists:
            self._lists.pop()
        elif tag == "pre":
            self._verbatim = max(0, self._verbatim - 1)
        elif tag == "a" and self._links:
            self._end_link(*self._links.pop())
        elif tag in ("td", "th"):
            self._space = True
        self._break(tag)

    def handle_data(self, data: str) -> None:
        """Words, with white space folded as a browser does; what is hidden leaves only what Jinja must know."""
        if self._silent:
            self._written += "".join(found[0] for found in _WORD.finditer(data) if int(found[1]) in self._jinja_tags)
            return
        data = _OPENING.sub("{{ '{' }}", data)
        if self._verbatim:
            self._put(data)
            return
        folded = _SPACES.sub(" ", data)
        self._opened = self._opened if folded == " " else ""
        self._space = self._space or folded.startswith(" ")
        if words := folded.strip(" "):
            self._put(words)
            self._space = folded.endswith(" ")
            self._forget_numbers(words)

    def _forget_numbers(self, words: str) -> None:
        """A Jinja tag in a list may repeat or leave out items: bullets instead of wrong numbers."""
        if self._lists and any(int(number) in self._jinja_tags for number in _WORD.findall(words)):
            self._lists[-1] = 0

    def _write_mark(self, tag: str, given: dict[str, str]) -> None:
        if tag == "li":
            number = self._lists[-1] if self._lists else 0
            self._put("  " * (len(self._lists) - 1) + (f"{number}. " if number else "- "))
            self._space = False
            if number:
                self._lists[-1] = number + 1
        elif tag == "br":
            self._breaks += 1
        elif tag == "hr":
            self._put("---")
            self._breaks = 2
        elif tag == "img" and given.get("alt", "").strip():
            self.handle_data(given["alt"])

    def _end_link(self, address: str, start: int) -> None:
        shown = self._written[start:].strip()
        if address.startswith("tel:") and re.search(r"\d", shown):
            return  # the number stands there, grouped for people; a variable's place holds digits too
        target = re.sub(r"^(mailto|tel|sms):", "", address)
        if address and not address.startswith("#") and target not in (shown, f"https://{shown}", f"http://{shown}"):
            self._space = bool(shown)
            target = _OPENING.sub("{{ '{' }}", target)
            self._put(f"({target})" if shown else target)

    def _break(self, tag: str) -> None:
        nested = tag in ("ul", "ol") and len(self._lists) > 0
        wanted = 2 if tag in PARAGRAPHS and not nested else 1 if tag in LINES or nested else 0
        self._breaks = max(self._breaks, wanted)

    def _put(self, words: str) -> None:
        if self._breaks and self._written:
            self._written = self._written.rstrip(" ") + "\n" * self._breaks
        elif self._space and self._written and not self._written.endswith((" ", "\n")):
            self._written += " "
        self._breaks, self._space = 0, False
        self._written += words
