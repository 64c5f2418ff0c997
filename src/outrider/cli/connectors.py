"""`outrider connectors`: which connectors there are and what each must be told."""

from __future__ import annotations

import json
import typing
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from outrider.cli._page import begin_of, markdown_table, renew, table_options

if TYPE_CHECKING:
    from outrider.contracts.connector import Connector

#: Stands before the table in docs/reference/connectors.md.
BEGIN = begin_of("outrider.cli.connectors")


def discovered(extra: Sequence[Path] = ()) -> dict[str, type[Connector]]:
    """Every connector class by name. extra: folders laid out as `{name}.py`. Raises BadPlugin."""
    from outrider.lib.discover import plugins

    return plugins("outrider.connectors", "CONNECTOR", extra=extra)


def connectors_matrix(extra: Sequence[Path] = ()) -> str:
    """A Markdown table of every connector and its settings, in the order of the names."""
    rows = [(name, kind.title, _settings_line(kind)) for name, kind in discovered(extra).items()]
    return markdown_table(("connector", "title", "settings"), rows)


def _settings(kind: type[Connector]) -> list[dict[str, Any]]:
    """Name of each setting, whether it is needed and whether it is a secret."""
    import msgspec

    from outrider.contracts.provider import Secret

    hints = typing.get_type_hints(kind.Settings)
    fields = msgspec.structs.fields(kind.Settings)
    return [{"name": each.name, "needed": each.required, "secret": hints[each.name] is Secret} for each in fields]


def _settings_line(kind: type[Connector]) -> str:
    return ", ".join(map(_described, _settings(kind))) or "none"


def _described(setting: dict[str, Any]) -> str:
    remarks = [word for word in ("needed", "secret") if setting[word]]
    return f"`{setting['name']}`" + (f" ({', '.join(remarks)})" if remarks else "")


@click.command()
@table_options
def connectors(as_json: bool, markdown: bool, write: Path | None) -> None:
    """List the connectors and the settings of each."""
    found = discovered()
    if write:
        page = write.read_text(encoding="utf-8")
        write.write_text(renew(page, BEGIN, connectors_matrix()), encoding="utf-8")
    elif markdown:
        click.echo(connectors_matrix(), nl=False)
    elif as_json:
        records = [{"name": name, "title": kind.title, "settings": _settings(kind)} for name, kind in found.items()]
        click.echo(json.dumps(records, indent=2))
    else:
        for name, kind in found.items():
            click.echo(f"{name}: {kind.title}\n    settings {_settings_line(kind)}")


COMMAND = connectors


if __name__ == "__main__":
    connectors()
