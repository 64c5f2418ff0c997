"""Templates: compiled from the texts of a configuration folder, rendered for a locale and a market.

    templates/NAME/template.yaml                 what it is for, which variables it may use (declaration.py)
    templates/NAME/sms.fr.j2                     the text for one locale, in Jinja syntax
    templates/NAME/markets/gb/sms.en.j2          what differs in one market

A wanted locale `fr-CA` is looked for as fr-CA, then fr, then the template's `fallback`; at the same locale the market's
text wins over the general one. One newline at the end of a file is not part of the text; a line that holds only a
`{% … %}` leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec
from minijinja import Environment

from outrider.content import engine
from outrider.content.declaration import Declaration, Policy, Variable
from outrider.content.engine import Failure, Source
from outrider.content.sms import Count, count, transliterate
from outrider.domain.problem import Problem, place


class Rendered(msgspec.Struct, frozen=True):
    """A text ready to be sent."""

    text: str
    #: The locale of the text used, as written in its file name; not always the wanted one.
    locale: str
    #: The market whose overlay was used; None for the general text.
    overlay: str | None
    count: Count


class RenderError(Exception):
    """A text cannot be rendered; `problem` has the place. The message names variables, never their values."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{place(problem)}: {problem.message}")
        self.problem = problem


class Text(msgspec.Struct, frozen=True):
    """One file of one template: the text for a channel, a locale and perhaps a market."""

    source: Source
    channel: str
    locale: str
    market: str | None = None


class Template(msgspec.Struct, frozen=True):
    """A declaration with its texts, by channel, market (None: general) and locale in lower case."""

    declaration: Declaration
    texts: dict[tuple[str, str | None, str], Text]


class TemplateSet:
    """All templates of one version of the configuration. Immutable once compiled; safe to share."""

    def __init__(
        self, templates: Mapping[str, Template], engine: Environment, used: Mapping[str, frozenset[str]]
    ) -> None:
        self._templates = dict(templates)
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

    def render(self, name: str, channel: str, locale: str, market: str | None, context: Mapping[str, Any]) -> Rendered:
        """Fill the best text with the values of `context`, apply the encoding policy and count the segments.

        `context` holds dicts, lists, texts, numbers, dates; `zone` (an IANA name) is needed by the date filters;
        `locale` and `market` are put in here. Raises RenderError, with file and line.
        """
        text, spoken = self._chosen(name, channel, locale, market)
        values = {**context, "locale": spoken, "market": market or ""}
        try:
            written = engine.render(self._engine, text.source, values)
            written, counted = encode(written, self._templates[name].declaration.policy)
        except Failure as failure:
            raise RenderError(problem_of(failure, text.source)) from None
        return Rendered(written, text.locale, text.market, counted)

    def preview(self, name: str, channel: str, locale: str, market: str | None, longest: bool = False) -> Rendered:
        """Render with the declared examples, or with values of the declared `longest` length, in UTC."""
        declaration = self._templates[name].declaration
        return self.render(name, channel, locale, market, examples(declaration.variables, longest))

    def _choose(self, name: str, channel: str, locale: str, market: str | None) -> tuple[Text, str]:
        """The text for a wanted locale and market, and the locale its dates are written in."""
        template = self._templates.get(name)
        if template is None:
            raise RenderError(Problem(f"templates/{name}/template.yaml", 0, 0, f"there is no template {name!r}"))
        overlay = market.lower() if market else None
        for candidate in locale_chain(locale, template.declaration.fallback):
            for code in (overlay, None):
                if text := template.texts.get((channel, code, candidate)):
                    return text, _spoken(locale, text.locale)
        file = template.declaration.file
        raise RenderError(Problem(file, 0, 0, f"no {channel} text for locale {locale!r}, nor for the fallback"))


def locale_chain(wanted: str, fallback: str) -> Iterable[str]:
    """`fr-CA` with fallback `en` → fr-ca, fr, en: from special to general, in lower case, each once."""
    chain: dict[str, None] = {}
    for locale in (wanted, fallback):
        tag = locale.replace("_", "-").lower()
        while tag:
            chain[tag] = None
            tag = tag.rpartition("-")[0]
    return chain


def encode(text: str, policy: Policy) -> tuple[str, Count]:
    """Apply an encoding policy: the text as it is sent, and its count. Raises Failure when `strict` is not met."""
    counted = count(text)
    if not counted.offenders or policy is Policy.UNICODE:
        return text, counted
    if policy is Policy.TRANSLITERATE:
        replaced = transliterate(text)
        return replaced, count(replaced)
    worst = counted.offenders[0]
    raise Failure(f"a value holds U+{ord(worst.char):04X}: GSM-7 cannot carry it, and the policy here is `strict`")


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
    before = source.text[: failure.start]
    line, column = before.count("\n") + 1, failure.start - before.rfind("\n")
    return Problem(source.path, line, column, failure.message, failure.hint, failure.length)


def _longest(variable: Variable) -> Any:
    if variable.longest is None:
        return variable.example
    repeats = -(-variable.longest // max(1, len(variable.example)))
    return ((variable.example or "m") * repeats)[: variable.longest]


def _spoken(wanted: str, used: str) -> str:
    """The wanted region's habits where the text is in the wanted language, else those of the text itself."""
    language = used.split("-")[0].lower()
    return wanted if wanted.replace("_", "-").lower().split("-")[0] == language else used
