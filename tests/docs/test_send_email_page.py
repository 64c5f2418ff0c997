"""The how-to on e-mail works as written, against the real thing."""

from __future__ import annotations

import tomllib
from pathlib import Path

from page_runner import BLOCK, page

from outrider.configuration import build
from outrider.plugged import shipped

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "send-e-mail.md").read_text(encoding="utf-8")


def test_every_block_of_the_page_does_what_it_says(tmp_path: Path) -> None:
    with page(PAGE, tmp_path) as guide:
        guide.run()
        assert len(guide.blocks) > 15


def test_the_account_for_a_real_relay_is_one(tmp_path: Path) -> None:
    [text] = [body for kind, rest, body in BLOCK.findall(PAGE) if (kind, rest) == ("toml", "")]
    assert tomllib.loads(text)["accounts"]["mail"]["provider"] == "smtp"
    made, problems = build({"outrider.toml": text}, shipped())
    assert made is not None
    assert [problem for problem in problems if problem.is_error] == []
