"""What a template says, in every language of every market, filled with its examples or its longest values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from outrider.content.rendering import Rendered, RenderError, TemplateSet
from outrider.content.savings import Saving, savings


class Shown(msgspec.Struct, frozen=True):
    """One content as it would go out, in the markets where it is the same."""

    template: str
    channel: str
    #: The locale of the text, as in its file name.
    locale: str
    #: Market codes in upper case.
    markets: tuple[str, ...]
    #: None when it cannot be rendered.
    rendered: Rendered | None
    #: Why it cannot be rendered; empty when it can.
    problem: str = ""
    #: What would save segments of an SMS.
    savings: tuple[Saving, ...] = ()


def previews(
    templates: TemplateSet,
    name: str,
    markets: Iterable[str],
    *,
    channel: str = "",
    longest: bool = False,
    tables: frozenset[str] = frozenset(),
) -> Iterator[Shown]:
    """Every channel (or one), language and market of a template; markets that get the same stand together.

    Raises KeyError for an unknown template.
    """
    allowed = tables & templates.declaration(name).shift_tables
    for each in sorted(templates.channels(name)):
        variants = templates.variants(name, each) if channel in ("", each) else ()
        codes = dict.fromkeys([*markets, *(market.upper() for market, _ in variants if market)])
        for locale in dict.fromkeys(locale for _, locale in variants):
            yield from _grouped(templates, Shown(name, each, locale, tuple(codes), None), longest, allowed)


def _grouped(templates: TemplateSet, wanted: Shown, longest: bool, tables: frozenset[str]) -> Iterator[Shown]:
    """One for each different content of a language, the content of most markets first."""
    found: dict[tuple[object, ...], tuple[Shown, list[str]]] = {}
    for market in wanted.markets:
        shown = _shown(templates, wanted, market, longest, tables)
        body = shown.rendered.body if shown.rendered else None
        _, codes = found.setdefault((msgspec.json.encode(body), shown.problem), (shown, []))
        codes.append(market)
    for shown, codes in sorted(found.values(), key=lambda each: -len(each[1])):
        yield msgspec.structs.replace(shown, markets=tuple(codes))


def _shown(templates: TemplateSet, wanted: Shown, market: str, longest: bool, tables: frozenset[str]) -> Shown:
    try:
        rendered = templates.preview(wanted.template, wanted.channel, wanted.locale, market, longest, tables)
    except RenderError as error:
        return msgspec.structs.replace(wanted, problem=str(error))
    saved = savings(rendered.text, tables) if rendered.count else ()
    return msgspec.structs.replace(wanted, locale=rendered.locale, rendered=rendered, savings=saved)
