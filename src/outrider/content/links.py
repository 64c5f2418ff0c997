"""Which web addresses a message may lead to: whatever runs code or carries a page in itself is refused.

Browsers pass over control characters and spaces before a scheme, and tabs and line breaks within it (WHATWG URL
standard, 4.4): so does this.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

#: Schemes that run or embed something instead of leading somewhere.
REFUSED = frozenset({"javascript", "vbscript", "data", "file", "blob", "filesystem"})

#: Attributes whose value is an address (HTML standard, attributes index; `background` of old e-mail HTML).
ATTRIBUTES = frozenset({"href", "src", "action", "formaction", "background", "poster", "cite", "ping", "xlink:href"})

_SCHEME = re.compile(r"[\x00-\x20]*([A-Za-z][A-Za-z0-9+.\-]*):")
_BREAKS = re.compile(r"[\t\n\r]")
#: In rendered HTML a value has no `<`, `>` or quote left, so a tag is told by its signs.
_TAG = re.compile(r"""<[A-Za-z](?:[^'">]++|"[^"]*+"|'[^']*+')*+>""")
_ADDRESS = re.compile(
    rf"""(?<![\w:-])(?P<name>{"|".join(sorted(ATTRIBUTES, reverse=True))}|background-url)\s*=\s*"""
    r"""(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s>"']+))""",
    re.IGNORECASE,
)


def refused_scheme(address: str) -> str:
    """The scheme of an address that is refused, in lower case; empty for any other address."""
    found = _SCHEME.match(_BREAKS.sub("", address))
    scheme = found[1].lower() if found else ""
    return scheme if scheme in REFUSED else ""


def bad_link(html: str) -> tuple[str, str] | None:
    """Attribute and scheme of the first address in an HTML text that is refused; None when there is none.

    Pictures may be carried in the message itself: `src="data:image/…"` passes.
    """
    for found in _addresses(html):
        value = unescape(found["double"] or found["single"] or found["bare"] or "")
        scheme = refused_scheme(value)
        picture = found["name"].lower() == "src" and _BREAKS.sub("", value).lstrip().lower().startswith("data:image/")
        if scheme and not picture:
            return found["name"].lower(), scheme
    return None


def _addresses(html: str) -> Iterator[re.Match[str]]:
    """The attributes that hold an address; only tags with a colon or an escaped sign can hold a scheme."""
    for tag in _TAG.finditer(html):
        if ":" in tag[0] or "&" in tag[0]:
            yield from _ADDRESS.finditer(tag[0])
