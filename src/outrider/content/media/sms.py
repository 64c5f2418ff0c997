"""SMS: `sms.<locale>.j2` is the text; encoding, segments and the national shift tables decide what it costs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from outrider.content import scan, shift
from outrider.content.declaration import Declaration, Policy
from outrider.content.engine import Failure
from outrider.content.medium import Overrun, Written
from outrider.content.partials import Wanted
from outrider.content.savings import described, excess, many, savings
from outrider.content.sms import Count, Offender, count, transliterate
from outrider.content.source import Source, problem_at
from outrider.content.spelling import replacements
from outrider.domain.message import Rendition
from outrider.domain.problem import Problem

#: Code points of a text shown in a message.
SHOWN = 200


class Sms:
    """One piece, `text`."""

    name = "sms"
    extensions = ("j2",)
    companions: tuple[str, ...] = ()
    in_gsm = True

    def read(self, files: Mapping[str, Source], wanted: Wanted) -> dict[str, Source]:
        """The text with its partials."""
        return {"text": wanted.expand(files["j2"], "j2")}

    def lint(self, pieces: Mapping[str, Source], declaration: Declaration) -> Iterator[Problem]:
        """Characters of the text itself that the policy does not agree with; `unicode` agrees with all."""
        policy, source = declaration.policy, pieces["text"]
        if policy is Policy.UNICODE:
            return
        for start, end in scan.literal_spans(source.text):
            for index, char, replacement in replacements(source.text[start:end]):
                carried = any(char in shift.TABLES[language] for language in declaration.shift_tables)
                if not carried and (policy is Policy.STRICT or replacement is None):
                    yield _offense(source, start + index, char, replacement, policy)

    def write(self, texts: Mapping[str, str], declaration: Declaration, tables: frozenset[str]) -> Written:
        """Apply the encoding policy and count. Raises Failure when `strict` is not met."""
        text, counted = encode(texts["text"], declaration.policy, tables & declaration.shift_tables)
        return Written(Rendition(text), counted)

    def overruns(self, written: Written, declaration: Declaration, sources: Mapping[str, Source]) -> Iterator[Overrun]:
        """More segments than the budget."""
        counted, budget = written.count, declaration.segments
        if counted is None or budget is None or counted.segments <= budget:
            return
        text = written.body.text
        start = _first(sources["text"].text, counted.offenders)
        yield Overrun(
            f"{many(counted.segments, 'segment')} with the longest values, expected at most {budget}: {_shown(text)}",
            _advice(text, counted, budget, declaration.shift_tables if counted.table else frozenset()),
            start=start,
        )


MEDIUM = Sms()


def encode(text: str, policy: Policy, tables: frozenset[str] = frozenset()) -> tuple[str, Count]:
    """Apply an encoding policy: the text as it is sent, and its count. Raises Failure when `strict` is not met."""
    counted = count(text, tables)
    if not counted.offenders or policy is Policy.UNICODE:
        return text, counted
    if policy is Policy.TRANSLITERATE:
        return _transliterated(text, tables)
    worst = counted.offenders[0]
    raise Failure(f"a value holds U+{ord(worst.char):04X}: GSM-7 cannot carry it, and the policy here is `strict`")


def _transliterated(text: str, tables: frozenset[str]) -> tuple[str, Count]:
    """With the letters of a table kept, where one then carries the whole text; otherwise without any."""
    kept = [spelled for language in sorted(tables) if (spelled := shift.spelled_for(text, language))]
    fitting = [(each, counted) for each in kept if not (counted := count(each, tables)).offenders]
    if fitting:
        return min(fitting, key=lambda each: each[1].segments)
    replaced = transliterate(text)
    return replaced, count(replaced)


def _offense(source: Source, start: int, char: str, replacement: str | None, policy: Policy) -> Problem:
    hint = f"write {replacement!r} instead" if replacement else "leave it out, or set `transliterate: unicode`"
    found = problem_at(source, start, f"U+{ord(char):04X} {char!r} forces UCS-2", hint)
    return found if policy is Policy.STRICT else replace(found, severity="warning")


def _first(source: str, offenders: tuple[Offender, ...]) -> int:
    """Where the first costly character stands in the file; the beginning when it is a value's or none is."""
    spelled = [source.find(offender.char) for offender in offenders]
    return min((index for index in spelled if index >= 0), default=0)


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return f"“{line if len(line) <= SHOWN else line[:SHOWN] + '…'}”"


def _advice(text: str, counted: Count, budget: int, tables: frozenset[str]) -> str:
    costly = dict.fromkeys(offender.char for offender in counted.offenders)
    reason = f"{counted.encoding} because of {', '.join(map(repr, costly))}: " if costly else ""
    ways = [described(saving) for saving in savings(text, tables)[-1:]]
    ways.append(f"shorten it by {many(excess(counted, budget), 'unit')}")
    return reason + "; or ".join(ways)
