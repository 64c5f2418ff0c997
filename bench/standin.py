"""The app process of the bench: Outrider in some roles, with the two hot routes of the API on uvicorn.

    OUTRIDER_HOME=… OUTRIDER_DATABASE_URL=… python -m bench.standin [--only ROLE]…

Prints one JSON line when it is ready. With BENCH_PROFILE=stages or =functions it measures itself (bench/stages.py,
cProfile) between SIGUSR1 and SIGUSR2 and prints what it found.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
from collections.abc import Callable
from typing import Any

import uvicorn
import uvloop

from outrider.api.callbacks import PREFIX, callbacks_route
from outrider.api.deps import ApiDeps
from outrider.api.events import events_route
from outrider.api.keys import KeyVerifier
from outrider.app import ROLES, Opened, Outrider, current_configuration, open_store
from outrider.settings import read_settings
from outrider.store.pg_keys import PostgresKeys
from outrider.store.pg_letters import PostgresLetters
from outrider.store.pg_reading import PostgresReading


def deps_of(opened: Opened, outrider: Outrider) -> ApiDeps:
    """What the routes work with."""
    store = opened.store
    return ApiDeps(
        log=store,
        reading=PostgresReading(store.pool, store.vault),
        letters=PostgresLetters(store.pool, store.vault),
        receipts=store,
        keys=KeyVerifier(PostgresKeys(store.pool), opened.clock),
        configuration=lambda: outrider.library.current,
        accounts=lambda: outrider.accounts,  # type: ignore[arg-type,return-value]
        hasher=opened.hasher,
        clock=opened.clock,
        wakes=outrider.wakes,
        public_url=lambda: outrider.public_url,
    )


def server_of(opened: Opened, outrider: Outrider) -> uvicorn.Server:
    """uvicorn with the hot routes."""
    deps = deps_of(opened, outrider)
    events, callbacks = events_route(deps), callbacks_route(deps)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await (callbacks if scope["path"].startswith(PREFIX) else events)(scope, receive, send)

    settings = opened.settings
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http="httptools",
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
    )
    return uvicorn.Server(config)


async def run(roles: tuple[str, ...]) -> None:
    """Until interrupted."""
    settings = read_settings()
    assert settings.database_url is not None
    async with open_store(settings, settings.database_url) as opened:
        outrider = Outrider(opened, await current_configuration(opened), roles)
        loop = asyncio.get_running_loop()
        server = server_of(opened, outrider) if "api" in roles else None
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        working = asyncio.create_task(outrider.run(lambda: print(json.dumps({"ready": True}), flush=True)))
        serving = asyncio.create_task(server._serve()) if server else None
        await asyncio.wait([working, asyncio.create_task(stop.wait())], return_when=asyncio.FIRST_COMPLETED)
        if server and serving:
            server.should_exit = True
            await serving
        outrider.stop()
        await working


def measured(main: Callable[[], None]) -> None:
    """Run `main` with the profiler that BENCH_PROFILE asks for."""
    kind = os.environ.get("BENCH_PROFILE", "")
    if kind:
        from bench.stages import install

        install(kind)
    main()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", action="append", choices=ROLES)
    asked = parser.parse_args()
    measured(lambda: uvloop.run(run(tuple(asked.only or ROLES))))
