"""What applying a folder would change, and what becomes of the people inside journeys. Pure."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import groupby
from typing import Any

import msgspec

from outrider.configuration.files import digest_of
from outrider.configuration.parts import SORTS, Part, parts_of

#: Parts of one sort that a first plan names.
NAMED = 8
#: The order of files in sources/, where that is what changes.
SOURCE_ORDER = "order of sources"


class How(StrEnum):
    """What happens to a part."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


class Standing(msgspec.Struct, frozen=True):
    """How many people stand in one journey under one applied version."""

    journey: str
    #: Number of the applied configuration they entered under.
    version: int
    people: int


class Difference(msgspec.Struct, frozen=True):
    """One field that differs, as JSON; None where there was or will be nothing."""

    #: Where in the part: ``steps[2].wait.minus``; for a text the number of the line.
    field: str
    before: str | None
    after: str | None


class Change(msgspec.Struct, frozen=True):
    """One part that differs."""

    how: How
    sort: str
    name: str
    file: str
    differences: tuple[Difference, ...] = ()
    #: People inside, by version; journeys only.
    standing: tuple[Standing, ...] = ()

    @property
    def people(self) -> int:
        """People inside, over all versions."""
        return sum(each.people for each in self.standing)


class Plan(msgspec.Struct, frozen=True):
    """Everything that applying would change in meaning."""

    #: Number of the applied version; 0 when there is none.
    applied: int
    #: Of this plan: the same for the same applied version and the same files.
    digest: str
    changes: tuple[Change, ...] = ()
    warnings: tuple[str, ...] = ()
    #: Every file is the same: nothing is applied. Without changes it may be comments, layout or order that differ.
    same: bool = False


def make_plan(
    before: Mapping[str, str], after: Mapping[str, str], *, applied: int = 0, standing: Iterable[Standing] = ()
) -> Plan:
    """The plan from the applied files to other ones. `standing`: who is inside, from the store."""
    hashed = hashlib.blake2b(f"{applied}:{digest_of(before)}:{digest_of(after)}".encode(), digest_size=12)
    changes = tuple(_changes(parts_of(before), parts_of(after), tuple(standing)))
    same = dict(before) == dict(after)
    return Plan(applied, hashed.hexdigest(), changes, tuple(_warnings(changes, applied)), same)


def _changes(before: Mapping[Part, Any], after: Mapping[Part, Any], standing: tuple[Standing, ...]) -> Iterator[Change]:
    old, new = _by_name(before), _by_name(after)
    for sort, name in sorted(old.keys() | new.keys(), key=lambda one: (SORTS.index(one[0]), one[1])):
        file_before, value_before = old.get((sort, name), ("", None))
        file, value = new.get((sort, name), (file_before, None))
        if (sort, name) in old and (sort, name) in new and not _differ(value_before, value):
            continue
        how = How.CHANGED if (sort, name) in old else How.ADDED
        inside = tuple(one for one in standing if sort == "journey" and one.journey == name)
        if (sort, name) not in new:
            how = How.REMOVED
        yield Change(how, sort, name, file, tuple(differences(value_before, value)), inside)
    yield from _reordered(before, after)


def _reordered(before: Mapping[Part, Any], after: Mapping[Part, Any]) -> Iterator[Change]:
    """The sources in another order, by the names of their files: of two that match an event the first reads it."""
    old, new = ([part.name for part in parts if part.sort == "source"] for parts in (before, after))
    if old != new and sorted(old) == sorted(new):
        yield Change(How.CHANGED, "setting", SOURCE_ORDER, "sources/", (Difference("", _json(old), _json(new)),))


def _by_name(parts: Mapping[Part, Any]) -> dict[tuple[str, str], tuple[str, Any]]:
    return {(part.sort, part.name): (part.file, value) for part, value in parts.items()}


