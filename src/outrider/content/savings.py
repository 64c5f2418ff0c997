"""What to write instead so that an SMS needs fewer segments: the fewest replacements that save one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import msgspec

from outrider.content.sms import Count, count
from outrider.content.spelling import replacements

#: Characters of two septets → what says nearly the same in fewer. House choices; the euro sign is left alone.
CHEAPER = {"[": "(", "]": ")", "{": "(", "}": ")", "|": "/", "\\": "/", "~": "-", "^": "", "\f": "\n"}


class Change(msgspec.Struct, frozen=True):
    """One character to be written differently, everywhere in the text."""

    char: str
    #: Empty: leave it out.
    written: str
    #: How often it stands there.
    times: int


class Saving(msgspec.Struct, frozen=True):
    """Changes that save segments only together: leaving one away saves less."""

    changes: tuple[Change, ...]
    #: Segments saved against the text as it stands.
    segments: int
    text: str


def savings(text: str, tables: frozenset[str] = frozenset()) -> tuple[Saving, ...]:
    """The cheapest way to each lower number of segments that replacements reach, fewest segments saved first.

    `tables`: national shift tables that may be used. Empty when no replacement saves a segment.
    """
    found: dict[int, Saving] = {}
    for options in (_spellings(text), _spellings(text) | _cheaper(text)):
        for saving in _reached(text, options, tables):
            known = found.get(saving.segments)
            if known is None or len(saving.changes) < len(known.changes):
                found[saving.segments] = saving
    return tuple(found[saved] for saved in sorted(found))


def excess(counted: Count, segments: int) -> int:
    """Units that must go so that a text of this encoding fits into so many segments; 0 when it fits."""
    if counted.segments <= segments:
        return 0
    single, part = (70, 67) if counted.encoding == "UCS-2" else (155, 149) if counted.table else (160, 153)
    return max(1, counted.units - (single if segments == 1 else part * segments))


def many(number: int, noun: str) -> str:
    """`1 segment`, `2 segments`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def described(saving: Saving) -> str:
    """`writing 'e' for 'ê' saves 1 segment`."""
    written = [f"{each.written!r} for {each.char!r}" for each in saving.changes if each.written]
    left = [repr(each.char) for each in saving.changes if not each.written]
    parts = [f"writing {', '.join(written)}"] if written else []
    parts += [f"leaving out {', '.join(left)}"] if left else []
    return f"{' and '.join(parts)} saves {many(saving.segments, 'segment')}"


def _spellings(text: str) -> dict[str, str]:
    """Characters GSM-7 cannot carry → what to write; those read differently in two places are left out."""
    read: dict[str, set[str | None]] = {}
    for _, char, written in replacements(text):
        read.setdefault(char, set()).add(written)
    single = {char: written.copy().pop() for char, written in read.items() if len(written) == 1}
    return {char: written for char, written in single.items() if written is not None}


def _cheaper(text: str) -> dict[str, str]:
    return {char: written for char, written in CHEAPER.items() if char in text}


def _reached(text: str, options: Mapping[str, str], tables: frozenset[str]) -> Iterator[Saving]:
    """Every change alone, and all of them together without those that add nothing."""
    before = count(text, tables).segments
    times = Counter(text)
    for chosen in [*({char: written} for char, written in options.items()), _needed(text, options, tables)]:
        after = _applied(text, chosen)
        saved = before - count(after, tables).segments
        if saved > 0:
            changes = tuple(Change(char, written, times[char]) for char, written in chosen.items())
            yield Saving(changes, saved, after)


def _needed(text: str, options: Mapping[str, str], tables: frozenset[str]) -> dict[str, str]:
    chosen = dict(options)
    best = count(_applied(text, chosen), tables).segments
    for char in options:
        rest = {each: written for each, written in chosen.items() if each != char}
        if count(_applied(text, rest), tables).segments <= best:
            chosen = rest
    return chosen


def _applied(text: str, changes: Mapping[str, str]) -> str:
    return text.translate({ord(char): written for char, written in changes.items()})
