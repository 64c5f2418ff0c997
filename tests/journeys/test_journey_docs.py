"""The reference page of journeys cannot lie: its examples are checked, and every key is on it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rental_world import WORLD

from outrider.contracts.reading import UNITS
from outrider.journeys import check
from outrider.journeys.definition import MAX_DEPTH, MAX_STEPS, Again
from outrider.journeys.read import KEYS
from outrider.journeys.read_steps import known_steps

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "journeys.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```yaml( step)?\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
HEAD = "journey: example\nabout: booking\nstart: {on: booking.confirmed}\nsteps:\n"


@pytest.mark.parametrize(("kind", "text"), EXAMPLES)
def test_every_example_is_a_correct_journey(kind: str, text: str) -> None:
    checked = check(HEAD + text if kind else text, "docs/reference/journeys.md", WORLD)
    assert checked.problems == ()
    assert checked.definition is not None


#: Steps described on the page itself; any further one is listed in docs/reference/plugins.md.
DESCRIBED = ("branch", "exit", "send", "wait")


def test_the_described_steps_have_a_section_with_an_example() -> None:
    for name in DESCRIBED:
        section = PAGE.split(f"\n### {name}\n", 2)[-1].split("\n## ")[0].split("\n### ")[0]
        assert f"{name}:" in section


def test_every_key_is_explained() -> None:
    keys = {*KEYS, *Again, *UNITS, "id", "first", "escalate", "until", "after", "minus", "plus", "if_past", "missed"}
    keys |= {key for name in DESCRIBED for key in known_steps()[name].keys}
    assert {key for key in keys if f"`{key}" not in PAGE} == {"cooldown"}
    assert "`{cooldown: 7d}`" in PAGE


def test_the_limits_are_the_real_ones() -> None:
    assert f"at most {MAX_STEPS} steps" in PAGE
    assert f"at most {MAX_DEPTH} levels" in PAGE
