"""`bench trickle`: how long an event takes to the provider when nothing else is going on."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from array import array
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from bench.ours import Plan, running_platform
from bench.w1 import load, provider, until_all

#: Events before those that count: connections are open, statements prepared.
WARM_UP = 40


def percentile(values: list[float], share: float) -> float:
    """The value below which a share of the values lies (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def floats(content: bytes) -> array[float]:
    """Numbers as the children write them."""
    found = array("d")
    found.frombytes(content)
    return found


async def trickle(rate: float, seconds: float, people: int) -> dict[str, float]:
    """Milliseconds from the post of an event to the arrival of its message."""
    count = WARM_UP + int(rate * seconds)
    with provider() as stub, TemporaryDirectory() as folder:
        moments = Path(folder, "moments")
        async with running_platform(Plan(stub.ready["url"], people)) as platform:
            more = ("--rate", str(rate), "--moments", str(moments))
            with load(platform.url, platform.key, count, people, *more) as posting:
                posting.say("go")
                await asyncio.to_thread(posting.hear)
                found = await until_all(stub.ready["url"], count, receipts=False)
        with urllib.request.urlopen(f"{stub.ready['url']}/-/arrivals", timeout=10) as answer:
            arrived = floats(answer.read())
        left = floats(moments.read_bytes())
    if found.distinct < count:
        raise click.ClickException(f"{count - found.distinct} of {count} messages never came")
    taken = [(there - here) * 1000 for here, there in zip(left, arrived, strict=True)][WARM_UP:]
    return {
        "messages": len(taken),
        "rate": rate,
        "p50_ms": round(percentile(taken, 0.5), 2),
        "p99_ms": round(percentile(taken, 0.99), 2),
        "longest_ms": round(max(taken), 2),
        "lost": count - found.distinct,
        "duplicates": found.duplicates,
    }


@click.command(name="trickle")
@click.option("--rate", default=20.0, show_default=True, help="Events a second.")
@click.option("--seconds", default=20.0, show_default=True)
@click.option("--profiles", default=10_000, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(rate: float, seconds: float, profiles: int, as_json: bool) -> None:
    """Latency from the post of an event to the provider, unloaded."""
    result = asyncio.run(trickle(rate, seconds, profiles))
    click.echo(json.dumps(result) if as_json else "\n".join(f"{name}: {value}" for name, value in result.items()))


COMMAND = command
