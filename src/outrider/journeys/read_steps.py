"""The steps of a journey file: each item's kind is found by its key, its settings are read by its step."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from outrider.contracts.reading import Reading, listed
from outrider.contracts.step import Parsed, Step
from outrider.contracts.surroundings import suggest
from outrider.journeys.definition import MAX_DEPTH, MAX_STEPS, Item
from outrider.lib.discover import plugins

#: The key every step may have beside those of its kind.
ID = "id"


@cache
def known_steps() -> Mapping[str, Step]:
    """Every kind of step, by the key it is written with."""
    found: Mapping[str, Step] = plugins("outrider.journeys.steps", "STEP")
    return found


class StepReader:
    """Reads the steps of one file; knows what must be unique or limited over all of them."""

    def __init__(self) -> None:
        self._steps = known_steps()
        self._ids: dict[str, int] = {}
        self._count = 0

    def all(self, reading: Reading) -> tuple[Item, ...]:
        """The steps of the journey."""
        if reading.value == []:
            reading.wrong("a journey needs one step or more", "for example - send: the-name-of-a-template")
        return self._list(reading, 1)[0]

    def farewell(self, reading: Reading) -> Item:
        """The send step of an exit rule."""
        send = self._steps["send"]
        reading.mapping(send.name, *send.keys, ID, needed=(send.name,))
        if not reading.has(send.name):
            return Item(send, None)
        return Item(send, send.parse(reading).settings, self._id(reading))

    def _list(self, reading: Reading, depth: int) -> tuple[tuple[Item, ...], bool]:
        """The items of a list, and whether the walk comes out at its end."""
        if depth > MAX_DEPTH:
            reading.wrong(
                f"steps are nested deeper than {MAX_DEPTH} levels", "start a second journey for the inner part"
            )
            return (), True
        found: list[Item] = []
        walks_on = True
        items = reading.items()
        for one in items:
            if not walks_on:
                one.wrong(
                    "this step is never reached: before it, every way leaves the journey", "move it up or remove it"
                )
            item, walks_on = self._item(one, depth, is_last=one is items[-1])
            found += [item] if item else []
        return tuple(found), walks_on

    def _item(self, reading: Reading, depth: int, *, is_last: bool) -> tuple[Item | None, bool]:
        step = self._kind(reading)
        if step is None:
            return None, True
        self._limit(reading)
        reading.mapping(step.name, *step.keys, ID)
        name = self._id(reading)
        parsed = step.parse(reading)
        if parsed.jumps and is_last:
            reading.wrong("there is no next step to skip", "write if_past: continue or if_past: exit")
        bodies, comes_out = self._bodies(parsed, depth)
        return Item(step, parsed.settings, name, bodies), comes_out

    def _bodies(self, parsed: Parsed, depth: int) -> tuple[tuple[tuple[str, tuple[Item, ...]], ...], bool]:
        bodies = []
        comes_out = parsed.walks_on
        for body in parsed.bodies:
            items, through = self._list(body.steps, depth + 1)
            bodies.append((body.label, items))
            comes_out = comes_out or through
        return tuple(bodies), comes_out

    def _kind(self, reading: Reading) -> Step | None:
        value = reading.value
        if not isinstance(value, dict):
            kinds = listed(list(self._steps))
            reading.wrong(f"expected a step ({kinds}), found {value!r}", "for example - wait: 10m")
            return None
        kinds_here = [key for key in value if key in self._steps]
        if len(kinds_here) > 1:
            reading.at(kinds_here[1]).wrong_key(
                f"two steps in one item: {' and '.join(kinds_here)}", "start a new item"
            )
            return None
        if kinds_here:
            return self._steps[kinds_here[0]]
        first = next(iter(value), None)
        place = reading.at(first) if first is not None else reading
        place.wrong_key(f"unknown step '{first}'", suggest(first, self._steps) or f"steps: {', '.join(self._steps)}")
        return None

    def _id(self, reading: Reading) -> str:
        if not reading.has(ID):
            return ""
        place = reading.at(ID)
        name = place.name("an id")
        line = place.context.located.at(place.path).line
        if self._ids.setdefault(name, line) != line:
            place.wrong(f"the id '{name}' is used on line {self._ids[name]} already", "ids are unique within a journey")
        return name

    def _limit(self, reading: Reading) -> None:
        self._count += 1
        if self._count == MAX_STEPS + 1:
            reading.wrong(
                f"a journey has at most {MAX_STEPS} steps, this is one more", "split it into several journeys"
            )
