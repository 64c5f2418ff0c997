"""`outrider markets`: the shipped market packs, and what differs in one of them from all the others."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from outrider.cli._page import begin_of, markdown_table, renew, table_options

if TYPE_CHECKING:
    from outrider.cli._market_rows import Row
    from outrider.domain.policy import MarketRules

#: Stands before the tables in docs/reference/markets.md.
BEGIN = begin_of("outrider.cli.markets list")
#: Printed with the share, so that nobody has to guess what was counted.
DEFINITION = (
    "Counted are the six purposes, the gates and each rule of the pack (a holiday calendar is one rule); common are "
    "the purposes, the gates and the rules that every pack shares. Of a folder, its files; common are those that are "
    "neither an override nor a template overlay of a market. Files for other markets are not counted."
)


@click.group()
def markets() -> None:
    """Look at the market packs."""


def packs() -> dict[str, MarketRules]:
    """The shipped packs by code."""
    from outrider.plugged import shipped

    return dict(sorted(shipped().markets.items()))


def pack_of(code: str) -> MarketRules:
    """The pack of a code in any case. Raises click.UsageError with the known ones."""
    from outrider.contracts.surroundings import suggest

    known = packs()
    if code.upper() not in known:
        hint = suggest(code.upper(), known) or f"known: {', '.join(known)}"
        raise click.UsageError(f"there is no market '{code}'; {hint}")
    return known[code.upper()]


@markets.command("list")
@table_options
def list_markets(as_json: bool, markdown: bool, write: Path | None) -> None:
    """List the market packs, with how much of each is confirmed."""
    if write:
        write.write_text(renew(write.read_text(encoding="utf-8"), BEGIN, markets_page()), encoding="utf-8")
    elif markdown:
        click.echo(markets_page(), nl=False)
    elif as_json:
        click.echo(_json([_summary(pack) for pack in packs().values()]))
    else:
        for pack in packs().values():
            one = _summary(pack)
            confirmed = f"{one['confirmed']} of {one['rules']} rules confirmed"
            click.echo(f"{pack.code}  {pack.name:<15}  {confirmed}, reviewed on {pack.reviewed_on}")


@markets.command("show")
@click.argument("code")
@click.option("--json", "as_json", is_flag=True, help="Print the whole pack as one JSON object.")
def show_market(code: str, as_json: bool) -> None:
    """Show every rule of the market CODE, with its source; what nobody confirmed is marked."""
    from outrider.cli._market_rows import rows_of

    pack = pack_of(code)
    if as_json:
        click.echo(_json(pack))
        return
    click.echo(f"{pack.code} {pack.name}, reviewed on {pack.reviewed_on}")
    for topic, rows in groupby(rows_of(pack), key=lambda row: row.topic):
        click.echo(f"\n{topic}")
        for row in rows:
            click.echo(f"  {row.rule}{_mark(row)}")
            if row.source:
                click.echo(f"    {row.source}")


@markets.command("diff")
@click.argument("code")
@click.option("--folder", type=click.Path(path_type=Path), help="A company folder: count its files, too.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def diff_market(code: str, folder: Path | None, as_json: bool) -> None:
    """Show what differs in the market CODE from what every market shares, and how much is common."""
    from outrider.cli._market_rows import rows_of

    pack = pack_of(code)
    own = [row for row in rows_of(pack) if not row.common]
    common, rules = _counted(pack)
    mine, files = _files_of(pack.code, folder)
    share = (common + files - len(mine)) / (rules + files)
    if as_json:
        found = {"market": pack.code, "rules": rules, "own_rules": own, "files": files, "own_files": mine}
        click.echo(_json({**found, "common": round(share, 4), "definition": DEFINITION}))
        return
    click.echo(f"{pack.code} has {rules - common} of {rules} rules of its own:")
    for row in own:
        click.echo(f"  {row.topic}: {row.rule}{_mark(row)}")
    if folder:
        click.echo(f"{folder} has {len(mine)} of {files} files for {pack.code} alone{':' if mine else '.'}")
    for path in mine:
        click.echo(f"  {path}")
    click.echo(f"Common: {share:.1%}.\n{DEFINITION}")


COMMAND = markets


def markets_page() -> str:
    """The tables of docs/reference/markets.md: one for each market."""
    from outrider.cli._market_rows import rows_of

    headings = ("topic", "rule", "source", "confirmed", "reviewed")
    tables = []
    for pack in packs().values():
        lines = [_cells(row) for row in rows_of(pack)]
        tables.append(f"\n## {pack.code}: {pack.name}\n\n{markdown_table(headings, lines)}")
    return "".join(tables) + "\n"


def _cells(row: Row) -> tuple[str, ...]:
    confirmed = ("yes" if row.confirmed else "**no**") if row.source else "our choice"
    return tuple(text.replace("|", "\\|") for text in (row.topic, row.rule, row.source, confirmed, row.reviewed_on))


def _mark(row: Row) -> str:
    return "" if row.confirmed else " [unconfirmed]"


def _summary(pack: MarketRules) -> dict[str, Any]:
    from outrider.cli._market_rows import rows_of

    sourced = [row for row in rows_of(pack) if row.source]
    return {
        "code": pack.code,
        "name": pack.name,
        "locales": pack.locales,
        "zones": (pack.zone, *pack.other_zones),
        "currency": pack.currency,
        "rules": len(sourced),
        "confirmed": sum(row.confirmed for row in sourced),
        "reviewed_on": pack.reviewed_on,
    }


def _counted(pack: MarketRules) -> tuple[int, int]:
    """How many rules are common, and how many there are."""
    from outrider.cli._market_rows import purpose_rows, rows_of
    from outrider.lib.discover import plugins

    gates = len(plugins("outrider.orchestration.gates", "GATE"))
    rows = [*rows_of(pack), *purpose_rows(pack)]
    return gates + sum(row.common for row in rows), gates + len(rows)


def _files_of(code: str, folder: Path | None) -> tuple[list[str], int]:
    """A folder's files for this market alone, and the number of its files without those of other markets."""
    if folder is None:
        return [], 0
    from outrider.cli.check import read_files

    markets_of = {path: _market_of(path, text) for path, text in read_files(folder).items()}
    mine = [path for path, market in markets_of.items() if market == code]
    return mine, sum(market in ("", code) for market in markets_of.values())


def _market_of(path: str, text: str) -> str:
    """The market a file is for; empty for every market."""
    from outrider.configuration.overrides import read_override

    parts: Sequence[str] = path.split("/")
    if parts[0] == "markets":
        override, _ = read_override(text, path)
        return override.market if override else ""
    return parts[3].upper() if parts[0] == "templates" and parts[2:3] == ["markets"] else ""


def _json(found: Any) -> str:
    import msgspec

    return msgspec.json.encode(found).decode()


if __name__ == "__main__":
    sys.exit(markets())
