"""Where the code stands in a template, and what of it is refused: calls, and tags an SMS has no use for.

The template engine calls methods of the Python objects it is given (`{{ booking.clear() }}` would empty the
dictionary), so a call is only allowed to filters, tests and `range`. MiniJinja shows no syntax tree to Python; this
scan knows comments, raw blocks and string literals, which is all that is needed to find names and parentheses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

_STRING = r"""(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')"""
_BLOCK = re.compile(
    r"(?P<raw>\{%[-+]?\s*raw\s*[-+]?%\}.*?\{%[-+]?\s*endraw\s*[-+]?%\})"
    r"|(?P<comment>\{#.*?#\})"
    rf"|\{{\{{[-+]?(?P<output>(?>{_STRING}|(?!\}}\}}).)*+)\}}\}}"
    rf"|\{{%[-+]?(?P<tag>(?>{_STRING}|(?!%\}}).)*+)%\}}",
    re.DOTALL,
)
_LITERAL = re.compile(_STRING, re.DOTALL)
_CALL = re.compile(r"(?P<lead>\||\.|\bis\s+not\b|\bis\b)?\s*(?P<callee>[A-Za-z_]\w*|[\])}'\"])\s*\(")
_FILTER = re.compile(r"\|\s*([A-Za-z_]\w*)")

#: Words that may stand before an opening parenthesis without calling anything.
OPERATORS = frozenset({"and", "or", "not", "in", "is", "if", "elif", "else", "set", "with"})
FUNCTIONS = frozenset({"range"})
TAGS = frozenset({"if", "elif", "else", "endif", "for", "endfor", "set", "endset", "with", "endwith"})


#: Stand for the code of a block where only the text around it is looked at: no letter, no space, no quote.
OUTPUT, TAG = "\x01", "\x02"


class Block(msgspec.Struct, frozen=True):
    """One `{{ … }}` or `{% … %}`; offsets in code points of the source."""

    start: int
    end: int
    #: Where the code between the delimiters begins.
    code_start: int
    code: str
    is_output: bool


def blocks(source: str) -> Iterator[Block]:
    """The output and tag blocks of a template in order; comments and raw blocks are passed over."""
    for found in _BLOCK.finditer(source):
        for group in ("output", "tag"):
            if found[group] is not None:
                yield Block(found.start(), found.end(), found.start(group), found[group], group == "output")


def spans(source: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and kind of all that is no plain text: `output`, `tag`, `comment` or `raw`, in order."""
    for found in _BLOCK.finditer(source):
        yield found.start(), found.end(), str(found.lastgroup)


def masked(source: str) -> str:
    """The text with its blocks masked by `OUTPUT` and `TAG` and its comments by spaces, at the same offsets."""
    masks = {"output": OUTPUT, "tag": TAG, "raw": TAG, "comment": " "}
    return _BLOCK.sub(lambda found: masks[str(found.lastgroup)] * len(found[0]), source)


def keyword(block: Block) -> str:
    """The first word of a block's code: `if`, `for`, a variable's name."""
    return (block.code.split() or [""])[0].strip("-+")


def literal_spans(source: str) -> Iterator[tuple[int, int]]:
    """Start and end of each stretch of text that is sent as it stands, in order."""
    done = 0
    for found in _BLOCK.finditer(source):
        if found["raw"] is not None:
            continue
        yield done, found.start()
        done = found.end()
    yield done, len(source)


def refused(source: str) -> Iterator[tuple[int, int, str]]:
    """Start, length and reason for each call and each tag that a template may not use."""
    for block in blocks(source):
        yield from _refused_tag(block)
        for found in _CALL.finditer(_blanked(block.code)):
            if not _is_harmless(found):
                start = block.code_start + found.start("callee")
                yield (
                    start,
                    len(found["callee"]),
                    "calls are not available in templates: only filters, tests and range()",
                )


def filters(source: str) -> Iterator[tuple[int, str]]:
    """Start and name of each filter used."""
    for block in blocks(source):
        for found in _FILTER.finditer(_blanked(block.code)):
            yield block.code_start + found.start(1), found[1]


def marked(source: str, name: str) -> str:
    """The template with `{{ name(start) }}` before each block where text may stand, to find the place of a failure."""
    pieces, done = [], 0
    for block in blocks(source):
        if block.is_output or keyword(block) in ("if", "for", "set", "with"):
            pieces += [source[done : block.start], f"{{{{ {name}({block.start}) }}}}"]
            done = block.start
    return "".join([*pieces, source[done:]])


def _refused_tag(block: Block) -> Iterator[tuple[int, int, str]]:
    word = keyword(block)
    if not block.is_output and word and word not in TAGS:
        start = block.code_start + block.code.index(word)
        yield (
            start,
            len(word),
            f"the tag {word!r} is not available in templates: expected {', '.join(sorted(TAGS))}",
        )


def _blanked(code: str) -> str:
    """The code with the inside of its string literals blanked, at the same offsets."""
    return _LITERAL.sub(lambda found: f"'{' ' * (len(found[0]) - 2)}'", code)


def _is_harmless(found: re.Match[str]) -> bool:
    lead, callee = found["lead"], found["callee"]
    if lead == ".":
        return False
    return bool(lead) or callee in OPERATORS or callee in FUNCTIONS


def without_comments(source: str) -> str:
    """The text without `{# … #}`."""
    return _BLOCK.sub(lambda found: "" if found["comment"] is not None else found[0], source)
