"""Which web addresses a message may lead to: whatever runs code or carries a page in itself is refused.

Browsers pass over control characters and spaces before a scheme, and tabs and line breaks within it (WHATWG URL
standard, 4.4): so does this.
"""

from __future__ import annotations

import re
from html import unescape

#: Schemes that run or embed something instead of leading somewhere.
REFUSED = frozenset({"javascript", "vbscript", "data", "file", "blob", "filesystem"})

#: Attributes whose value is an address (HTML standard, attributes index; `background` of old e-mail HTML).
ATTRIBUTES = frozenset({"href", "src", "action", "formaction", "background", "poster", "cite", "ping", "xlink:href"})

#: Stands before an address whose beginning a value decides (a noncharacter, Unicode 23.7: no text holds it).
MARK = "\ufdd0"

_SCHEME = re.compile(r"[\x00-\x20]*([A-Za-z][A-Za-z0-9+.\-]*):")
_BREAKS = re.compile(r"[\t\n\r]")
_END = re.compile("[\"'>]")


def refused_scheme(address: str) -> str:
    """The scheme of an address that is refused, in lower case; empty for any other address."""
    found = _SCHEME.match(_BREAKS.sub("", address))
    scheme = found[1].lower() if found else ""
    return scheme if scheme in REFUSED else ""


def marked_scheme(html: str) -> str:
    """The scheme of the first marked address in a rendered HTML text that is refused; empty when there is none."""
    for marked in html.split(MARK)[1:]:
        if scheme := refused_scheme(unescape(_END.split(marked, maxsplit=1)[0])):
            return scheme
    return ""
