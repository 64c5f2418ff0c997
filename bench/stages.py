"""Where the CPU of an app process goes: stages of ours, timed from inside.

Functions that begin a stage are wrapped. The clock is the thread's CPU time; the time of a stage is its own, without
the stages called from it; of a coroutine only the steps count in which it runs. What no stage claims is the event
loop, the sockets and the protocols' C code. SIGUSR1 starts to count, SIGUSR2 prints one JSON line and ends it.
"""

from __future__ import annotations

import cProfile
import functools
import inspect
import json
import pstats
import signal
import types
from collections.abc import Callable, Generator
from importlib import import_module
from pathlib import Path
from time import process_time_ns, thread_time_ns
from typing import Any

#: What is wrapped: module, qualified name, stage. A stage that begins with + is named after the one it is called from.
STAGES = (
    ("uvicorn.protocols.http.httptools_impl", "HttpToolsProtocol.data_received", "api: read HTTP"),
    ("outrider.api.intake", "Intake.take", "api: decode, validate, map"),
    ("outrider.api.callbacks", "deliver", "api: callbacks"),
    ("outrider.store.pg_receipts", "PostgresReceipts.report", "api: receipts"),
    ("outrider.api.intake", "Taken.settle", "api: answer"),
    ("outrider.store.pg_log", "PostgresLog.append", "api: append"),
    ("outrider.store.pg_engine", "PostgresEngineStore.take", "engine: take"),
    ("outrider.workers.engine.load", "Loader.load", "engine: load"),
    ("outrider.workers.engine.run", "handle", "engine: handle"),
    ("outrider.workers.engine.things", "Things.handle", "engine: handle objects"),
    ("outrider.workers.engine.people", "start", "engine: start journey"),
    ("outrider.workers.engine.people", "advance", "engine: advance"),
    ("outrider.workers.engine.deciding", "Desk.decide", "engine: facts and message"),
    ("outrider.workers.engine.deciding", "decide", "engine: gates"),
    ("outrider.workers.engine.deciding", "pack", "engine: pack record"),
    ("outrider.store.pg_save", "Saving.save", "engine: save"),
    ("outrider.store.pg_claim", "PostgresClaim.load", "delivery: claim"),
    ("outrider.workers.deliver", "prepare", "delivery: prepare"),
    ("outrider.content.template", "TemplateSet.render", "delivery: render"),
    ("outrider.store.pg_claim", "PostgresClaim.commit", "delivery: write intents"),
    ("outrider.workers.deliver", "Delivery._call", "delivery: call"),
    ("outrider.providers.sms.smsmode", "Smsmode.request", "delivery: request"),
    ("outrider.lib.http.pool", "Pool.send", "delivery: HTTP send"),
    ("outrider.lib.http.connection", "Connection.data_received", "delivery: HTTP answer"),
    ("outrider.providers.sms.smsmode", "Smsmode.outcome", "delivery: outcome"),
    ("outrider.workers.deliver", "conclude", "delivery: conclude"),
    ("outrider.store.pg_delivery", "PostgresDeliveryStore.finish", "delivery: finish"),
    ("outrider.workers.deliver", "Delivery._step", "delivery: loop"),
    ("outrider.workers.engine.run", "Engine.step", "engine: loop"),
    ("outrider.store.vault", "Vault.seal", "+seal"),
    ("outrider.store.vault", "Vault.seal_for", "+seal"),
    ("outrider.store.vault", "Vault.open", "+open"),
    ("outrider.store.vault", "Vault.open_for", "+open"),
    ("outrider.store.vault", "Vault.learn", "+unwrap keys"),
    ("asyncpg.connection", "Connection.fetch", "+statements"),
    ("asyncpg.connection", "Connection.fetchrow", "+statements"),
    ("asyncpg.connection", "Connection.fetchval", "+statements"),
    ("asyncpg.connection", "Connection.execute", "+statements"),
    ("asyncpg.connection", "Connection.copy_records_to_table", "+statements"),
    ("asyncpg.pool", "Pool._acquire", "+pool and transactions"),
    ("asyncpg.pool", "Pool.release", "+pool and transactions"),
    ("asyncpg.transaction", "Transaction.start", "+pool and transactions"),
    ("asyncpg.transaction", "Transaction.commit", "+pool and transactions"),
)
REST = "event loop, sockets, protocols"
#: Functions shown in the mode `functions`.
MOST = 45


