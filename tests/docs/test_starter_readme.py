"""The README that `outrider init` writes works as written."""

from __future__ import annotations

from pathlib import Path

from click.testing import CliRunner
from page_runner import page

from outrider.cli import main

START = "```sh\noutrider apply acme\n```\n```sh background\noutrider up\n```\n"


def test_the_first_booking_of_a_new_folder_is_taken(tmp_path: Path) -> None:
    made = CliRunner().invoke(main, ["init", str(tmp_path / "acme"), "--market", "DE", "--name", "Acme"])
    assert made.exit_code == 0, made.output
    with page(START + (tmp_path / "acme" / "README.md").read_text(encoding="utf-8"), tmp_path) as readme:
        readme.run()
        assert len(readme.blocks) == 3
        assert '"accepted":1' in readme.output
