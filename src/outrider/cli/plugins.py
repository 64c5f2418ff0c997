"""`outrider plugins`: everything that was found by its file, kind by kind."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from outrider.cli._page import begin_of, markdown_table, renew, table_options

#: Stands before the table in docs/reference/plugins.md.
BEGIN = begin_of("outrider.cli.plugins")

#: Kind → the package it is found in, its constant, and how one tells what it is.
KINDS: dict[str, tuple[str, str, Callable[[Any], str]]] = {
    "channel": ("outrider.channels", "CHANNEL", lambda found: str(found.title)),
    "connector": ("outrider.connectors", "CONNECTOR", lambda found: str(found.title)),
    "gate": ("outrider.orchestration.gates", "GATE", lambda found: f"phase {int(found.phase)}: {_first_line(found)}"),
    "market": ("outrider.markets", "MARKET", lambda found: f"{found.code}, reviewed on {found.reviewed_on}"),
    "medium": ("outrider.content.media", "MEDIUM", lambda found: _first_line(found)),
    "provider": ("outrider.providers", "PROVIDER", lambda found: f"{found.channel}: {found.title}"),
    "step": ("outrider.journeys.steps", "STEP", lambda found: _first_line(found)),
}


def discovered() -> list[dict[str, str]]:
    """Kind, name and a line about every plug-in, by kind and name. Raises BadPlugin."""
    from outrider.lib.discover import plugins

    return [
        {"kind": kind, "name": name, "about": about(found)}
        for kind, (package, constant, about) in KINDS.items()
        for name, found in plugins(package, constant).items()
    ]


def plugins_matrix() -> str:
    """A Markdown table of every plug-in."""
    return markdown_table(("kind", "name", "what it is"), [tuple(one.values()) for one in discovered()])


def _first_line(found: Any) -> str:
    """The first line of the documentation of the plug-in's file, without its full stop."""
    words = sys.modules[type(found).__module__].__doc__ or type(found).__doc__ or ""
    return words.strip().partition("\n")[0].rstrip(".")


@click.command(short_help="List everything that was found by its file.")
@table_options
def plugins(as_json: bool, markdown: bool, write: Path | None) -> None:
    """List everything that was found by its file: channels, connectors, gates, markets, media, providers and steps."""
    if write:
        write.write_text(renew(write.read_text(encoding="utf-8"), BEGIN, plugins_matrix()), encoding="utf-8")
    elif markdown:
        click.echo(plugins_matrix(), nl=False)
    elif as_json:
        click.echo(json.dumps(discovered(), indent=2))
    else:
        for one in discovered():
            click.echo(f"{one['kind']:<9}  {one['name']:<15}  {one['about']}")


COMMAND = plugins


if __name__ == "__main__":
    plugins()
