"""A new kind of step is one new file: nothing else is edited."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rental_world import WORLD, Walker, booking_program

import outrider.journeys.steps
from outrider.journeys import check
from outrider.journeys.read_steps import known_steps

STEP = '''
"""hop: skip the next step in one market."""

from outrider.contracts.step import Go, Parsed


class Hop:
    name = "hop"
    keys = ("loudly",)

    def parse(self, reading):
        reading.has("loudly") and reading.at("loudly").boolean()
        return Parsed(reading.at("hop").text("a market"), jumps=True)

    def enter(self, node, scene):
        return Go(node.skip if scene.view["market"] == node.settings else node.next, note="hop")

    def resume(self, node, scene, stimulus):
        return None


STEP = Hop()
'''

STEPS = Path(outrider.journeys.steps.__file__).parent


@pytest.fixture
def hop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One more file in the folder of steps."""
    (tmp_path / "hop.py").write_text(STEP)
    monkeypatch.setattr(outrider.journeys.steps, "__path__", [*outrider.journeys.steps.__path__, str(tmp_path)])
    known_steps.cache_clear()
    yield
    sys.modules.pop("outrider.journeys.steps.hop", None)
    known_steps.cache_clear()


@pytest.mark.usefixtures("hop")
def test_a_file_in_the_folder_is_a_step_that_can_be_written_checked_and_walked() -> None:
    walker = Walker(booking_program("  - {hop: FR, loudly: true}\n  - {send: booking-confirmed}\n  - wait: 1h\n"))
    assert (walker.templates, walker.enrollment.position) == ([], 2)
    assert walker.progress.notes == ("0: hop",)


@pytest.mark.usefixtures("hop")
def test_its_mistakes_are_found_like_those_of_any_other() -> None:
    text = "journey: a\nstart: {on: app.opened}\nsteps:\n  - {hop: 4, loudly: yes, laudly: 1}\n"
    found = [problem.message for problem in check(text, "a.yaml", WORLD).problems]
    assert found == [
        "there is no next step to skip",
        "expected a market, found the number 4",
        "expected true or false, found 'yes'",
        "unknown key 'laudly'",
    ]


def test_without_its_file_it_is_unknown() -> None:
    text = "journey: a\nstart: {on: app.opened}\nsteps: [{hop: FR}]\n"
    assert check(text, "a.yaml", WORLD).problems[0].message == "unknown step 'hop'"


@pytest.mark.parametrize("file", sorted(path.name for path in STEPS.glob("*.py")))
def test_a_step_knows_neither_the_stage_nor_another_step(file: str) -> None:
    tree = ast.parse((STEPS / file).read_text())
    imported = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    allowed = ("outrider.contracts", "outrider.expressions", "outrider.domain", "outrider.lib")
    ours = [name for name in imported if name.startswith("outrider")]
    assert all(name.startswith(allowed) for name in ours)