class Stages:
    """Nanoseconds and calls by stage."""

    def __init__(self) -> None:
        self.totals: dict[str, list[int]] = {}
        self._stack: list[list[int]] = []
        self._sides: list[str] = []
        self._since = 0
        self._began = 0

    def begin(self) -> None:
        """Count from now on."""
        for total in self.totals.values():
            total[:] = [0, 0]
        self._began = process_time_ns()

    def enter(self, stage: str, new: bool) -> None:
        """A stage begins, or goes on; what was running pauses."""
        now = thread_time_ns()
        if self._stack:
            self._stack[-1][0] += now - self._since
        side = self._sides[-1] if self._sides else "other"
        if stage[0] == "+":
            stage = f"{side}: {stage[1:]}"
        else:
            side = stage.partition(":")[0]
        total = self.totals.setdefault(stage, [0, 0])
        total[1] += new
        self._stack.append(total)
        self._sides.append(side)
        self._since = now

    def leave(self) -> None:
        """The stage that is running ends or waits; what it paused goes on."""
        now = thread_time_ns()
        self._stack.pop()[0] += now - self._since
        self._sides.pop()
        self._since = now

    def result(self) -> dict[str, Any]:
        """Microseconds and calls by stage, and of the whole process."""
        return {
            "process_us": (process_time_ns() - self._began) / 1000,
            "stages": {stage: [total[0] / 1000, total[1]] for stage, total in self.totals.items()},
        }


def wrapped(function: Callable[..., Any], stage: str, stages: Stages) -> Callable[..., Any]:
    """The function as a stage."""
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def run(*args: Any, **kwargs: Any) -> Any:
            return await _steps(function(*args, **kwargs), stage, stages)

        return run

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        stages.enter(stage, True)
        try:
            return function(*args, **kwargs)
        finally:
            stages.leave()

    return call


@types.coroutine
def _steps(work: Any, stage: str, stages: Stages) -> Generator[Any, Any, Any]:
    """Drive a coroutine, timing each of its steps."""
    step: Callable[[], Any] = lambda: work.send(None)  # noqa: E731
    new = True
    while True:
        stages.enter(stage, new)
        new = False
        try:
            waits_for = step()
        except StopIteration as end:
            return end.value
        finally:
            stages.leave()
        try:
            sent = yield waits_for
            step = functools.partial(work.send, sent)
        except BaseException as error:
            step = functools.partial(work.throw, error)


def install(kind: str) -> None:
    """Wrap the stages or prepare cProfile, and wait for the signals."""
    if kind == "stages":
        stages = Stages()
        for module, name, stage in STAGES:
            _wrap(module, name, stage, stages)
        begin, result = stages.begin, stages.result
    else:
        profile = cProfile.Profile(builtins=False)
        begin, result = profile.enable, functools.partial(_functions, profile)
    signal.signal(signal.SIGUSR1, lambda *_: begin())
    signal.signal(signal.SIGUSR2, lambda *_: print(json.dumps(result()), flush=True))


def _wrap(module: str, name: str, stage: str, stages: Stages) -> None:
    place: Any = import_module(module)
    *path, last = name.split(".")
    for part in path:
        place = getattr(place, part)
    function = inspect.getattr_static(place, last)
    setattr(place, last, wrapped(function, stage, stages))


def _functions(profile: cProfile.Profile) -> dict[str, Any]:
    profile.disable()
    found = pstats.Stats(profile).stats.items()  # type: ignore[attr-defined]
    rows = [
        (f"{'/'.join(Path(file).parts[-2:])}:{line} {name}", own * 1e6, calls)
        for (file, line, name), (_, calls, own, _, _) in found
    ]
    rows.sort(key=lambda row: -row[1])
    return {"process_us": sum(row[1] for row in rows), "stages": {name: [own, n] for name, own, n in rows[:MOST]}}
