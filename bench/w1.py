"""`bench w1`: the work of design page 9, counted at the provider."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any

import click
import msgspec

from bench.meter import Peak, cpu_seconds
from bench.ours import Plan, running_platform
from bench.processes import Child, child, module

#: Without any arrival for so long the run is over, and what is missing is lost.
PATIENCE = 15.0
LOOK_EVERY = 0.05


class Figures(msgspec.Struct, omit_defaults=True):
    """One run."""

    messages_per_s: float
    cpu_ms_per_message: float
    peak_mb: float
    lost: int
    duplicates: int
    messages: int
    seconds: float
    receipts_per_s: float | None = None
    receipts_lost: int | None = None


class Asked(msgspec.Struct, frozen=True):
    """The options."""

    messages: int = 20_000
    receipts: bool = False
    people: int = 10_000
    processes: int = 1


class Counted(msgspec.Struct):
    """What the stub tells."""

    requests: int
    distinct: int
    duplicates: int
    unknown: int
    last_at: float
    receipts: int = 0
    receipts_refused: int = 0


def counted(stub: str) -> Counted:
    """Ask the stub."""
    with urllib.request.urlopen(f"{stub}/-/figures", timeout=10) as answer:
        return msgspec.json.decode(answer.read(), type=Counted, strict=False)


def provider(receipts: bool = False) -> Any:
    """The stub, as a child."""
    return child(module("bench.stub", *(["--receipts"] if receipts else [])))


def load(url: str, key: str, count: int, people: int, *more: str) -> Any:
    """The load, as a child."""
    numbers = ("--count", str(count), "--people", str(people))
    return child(module("bench.load", "--url", f"{url}/v1/events", "--key", key, *numbers, *more))


async def until_all(stub: str, count: int, receipts: bool) -> Counted:
    """Look until every message came, and every receipt went back, or nothing moves any more."""
    last, moved = counted(stub), time.monotonic()
    while time.monotonic() - moved < PATIENCE:
        await asyncio.sleep(LOOK_EVERY)
        now = counted(stub)
        if now.distinct >= count and (not receipts or now.receipts >= count):
            return now
        if (now.requests, now.receipts) != (last.requests, last.receipts):
            last, moved = now, time.monotonic()
    return last


async def measure(roots: Callable[[], list[int]], stub: str, posting: Child, asked: Asked) -> Figures:
    """Let the load go, and count."""
    cpu = cpu_seconds(roots())
    with Peak(roots) as peak:
        posting.say("go")
        told = await asyncio.to_thread(posting.hear)
        found = await until_all(stub, asked.messages, asked.receipts)
        ended = time.monotonic() if asked.receipts else found.last_at
    if told["refused"]:
        raise click.ClickException(f"the API refused events: status {told['refused'][0]}")
    seconds = ended - told["first_at"]
    figures = Figures(
        messages_per_s=round(found.distinct / seconds, 1),
        cpu_ms_per_message=round((cpu_seconds(roots()) - cpu) / max(1, found.distinct) * 1000, 4),
        peak_mb=round(peak.mb, 1),
        lost=asked.messages - found.distinct,
        duplicates=found.duplicates,
        messages=asked.messages,
        seconds=round(seconds, 3),
    )
    if asked.receipts:
        figures.receipts_per_s = round(found.receipts / seconds, 1)
        figures.receipts_lost = asked.messages - found.receipts
    return figures


async def outrider(asked: Asked) -> Figures:
    """The work on Outrider."""
    with provider(asked.receipts) as stub:
        plan = Plan(stub.ready["url"], asked.people, asked.processes)
        async with running_platform(plan) as platform:
            with load(platform.url, platform.key, asked.messages, asked.people) as posting:
                return await measure(platform.roots, stub.ready["url"], posting, asked)


@click.command()
@click.option("--messages", default=20_000, show_default=True)
@click.option("--receipts", is_flag=True, help="One separately posted receipt for each message.")
@click.option("--reference", type=click.Choice(["celery", "taskiq", "none"]), default="none", show_default=True)
@click.option("--profiles", default=10_000, show_default=True, help="People who exist before.")
@click.option("--processes", type=click.IntRange(1, 3), default=3, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def w1(messages: int, receipts: bool, reference: str, profiles: int, processes: int, as_json: bool) -> None:
    """Event over HTTP → durable → journey → gates → text → intent → provider → recorded."""
    asked = Asked(messages, receipts, profiles, processes)
    ours = asyncio.run(outrider(asked))
    result: dict[str, Any] = msgspec.to_builtins(ours)
    if reference != "none":
        from bench.reference.stack import measure_reference

        theirs = measure_reference(reference, asked)
        result["reference"] = {"stack": reference, **msgspec.to_builtins(theirs)}
        result["ratio"] = round(ours.messages_per_s / theirs.messages_per_s, 1)
    if as_json:
        click.echo(json.dumps(result))
        return
    for name, value in result.items():
        click.echo(f"{name}: {value}")
    if ours.lost or ours.duplicates:
        raise SystemExit(1)


COMMAND = w1
