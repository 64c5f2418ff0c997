"""`outrider demo`: a day of a rental company in half a minute."""

from __future__ import annotations

import sys
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from outrider.demo.counting import Tally
    from outrider.demo.show import Options, Report, Result
    from outrider.demo.watching import Snapshot

#: Exit status of a process that an interrupt ended (POSIX shells: 128 + SIGINT).
INTERRUPTED = 130


@click.command(short_help="Show a day of a rental company in under a minute.")
@click.option("--once", is_flag=True, help="Run to the end without a live view; progress goes to standard error.")
@click.option("--json", "as_json", is_flag=True, help="With --once: print the counts as one JSON object, last.")
@click.option("--bookings", type=click.IntRange(2, 10_000), default=420, show_default=True, help="Rentals in the day.")
@click.option("--seed", default=7, show_default=True, help="Another seed tells another day.")
@click.option(
    "--speed",
    type=click.FloatRange(60, 14_400),
    default=3600,
    show_default=True,
    help="How much faster than life; 3600 tells an hour in a second.",
)
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".outrider/demo"),
    show_default=True,
    help="Folder for database and logs; kept, so that the next run starts faster.",
)
def demo(once: bool, as_json: bool, bookings: int, seed: int, speed: float, home: Path) -> None:
    """Show a day of a rental company: real processes, real HTTP, a real database, simulated providers.

    Ctrl-C stops everything. With --once it exits with 1 when store and providers disagree on what was sent, or counts
    do not add up: considered = messages + dropped, and messages = delivered + accepted (no report yet) + failed + held
    + canceled + moving.
    """
    from outrider.cli._running import run
    from outrider.demo.show import Options

    options = Options(home=home, bookings=bookings, seed=seed, speed=speed)
    if once or as_json or not sys.stdout.isatty():
        run(_interruptible(_once(options, as_json), INTERRUPTED))
    else:
        run(_interruptible(_live(options), 0))


COMMAND = demo


async def _interruptible(work: Coroutine[Any, Any, None], status: int) -> None:
    """Cancel the work at the first interrupt and let it stop what it started; further interrupts change nothing."""
    import asyncio
    import signal

    task = asyncio.ensure_future(work)
    interrupted = False

    def interrupt() -> None:
        nonlocal interrupted
        if not interrupted:
            interrupted = True
            task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, interrupt)
    try:
        await task
    except asyncio.CancelledError:
        if not interrupted:
            raise
        click.echo("stopped", err=True)
        raise SystemExit(status) from None


async def _once(options: Options, as_json: bool) -> None:
    import msgspec

    from outrider.demo.show import perform

    report = await perform(options, _say, _progress(), stay=False)
    for sentence in report.disagreements:
        _say(f"disagreement: {sentence}")
    _say(_summary(report))
    if as_json:
        click.echo(msgspec.json.encode(report.result).decode())
    if report.disagreements:
        raise SystemExit(1)


def _say(line: str) -> None:
    click.echo(line, err=True)


def _summary(report: Report) -> str:
    """Three lines whose numbers add up."""
    result = report.result
    considered = f"{result.considered} considered = {result.messages} messages + {result.dropped} dropped"
    return (
        f"{result.events} events; {considered}\n"
        f"{result.messages} messages = {_parts(result)}\n"
        f"{_turns(result.failovers, result.fallbacks)}; {sum(result.cost_eur.values()):.2f} EUR; "
        f"{result.lost} lost, {result.duplicates} twice; {result.seconds:g} s"
    )


def _turns(failovers: int, fallbacks: int) -> str:
    names = (("failover", failovers), ("fallback", fallbacks))
    return ", ".join(f"{count} {name}{'' if count == 1 else 's'}" for name, count in names)


def _parts(counts: Result | Tally) -> str:
    """What became of all messages; the parts that are always there, and what is still under way."""
    moving = f" + {counts.moving} on their way" if counts.moving else ""
    return (
        f"{counts.delivered} delivered + {counts.accepted} accepted, no report yet + {counts.failed} failed + "
        f"{counts.held} held + {counts.canceled} canceled{moving}"
    )


def _progress() -> Callable[[Snapshot], None]:
    """A line every two hours of the day."""
    last = -1

    def show(shot: Snapshot) -> None:
        nonlocal last
        if shot.clock.hour // 2 != last:
            last = shot.clock.hour // 2
            tally = shot.tally
            outage = f", {shot.outage}" if shot.outage else ""
            _say(
                f"{shot.clock:%H:%M}  {shot.fed}/{shot.events} events, {tally.messages} messages, "
                f"{tally.delivered} delivered, {_turns(len(tally.failovers), tally.fallbacks)}{outage}"
            )

    return show


async def _live(options: Options) -> None:
    from rich.console import Console
    from rich.live import Live

    from outrider.demo.screen import screen
    from outrider.demo.show import perform

    console = Console()
    shots: deque[Snapshot] = deque(maxlen=1)
    try:
        with Live(console=console, screen=True, auto_refresh=False) as live:

            def say(line: str) -> None:
                live.update(f"[bold]Outrider demo[/bold]\n\n{line} …", refresh=True)

            def show(shot: Snapshot) -> None:
                shots.append(shot)
                live.update(screen(shot, console.size.width, console.size.height), refresh=True)

            await perform(options, say, show, stay=True)
    finally:
        for shot in shots:
            click.echo(_farewell(shot, options.home))


def _farewell(shot: Snapshot, home: Path) -> str:
    """What stays on the terminal when the view is gone."""
    tally = shot.tally
    bubbles = [bubble for conversation in shot.conversations for bubble in conversation.bubbles]
    ask = f"\nWhy a message went out: OUTRIDER_HOME={home} outrider explain {bubbles[-1].id}" if bubbles else ""
    return (
        f"{tally.messages} messages = {_parts(tally)}\n"
        f"{tally.dropped} dropped; {_turns(len(tally.failovers), tally.fallbacks)}; {tally.cost:.2f} EUR\n"
        f"Database and logs stay in {home}.{ask}"
    )
