"""The guide to changing the configuration works as written, against the real thing."""

from __future__ import annotations

from pathlib import Path

from page_runner import BLOCK, page

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "change-the-configuration.md"


def test_every_block_of_the_guide_does_what_the_page_says(tmp_path: Path) -> None:
    with page(GUIDE.read_text(encoding="utf-8"), tmp_path) as guide:
        guide.run()
        assert len(guide.blocks) > 15


def test_no_block_of_the_guide_is_passed_over() -> None:
    for kind, rest, _ in BLOCK.findall(GUIDE.read_text(encoding="utf-8")):
        assert (kind, rest) in {("sh", ""), ("sh", "fails"), ("text", "output")}, (kind, rest)
