"""Where the rule stands that a mistake of the policy is about."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from outrider.configuration.toml import FILE, Toml, place_of
from outrider.contracts.surroundings import suggest
from outrider.domain.policy import MarketOverride
from outrider.domain.problem import Problem
from outrider.lib.yaml12 import Path, read
from outrider.orchestration.wording import hours

_RULE = re.compile(r"quiet hours (\d+)")
_OPENS = re.compile(r"(.*) opens hours that the market pack closes")
_KNOWN = re.compile(r"there is no market '(.*)'; expected one of (.*)")


def policy_problem(sentence: str, files: Mapping[str, str], overrides: Sequence[MarketOverride], toml: Toml) -> Problem:
    """A sentence of PolicyError with its place. `overrides`: those read from `files`."""
    place, _, message = sentence.partition(": ")
    file, _, part = place.partition(", ")
    for override in overrides:
        if override.place == file and file in files:
            return _in_override(message, part, override, files[file])
    keys = ["home_market"]
    names = {"cap": [cap.name for cap in toml.caps], "gap": [gap.name for gap in toml.gaps]}
    for word, known in names.items():
        if place.startswith(word):
            named = [index for index, name in enumerate(known) if place == f"{word} {name}"]
            keys = [f"{word}s", f"[{named[-1] if named else 0}]"]
    line, column, length = place_of(files.get(FILE, ""), keys)
    return Problem(FILE, line, column, sentence, _hint(message), length)


def _in_override(message: str, part: str, override: MarketOverride, text: str) -> Problem:
    mark = read(text).at(_path(message, part, override))
    said, _, expected = message.partition("; expected ")
    hint = _hint(message) or (f"expected {expected}" if expected else "")
    return Problem(override.place, mark.line, mark.column, said, hint, mark.length)


def _path(message: str, part: str, override: MarketOverride) -> Path:
    if numbered := _RULE.fullmatch(part):
        return ("quiet", int(numbered[1]) - 1, "windows")
    if opened := _OPENS.match(message):
        words = [hours(rule) for rule in override.quiet]
        return ("quiet", words.index(opened[1]), "windows") if opened[1] in words else ("quiet",)
    return ("market",)


def _hint(message: str) -> str:
    found = _KNOWN.fullmatch(message)
    return suggest(found[1], found[2].split(", ")) if found else ""
