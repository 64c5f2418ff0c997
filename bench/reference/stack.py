"""Runs a reference stack on the same machine, with the same database settings, provider and load."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import asyncpg
import click
import msgspec

from bench.ours import free_port, scratch
from bench.processes import REPOSITORY, child, end, module
from bench.reference.store import SCHEMA
from bench.w1 import Asked, Figures, load, measure, provider
from bench.work import person
from outrider.store.launcher import launch

#: The stacks do hundreds a second: more messages would only take longer (the rate is the same, measured).
MOST_MESSAGES = 6_000
START_WITHIN = 30.0

#: What each stack runs besides the API; tuned on two cores, see docs/explanation/performance.md.
WORKERS = {
    "taskiq": (
        *("taskiq", "worker", "bench.reference.tasks_taskiq:broker", "--workers", "2", "--max-async-tasks", "100"),
        *("--ack-type", "when_executed", "--log-level", "WARNING"),
    ),
    "celery": (
        *("celery", "-A", "bench.reference.tasks_celery", "worker", "--pool", "prefork", "--concurrency", "4"),
        *("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "WARNING"),
    ),
}


def measure_reference(stack: str, asked: Asked) -> Figures:
    """The work on one stack, without receipts."""
    fewer = msgspec.structs.replace(asked, messages=min(asked.messages, MOST_MESSAGES), receipts=False)
    if shutil.which("redis-server") is None:
        raise click.ClickException(f"the reference {stack} needs redis-server: apt-get install redis-server")
    return asyncio.run(_run(stack, fewer))


async def _run(stack: str, asked: Asked) -> Figures:
    with scratch() as home, provider() as stub:
        async with await launch(home / "postgres") as database:
            dsn = database.address.dsn()
            await _fill(dsn, asked.people)
            with ExitStack() as kept:
                redis_port, redis_pid = kept.enter_context(_redis(home))
                env = {
                    "REFERENCE_DSN": dsn,
                    "REFERENCE_PROVIDER": stub.ready["url"],
                    "REFERENCE_REDIS": f"redis://127.0.0.1:{redis_port}/0",
                    "REFERENCE_STACK": stack,
                }
                worker = kept.enter_context(child(module(*WORKERS[stack]), env))
                port, api_pid = kept.enter_context(_api(env))
                roots = [database.process_id, redis_pid, worker.pid, api_pid]
                with load(f"http://127.0.0.1:{port}", "", asked.messages, asked.people) as posting:
                    return await measure(lambda: roots, stub.ready["url"], posting, asked)


async def _fill(dsn: str, people: int) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(SCHEMA)
    rows = ((*person(number), "en", False) for number in range(people))
    await connection.copy_records_to_table("people", records=rows)
    await connection.execute("vacuum analyze")
    await connection.close()


@contextmanager
def _redis(home: Path) -> Iterator[tuple[int, int]]:
    """Redis that keeps what it acknowledged but for the last second, the usual setting of a broker."""
    port = free_port()
    folder = home / "redis"
    folder.mkdir()
    command = ("redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder))
    durable = ("--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--logfile", str(folder / "log"))
    with _running((*command, *durable), port, {}) as pid:
        yield port, pid


@contextmanager
def _api(env: dict[str, str]) -> Iterator[tuple[int, int]]:
    port = free_port()
    options = ("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning")
    with _running(module("uvicorn", "bench.reference.api:app", "--port", str(port), *options), port, env) as pid:
        yield port, pid


@contextmanager
def _running(command: tuple[str, ...] | list[str], port: int, env: dict[str, str]) -> Iterator[int]:
    with subprocess.Popen(command, env={**os.environ, **env}, cwd=REPOSITORY, text=True) as process:
        try:
            _wait_for(port, process)
            yield process.pid
        finally:
            end(process)


def _wait_for(port: int, process: subprocess.Popen[str]) -> None:
    bound = time.monotonic() + START_WITHIN
    while time.monotonic() < bound and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise click.ClickException(f"{process.args!r} did not listen within {START_WITHIN:g} s")
