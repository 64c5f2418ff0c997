"""`outrider sandbox`: simulated providers on a local port."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from outrider.sandbox.faults import Fault
    from outrider.sandbox.running import Sandbox
    from outrider.sandbox.side import Options
    from outrider.sandbox.tariff import Tariff

DEFAULT_PORT = 4020
PORT = click.IntRange(0, 65_535)
#: Above the ports that only root may open.
DEFAULT_MAIL_PORT = 4025


@click.command(short_help="Run simulated providers that misbehave on command.")
@click.option(
    "--port", type=PORT, default=DEFAULT_PORT, show_default=True, help="Port for all providers; 0 for a free one."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--ledger",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("sandbox-ledger.ndjson"),
    show_default=True,
    help="File that receives one line per accepted message.",
)
@click.option("--receipts/--no-receipts", default=True, show_default=True, help="Post receipts to callback URLs.")
@click.option("--progress", is_flag=True, help="Also post the receipt that says a message is on its way.")
@click.option("--receipt-delay", default=50.0, show_default=True, help="Milliseconds until the first receipt.")
@click.option("--retry-scale", default=1.0, show_default=True, help="Factor on waits before callbacks are tried again.")
@click.option("--magic/--no-magic", default=True, show_default=True, help="Numbers ending in 555 000x have a fate.")
@click.option(
    "--mail-port",
    type=PORT,
    help=f"Port for SMTP; 0 for a free one.  [default: {DEFAULT_MAIL_PORT}, or a free one with --port 0]",
)
@click.option(
    "--mail-reports", default="", metavar="URL", help="Post bounces of mail here, as a mail server's pipe would."
)
@click.option(
    "--prices",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Charge what the routes of this company folder say; else what the market packs do.",
)
@click.option("--seed", default=0, show_default=True, help="Seed of every fault, so that runs repeat.")
@click.option(
    "--faults",
    "faults_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON file with one fault or a list of them.",
)
@click.option("--quiet", is_flag=True, help="Print nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the addresses as one JSON object.")
def sandbox(
    port: int,
    host: str,
    ledger: Path,
    receipts: bool,
    progress: bool,
    receipt_delay: float,
    retry_scale: float,
    magic: bool,
    mail_port: int | None,
    mail_reports: str,
    prices: Path | None,
    seed: int,
    faults_file: Path | None,
    quiet: bool,
    as_json: bool,
) -> None:
    """Run simulated providers that keep a ledger and misbehave on command.

    Prints one line with the address when ready; faults, ledger and replies are at /_sandbox/. Ends on interrupt.
    """
    import uvloop

    from outrider.sandbox.side import Options

    options = Options(
        receipts=receipts,
        progress=progress,
        receipt_delay=receipt_delay / 1000,
        retry_scale=retry_scale,
        magic=magic,
        seed=seed,
        mail_reports=mail_reports,
        tariff=_tariff(prices),
    )
    faults = _read_faults(faults_file) if faults_file else []
    if mail_port is None:
        mail_port = DEFAULT_MAIL_PORT if port else 0
    try:
        uvloop.run(_serve(host, (port, mail_port), ledger, options, faults, None if quiet else as_json))
    except OSError as error:
        raise click.ClickException(
            f"cannot start the sandbox on {host}:{port} with ledger {ledger}: {error}"
        ) from error


COMMAND = sandbox


def _tariff(folder: Path | None) -> Tariff:
    """What segments cost. Ends with the problems of an `outrider.toml` that cannot be read."""
    from outrider.cli._tariff import tariff_of
    from outrider.cli.check import read_files, show_problems
    from outrider.configuration.toml import FILE, read_toml
    from outrider.lib.clock import SystemClock
    from outrider.plugged import shipped
    from outrider.sandbox.running import counterparts

    toml = None
    if folder is not None:
        files = read_files(folder)
        toml, problems = read_toml(files.get(FILE, ""))
        if wrong := [problem for problem in problems if problem.is_error]:
            show_problems(wrong, files, as_json=False)
            raise SystemExit(1)
    providers = {name: kind.channel for name, kind in counterparts().items()}
    return tariff_of(toml, shipped().markets, providers, SystemClock().now().date())


def _read_faults(file: Path) -> list[Fault]:
    """The rules in a file. Raises ClickException naming the file and what is wrong."""
    import msgspec

    from outrider.sandbox.admin import FAULTS

    try:
        faults = FAULTS.decode(file.read_bytes())
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{file}: expected one fault or a list of faults as JSON: {error}") from error
    return faults if isinstance(faults, list) else [faults]


async def _serve(
    host: str, ports: tuple[int, int], ledger: Path, options: Options, faults: list[Fault], as_json: bool | None
) -> None:
    """Run until SIGINT or SIGTERM. as_json: None prints nothing."""
    import asyncio

    from outrider.sandbox.admin import Refusal
    from outrider.sandbox.running import running_sandbox

    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    try:
        port, mail_port = ports
        opening = running_sandbox(ledger, port, host=host, mail_port=mail_port, options=options, faults=faults)
        async with opening as running:
            if as_json is not None:
                click.echo(_ready(running, ledger, as_json))
            await over.wait()
    except Refusal as error:
        raise click.ClickException(str(error)) from error


def _ready(running: Sandbox, ledger: Path, as_json: bool) -> str:
    if as_json:
        logins = {name: {"id": one.id, "secret": one.secret} for name, one in running.accounts.items()}
        return json.dumps({"urls": running.urls, "ledger": str(ledger), "accounts": logins})
    own = ", ".join(f"{name} {url}" for name, url in running.urls.items() if name != "all")
    return f"sandbox ready at {running.url} ({own}); ledger {ledger}"
