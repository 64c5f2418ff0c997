"""The list of everything that was found by its file."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from outrider.cli._page import END, renew
from outrider.cli.plugins import BEGIN, COMMAND, KINDS, discovered, plugins_matrix

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "plugins.md"


def run(*arguments: str) -> str:
    result = CliRunner().invoke(COMMAND, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_every_kind_is_listed_with_every_file_of_its_folder() -> None:
    listed = json.loads(run("--json"))
    assert listed == discovered()
    for kind, (package, _, _) in KINDS.items():
        folder = ROOT / "src" / Path(*package.split("."))
        files = [file for file in folder.rglob("*.py") if not file.name.startswith("_")]
        assert len([one for one in listed if one["kind"] == kind]) == len(files), kind


def test_people_get_a_line_for_each() -> None:
    lines = run().splitlines()
    assert len(lines) == len(discovered())
    assert "provider   twilio           sms: Twilio SMS (Messages resource)" in lines


def test_every_plug_in_says_what_it_is() -> None:
    assert [one["name"] for one in discovered() if len(one["about"]) < 8] == []


def test_the_committed_page_of_plug_ins_is_up_to_date(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert renew(page, BEGIN, plugins_matrix()) == page, f"python -m outrider.cli.plugins --write {PAGE}"
    assert run("--markdown") == plugins_matrix()
    copy = tmp_path / "page.md"
    copy.write_text(f"{BEGIN}\nold\n{END}\n")
    run("--write", str(copy))
    assert copy.read_text() == f"{BEGIN}\n{plugins_matrix()}{END}\n"
