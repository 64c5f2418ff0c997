"""`outrider apply`: make a company folder, or an older version, the configuration from now on."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

if TYPE_CHECKING:
    from outrider.configuration.plan import Plan
    from outrider.installation import Opened


#: PostgreSQL's integer.
LARGEST = 2**31 - 1
LONGEST_NOTE = 500


class Wanted(msgspec.Struct, frozen=True):
    """What the command line asks for."""

    #: None to take an older version.
    files: dict[str, str] | None
    version: int | None
    note: str
    as_json: bool
    #: Applied without a question.
    yes: bool
    #: The plan that was looked at; empty for any.
    digest: str


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=None, required=False)
@click.option(
    "--version", type=click.IntRange(1, LARGEST), help="Apply this older version as a new one, instead of a folder."
)
@click.option("--note", default="", help="Why, kept with the version.")
@click.option("--yes", is_flag=True, help="Do not ask on a terminal.")
@click.option("--plan-digest", "digest", default="", help="Only as `outrider plan` showed it: the plan's digest.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as one JSON object.")
def apply(folder: Path | None, version: int | None, note: str, yes: bool, digest: str, as_json: bool) -> None:
    """Check the company folder FOLDER and apply it. Running processes take it over within a second.

    The plan is shown first; on a terminal it is asked for. What somebody else applied meanwhile is never overwritten.
    Every applied version is kept; enrollments stay on the version they started with.
    """
    from outrider.cli._planning import checked
    from outrider.cli._running import run
    from outrider.cli.check import read_files

    if folder is not None and version is not None:
        raise click.UsageError("give a FOLDER or --version, not both")
    if not note.isprintable() or len(note) > LONGEST_NOTE:
        raise click.BadParameter(f"expected one line of at most {LONGEST_NOTE} characters", param_hint="--note")
    files = None if version is not None else read_files(folder or Path())
    if files is not None:
        checked(files, as_json)
    run(_apply(Wanted(files, version, note, as_json, yes, digest)))


COMMAND = apply


async def _apply(wanted: Wanted) -> None:
    from outrider.installation import open_store, reach_database
    from outrider.settings import read_settings

    settings = read_settings()
    async with reach_database(settings) as dsn, open_store(settings, dsn, connections=2) as opened:
        await _planned(opened, wanted)


async def _planned(opened: Opened, wanted: Wanted) -> None:
    from outrider.cli._planning import account_name, plan_against
    from outrider.cli.check import show_problems
    from outrider.installation import Refused, apply_files
    from outrider.store.pg_configurations import VersionMoved

    files = wanted.files if wanted.files is not None else await _older(opened, wanted.version)
    plan = await plan_against(opened, files)
    _agree(plan, wanted)
    note = wanted.note or (f"version {wanted.version} again" if wanted.files is None else "")
    try:
        number, new, problems = await apply_files(opened, files, note, author=account_name(), after=plan.applied)
    except Refused as error:
        show_problems(error.problems, files, wanted.as_json)
        raise SystemExit(1) from None
    except VersionMoved as error:
        raise click.ClickException(str(error)) from None
    if not wanted.as_json:
        show_problems(problems, files, False)
    _tell(number, new, plan, wanted.as_json)


async def _older(opened: Opened, version: int | None) -> dict[str, str]:
    from outrider.store.pg_configurations import load_configuration

    stored = await load_configuration(opened.store.pool, version)
    if stored is None:
        raise click.ClickException(f"there is no version {version}; `outrider versions` lists them")
    return stored.files


def _agree(plan: Plan, wanted: Wanted) -> None:
    """Show the plan and ask, where there is somebody to ask. Raises ClickException, Abort."""
    from outrider.configuration.plan import show_plan

    if wanted.digest and wanted.digest != plan.digest:
        raise click.ClickException(
            f"the plan is another one now ({plan.digest}, against configuration {plan.applied}): look at it again"
        )
    if wanted.as_json or not plan.changes:
        return
    click.echo(show_plan(plan))
    if sys.stdin.isatty() and not wanted.yes:
        click.confirm("apply?", abort=True)


def _tell(number: int, new: bool, plan: Plan, as_json: bool) -> None:
    from outrider.cli._planning import show_as_json

    if as_json:
        show_as_json({"configuration": number, "new": new, "plan": plan})
        return
    click.echo(f"configuration {number} is applied" if new else f"nothing changed: configuration {number} stays")
