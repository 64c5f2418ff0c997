"""The how-to guides that say so are run as written, against the real thing."""

from __future__ import annotations

from pathlib import Path

import pytest
from page_runner import BLOCK, page

GUIDES = Path(__file__).parents[2] / "docs" / "how-to"
RUN = ("send-one-message.md", "import-customers.md", "find-out-why.md")


@pytest.mark.parametrize("name", RUN)
def test_every_block_of_the_guide_does_what_it_says(name: str, tmp_path: Path) -> None:
    text = (GUIDES / name).read_text(encoding="utf-8")
    for kind, rest, _ in BLOCK.findall(text):
        assert kind == "sh" or rest.startswith("file=") or rest == "output", (kind, rest)
    with page(text, tmp_path) as guide:
        guide.run()
        assert len(guide.blocks) > 8
