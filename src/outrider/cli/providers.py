"""`outrider providers`: which providers there are and what each can do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from outrider.cli._page import table_options

if TYPE_CHECKING:
    from outrider.contracts.provider import Provider

#: The matrix stands between these in docs/reference/providers.md.
BEGIN = "<!-- begin: made by python -m outrider.cli.providers --markdown -->"
END = "<!-- end -->"

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
    rows = [HEADINGS, tuple("---" for _ in HEADINGS), *(_row(provider) for provider in discovered(extra).values())]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def renewed(page: str, matrix: str) -> str:
    """The page with the table between the markers replaced. Raises ValueError when a marker is missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"expected {BEGIN} and {END} in the page")
    return f"{before}{BEGIN}\n{matrix}{END}{after}"


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
        write.write_text(renewed(write.read_text(encoding="utf-8"), providers_matrix()), encoding="utf-8")
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
