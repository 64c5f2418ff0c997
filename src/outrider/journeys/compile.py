"""Definition → Program: number the steps in reading order and link each to what follows.

Every link leads to a higher index or to the end, so a walk cannot loop.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from outrider.contracts.step import END, Node
from outrider.journeys.definition import CompiledExit, Definition, ExitRule, Item, Program


def compile_program(definition: Definition, config: int) -> Program:
    """The program of a definition, pinned to a configuration number. Same input, same program."""
    return Program(
        journey=definition.journey,
        config=config,
        about=definition.about,
        start=definition.start,
        exits=tuple(_exit(rule, index) for index, rule in enumerate(definition.exits)),
        goal=definition.goal,
        nodes=tuple(_nodes(definition.steps, 0, END, "")),
        timed=definition.timed,
    )


def _exit(rule: ExitRule, index: int) -> CompiledExit:
    then = rule.then
    farewell = None if then is None else Node(END, then.id or f"exit.{index}", then.step, then.settings, END, END)
    return CompiledExit(rule.on, rule.where, farewell)


def _nodes(items: Sequence[Item], first: int, after: int, prefix: str) -> Iterator[Node]:
    """The nodes of a list whose first item gets index `first`; behind its last one the walk goes on at `after`."""
    starts = [first]
    for item in items:
        starts.append(starts[-1] + size(item))
    follows = [*starts[1:-1], after, after]
    for place, item in enumerate(items):
        yield from _node(item, starts[place], follows[place], follows[place + 1], f"{prefix}{place}")


def _node(item: Item, index: int, following: int, skip: int, place: str) -> Iterator[Node]:
    inner: list[Node] = []
    ways: list[int] = []
    at = index + 1
    for label, items in item.bodies:
        ways.append(at if items else following)
        inner.extend(_nodes(items, at, following, f"{place}.{label}."))
        at += sum(map(size, items))
    yield Node(index, item.id or place, item.step, item.settings, following, skip, tuple(ways))
    yield from inner


def size(item: Item) -> int:
    """How many nodes a step takes, those of its bodies counted."""
    return 1 + sum(size(inner) for _, items in item.bodies for inner in items)
