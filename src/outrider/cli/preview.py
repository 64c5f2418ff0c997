"""`outrider preview`: what a template says in every language of every market."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from outrider.content.preview import Shown
    from outrider.content.rendering import TemplateSet


@click.command(short_help="Show what TEMPLATE says, in every language and market.")
@click.argument("template")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=Path(), help="The company folder.", show_default=True
)
@click.option("--channel", default="", help="Only this channel, such as sms.")
@click.option("--longest", is_flag=True, help="Fill in values of the longest length declared instead of the examples.")
@click.option(
    "--html", "page", type=click.Path(dir_okay=False, path_type=Path), help="Write one HTML page to this file."
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON array.")
def preview(template: str, folder: Path, channel: str, longest: bool, page: Path | None, as_json: bool) -> None:
    """Show what TEMPLATE says in every language of every market, filled with its examples.

    Markets that get the same stand together. Exits with 1 when a content cannot be rendered.
    """
    from outrider.plugged import shipped

    templates, tables = _templates(folder, template)
    if channel and channel not in templates.channels(template):
        known = ", ".join(sorted(templates.channels(template)))
        raise click.ClickException(f"the template '{template}' has no content for '{channel}'; it has: {known}")
    from outrider.content.preview import previews

    found = list(previews(templates, template, shipped().markets, channel=channel, longest=longest, tables=tables))
    _show(template, found, page, as_json)
    if any(shown.problem for shown in found):
        raise SystemExit(1)


COMMAND = preview


def _templates(folder: Path, name: str) -> tuple[TemplateSet, frozenset[str]]:
    """The folder's templates and the shift tables of its routes; ends with its problems when `name` has errors."""
    from outrider.cli.check import read_files, show_problems
    from outrider.configuration.build import shift_tables
    from outrider.configuration.toml import FILE, read_toml
    from outrider.content.template import compile_templates
    from outrider.contracts.surroundings import suggest
    from outrider.plugged import shipped

    files = read_files(folder)
    templates, problems = compile_templates(files, markets=shipped().markets, budgets=False)
    if name in templates.names:
        return templates, shift_tables(read_toml(files.get(FILE, ""))[0])
    folders = {path.split("/")[1] for path in files if path.startswith("templates/")}
    if name not in folders:
        raise click.ClickException(f"there is no template '{name}' {suggest(name, sorted(folders))}".strip())
    show_problems([each for each in problems if each.is_error], files, as_json=False)
    raise SystemExit(1)


def _show(template: str, found: list[Shown], page: Path | None, as_json: bool) -> None:
    if page is not None:
        from outrider.content.preview_page import page as page_of

        page.write_text(page_of(template, found), encoding="utf-8")
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode(found).decode())
    elif page is not None:
        click.echo(f"{page}: {len(found)} contents")
    else:
        from outrider.cli._preview_screen import draw

        draw(found)
