"""`outrider up`: run Outrider, or some of its parts."""

from __future__ import annotations

import click

ROLES = ("api", "engine", "deliver", "sweep")


@click.command(short_help="Run Outrider until interrupted.")
@click.option(
    "--only",
    "roles",
    multiple=True,
    type=click.Choice(ROLES),
    help="Run only these parts (repeat the option); default: all. Other processes may run the others.",
)
@click.option("--json", "as_json", is_flag=True, help="Say that it is ready as one JSON object.")
def up(roles: tuple[str, ...], as_json: bool) -> None:
    """Run the API, the engine, delivery and housekeeping until interrupted.

    Starts the embedded PostgreSQL below OUTRIDER_HOME unless OUTRIDER_DATABASE_URL names another one.
    """
    from outrider.cli._running import run

    run(_up(roles or ROLES, as_json))


COMMAND = up


async def _up(roles: tuple[str, ...], as_json: bool) -> None:
    import asyncio
    import json
    import signal

    from outrider.app import Outrider
    from outrider.cli._starting import started
    from outrider.installation import open_database
    from outrider.settings import read_settings

    settings = read_settings()
    async with open_database(settings) as dsn, started(settings, dsn) as (opened, configuration):
        outrider = Outrider(opened, configuration, roles)
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, outrider.stop)

        def ready() -> None:
            where = outrider.listen_url if "api" in roles else ""
            if as_json:
                click.echo(json.dumps({"ready": True, "roles": list(roles), "url": where, "database": dsn}))
            else:
                click.echo(
                    f"outrider is ready: {', '.join(roles)}{f' at {where} (docs at {where}/docs)' if where else ''}"
                )

        await outrider.run(ready)
