"""Outrider as it is measured: an embedded PostgreSQL with its shipped settings, people, and the app processes."""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from bench import preload
from bench.processes import Child, child, module
from bench.work import company_files
from outrider.api.keys import hash_of, new_key
from outrider.contracts.api_keys import ApiKey
from outrider.installation import Opened, apply_files, open_store
from outrider.lib.ids import new_id
from outrider.settings import Settings
from outrider.store.launcher import Running, launch
from outrider.store.pg_keys import PostgresKeys

#: Processes → the roles of each.
SPLITS: Mapping[int, tuple[tuple[str, ...], ...]] = {
    1: (("api", "engine", "deliver", "sweep"),),
    2: (("api", "engine", "sweep"), ("deliver",)),
    3: (("api", "sweep"), ("engine",), ("deliver",)),
}

Prepare = Callable[[Opened], Awaitable[None]]


class Plan(msgspec.Struct, frozen=True):
    """What is set up."""

    provider_url: str
    people: int = 10_000
    #: One of SPLITS.
    processes: int = 1
    #: stages, functions or nothing.
    profile: str = ""
    #: The roles of each process, instead of the split.
    roles: tuple[tuple[str, ...], ...] = ()


@dataclass
class Platform:
    """A running platform."""

    url: str
    key: str
    dsn: str
    database: Running
    apps: list[Child] = field(default_factory=list)

    def roots(self) -> list[int]:
        """The processes whose CPU and memory count."""
        return [self.database.process_id, *(app.pid for app in self.apps)]


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder of its own on the disk, deleted afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="outrider-bench-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def running_platform(plan: Plan, prepare: Prepare | None = None) -> AsyncIterator[Platform]:
    """Set up, start, and give the platform; everything is gone afterwards."""
    overrides = {"shared_preload_libraries": "pg_stat_statements"} if plan.profile else {}
    with scratch() as home:
        async with await launch(home / "postgres", overrides=overrides) as database:
            dsn = database.address.dsn()
            settings = Settings(home=home, database_url=dsn)
            async with open_store(settings, dsn) as opened:
                key = await _set_up(opened, plan, prepare)
            listen = f"127.0.0.1:{free_port()}"
            env = {
                "OUTRIDER_HOME": str(home),
                "OUTRIDER_DATABASE_URL": dsn,
                "OUTRIDER_LISTEN": listen,
                "BENCH_PROFILE": plan.profile,
            }
            with ExitStack() as kept:
                platform = Platform(f"http://{listen}", key, dsn, database)
                for roles in plan.roles or SPLITS[plan.processes]:
                    app = "bench.instrumented" if plan.profile else "outrider"
                    only = (word for role in roles for word in ("--only", role))
                    platform.apps.append(kept.enter_context(child(module(app, "up", "--json", *only), env)))
                yield platform


async def _set_up(opened: Opened, plan: Plan, prepare: Prepare | None) -> str:
    await apply_files(opened, company_files(plan.provider_url))
    if plan.profile:
        await opened.store.pool.execute("create extension if not exists pg_stat_statements")
    await (prepare(opened) if prepare else preload.people(opened, plan.people))
    key = new_key()
    now = opened.clock.now()
    await PostgresKeys(opened.store.pool).create(ApiKey(new_id(now, 0), "bench", ("events:write",), now), hash_of(key))
    return key
