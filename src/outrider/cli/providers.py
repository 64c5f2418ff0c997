"""`outrider providers`: which providers there are and what each can do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from outrider.cli._page import begin_of, markdown_table, renew, table_options

if TYPE_CHECKING:
    from outrider.contracts.provider import Provider

#: Stands before the matrix in docs/reference/providers.md.
BEGIN = begin_of("outrider.cli.providers")

HEADINGS = (
    "provider",
    "channel",
    "title",
    "echo",
    "signed callbacks",
    "look-up",
    "replies",
    "receipts",
    "receipt retries",
    "last checked",
    "against",
)


def discovered(extra: Sequence[Path] = ()) -> dict[str, type[Provider]]:
    """Every provider class by name. extra: folders laid out as `{channel}/{name}.py`. Raises BadPlugin."""
    from outrider.lib.discover import plugins

    return plugins("outrider.providers", "PROVIDER", extra=extra)


def providers_matrix(extra: Sequence[Path] = ()) -> str:
    """A Markdown table of every provider's declared abilities, in the order of the names."""
    return markdown_table(HEADINGS, map(_row, discovered(extra).values()))


def _row(provider: type[Provider]) -> tuple[str, ...]:
    can = provider.abilities
    return (
        provider.name,
        provider.channel,
        provider.title,
        can.echo,
        _yes(can.signed_callbacks),
        f"yes, after {can.lookup_lag:g} s" if can.lookup else "no",
        _yes(can.inbound),
        "callback" if can.receipts else "app",
        ", ".join(map(duration, can.receipt_retries)) or "none",
        can.verified_on.isoformat(),
        can.verified_with,
    )


def _yes(can: bool) -> str:
    return "yes" if can else "no"


def duration(seconds: float) -> str:
    """Seconds in the largest unit that divides them: 90 s, 2 min, 24 h."""
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= length and seconds % length == 0:
            return f"{seconds / length:g} {unit}"
    return f"{seconds:g} s"


def _record(provider: type[Provider]) -> dict[str, Any]:
    import msgspec

    abilities = msgspec.to_builtins(provider.abilities)
    return {"name": provider.name, "channel": provider.channel, "title": provider.title, "abilities": abilities}


@click.command()
@table_options
def providers(as_json: bool, markdown: bool, write: Path | None) -> None:
    """List the providers and what each can do."""
    if write:
        page = write.read_text(encoding="utf-8")
        write.write_text(renew(page, BEGIN, providers_matrix()), encoding="utf-8")
    elif markdown:
        click.echo(providers_matrix(), nl=False)
    elif as_json:
        click.echo(json.dumps([_record(provider) for provider in discovered().values()], indent=2))
    else:
        click.echo("\n".join(map(_paragraph, discovered().values())))


COMMAND = providers


def _paragraph(provider: type[Provider]) -> str:
    """Name and title, then the abilities in one line."""
    facts = (f"{heading} {cell}" for heading, cell in zip(HEADINGS[3:], _row(provider)[3:], strict=True))
    return f"{provider.name} ({provider.channel}): {provider.title}\n    {' · '.join(facts)}"


if __name__ == "__main__":
    providers()