def differences(before: Any, after: Any, field: str = "") -> Iterator[Difference]:
    """The fields in which two plain values differ, in reading order. Lists are aligned, so that one new item is one."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in [*before, *(key for key in after if key not in before)]:
            inner = f"{field}.{key}" if field else str(key)
            if key not in before or key not in after:
                yield Difference(inner, *(_json(each[key]) if key in each else None for each in (before, after)))
            else:
                yield from differences(before[key], after[key], inner)
    elif isinstance(before, list) and isinstance(after, list) and _has_groups(before + after):
        yield from _items(before, after, field)
    elif isinstance(before, str) and isinstance(after, str) and ("\n" in before or "\n" in after):
        yield from _lines(before, after)
    elif _differ(before, after):
        yield Difference(field, *(None if each is None else _json(each) for each in (before, after)))


def _has_groups(values: list[Any]) -> bool:
    return any(isinstance(value, dict | list) for value in values)


def _items(before: list[Any], after: list[Any], field: str) -> Iterator[Difference]:
    aligned = difflib.SequenceMatcher(None, list(map(_sorted, before)), list(map(_sorted, after)), autojunk=False)
    for tag, from_old, to_old, from_new, to_new in aligned.get_opcodes():
        if tag == "equal":
            continue
        both = min(to_old - from_old, to_new - from_new)
        for offset in range(both):
            place = f"{field}[{from_new + offset + 1}]"
            yield from differences(before[from_old + offset], after[from_new + offset], place)
        for index in range(from_old + both, to_old):
            yield Difference(f"{field}[{index + 1}]", _json(before[index]), None)
        for index in range(from_new + both, to_new):
            yield Difference(f"{field}[{index + 1}]", None, _json(after[index]))


def _lines(before: str, after: str) -> Iterator[Difference]:
    old, new = before.splitlines(), after.splitlines()
    for tag, from_old, to_old, from_new, to_new in difflib.SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        if tag != "equal":
            gone, come = "\n".join(old[from_old:to_old]), "\n".join(new[from_new:to_new])
            yield Difference(f"line {from_new + 1}", gone or None, come or None)


def _differ(before: Any, after: Any) -> bool:
    """By type too: 1 is not true."""
    return _sorted(before) != _sorted(after)


def _sorted(value: Any) -> str:
    """As JSON with keys in one order: that of a mapping has no meaning."""
    try:
        return msgspec.json.encode(value, order="sorted").decode()
    except (TypeError, ValueError):
        return str(value)


def _json(value: Any) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, ValueError):  # TOML has dates and times of its own, and numbers JSON has not
        return str(value)


def _warnings(changes: tuple[Change, ...], applied: int) -> Iterator[str]:
    for change in changes:
        if change.sort == "journey" and change.how is How.REMOVED and change.people:
            yield (
                f"journey {change.name} is removed with {_people(change.people)} inside: they finish on their version, "
                "nobody new enters"
            )
        if change.sort == "kind" and change.how is How.CHANGED:
            yield from _sealing(change)
        if (change.sort, change.name) == ("setting", "environment") and applied and _is_production(change):
            yield "the environment becomes production: from now on everybody is written to, not only `allow`"


def _sealing(change: Change) -> Iterator[str]:
    """A trait is open when it says sealed: false; sorting is done anew at every change of a profile or object."""
    for difference in change.differences:
        trait = difference.field.removeprefix("traits.").partition(".")[0]
        opened = [each is not None and '"sealed":false' in each.replace(" ", "") for each in _ends(difference)]
        if opened[0] != opened[1]:
            become = "unsealed, so segments can use it" if opened[1] else "sealed, so segments can use it no longer"
            yield f"trait {change.name}.{trait} becomes {become}; a stored value follows when its record next changes"


def _ends(difference: Difference) -> tuple[str | None, str | None]:
    if not difference.field.endswith(".sealed"):
        return difference.before, difference.after
    return _sealed(difference.before), _sealed(difference.after)


def _sealed(value: str | None) -> str | None:
    return None if value is None else f'"sealed":{value}'


def _is_production(change: Change) -> bool:
    """Production is what an outrider.toml without the key means."""
    became = any(each.after == '"production"' for each in change.differences)
    return change.how is How.REMOVED or (change.how is How.CHANGED and became)


def _people(count: int) -> str:
    return "1 person" if count == 1 else f"{count} people"


#: The mark before a change, as in a diff.
MARKS = {How.ADDED: "+", How.CHANGED: "~", How.REMOVED: "-"}


def show_plan(plan: Plan) -> str:
    """A plan for a person; lines joined by newlines, without one at the end."""
    against = f"against configuration {plan.applied}" if plan.applied else "against nothing: none was applied yet"
    if not plan.changes:
        return f"no changes {against}{'' if plan.same else ', only comments, layout or order'}"
    lines = [f"plan {plan.digest} {against}", ""]
    lines += [line for change in plan.changes for line in _change(change)] if plan.applied else _first(plan.changes)
    lines += ["", *(f"warning: {warning}" for warning in plan.warnings), _summary(plan)]
    return "\n".join(lines)


def _change(change: Change) -> Iterator[str]:
    yield f"{MARKS[change.how]} {change.sort} {change.name} ({change.how})"
    yield from _detail(change)


def _first(changes: Iterable[Change]) -> list[str]:
    """Where everything is new, a line for each sort: nobody reads hundreds of names."""
    lines = []
    for sort, some in groupby(changes, key=lambda change: change.sort):
        names = [change.name for change in some]
        what = f"{sort} {names[0]}" if len(names) == 1 else f"{len(names)} {sort}s{_named(sort, names)}"
        lines.append(f"{MARKS[How.ADDED]} {what} ({How.ADDED})")
    return lines


def _named(sort: str, names: Sequence[str]) -> str:
    """The first names; none of texts, which are many and belong to the templates above."""
    if sort == "text":
        return ""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f": {', '.join(names[:NAMED])}{more}"


def _detail(change: Change) -> Iterator[str]:
    if change.how is How.CHANGED:
        for difference in change.differences:
            yield f"    {difference.field or change.name}"
            for mark, text in (("-", difference.before), ("+", difference.after)):
                yield from (f"      {mark} {line}" for line in (text or "").splitlines())
    if change.people:
        versions = ", ".join(f"{each.people} on version {each.version}" for each in change.standing)
        what = "finishes on the version it" if change.people == 1 else "finish on the version they"
        yield f"    {_people(change.people)} inside ({versions}): {what} entered with"


def _summary(plan: Plan) -> str:
    counts = [sum(change.how is how for change in plan.changes) for how in How]
    return ", ".join(f"{count} {how}" for count, how in zip(counts, How, strict=True))
