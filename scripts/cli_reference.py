"""Writes the reference of the command line from the commands themselves.

python scripts/cli_reference.py docs/reference/cli.md
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from outrider.cli import main as outrider

HEAD = """# Command line

Made from the commands by `python scripts/cli_reference.py docs/reference/cli.md`; do not edit it.

Every command answers `--help`. Commands that list or report take `--json` and print one JSON document on standard
output. Exit status: 0 done, 1 refused or failed with the reason on standard error, 2 wrong arguments. Two
commands say more: `plan --detailed-exitcode` ends with 2 for changes, `demo --once` with 130 when it is interrupted.
[Environment variables](configuration.md#environment-variables) say where the database and the keys are; short commands
join the embedded database of a running Outrider, or start it for as long as they take.
"""


def main(arguments: Sequence[str]) -> int:
    """Exit status: 0 when the page is written, 2 for wrong arguments."""
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    Path(arguments[0]).write_text(reference(), encoding="utf-8")
    return 0


def reference() -> str:
    """The whole page."""
    context = click.Context(outrider, info_name="outrider")
    found = [section for name in outrider.list_commands(context) for section in sections(name, context)]
    return "\n".join([HEAD, *found])


def sections(name: str, context: click.Context) -> Iterator[str]:
    """A command and the commands below it."""
    group = context.command
    assert isinstance(group, click.Group)
    command = group.get_command(context, name)
    assert command is not None
    inner = click.Context(command, info_name=name, parent=context)
    yield described(command, inner)
    if isinstance(command, click.Group):
        for below in command.list_commands(inner):
            yield from sections(below, inner)


def described(command: click.Command, context: click.Context) -> str:
    """Usage, description and options of one command."""
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    lines = [f"## {context.command_path}", "", paragraphs(command.help or ""), "", "```text", usage, "```", ""]
    options = [option for option in command.params if isinstance(option, click.Option)]
    if options:
        lines += ["| Option | Meaning |", "|---|---|", *(row(option, context) for option in options), ""]
    return "\n".join(lines)


def paragraphs(text: str) -> str:
    """The description with one line for each paragraph."""
    return "\n\n".join(re.sub(r"\s+", " ", part) for part in re.split(r"\n\s*\n", inspect.cleandoc(text)))


def row(option: click.Option, context: click.Context) -> str:
    """An option with its values, meaning and default."""
    record = option.get_help_record(context)
    assert record is not None
    names, meaning = record
    escaped = names.replace("|", "\\|")
    return f"| `{escaped}` | {re.sub(' +', ' ', meaning)} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
