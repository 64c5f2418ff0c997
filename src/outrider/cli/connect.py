"""`outrider connect`: feed the events of a connector into a running installation."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator

    from outrider.cli._feeding import Fed, Feeder
    from outrider.contracts.connector import Connector

#: Seconds between looks at a source that has nothing new.
LOOK_EVERY = 1.0


@click.command(short_help="Read events with the connector NAME.")
@click.argument("name")
@click.option("--setting", "settings", multiple=True, metavar="NAME=VALUE", help="A setting; repeat for several.")
@click.option("--follow", is_flag=True, help="Go on when everything is read, until interrupted.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as one JSON object.")
def connect(name: str, settings: tuple[str, ...], follow: bool, as_json: bool) -> None:
    """Read events with the connector NAME (see `outrider connectors`) and append them to the event log.

    Events are mapped as those that come over HTTP, under the configuration that is applied at the start. A repeat is
    counted and stored once; what cannot be read is kept as a dead letter with its reason and its place. Where reading
    stopped is noted after the commit, so that an interrupted run goes on there.
    """
    from outrider.cli._running import run

    fed = run(_connect(_connector(name, settings), follow))
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode(fed).decode())
    else:
        click.echo(f"{fed.accepted} accepted, {fed.duplicates} duplicates, {fed.rejected} rejected")


COMMAND = connect


def _connector(name: str, given: tuple[str, ...]) -> Connector:
    """The connector with its settings, or a friendly error."""
    from outrider.cli._feeding import settings_of
    from outrider.cli.connectors import discovered
    from outrider.contracts.surroundings import suggest
    from outrider.settings import BadSetting

    known = discovered()
    if name not in known:
        hint = suggest(name, known) or f"known: {', '.join(known)}"
        raise click.BadParameter(f"there is no connector {name!r}; {hint}", param_hint="NAME")
    try:
        return known[name](settings_of(known[name].Settings, given))
    except BadSetting as error:
        raise click.ClickException(f"connector {name}: {error}") from error


async def _connect(connector: Connector, follow: bool) -> Fed:
    from outrider.api.coalesce import NotStored
    from outrider.contracts.connector import CannotRead

    try:
        async with _feeder() as feeder:
            return await _pump(connector, feeder, _interrupted() if follow else None)
    except (CannotRead, NotStored) as error:
        raise click.ClickException(str(error)) from error
    finally:
        await connector.close()


async def _pump(connector: Connector, feeder: Feeder, over: asyncio.Event | None) -> Fed:
    """Feed until there is nothing left; with `over`, until that is set."""
    import asyncio

    from outrider.cli._feeding import Fed

    total = Fed()
    while over is None or not over.is_set():
        fed = await feeder.feed(connector)
        total += fed
        if fed == Fed():
            if over is None:
                break
            try:
                await asyncio.wait_for(over.wait(), LOOK_EVERY)
            except TimeoutError:
                continue
    return total


def _interrupted() -> asyncio.Event:
    """Set by SIGINT and SIGTERM."""
    import asyncio
    import signal

    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    return over


@asynccontextmanager
async def _feeder() -> AsyncIterator[Feeder]:
    """A feeder over the installation's store, under the configuration that is applied when it begins."""
    from outrider.cli._feeding import Feeder
    from outrider.installation import current_configuration, open_store, reach_database
    from outrider.settings import read_settings
    from outrider.store.pg_signals import Signals

    settings = read_settings()
    async with reach_database(settings) as dsn, open_store(settings, dsn, connections=2) as opened:
        configuration = await current_configuration(opened)
        signals = Signals(opened.dsn, lambda _topic: None)
        signals.start()
        try:
            yield Feeder(
                opened.store, opened.hasher, opened.clock, lambda: configuration.mapper, lambda: signals.send("log")
            )
        finally:
            await signals.stop()
