"""The reference of the command line is the one the commands give."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from outrider.cli import main

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "cli.md"
SCRIPT = ROOT / "scripts" / "cli_reference.py"

#: Commands that run something rather than list or report.
SILENT = {"outrider deadletters", "outrider keys", "outrider markets", "outrider sms"}


def commands(group: click.Group, path: str = "outrider") -> dict[str, click.Command]:
    """Every command by its whole name."""
    context = click.Context(group, info_name=path)
    found: dict[str, click.Command] = {}
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        found[f"{path} {name}"] = command
        if isinstance(command, click.Group):
            found |= commands(command, f"{path} {name}")
    return found


def test_the_committed_page_of_the_command_line_is_up_to_date(tmp_path: Path) -> None:
    made = tmp_path / "cli.md"
    subprocess.run([sys.executable, str(SCRIPT), str(made)], check=True, timeout=60)
    assert made.read_text() == PAGE.read_text(encoding="utf-8"), f"python {SCRIPT.name} {PAGE}"


@pytest.mark.parametrize("name", commands(main))
def test_every_command_is_on_the_page_and_says_what_it_does(name: str) -> None:
    command = commands(main)[name]
    assert f"\n## {name}\n" in PAGE.read_text(encoding="utf-8")
    assert command.help
    assert all(option.help for option in command.params if isinstance(option, click.Option))


@pytest.mark.parametrize("name", sorted(commands(main).keys() - SILENT))
def test_every_command_takes_json(name: str) -> None:
    assert "--json" in [word for option in commands(main)[name].params for word in option.opts]


def test_wrong_arguments_are_refused() -> None:
    result = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, "docs/reference/cli.md" in result.stderr) == (2, True)
