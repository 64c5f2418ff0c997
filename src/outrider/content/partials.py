"""Partials: texts that several templates share, put in where a template says `{% include "NAME" %}`.

    templates/_partials/NAME.fr.j2               for texts; NAME.fr.html and NAME.fr.mjml for e-mails
    templates/_partials/markets/gb/NAME.en.j2    what differs in one market

They are put in when the configuration is built, before anything is compiled; nothing is looked up later.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from outrider.content import scan
from outrider.content.declaration import near
from outrider.content.locales import locale_chain
from outrider.content.source import Source, joined, problem_at
from outrider.domain.problem import Problem

FOLDER = "templates/_partials/"

#: Extension of the including file → extensions a partial may have, best first.
FAMILIES = {"mjml": ("mjml", "html"), "html": ("html",), "j2": ("j2",)}

#: Partials within partials; deeper is a mistake.
DEEPEST = 8

_FILE = re.compile(
    r"(markets/(?P<market>[a-z][a-z0-9_-]*)/)?(?P<name>[A-Za-z0-9][\w-]*)"
    r"\.(?P<locale>[A-Za-z]{2,3}(-\w{2,8})*)\.(?P<ext>mjml|html|j2)"
)
_INCLUDE = re.compile(r"""\s*[-+]?\s*include\s+(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)')\s*[-+]?\s*""")
HINT = "expected NAME.<locale>.mjml, .html or .j2, perhaps in markets/<code>/, the code in lower case"


class BadContent(Exception):
    """A file of a template cannot be compiled; `problem` has the place."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class Partials:
    """The partials of a company folder, and how they are put in."""

    def __init__(self, files: Mapping[str, str]) -> None:
        """`files`: path in the configuration folder → text."""
        self.problems: list[Problem] = []
        #: Name, extension, market (None: general), locale in lower case → its file.
        self._files: dict[tuple[str, str, str | None, str], Source] = {}
        for path, text in sorted(files.items()):
            if path.startswith(FOLDER):
                self._add(path, text.replace("\r\n", "\n").removesuffix("\n"))

    def _add(self, path: str, text: str) -> None:
        if found := _FILE.fullmatch(path.removeprefix(FOLDER)):
            key = (found["name"], found["ext"], found["market"], found["locale"].lower())
            self._files[key] = Source(path, text)
        else:
            self.problems.append(Problem(path, 0, 0, "this file is not read", HINT, severity="warning"))

    def markets(self, names: frozenset[str]) -> frozenset[str]:
        """Markets that have a variant of one of these partials, in lower case."""
        return frozenset(market for name, _, market, _ in self._files if name in names and market is not None)

    def unused(self, used: frozenset[str]) -> Iterator[Problem]:
        """A warning for each partial that no template includes."""
        for (name, *_), source in self._files.items():
            if name not in used:
                yield Problem(source.path, 0, 0, f"no template includes the partial {name!r}", severity="warning")


class Wanted:
    """Puts partials into the files of one content: for one locale and perhaps one market."""

    def __init__(self, partials: Partials, locale: str, fallback: str, market: str | None) -> None:
        self._partials, self._market = partials, market
        self._chain = tuple(locale_chain(locale, fallback))
        #: Names put in so far.
        self.names: set[str] = set()

    def expand(self, source: Source, extension: str) -> Source:
        """The source with every include replaced by its partial. Raises BadContent with the include's place."""
        return joined(self._expanded(source, FAMILIES[extension], ()), source)

    def _expanded(self, source: Source, family: tuple[str, ...], trail: tuple[str, ...]) -> Iterator[Source]:
        done = 0
        for block in scan.blocks(source.text):
            if block.is_output or scan.keyword(block) != "include":
                continue
            yield source.part(done, block.start)
            name = _name(source, block)
            yield from self._expanded(self._find(source, block, name, family, trail), family, (*trail, name))
            done = block.end
        yield source.part(done, len(source.text))

    def _find(
        self, source: Source, block: scan.Block, name: str, family: tuple[str, ...], trail: tuple[str, ...]
    ) -> Source:
        self.names.add(name)
        if name in trail or len(trail) >= DEEPEST:
            raise _refused(source, block, f"the partial {name!r} includes itself: {' → '.join([*trail, name])}")
        for locale in self._chain:
            for market in (self._market, None):
                for extension in family:
                    if found := self._partials._files.get((name, extension, market, locale)):
                        return found
        raise self._missing(source, block, name, family)

    def _missing(self, source: Source, block: scan.Block, name: str, family: tuple[str, ...]) -> BadContent:
        fitting = frozenset(each for each, extension, *_ in self._partials._files if extension in family)
        if name in fitting:
            tried = ", ".join(self._chain)
            return _refused(source, block, f"the partial {name!r} has no text for {tried}")
        expected = f"expected {FOLDER}{name}.<locale>.{family[0]}"
        return _refused(source, block, f"there is no partial {name!r}: {expected}", near(name, fitting))


def _name(source: Source, block: scan.Block) -> str:
    found = _INCLUDE.fullmatch(block.code)
    if found is None:
        raise _refused(source, block, 'expected the name of a partial in quotes, such as {% include "footer" %}')
    return str(found["double"] or found["single"] or "")


def _refused(source: Source, block: scan.Block, message: str, hint: str = "") -> BadContent:
    code = block.code.strip(" \t\n-+")
    start = block.code_start + block.code.index(code)
    return BadContent(problem_at(source, start, message, hint, len(code)))
