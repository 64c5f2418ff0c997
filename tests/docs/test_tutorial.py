"""The tutorial works as written, against the real thing."""

from __future__ import annotations

from pathlib import Path

import pytest
from page_runner import BLOCK, fits, page

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs" / "tutorial" / "first-journey.md"


def test_every_block_of_the_tutorial_does_what_the_page_says(tmp_path: Path) -> None:
    with page(TUTORIAL.read_text(encoding="utf-8"), tmp_path) as tutorial:
        tutorial.run()
        assert len(tutorial.blocks) > 25


def test_no_block_of_the_tutorial_is_passed_over() -> None:
    for kind, rest, _ in BLOCK.findall(TUTORIAL.read_text(encoding="utf-8")):
        assert kind == "sh" or rest.startswith("file=") or rest == "output", (kind, rest)


@pytest.mark.parametrize(
    ("expected", "output", "answer"),
    [
        ("a … c\n", "a b c\n", True),
        ("a …\nd", "a b\nd\n", True),
        ("a … d", "a b\nd\n", False),
        ("b", "a b c", True),
        ("x", "a b c", False),
        ("a.c", "abc", False),
    ],
)
def test_dots_stand_for_anything_within_a_line(expected: str, output: str, answer: bool) -> None:
    assert fits(expected, output) is answer
