"""Which locale serves a wanted one."""

from __future__ import annotations

from collections.abc import Iterable


def locale_chain(wanted: str, fallback: str) -> Iterable[str]:
    """`fr-CA` with fallback `en` → fr-ca, fr, en: from special to general, in lower case, each once."""
    chain: dict[str, None] = {}
    for locale in (wanted, fallback):
        tag = locale.replace("_", "-").lower()
        while tag:
            chain[tag] = None
            tag = tag.rpartition("-")[0]
    return chain


def spoken(wanted: str, used: str) -> str:
    """The wanted region's habits where the text is in the wanted language, else those of the text itself."""
    language = used.split("-")[0].lower()
    return wanted if wanted.replace("_", "-").lower().split("-")[0] == language else used
