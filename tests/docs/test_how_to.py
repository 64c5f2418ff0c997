"""The examples of the how-to guides are plug-ins that keep their contracts, and every command on a page exists."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from outrider.cli import main
from outrider.contracts.gate import Case
from outrider.contracts.step import Go, Node, Scene, Stay, Step, TimerFired
from outrider.domain.decision import GateVerdict
from outrider.domain.purpose import Purpose
from outrider.journeys import check, read_steps
from outrider.lib.discover import plugins
from outrider.testing.builders import enrollment, stream
from outrider.testing.gate_suite import GateSuite, cases
from outrider.testing.step_suite import WORLD, StepSuite

ROOT = Path(__file__).parents[2]
GUIDES = ROOT / "docs" / "how-to"
COMMAND_LINE = re.compile(r"(?:^|`|\()(?:\$ )?outrider ([a-z][^`\n|]*)", re.MULTILINE)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def example(page: str, folder: Path) -> Path:
    """The page's Python block as a file."""
    found = re.search(r"^   ```python\n(.*?)^   ```", (GUIDES / page).read_text(encoding="utf-8"), re.M | re.S)
    assert found is not None
    path = folder / "example.py"
    path.write_text(re.sub(r"^   ", "", found[1], flags=re.MULTILINE), encoding="utf-8")
    return path


def test_the_gate_of_the_guide_keeps_the_contract(tmp_path: Path) -> None:
    example("write-a-gate.md", tmp_path)
    gate = plugins("outrider.orchestration.gates", "GATE", extra=[tmp_path])["school_holidays"]
    suite = GateSuite()
    suite.test_it_has_a_name_and_a_place(gate=gate)
    suite.test_it_stands_alone(gate=gate)
    suite.test_every_case_gets_the_same_complete_answer(gate=gate)

    @settings(max_examples=60, deadline=None)
    @given(cases(), st.sampled_from((Purpose.COMMERCIAL, Purpose.SERVICE)), st.integers(20, 35))
    def drops_only_what_it_says(case: Case, purpose: Purpose, day: int) -> None:
        now = datetime(2030, 8, 1, tzinfo=UTC) + timedelta(days=day - 1)
        case = replace(case, candidate=replace(case.candidate, purpose=purpose), facts=replace(case.facts, now=now))
        drops = purpose is Purpose.COMMERCIAL and 25 <= day <= 31
        assert gate.judge(case).verdict is (GateVerdict.DROP if drops else GateVerdict.PASS)

    drops_only_what_it_says()


def test_the_step_of_the_guide_keeps_the_contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example("write-a-journey-step.md", tmp_path)
    step: Step = plugins("outrider.journeys.steps", "STEP", extra=[tmp_path])["pause"]
    known = {**read_steps.known_steps(), "pause": step}
    monkeypatch.setattr(read_steps, "known_steps", lambda: known)
    suite = StepSuite()
    suite.test_it_has_a_name_and_says_which_keys_it_knows(step=step)
    suite.test_it_knows_neither_the_stage_nor_another_step(step=step)
    suite.test_whatever_is_written_is_read_or_refused_with_its_place(step=step)
    suite.test_a_key_it_does_not_know_is_refused(step=step)
    text = "journey: a\nstart: {on: opened}\nsteps:\n  - pause: 3d\n"
    assert [problem for problem in check(text, "a.yaml", WORLD).problems if problem.is_error] == []


def test_the_step_of_the_guide_stays_and_walks_on(tmp_path: Path) -> None:
    example("write-a-journey-step.md", tmp_path)
    step: Step = plugins("outrider.journeys.steps", "STEP", extra=[tmp_path])["pause"]
    now = datetime(2030, 8, 1, tzinfo=UTC)
    node = Node(0, "0", step, timedelta(days=3), next=1, skip=2)
    scene = Scene(enrollment(stream("somebody"), now), {}, now)
    assert step.enter(node, scene) == Stay(now + timedelta(days=3))
    assert step.resume(node, scene, TimerFired(1)) == Go(1)


def test_the_pages_name_only_commands_and_options_that_exist() -> None:
    lines = [(path.name, line) for path in PAGES for line in COMMAND_LINE.findall(path.read_text(encoding="utf-8"))]
    assert len(lines) > 50
    wrong = [(name, line) for name, line in lines if not exists(arguments(line))]
    assert wrong == []


def arguments(line: str) -> list[str]:
    """The words of a command line that are not place holders."""
    return [word for word in line.split() if not word.startswith("[") and not word.isupper()]


def exists(words: list[str]) -> bool:
    """Whether a command with these options exists."""
    command: click.Command | None = main
    context = click.Context(main)
    while isinstance(command, click.Group) and words:
        command = command.get_command(context, words.pop(0).strip(".,:;"))
    if command is None:
        return False
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    given = {word.strip(".,:;").partition("=")[0] for word in words if word.startswith("--")}
    return given <= known | {"--help"}
