"""Every discovered kind of step keeps the contract."""

from __future__ import annotations

from typing import Any

import pytest

from outrider.contracts.reading import Reading
from outrider.contracts.step import Go, Move, Node, Parsed, Scene, Stimulus
from outrider.journeys import read_steps
from outrider.testing.step_suite import StepSuite, subjects


@pytest.mark.parametrize("step", subjects(), ids=lambda step: step.name)
class TestEveryStep(StepSuite):
    """The shipped suite, once per kind of step."""


class Careless:
    """Breaks on everything that is no text."""

    name = "careless"
    keys: tuple[str, ...] = ("loudly",)

    def parse(self, reading: Reading) -> Parsed:
        value: Any = reading.at("careless").value
        return Parsed(value.upper())

    def enter(self, node: Node, scene: Scene) -> Move:
        return Go(node.next)

    def resume(self, node: Node, scene: Scene, stimulus: Stimulus) -> None:
        return None


def test_the_suite_catches_a_step_whose_reading_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    step = Careless()
    known = {**read_steps.known_steps(), step.name: step}
    monkeypatch.setattr(read_steps, "known_steps", lambda: known)
    with pytest.raises(AttributeError, match="upper"):
        StepSuite().test_whatever_is_written_is_read_or_refused_with_its_place(step=step)
