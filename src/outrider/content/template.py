"""From the files of a configuration folder to a set of templates, and everything that is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from minijinja import Environment

from outrider.content import engine, scan
from outrider.content.declaration import RESERVED, Declaration, Policy, near, read_declaration
from outrider.content.engine import Failure, Source
from outrider.content.rendering import (
    Rendered,
    RenderError,
    Template,
    TemplateSet,
    Text,
    encode,
    examples,
    problem_of,
)
from outrider.content.spelling import replacements
from outrider.domain.problem import Problem
from outrider.lib.yaml12 import Mark, YamlError, read

__all__ = ["RenderError", "Rendered", "TemplateSet", "compile_templates"]

_FOLDER = re.compile(r"templates/(?P<name>[^/]+)/(?P<rest>.+)")
_SMS = re.compile(r"(markets/(?P<market>[a-z][a-z0-9_-]*)/)?(?P<channel>sms)\.(?P<locale>[A-Za-z]{2,3}(-\w{2,8})*)\.j2")

#: Files of media that have their own reader.
_OTHER_MEDIA = re.compile(r"(markets/[^/]+/)?(push|email|headunit|voice|chat)\.[^/]+")


def compile_templates(files: Mapping[str, str]) -> tuple[TemplateSet, list[Problem]]:
    """Compile all templates among `files` (path in the configuration folder → its text). Pure: reads nothing else.

    A template with an error is left out of the set; the problems, sorted by place, say why. Warnings leave it in.
    Paths outside `templates/` are ignored.
    """
    environment = engine.environment()
    folders = _folders(files)
    templates, used, problems = {}, {}, []
    for name, inside in sorted(folders.items()):
        compiler = _Compiler(name, inside, environment)
        template = compiler.template()
        problems += compiler.problems
        if not any(map(_is_error, compiler.problems)):
            templates[name], used[name] = template, frozenset(compiler.used)
    return TemplateSet(templates, environment, used), sorted(problems, key=_by_place)


def _folders(files: Mapping[str, str]) -> dict[str, dict[str, str]]:
    folders: dict[str, dict[str, str]] = {}
    for path, text in files.items():
        if found := _FOLDER.fullmatch(path):
            folders.setdefault(found["name"], {})[found["rest"]] = text.replace("\r\n", "\n")
    return folders


def _by_place(problem: Problem) -> tuple[str, int, int]:
    return problem.file, problem.line, problem.column


class _Compiler:
    """Compiles one template folder, collecting its problems and the variables its texts use."""

    def __init__(self, name: str, files: Mapping[str, str], environment: Environment) -> None:
        self.name, self.files, self.environment = name, files, environment
        self.folder = f"templates/{name}"
        self.problems: list[Problem] = []
        self.used: set[str] = set()
        #: False when template.yaml has errors: variables that look undeclared then tell nothing new.
        self.is_declared = False

    def template(self) -> Template:
        declaration = self.declaration()
        self.is_declared = not any(map(_is_error, self.problems))
        texts = {(text.channel, text.market, text.locale.lower()): text for text in self.texts()}
        for text in texts.values():
            self.problems += self.check(text, declaration)
        self.problems += _missing_languages(declaration, texts, self.files.get("template.yaml", ""))
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

    def texts(self) -> Iterator[Text]:
        for path, text in sorted(self.files.items()):
            file = f"{self.folder}/{path}"
            if found := _SMS.fullmatch(path):
                yield Text(Source(file, text), found["channel"], found["locale"], found["market"])
            elif path != "template.yaml" and not _OTHER_MEDIA.fullmatch(path):
                hint = "expected sms.<locale>.j2 or markets/<code>/sms.<locale>.j2, the code in lower case"
                self.problems.append(Problem(file, 0, 0, "this file is not read", hint, severity="warning"))

    def check(self, text: Text, declaration: Declaration) -> list[Problem]:
        """Problems of one text, the grave ones first: what cannot be parsed is not looked at further."""
        try:
            engine.add(self.environment, text.source)
        except Failure as failure:
            return [problem_of(failure, text.source)]
        used = engine.used(self.environment, text.source)
        self.used |= _stored(used, text)
        found = [*_refused(text), *self.unknown_filters(text), *_expensive(text, declaration.policy)]
        if self.is_declared:
            found += _undeclared(text, used, declaration)
            found += [] if any(map(_is_error, found)) else self.dry_render(text, declaration)
        return found

    def unknown_filters(self, text: Text) -> Iterator[Problem]:
        for start, name in scan.filters(text.source.text):
            if not engine.knows_filter(self.environment, name):
                yield problem_of(Failure(f"unknown filter {name!r}", start, len(name)), text.source)

    def dry_render(self, text: Text, declaration: Declaration) -> Iterator[Problem]:
        """Render once with the examples: what fails here would fail for every customer."""
        context = {**examples(declaration.variables), "locale": text.locale, "market": text.market or ""}
        try:
            encode(engine.render(self.environment, text.source, context), declaration.policy)
        except Failure as failure:
            yield problem_of(failure, text.source)

    def unused(self, declaration: Declaration) -> Iterator[Problem]:
        for path, variable in declaration.variables.items():
            if not any(path == each or path.startswith(f"{each}.") for each in self.used):
                message = f"variable {path!r} is declared but no text uses it"
                yield Problem(
                    declaration.file, variable.line, variable.column, message, length=len(path), severity="warning"
                )


def _missing_languages(
    declaration: Declaration, texts: Mapping[tuple[str, str | None, str], Text], source: str
) -> Iterator[Problem]:
    for channel in sorted({channel for channel, _, _ in texts}):
        general = {locale for each, market, locale in texts if each == channel and market is None}
        for locale in dict.fromkeys([*declaration.languages, declaration.fallback]):
            if locale.lower() not in general:
                file = f"{declaration.file.removesuffix('template.yaml')}{channel}.{locale}.j2"
                reason = "`languages` names it" if locale in declaration.languages else "it is the `fallback` locale"
                mark = _named_at(source, locale)
                message = f"there is no {channel} text in {locale}: {reason}"
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


def _stored(used: frozenset[str], text: Text) -> frozenset[str]:
    """What a message must keep to be rendered: the zone too where a date is written; not what the renderer puts in."""
    dated = any(name in engine.DATE_FILTERS for _, name in scan.filters(text.source.text))
    return (used | {"zone"} if dated else used) - {"locale", "market"}


def _refused(text: Text) -> Iterator[Problem]:
    for start, length, reason in scan.refused(text.source.text):
        yield problem_of(Failure(reason, start, length), text.source)


def _undeclared(text: Text, used: frozenset[str], declaration: Declaration) -> Iterator[Problem]:
    known = frozenset(declaration.variables)
    for path in sorted(used):
        if path.split(".")[0] not in RESERVED and not _is_declared(path, declaration):
            hint = near(path, known) or f"declare it in {declaration.file}"
            start = _first_use(text.source.text, path)
            yield problem_of(Failure(f"variable {path!r} is not declared", start, len(path), hint), text.source)


def _is_declared(path: str, declaration: Declaration) -> bool:
    """True for a declared path, and for a group of declared ones (`{% if booking is defined %}`)."""
    return path in declaration.variables or any(each.startswith(f"{path}.") for each in declaration.variables)


def _first_use(source: str, path: str) -> int:
    written = re.compile(rf"(?<![\w.]){re.escape(path)}(?!\w)")
    for block in scan.blocks(source):
        if found := written.search(block.code):
            return block.code_start + found.start()
    return 0


def _expensive(text: Text, policy: Policy) -> Iterator[Problem]:
    """Characters of the text itself that the policy does not agree with; `unicode` agrees with all."""
    if policy is Policy.UNICODE:
        return
    source = text.source.text
    for start, end in scan.literal_spans(source):
        for index, char, replacement in replacements(source[start:end]):
            if policy is Policy.STRICT or replacement is None:
                yield _offense(text, start + index, char, replacement, policy)


def _offense(text: Text, start: int, char: str, replacement: str | None, policy: Policy) -> Problem:
    hint = f"write {replacement!r} instead" if replacement else "leave it out, or set `transliterate: unicode`"
    found = problem_of(Failure(f"U+{ord(char):04X} {char!r} forces UCS-2", start, 1, hint), text.source)
    return found if policy is Policy.STRICT else _as_warning(found)


def _as_warning(problem: Problem) -> Problem:
    return Problem(
        problem.file, problem.line, problem.column, problem.message, problem.hint, problem.length, severity="warning"
    )
