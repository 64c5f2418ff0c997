"""`bench timers`: waiting enrollments whose timers come due, through the real engine."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import asyncpg
import click

from bench import preload
from bench.meter import Peak, cpu_seconds
from bench.ours import Plan, running_platform
from outrider.installation import Opened, current_configuration

#: Nothing ended for so long: the run is over.
PATIENCE = 30.0
ENDED = "select count(*) from enrollments where ended_at is not null"
SHARED = """
select count(*) from (
    select owner from shard_groups where owner is not null group by owner
    having count(*) <= (select ceil(count(*) / $1::float) from shard_groups)
) o
"""
LEFT = "select count(*) from timers where due_at <= clock_timestamp()"


async def timers(waiting: int, due: int, engines: int) -> dict[str, Any]:
    """Start engines over waiting enrollments, let timers come due at once, and count until they have fired."""
    coming: list[Any] = []

    async def prepare(opened: Opened) -> None:
        configuration = await current_configuration(opened)
        coming.extend(await preload.waiting(opened, configuration.journeys["reminder"], waiting, due))

    plan = Plan("http://127.0.0.1:9", roles=(("engine",),) * engines)
    async with running_platform(plan, prepare) as platform:
        connection = await asyncpg.connect(platform.dsn)
        await _until_shared(connection, engines)
        await connection.copy_records_to_table("timers", records=coming, columns=preload.TIMER_COLUMNS)
        began, cpu = time.monotonic(), cpu_seconds(platform.roots())
        with Peak(platform.roots) as peak:
            left = await _until_fired(connection)
            seconds = time.monotonic() - began
        spent = cpu_seconds(platform.roots()) - cpu
        ended = await connection.fetchval(ENDED)
        await connection.close()
    return {
        "waiting": waiting,
        "due": due,
        "engines": engines,
        "wake_ups_per_s": round(ended / seconds, 1),
        "cpu_ms_per_wake_up": round(spent / max(1, ended) * 1000, 4),
        "seconds": round(seconds, 2),
        "peak_mb": round(peak.mb, 1),
        "not_fired": left,
        "wrongly_ended": ended - due + left,
    }


async def _until_shared(connection: Any, engines: int) -> None:
    """Every engine holds its share of the groups."""
    end = time.monotonic() + PATIENCE
    while await connection.fetchval(SHARED, engines) != engines:
        if time.monotonic() > end:
            raise click.ClickException(f"after {PATIENCE:.0f} s the groups are still not shared by {engines} engines")
        await asyncio.sleep(0.05)


async def _until_fired(connection: Any) -> int:
    """Timers still due when none fires any more."""
    left, moved = await connection.fetchval(LEFT), time.monotonic()
    while left and time.monotonic() - moved < PATIENCE:
        await asyncio.sleep(0.2)
        now = await connection.fetchval(LEFT)
        if now != left:
            left, moved = now, time.monotonic()
    return int(left)


@click.command(name="timers")
@click.option("--waiting", default=1_000_000, show_default=True, help="Waiting enrollments.")
@click.option("--due", default=100_000, show_default=True, help="Those whose timer is due.")
@click.option("--engines", default=2, show_default=True, help="Engine processes.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(waiting: int, due: int, engines: int, as_json: bool) -> None:
    """Wake-ups a second, and the memory of many waiting enrollments. Each wake-up leads to the end of its journey."""
    result = asyncio.run(timers(waiting, due, engines))
    click.echo(json.dumps(result) if as_json else "\n".join(f"{name}: {value}" for name, value in result.items()))


COMMAND = command
