"""`bench start`: how long starting takes, and what everything needs at rest."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from statistics import median
from typing import Any

import click

from bench.meter import memory_mb
from bench.ours import free_port, scratch
from bench.processes import REPOSITORY, child, module
from bench.work import company_files

#: Seconds after which a started platform is at rest.
REST_SECONDS = 5.0
HELP_ROUNDS = 7


def start() -> dict[str, Any]:
    """Seconds of a cold and a warm start and of `--help`, and memory at rest."""
    with scratch() as folder:
        company, home = folder / "company", folder / "home"
        _write(company)
        env = {"OUTRIDER_HOME": str(home), "OUTRIDER_LISTEN": f"127.0.0.1:{free_port()}"}
        applied = _seconds(module("outrider", "apply", str(company), "--json"), env)
        cold, _ = _up(env)
        warm, rest = _up(env, REST_SECONDS)
    helps = [_seconds(module("outrider", "--help")) for _ in range(HELP_ROUNDS)]
    return {
        "apply_on_a_new_folder_s": round(applied, 2),
        "cold_s": round(applied + cold, 2),
        "warm_s": round(warm, 2),
        "help_s": round(median(helps), 3),
        "rest_mb": round(rest, 1),
    }


def _up(env: dict[str, str], rest: float = 0.0) -> tuple[float, float]:
    """Seconds until ready, and memory after a rest."""
    began = time.monotonic()
    with child(module("outrider", "up", "--json"), env) as app:
        ready = time.monotonic() - began
        time.sleep(rest)
        return ready, memory_mb([app.pid]) if rest else 0.0


def _seconds(command: list[str], env: dict[str, str] | None = None) -> float:
    began = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **(env or {})}, cwd=REPOSITORY)
    return time.monotonic() - began


def _write(company: Path) -> None:
    for name, text in company_files("http://127.0.0.1:9").items():
        (company / name).parent.mkdir(parents=True, exist_ok=True)
        (company / name).write_text(text, encoding="utf-8")


@click.command(name="start")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(as_json: bool) -> None:
    """Cold start (a new folder: initdb, migrations, apply, up), warm start, `--help`, memory at rest."""
    result = start()
    click.echo(json.dumps(result) if as_json else "\n".join(f"{name}: {value}" for name, value in result.items()))


COMMAND = command
