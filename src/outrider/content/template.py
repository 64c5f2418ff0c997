"""From the files of a configuration folder to a set of templates, and everything that is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

import msgspec
from minijinja import Environment

from outrider.content import engine, folders, scan
from outrider.content.declaration import RESERVED, Declaration, near, read_declaration
from outrider.content.engine import Failure
from outrider.content.folders import Files
from outrider.content.partials import BadContent, Partials, Wanted
from outrider.content.rendering import Rendered, RenderError, Template, TemplateSet, Text, examples, problem_of
from outrider.content.source import HTML, Source
from outrider.domain.policy import MarketRules
from outrider.domain.problem import Problem
from outrider.lib.yaml12 import Mark, YamlError, read

__all__ = ["RenderError", "Rendered", "TemplateSet", "compile_templates"]

NO_MARKETS: Mapping[str, MarketRules] = {}


def compile_templates(
    files: Mapping[str, str],
    *,
    markets: Mapping[str, MarketRules] = NO_MARKETS,
    tables: frozenset[str] = frozenset(),
    budgets: bool = True,
) -> tuple[TemplateSet, list[Problem]]:
    """Compile all templates among `files` (path in the configuration folder → its text). Pure: reads nothing else.

    `markets`: code → its pack, whose habits the texts follow. With `budgets` the texts are checked for each of them,
    with the national shift `tables` every SMS route supports; a preview leaves them out, to show what is too long.
    A template with an error is left out of the set; the problems, sorted by place, say why. Warnings leave it in.
    Paths outside `templates/` are ignored.
    """
    environment = engine.environment()
    partials = Partials(files)
    templates, used, included = {}, {}, frozenset[str]()
    problems = list(partials.problems)
    for name, inside in folders.by_template(files).items():
        compiler = _Compiler(name, inside, environment, partials, markets)
        template = compiler.template()
        if budgets and not any(map(_is_error, compiler.problems)):
            alone = TemplateSet({name: template}, environment, {}, markets)
            compiler.problems += _overruns(alone, name, markets, tables)
        problems += compiler.problems
        included |= compiler.included
        if not any(map(_is_error, compiler.problems)):
            templates[name], used[name] = template, frozenset(compiler.used)
    problems += partials.unused(included)
    return TemplateSet(templates, environment, used, markets), sorted(dict.fromkeys(problems), key=_by_place)


def _overruns(templates: TemplateSet, name: str, markets: Iterable[str], tables: frozenset[str]) -> Iterator[Problem]:
    """What is too large, in every language of every market; each text tells it once, with the markets it is true of."""
    found: dict[Problem, list[str]] = {}
    for channel in sorted(templates.channels(name)):
        variants = templates.variants(name, channel)
        locales = sorted({locale for _, locale in variants})
        codes = dict.fromkeys([*markets, *(market.upper() for market, _ in variants if market)])
        for market, locale in [(market, locale) for market in [*codes, None] for locale in locales]:
            for problem in templates.overruns(name, channel, locale, market, tables):
                found.setdefault(problem, []).append(market or "")
    for problem, where in found.items():
        everywhere = len(where) == 1 + len(codes)
        named = "" if everywhere else f" (market {', '.join(filter(None, where)) or 'not given'})"
        yield msgspec.structs.replace(problem, message=f"{problem.message}{named}")


def _by_place(problem: Problem) -> tuple[str, int, int]:
    return problem.file, problem.line, problem.column


class _Compiler:
    """Compiles one template folder, collecting its problems and the variables its texts use."""

    def __init__(
        self,
        name: str,
        files: Mapping[str, str],
        environment: Environment,
        partials: Partials,
        markets: Mapping[str, MarketRules],
    ) -> None:
        self.name, self.files, self.environment, self.partials = name, files, environment, partials
        self.markets = markets
        self.folder = f"templates/{name}"
        self.problems: list[Problem] = []
        self.used: set[str] = set()
        #: Names of the partials that were put in.
        self.included: frozenset[str] = frozenset()
        #: False when template.yaml has errors: variables that look undeclared then tell nothing new.
        self.is_declared = False

    def template(self) -> Template:
        declaration = self.declaration()
        self.is_declared = not any(map(_is_error, self.problems))
        found, problems = folders.contents(self.folder, self.files)
        self.problems += problems
        texts = {(text.channel, text.market, text.locale.lower()): text for text in self.texts(found, declaration)}
        for text in texts.values():
            self.problems += self.check(text, declaration)
        self.problems += _missing_languages(declaration, found, self.files.get("template.yaml", ""))
        self.problems += self.unused(declaration)
        return Template(declaration, texts)

    def declaration(self) -> Declaration:
        file = f"{self.folder}/template.yaml"
        if "template.yaml" not in self.files:
            self.problems.append(Problem(file, 0, 0, "the file is missing: it declares the variables of the template"))
            return Declaration(self.name, file)
        declaration, problems = read_declaration(self.name, file, self.files["template.yaml"])
        self.problems += problems
        return declaration

    def texts(self, found: list[Files], declaration: Declaration) -> Iterator[Text]:
        """Every content, and those of markets that have none of their own but a partial of it."""
        own = {(each.medium.name, each.locale.lower(), each.market) for each in found}
        for each in found:
            text, names = self.text(each, declaration.fallback)
            if text is not None:
                yield text
            for market in sorted(self.partials.markets(names)) if each.market is None else []:
                if (each.medium.name, each.locale.lower(), market) not in own:
                    variant, _ = self.text(msgspec.structs.replace(each, market=market), declaration.fallback)
                    yield from [variant] if variant else []

    def text(self, content: Files, fallback: str) -> tuple[Text | None, frozenset[str]]:
        """One content with its partials put in, and their names; None when it cannot be compiled."""
        wanted = Wanted(self.partials, content.locale, fallback, content.market)
        try:
            pieces = content.medium.read(content.files, wanted)
        except BadContent as error:
            self.problems.append(error.problem)
            return None, frozenset(wanted.names)
        finally:
            self.included |= wanted.names
        named = {name: _named(source, content.market) for name, source in pieces.items()}
        return Text(content.medium, named, content.locale, content.market), frozenset(wanted.names)

    def check(self, text: Text, declaration: Declaration) -> list[Problem]:
        """Problems of one text, the grave ones first: what cannot be parsed is not looked at further."""
        found: list[Problem] = []
        for source in text.pieces.values():
            try:
                engine.add(self.environment, source)
            except Failure as failure:
                return [problem_of(failure, source)]
            found += [*_refused(source), *self.unknown_filters(source)]
            found += self.variables(source, declaration)
        found += text.medium.lint(text.pieces, declaration)
        if self.is_declared and not any(map(_is_error, found)):
            found += self.dry_render(text, declaration)
        return list(dict.fromkeys(found))

    def variables(self, source: Source, declaration: Declaration) -> Iterator[Problem]:
        used = engine.used(self.environment, source)
        self.used |= _stored(used, source)
        if self.is_declared:
            yield from _undeclared(source, used, declaration)

    def unknown_filters(self, source: Source) -> Iterator[Problem]:
        for start, name in scan.filters(source.text):
            if not engine.knows_filter(self.environment, name):
                yield problem_of(Failure(f"unknown filter {name!r}", start, len(name)), source)

    def dry_render(self, text: Text, declaration: Declaration) -> Iterator[Problem]:
        """Render once with the examples: what fails here would fail for every customer."""
        only = Template(declaration, {(text.channel, None, text.locale.lower()): text})
        templates = TemplateSet({self.name: only}, self.environment, {}, self.markets)
        try:
            templates.render(self.name, text.channel, text.locale, text.market or "", examples(declaration.variables))
        except RenderError as error:
            yield error.problem

    def unused(self, declaration: Declaration) -> Iterator[Problem]:
        for path, variable in declaration.variables.items():
            if not any(path == each or path.startswith(f"{each}.") for each in self.used):
                message = f"variable {path!r} is declared but no text uses it"
                yield Problem(
                    declaration.file, variable.line, variable.column, message, length=len(path), severity="warning"
                )


def _named(source: Source, market: str | None) -> Source:
    """A piece under a name of its own in the engine; variants for markets are other texts of the same file."""
    if market is None:
        return source
    name = f"{source.key.removesuffix(HTML)}@{market}"
    return msgspec.structs.replace(source, name=f"{name}{HTML}" if source.key.endswith(HTML) else name)


def _missing_languages(declaration: Declaration, found: list[Files], source: str) -> Iterator[Problem]:
    for medium in sorted({each.medium for each in found}, key=lambda medium: medium.name):
        general = [each for each in found if each.medium is medium and each.market is None]
        known = {each.locale.lower() for each in general}
        ending = next(chain.from_iterable(each.files for each in general), medium.extensions[0])
        extension = ending if ending in medium.extensions else medium.extensions[0]
        for locale in dict.fromkeys([*declaration.languages, declaration.fallback]):
            if locale.lower() not in known:
                file = f"{declaration.file.removesuffix('template.yaml')}{medium.name}.{locale}.{extension}"
                reason = "`languages` names it" if locale in declaration.languages else "it is the `fallback` locale"
                mark = _named_at(source, locale)
                message = f"there is no {medium.name} text in {locale}: {reason}"
                yield Problem(declaration.file, mark.line, mark.column, message, f"create {file}", mark.length)


def _named_at(source: str, locale: str) -> Mark:
    """Where template.yaml names a locale; where `fallback` would stand when it does not."""
    try:
        located = read(source)
    except YamlError as error:  # a template.yaml with errors of its own, told elsewhere
        return Mark(error.line, error.column, 1)
    languages = located.value.get("languages") if isinstance(located.value, dict) else None
    if isinstance(languages, list) and locale in languages:
        return located.at(("languages", languages.index(locale)))
    return located.at(("fallback",))


def _is_error(problem: Problem) -> bool:
    return problem.is_error


def _stored(used: frozenset[str], source: Source) -> frozenset[str]:
    """What a message must keep to be rendered: the zone too where a date is written; not what the renderer puts in."""
    dated = any(name in engine.MOMENTS for _, name in scan.filters(source.text))
    return (used | {"zone"} if dated else used) - {"locale", "market", "formal"}


def _refused(source: Source) -> Iterator[Problem]:
    for start, length, reason in scan.refused(source.text):
        yield problem_of(Failure(reason, start, length), source)


def _undeclared(source: Source, used: frozenset[str], declaration: Declaration) -> Iterator[Problem]:
    known = frozenset(declaration.variables)
    for path in sorted(used):
        if path.split(".")[0] not in RESERVED and not _is_declared(path, declaration):
            hint = near(path, known) or f"declare it in {declaration.file}"
            start = _first_use(source.text, path)
            yield problem_of(Failure(f"variable {path!r} is not declared", start, len(path), hint), source)


def _is_declared(path: str, declaration: Declaration) -> bool:
    """True for a declared path, and for a group of declared ones (`{% if booking is defined %}`)."""
    return path in declaration.variables or any(each.startswith(f"{path}.") for each in declaration.variables)


def _first_use(source: str, path: str) -> int:
    written = re.compile(rf"(?<![\w.]){re.escape(path)}(?!\w)")
    for block in scan.blocks(source):
        if found := written.search(block.code):
            return block.code_start + found.start()
    return 0
