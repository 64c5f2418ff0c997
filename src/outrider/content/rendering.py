"""Templates: compiled from the texts of a configuration folder, rendered for a locale and a market.

    templates/NAME/template.yaml                 what it is for, which variables it may use (declaration.py)
    templates/NAME/sms.fr.j2                     the content for one channel and locale, in Jinja syntax (media/*.py)
    templates/NAME/markets/gb/sms.en.j2          what differs in one market
    templates/_partials/NAME.fr.mjml             what several templates share (partials.py)

A wanted locale `fr-CA` is looked for as fr-CA, then fr, then the template's `fallback`; at the same locale the market's
content wins over the general one. One newline at the end of a file is not part of the text; a line that holds only a
`{% … %}` leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec
from minijinja import Environment

from outrider.content import engine
from outrider.content.declaration import Declaration, Variable
from outrider.content.engine import Failure
from outrider.content.locales import locale_chain, spoken
from outrider.content.medium import Medium, Written
from outrider.content.pen import pen_for
from outrider.content.sms import Count
from outrider.content.source import Source, problem_at
from outrider.domain.message import Rendition
from outrider.domain.policy import MarketRules
from outrider.domain.problem import Problem, place

__all__ = ["RenderError", "Rendered", "Template", "TemplateSet", "Text", "examples", "locale_chain", "problem_of"]


class Rendered(msgspec.Struct, frozen=True):
    """A content ready to be sent."""

    body: Rendition
    #: The locale of the text used, as written in its file name; not always the wanted one.
    locale: str
    #: The market whose overlay was used; None for the general text.
    overlay: str | None
    #: What it costs as an SMS; None on other channels.
    count: Count | None

    @property
    def text(self) -> str:
        """The text, or the text part."""
        return self.body.text

    @property
    def segments(self) -> int:
        """Segments billed; 1 on channels that know none."""
        return self.count.segments if self.count is not None else 1


class RenderError(Exception):
    """A text cannot be rendered; `problem` has the place. The message names variables, never their values."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{place(problem)}: {problem.message}")
        self.problem = problem


class Text(msgspec.Struct, frozen=True):
    """One content of one template: its compiled pieces for a channel, a locale and perhaps a market."""

    medium: Medium
    pieces: dict[str, Source]
    locale: str
    market: str | None = None

    @property
    def channel(self) -> str:
        """The channel of its medium."""
        return self.medium.name


class Template(msgspec.Struct, frozen=True):
    """A declaration with its texts, by channel, market (None: general) and locale in lower case."""

    declaration: Declaration
    texts: dict[tuple[str, str | None, str], Text]


