"""branch: the first way whose condition holds; without one, the `else` way; without that, on to the next step.

A condition without a value (a missing field, for example) counts as not fulfilled and leaves a note.
"""

from __future__ import annotations

from collections.abc import Iterator

from outrider.contracts.reading import Condition, Reading
from outrider.contracts.shapes import CONDITION, STEPS, either, listing, mapping
from outrider.contracts.step import Body, Go, Move, Node, Parsed, Scene, Stimulus


class Branch:
    """The step; its settings are the conditions, None for `else`, in the order of the ways."""

    name = "branch"
    keys = ()
    shapes = {  # noqa: RUF012  constant
        "branch": listing(
            either(
                mapping({"when": CONDITION, "steps": STEPS}, ("when", "steps")),
                mapping({"else": STEPS}, ("else",)),
            ),
            least=1,
        )
    }

    def parse(self, reading: Reading) -> Parsed:
        """The ways and their conditions."""
        ways = reading.at("branch").items()
        if reading.at("branch").value == []:
            reading.at("branch").wrong("a branch needs one way or more", "write - {when: '…', steps: […]}")
        conditions = tuple(_condition(way, is_last=way is ways[-1]) for way in ways)
        _check_repeats(ways, conditions)
        bodies = tuple(body for index, way in enumerate(ways) for body in _body(way, index))
        return Parsed(conditions, bodies, walks_on=None not in conditions)

    def enter(self, node: Node, scene: Scene) -> Move:
        """Take the first way that is open."""
        notes: list[str] = []
        for condition, way in zip(node.settings, node.ways, strict=True):
            if condition is None:
                return Go(way, note="; ".join([*notes, "took else"]))
            verdict = condition.judge(scene.view)
            if verdict.value:
                return Go(way, note="; ".join([*notes, f"took {condition.text}"]))
            notes.append(f"not {condition.text}" + (f" ({verdict.error})" if verdict.error else ""))
        return Go(node.next, note="; ".join(notes))

    def resume(self, node: Node, scene: Scene, stimulus: Stimulus) -> Move | None:
        """Nobody ever stays here."""
        return None


def _condition(way: Reading, *, is_last: bool) -> Condition | None:
    if way.has("else"):
        way.mapping("else")
        if not is_last:
            way.wrong_key("'else' must be the last way: those after it are never taken")
        return None
    way.mapping("when", "steps", needed=("when", "steps"))
    return way.at("when").condition() if way.has("when") else Condition("", bool)


def _check_repeats(ways: list[Reading], conditions: tuple[Condition | None, ...]) -> None:
    seen: set[str] = set()
    for way, condition in zip(ways, conditions, strict=True):
        text = condition.text if condition is not None else ""
        if text and text in seen:
            way.at("when").wrong("a way above has the same condition, so this one is never taken", "remove one of them")
        seen.add(text)


def _body(way: Reading, index: int) -> Iterator[Body]:
    if way.has("else"):
        yield Body("else", way.at("else"))
    elif way.has("steps"):
        yield Body(str(index), way.at("steps"))


STEP = Branch()
