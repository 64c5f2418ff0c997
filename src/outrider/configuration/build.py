"""Files → Configuration: everything checked against everything, then compiled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import partial
from typing import Any

import msgspec

from outrider.configuration.accounts import account_problems
from outrider.configuration.files import digest_of
from outrider.configuration.kinds import Kind, read_kind
from outrider.configuration.overrides import read_override
from outrider.configuration.policy_places import policy_problem
from outrider.configuration.routing import law_problems
from outrider.configuration.sources import read_source
from outrider.configuration.toml import FILE, Toml, at, place_of, read_toml
from outrider.content.shift import LETTERS
from outrider.content.template import TemplateSet, compile_templates
from outrider.contracts.channel import Channel
from outrider.contracts.surroundings import Surroundings, TemplateFacts, suggest
from outrider.domain.entry import REPLY
from outrider.domain.policy import MarketOverride, MarketRules, Policy
from outrider.domain.problem import Problem
from outrider.ingest.mapping import PROFILE, Mapper, SourceMapping
from outrider.journeys import Definition, Program, Timed, check, compile_program, timed_kinds
from outrider.lib.yaml12 import read
from outrider.orchestration.policy import PolicyError, build_policy


class Shipped(msgspec.Struct, frozen=True):
    """The plug-ins a configuration is checked against."""

    markets: Mapping[str, MarketRules]
    channels: Mapping[str, Channel]
    #: Provider name → its class.
    providers: Mapping[str, Any]


class Configuration(msgspec.Struct, frozen=True):
    """One applied version of a company folder, compiled."""

    number: int
    digest: str
    toml: Toml
    policy: Policy
    kinds: Mapping[str, Kind]
    mapper: Mapper
    templates: TemplateSet
    journeys: Mapping[str, Program]
    #: Event type → journeys it starts.
    starts: Mapping[str, tuple[Program, ...]]
    #: Event type → journeys it ends.
    exits: Mapping[str, tuple[Program, ...]]
    timed: Timed
    open_traits: frozenset[str]


def build(
    files: Mapping[str, str],
    shipped: Shipped,
    *,
    number: int = 0,
    on: date | None = None,
    today: date | None = None,
) -> tuple[Configuration | None, list[Problem]]:
    """Check and compile. None when any problem is an error; warnings come with a configuration.

    With `today` also warns of routes that may not be used today in a market they name.
    """
    builder = _Builder(files, shipped, on, today)
    configuration = builder.configuration(number)
    problems = sorted(builder.problems, key=lambda problem: (problem.file, problem.line, problem.column))
    return (None if any(problem.is_error for problem in problems) else configuration), problems


class _Builder:
    """Reads part after part, collecting problems."""

    def __init__(self, files: Mapping[str, str], shipped: Shipped, on: date | None, today: date | None = None) -> None:
        self.files = files
        self.shipped = shipped
        self.on = on
        self.today = today
        self.problems: list[Problem] = []

    def configuration(self, number: int) -> Configuration:
        toml = self.toml()
        kinds = self.kinds()
        sources = self.sources(kinds)
        templates, problems = compile_templates(self.files, markets=self.shipped.markets, tables=shift_tables(toml))
        self.problems += problems
        policy = self.policy(toml, number)
        surroundings = self.surroundings(kinds, sources, templates, policy)
        definitions = self.journeys(surroundings)
        programs = {name: compile_program(definition, number) for name, definition in definitions.items()}
        profile = kinds.get(PROFILE)
        return Configuration(
            number=number,
            digest=digest_of(self.files),
            toml=toml,
            policy=policy,
            kinds=kinds,
            mapper=self.mapper(sources, toml),
            templates=templates,
            journeys=programs,
            starts=_by_event((program.start.on, program) for program in programs.values()),
            exits=_by_event((rule.on, program) for program in programs.values() for rule in program.exits),
            timed=timed_kinds(surroundings),
            open_traits=profile.open_traits if profile else frozenset(),
        )

    def toml(self) -> Toml:
        toml, problems = read_toml(self.files.get(FILE, ""))
        self.problems += problems
        text = self.files.get(FILE, "")
        for account in toml.accounts:
            if account.provider in self.shipped.providers:
                self.problems += account_problems(account, self.shipped.providers[account.provider].Settings, text)
            else:
                line, column, length = place_of(text, ["accounts", account.name, "provider"])
                hint = suggest(account.provider, self.shipped.providers) or _known(self.shipped.providers)
                message = f"there is no provider '{account.provider}'"
                self.problems.append(Problem(FILE, line, column, message, hint, length))
        for index, route in enumerate(toml.routes):
            place = ["routes", f"[{index}]"]
            self.check_words(text, place, "channel", (route.channel,), self.shipped.channels)
            self.check_words(text, place, "markets", route.markets, self.shipped.markets)
            self.check_words(text, place, "shift_tables", route.shift_tables, LETTERS)
        for index, cap in enumerate(toml.caps):
            self.check_words(text, ["caps", f"[{index}]"], "channels", cap.channels, self.shipped.channels)
        for index, gap in enumerate(toml.gaps):
            self.check_words(text, ["gaps", f"[{index}]"], "channels", gap.channels, self.shipped.channels)
        legality = toml.legality(self.shipped.markets.values())
        self.problems += law_problems(toml.routes, toml.home_market, legality, self.today, partial(at, text))
        return toml

    def check_words(
        self, text: str, place: list[str], key: str, words: Iterable[str], known: Mapping[str, Any]
    ) -> None:
        for word in words:
            if word not in known:
                line, column, length = place_of(text, place, key)
                message = f"there is no {key.removesuffix('s')} '{word}'"
                self.problems.append(
                    Problem(FILE, line, column, message, suggest(word, known) or _known(known), length)
                )

    def kinds(self) -> dict[str, Kind]:
        found: dict[str, Kind] = {}
        for path, text in self.within("objects/"):
            kind, problems = read_kind(text, path)
            self.problems += problems
            if kind is not None and kind.name in found:
                self.problems.append(_twice(path, text, "kind", kind.name, "objects/"))
            elif kind is not None:
                found[kind.name] = kind
        return found

    def sources(self, kinds: Mapping[str, Kind]) -> tuple[SourceMapping, ...]:
        found = []
        for path, text in self.within("sources/"):
            source, problems = read_source(text, path, kinds, tuple(self.shipped.channels))
            self.problems += problems
            if source is not None:
                found.append(source)
        return tuple(found)

    def policy(self, toml: Toml, number: int) -> Policy:
        overrides: list[MarketOverride] = []
        for path, text in self.within("markets/"):
            override, problems = read_override(text, path)
            self.problems += problems
            if override is not None:
                overrides.append(override)
        packs = self.shipped.markets.values()
        try:
            policy = build_policy(
                packs, toml.home_market, toml.caps, overrides, gaps=toml.gaps, config=number, on=self.on
            )
            everywhere = frozenset(name for name, channel in self.shipped.channels.items() if channel.everywhere)
            return msgspec.structs.replace(policy, everywhere=everywhere)
        except PolicyError as error:
            sentences = dict.fromkeys(error.problems)
            self.problems += [policy_problem(sentence, self.files, overrides, toml) for sentence in sentences]
            return build_policy(packs, next(iter(self.shipped.markets)), config=number)

    def surroundings(
        self,
        kinds: Mapping[str, Kind],
        sources: tuple[SourceMapping, ...],
        templates: TemplateSet,
        policy: Policy,
    ) -> Surroundings:
        used = {route.channel for route in read_toml(self.files.get(FILE, ""))[0].routes}
        profile = kinds.get(PROFILE)
        return Surroundings(
            templates={name: _template_facts(templates, name) for name in templates.names},
            broken=self._wrong_in("templates") - templates.names,
            unread=bool(self._wrong_in("sources")),
            objects={name: kind.traits for name, kind in kinds.items() if name != PROFILE},
            profile=profile.traits if profile else None,
            events={REPLY: None, **{name: None for source in sources for name in source.events}},
            channels=tuple(name for name in self.shipped.channels if name in used or not used),
            markets=tuple(self.shipped.markets),
        )

    def _wrong_in(self, folder: str) -> frozenset[str]:
        """What stands right below a folder and has errors: names of files or of folders."""
        wrong = (problem.file.split("/") for problem in self.problems if problem.is_error)
        return frozenset(parts[1] for parts in wrong if parts[0] == folder and len(parts) > 1)

    def journeys(self, surroundings: Surroundings) -> dict[str, Definition]:
        found: dict[str, Definition] = {}
        for path, text in self.within("journeys/"):
            checked = check(text, path, surroundings)
            self.problems += checked.problems
            definition = checked.definition
            if definition is not None and definition.journey in found:
                self.problems.append(_twice(path, text, "journey", definition.journey, "journeys/"))
            elif definition is not None:
                found[definition.journey] = definition
        return found

    def mapper(self, sources: tuple[SourceMapping, ...], toml: Toml) -> Mapper:
        regions = {code: market.phone_region for code, market in self.shipped.markets.items()}
        return Mapper(sources, regions, regions.get(toml.home_market, "FR"))

    def within(self, folder: str) -> list[tuple[str, str]]:
        return [(path, text) for path, text in sorted(self.files.items()) if path.startswith(folder)]


def shift_tables(toml: Toml) -> frozenset[str]:
    """National shift tables every SMS route supports: whichever a message takes, it costs no more than was checked."""
    supported = [frozenset(route.shift_tables) for route in toml.routes if route.channel == "sms"]
    return frozenset.intersection(*supported) if supported else frozenset()


def _template_facts(templates: TemplateSet, name: str) -> TemplateFacts:
    declaration = templates.declaration(name)
    contents: dict[str, tuple[str, ...]] = {}
    for channel in templates.channels(name):
        contents[channel] = templates.locales(name, channel)
    # The zone of dates is put in by the engine, whatever the journey is about.
    variables = tuple(sorted(templates.variables(name) - {"zone"}))
    return TemplateFacts(contents=contents, purpose=declaration.purpose, variables=variables)


def _by_event(pairs: Iterable[tuple[str, Program]]) -> dict[str, tuple[Program, ...]]:
    found: dict[str, tuple[Program, ...]] = {}
    for event, program in pairs:
        if program not in found.get(event, ()):
            found[event] = (*found.get(event, ()), program)
    return found


def _twice(file: str, text: str, key: str, name: str, folder: str) -> Problem:
    mark = read(text).at((key,))
    message, hint = f"the {key} '{name}' is declared twice", f"rename it: another file in {folder} has the name already"
    return Problem(file, mark.line, mark.column, message, hint, mark.length)


def _known(names: Iterable[str]) -> str:
    return f"known: {', '.join(names)}"
