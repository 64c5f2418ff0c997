"""What `plan` and `apply` share: the applied version, the plan against it, and how it is shown."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from outrider.app import Opened
    from outrider.configuration.plan import Plan


async def plan_against(opened: Opened, files: Mapping[str, str]) -> Plan:
    """The plan from the newest applied version to these files, with the people inside journeys now."""
    from outrider.configuration.plan import Standing, make_plan
    from outrider.store.pg_configurations import count_standing, load_configuration

    stored = await load_configuration(opened.store.pool)
    standing = [Standing(*row) for row in await count_standing(opened.store.pool)]
    before, applied = (stored.files, stored.number) if stored else ({}, 0)
    return make_plan(before, files, applied=applied, standing=standing)


def checked(files: dict[str, str], as_json: bool) -> None:
    """Nothing, or every mistake in the files and exit status 1."""
    from outrider.cli.check import show_problems
    from outrider.configuration import build
    from outrider.plugged import shipped

    configuration, problems = build(files, shipped())
    if configuration is None:
        show_problems(problems, files, as_json)
        raise SystemExit(1)


def show_as_json(found: object) -> None:
    """One JSON document on standard output."""
    import msgspec

    click.echo(msgspec.json.encode(found).decode())


def account_name() -> str:
    """The name this machine knows the caller by; empty when it knows none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""
