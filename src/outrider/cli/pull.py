"""`outrider pull`: write the applied configuration back to a folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

if TYPE_CHECKING:
    from outrider.installation import Opened


class Pull(msgspec.Struct, frozen=True):
    """What pulling does to a folder: paths in it, with slashes."""

    version: int
    created: tuple[str, ...]
    changed: tuple[str, ...]
    deleted: tuple[str, ...]
    #: Those whose local text was never applied: it would be lost.
    unapplied: tuple[str, ...]


@click.command(short_help="Make the company folder what is applied now.")
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option("--force", is_flag=True, help="Overwrite local changes that were never applied.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as one JSON object.")
def pull(folder: Path, force: bool, as_json: bool) -> None:
    """Make the company folder FOLDER what is applied now: files are created, changed and deleted.

    A local text that stands in no applied version would be lost: then nothing is written, unless with --force. Files
    that do not belong to a configuration are left alone.
    """
    from outrider.cli._planning import show_as_json
    from outrider.cli._running import run

    if folder.exists() and not folder.is_dir():
        raise click.ClickException(f"{folder} is a file; expected a folder")
    found, files = run(_pull(folder))
    if not as_json:
        _show(found)
    if found.unapplied and not force:
        raise click.ClickException(
            f"never applied here and lost by pulling: {', '.join(found.unapplied)}; apply them, or pull with --force"
        )
    _write(folder, found, files)
    if as_json:
        show_as_json(found)
    elif found.created or found.changed or found.deleted:
        click.echo(f"{folder} holds configuration {found.version}")


COMMAND = pull


def _show(found: Pull) -> None:
    for mark, paths in (("+", found.created), ("~", found.changed), ("-", found.deleted)):
        for path in paths:
            click.echo(f"{mark} {path}{' (local changes)' if path in found.unapplied else ''}")
    if not (found.created or found.changed or found.deleted):
        click.echo(f"nothing differs from configuration {found.version}")


def _write(folder: Path, found: Pull, files: Mapping[str, str]) -> None:
    for path in (*found.created, *found.changed):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(files[path], encoding="utf-8", newline="")
    for path in found.deleted:
        (folder / path).unlink()


async def _pull(folder: Path) -> tuple[Pull, dict[str, str]]:
    from outrider.installation import open_store, reach_database
    from outrider.settings import read_settings

    settings = read_settings()
    async with reach_database(settings) as dsn, open_store(settings, dsn, connections=2) as opened:
        return await _compared(opened, folder)


async def _compared(opened: Opened, folder: Path) -> tuple[Pull, dict[str, str]]:
    from outrider.configuration.files import NoFolder, belongs, read_texts
    from outrider.installation import NothingApplied
    from outrider.store.pg_configurations import known_texts, load_configuration

    stored = await load_configuration(opened.store.pool)
    if stored is None:
        raise NothingApplied("no configuration was applied yet; run: outrider apply FOLDER")
    wrong = [path for path in stored.files if not belongs(path)]
    if wrong:
        raise click.ClickException(f"the applied version holds {wrong[0]!r}, which is no path in a company folder")
    try:
        local = read_texts(folder)
    except NoFolder as error:
        raise click.ClickException(str(error)) from error
    changed = tuple(path for path, text in stored.files.items() if path in local and local[path] != text)
    deleted = tuple(path for path in local if path not in stored.files)
    known = await known_texts(opened.store.pool, {path: local[path] for path in (*changed, *deleted)})
    created = tuple(path for path in stored.files if path not in local)
    unapplied = tuple(path for path in (*changed, *deleted) if path not in known)
    return Pull(stored.number, created, changed, deleted, unapplied), stored.files