class TemplateSet:
    """All templates of one version of the configuration. Immutable once compiled; safe to share."""

    def __init__(
        self,
        templates: Mapping[str, Template],
        engine: Environment,
        used: Mapping[str, frozenset[str]],
        markets: Mapping[str, MarketRules],
    ) -> None:
        """markets: code → its pack, whose habits the texts follow."""
        self._templates = dict(templates)
        self._markets = dict(markets)
        self._homes = homes(markets.values())
        self._engine = engine
        self._used = dict(used)
        self._chosen = lru_cache(maxsize=4096)(self._choose)

    @property
    def names(self) -> frozenset[str]:
        """Names of the templates that can be rendered."""
        return frozenset(self._templates)

    def declaration(self, name: str) -> Declaration:
        """What template.yaml says. Raises KeyError for an unknown name."""
        return self._templates[name].declaration

    def variables(self, name: str) -> frozenset[str]:
        """Paths read by any text of the template (`booking.spot`), `zone` among them where a date is written.

        A message needs to keep only these. Raises KeyError for an unknown name.
        """
        return self._used[name]

    def channels(self, name: str) -> frozenset[str]:
        """Channels the template has a text for. Raises KeyError for an unknown name."""
        return frozenset(channel for channel, _, _ in self._templates[name].texts)

    def locales(self, name: str, channel: str) -> tuple[str, ...]:
        """Locales the template has a general text for on a channel, sorted. Raises KeyError for an unknown name."""
        texts = self._templates[name].texts.values()
        return tuple(sorted(text.locale for text in texts if text.channel == channel and text.market is None))

    def variants(self, name: str, channel: str) -> tuple[tuple[str | None, str], ...]:
        """Market (None: general) and locale of every content on a channel. Raises KeyError for an unknown name."""
        texts = self._templates[name].texts.values()
        found = {(text.market, text.locale) for text in texts if text.channel == channel}
        return tuple(sorted(found, key=lambda each: (each[0] or "", each[1])))

    def render(
        self,
        name: str,
        channel: str,
        locale: str,
        market: str | None,
        context: Mapping[str, Any],
        tables: frozenset[str] = frozenset(),
        *,
        longest: bool = False,
    ) -> Rendered:
        """Fill the best content with the values of `context`, and for an SMS apply the encoding policy and count.

        `context` holds dicts, lists, texts, numbers, dates; `zone` (an IANA name) is needed by the date filters;
        `locale`, `market` and `formal` are put in here. `tables`: national shift tables the route supports, by
        language; one is used where the template asks for it. `longest`: dates come out as long as any can. Raises
        RenderError, with file and line.
        """
        text, surroundings = self._chosen(name, channel, locale, market, longest)
        values = {**context, **surroundings}
        texts = {}
        source = next(iter(text.pieces.values()))
        try:
            for piece, source in text.pieces.items():
                texts[piece] = engine.render(self._engine, source, values)
            written = text.medium.write(texts, self._templates[name].declaration, tables)
        except Failure as failure:
            raise RenderError(problem_of(failure, text.pieces.get(failure.piece, source))) from None
        return Rendered(written.body, text.locale, text.market, written.count)

    def preview(
        self,
        name: str,
        channel: str,
        locale: str,
        market: str | None,
        longest: bool = False,
        tables: frozenset[str] = frozenset(),
    ) -> Rendered:
        """Render with the declared examples, or with values of the declared `longest` length, in UTC."""
        declaration = self._templates[name].declaration
        context = examples(declaration.variables, longest)
        return self.render(name, channel, locale, market, context, tables, longest=longest)

    def overruns(
        self, name: str, channel: str, locale: str, market: str | None, tables: frozenset[str]
    ) -> list[Problem]:
        """What is too large in the content for a locale and market, filled with the longest values."""
        text, _ = self._chosen(name, channel, locale, market, False)
        try:
            rendered = self.preview(name, channel, locale, market, True, tables)
        except RenderError as error:
            return [
                msgspec.structs.replace(error.problem, message=f"{error.problem.message} (with the longest values)")
            ]
        declaration = self._templates[name].declaration
        found = text.medium.overruns(Written(rendered.body, rendered.count), declaration, text.pieces)
        return [
            msgspec.structs.replace(
                problem_at(text.pieces[each.piece], each.start, each.message, each.hint, each.length),
                severity="error" if each.is_error else "warning",
            )
            for each in found
        ]

    def _choose(
        self, name: str, channel: str, locale: str, market: str | None, longest: bool
    ) -> tuple[Text, dict[str, Any]]:
        """The text for a wanted locale and market, and what the renderer puts into its context."""
        text = self._text(name, channel, locale, market)
        speaks = spoken(locale, text.locale)
        policy = self._templates[name].declaration.policy if longest else None
        home = self._homes.get(speaks.split("-")[0].lower())
        pen = pen_for(speaks, self._markets.get(market or ""), home, gsm=text.medium.in_gsm, longest=policy)
        return text, {"locale": speaks, "market": market or "", "formal": pen.formal, engine.PEN: pen}

    def _text(self, name: str, channel: str, locale: str, market: str | None) -> Text:
        template = self._templates.get(name)
        if template is None:
            raise RenderError(Problem(f"templates/{name}/template.yaml", 0, 0, f"there is no template {name!r}"))
        overlay = market.lower() if market else None
        for candidate in locale_chain(locale, template.declaration.fallback):
            for code in (overlay, None):
                if text := template.texts.get((channel, code, candidate)):
                    return text
        file = template.declaration.file
        raise RenderError(Problem(file, 0, 0, f"no {channel} text for locale {locale!r}, nor for the fallback"))


def homes(markets: Iterable[MarketRules]) -> dict[str, MarketRules]:
    """Language → the market it is at home in: the one that lists the bare language first (`de` before `de-AT`)."""
    places = [
        (place, pack.code, locale.lower(), pack)
        for pack in markets
        for place, locale in enumerate(pack.locales)
        if "-" not in locale
    ]
    return {language: pack for _, _, language, pack in sorted(places, key=lambda one: one[:2], reverse=True)}


def examples(variables: Mapping[str, Variable], longest: bool = False) -> dict[str, Any]:
    """A context made of the declared examples, nested by their dots, or of their longest forms."""
    context: dict[str, Any] = {"zone": "UTC"}
    for path, variable in variables.items():
        *groups, last = path.split(".")
        group = context
        for name in groups:
            group = group.setdefault(name, {})
        group[last] = _longest(variable) if longest else variable.example
    return context


def problem_of(failure: Failure, source: Source) -> Problem:
    """A failure with its place in the file, as line and column."""
    return problem_at(source, failure.start, failure.message, failure.hint, failure.length)


def _longest(variable: Variable) -> Any:
    if variable.largest is not None:
        return variable.largest
    if variable.longest is None:
        return variable.example
    repeats = -(-variable.longest // max(1, len(variable.example)))
    return ((variable.example or "m") * repeats)[: variable.longest]
