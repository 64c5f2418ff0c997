"""`bench profile w1`: where the CPU of a message goes, stage by stage and statement by statement."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from collections.abc import Sequence
from typing import Any

import asyncpg
import click
import msgspec

from bench.meter import cpu_seconds
from bench.ours import Plan, running_platform
from bench.stages import REST
from bench.w1 import Asked, Figures, load, measure, provider
from outrider.store.postgres import statements

STATEMENTS = """
select query, calls, rows, total_exec_time * 1000 as microseconds, wal_bytes::bigint as wal
from pg_stat_statements where dbid = (select oid from pg_database where datname = current_database())
"""
#: Statements shown.
MOST = 26
#: Lists of literals, which it shortens.
LIST = re.compile(r"\s+in\s*\(['$\d][^)]*\)", re.IGNORECASE)
#: Literals and parameters, which pg_stat_statements renumbers.
VALUE = re.compile(r"'(?:[^']|'')*'|\$\d+|\b\d+\b|\s+")


def _shape(sql: str) -> str:
    """What stays the same of a statement in the server's view."""
    return VALUE.sub("", LIST.sub(" in", re.sub(r"/\*.*?\*/|--[^\n]*", "", sql)))


class Statement(msgspec.Struct):
    """What one statement took, over all messages. Microseconds are elapsed, not CPU."""

    name: str
    calls: int = 0
    rows: int = 0
    microseconds: float = 0.0
    wal: int = 0


class Profile(msgspec.Struct):
    """Everything measured, per message where it says so."""

    figures: Figures
    #: Microseconds of CPU per message.
    app_us: float
    postgres_us: float
    #: Stage → (microseconds per message, calls).
    stages: dict[str, tuple[float, int]]
    statements: list[Statement]


async def profile_outrider(asked: Asked, kind: str) -> Profile:
    """Run the work with the profiler in the app process and pg_stat_statements in the database."""
    with provider(asked.receipts) as stub:
        plan = Plan(stub.ready["url"], asked.people, profile=kind)
        async with running_platform(plan) as platform:
            app, database = platform.apps[0], platform.database.process_id
            connection = await asyncpg.connect(platform.dsn)
            with load(platform.url, platform.key, asked.messages, asked.people) as posting:
                await connection.execute("select pg_stat_statements_reset()")
                os.kill(app.pid, signal.SIGUSR1)
                before = cpu_seconds([database])
                figures = await measure(platform.roots, stub.ready["url"], posting, asked)
                spent = cpu_seconds([database]) - before
                os.kill(app.pid, signal.SIGUSR2)
                told = await asyncio.to_thread(app.hear)
            rows = await connection.fetch(STATEMENTS)
            await connection.close()
    count = asked.messages
    stages = {name: (own / count, calls) for name, (own, calls) in told["stages"].items() if calls}
    if kind == "stages":
        stages[REST] = (told["process_us"] / count - sum(own for own, _ in stages.values()), 0)
    return Profile(figures, told["process_us"] / count, spent * 1e6 / count, stages, _named(rows))


def _named(rows: Sequence[Any]) -> list[Statement]:
    """The dearest statements under the names they have in store/queries."""
    names = {_shape(sql): name for name, sql in statements().items()}
    found: dict[str, Statement] = {}
    for row in rows:
        name = names.get(_shape(row["query"])) or " ".join(row["query"].split())[:60]
        one = found.setdefault(name, Statement(name))
        one.calls += row["calls"]
        one.rows += row["rows"]
        one.microseconds += float(row["microseconds"])
        one.wal += row["wal"]
    return sorted(found.values(), key=lambda one: -one.microseconds)[:MOST]


def show(profile: Profile) -> None:
    """Print the tables."""
    count = profile.figures.messages
    click.echo(
        f"{profile.figures.messages_per_s:.0f} messages/s (slowed by the profiler); CPU per message:"
        f" app {profile.app_us:.0f} µs, PostgreSQL {profile.postgres_us:.0f} µs"
    )
    click.echo("\n  µs/message      calls  app process")
    for name, (own, calls) in sorted(profile.stages.items(), key=lambda item: -item[1][0]):
        click.echo(f"  {own:10.1f} {calls:10d}  {name}")
    sides: dict[str, float] = {}
    for name, (own, _) in profile.stages.items():
        side = name.partition(":")[0]
        sides[side] = sides.get(side, 0.0) + own
    if len(sides) < 8:
        click.echo("  " + ", ".join(f"{side} {own:.0f}" for side, own in sides.items()))
    click.echo("\n  µs/message      calls  rows/call  WAL B/message  PostgreSQL statement (elapsed)")
    for one in profile.statements:
        rows = one.rows / max(one.calls, 1)
        click.echo(
            f"  {one.microseconds / count:10.1f} {one.calls:10d} {rows:10.1f} {one.wal / count:14.0f}  {one.name}"
        )


@click.command()
@click.argument("work", type=click.Choice(["w1"]), expose_value=False)
@click.option("--messages", default=20_000, show_default=True)
@click.option("--receipts", is_flag=True)
@click.option("--profiles", default=10_000, show_default=True)
@click.option("--functions", is_flag=True, help="Python functions (cProfile) instead of stages.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def profile(messages: int, receipts: bool, profiles: int, functions: bool, as_json: bool) -> None:
    """Where the CPU goes while WORK runs: by stage in the app process, by statement in PostgreSQL."""
    asked = Asked(messages, receipts, profiles)
    found = asyncio.run(profile_outrider(asked, "functions" if functions else "stages"))
    if as_json:
        builtins: dict[str, Any] = msgspec.to_builtins(found)
        click.echo(json.dumps(builtins))
    else:
        show(found)


COMMAND = profile
