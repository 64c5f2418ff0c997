"""Everything that runs in a kill loop: PostgreSQL, the sandbox, and each role of Outrider in its own process."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from outrider.contracts.http import Request
from outrider.domain.purpose import Purpose
from outrider.installation import apply_files, open_store
from outrider.lib.http import open_http
from outrider.settings import Settings
from outrider.testing.killing.company import company, zone_at
from outrider.testing.killing.processes import Database, DidNotStart, Process
from outrider.testing.ports import free_port

ROLES = ("engine", "deliver", "api", "sweep")


class Times(msgspec.Struct, frozen=True):
    """How long everything takes, in seconds: as short as a kill loop needs, in the proportions of production."""

    lease: float = 3.0
    grace: float = 1.0
    engine_lease: float = 1.5
    #: Of one call to a provider: at most a third of the lease, less than the grace.
    deadline: float = 0.9
    resolve_within: Mapping[Purpose, int] = msgspec.field(
        default_factory=lambda: {
            Purpose.SECURITY: 1,
            Purpose.TRANSACTIONAL: 2,
            Purpose.SERVICE: 3,
            Purpose.COMMERCIAL: 3,
        }
    )


class Installation:
    """The processes, by name, and how to speak with them."""

    def __init__(self, folder: Path, times: Times, seed: int) -> None:
        self.folder = folder
        self.times = times
        self.ledger = folder / "ledger.ndjson"
        self.zone = zone_at(datetime.now(UTC))  # noqa: TID251 (the people of the loop live in real time)
        self.port = free_port()
        self.sandbox = self.process("sandbox", "-m", "outrider", "sandbox", *self._sandbox_options(seed))
        self.database = Database(
            "postgres", ("-m", "outrider.testing.killing.server", str(folder / "postgres")), folder / "postgres.log"
        )
        self.roles: dict[str, Process] = {}
        self.key = ""

    def process(self, name: str, *arguments: str, env: Mapping[str, str] | None = None) -> Process:
        """A process of this installation that is not started yet."""
        return Process(name, arguments, self.folder / f"{name}.log", env)

    def _sandbox_options(self, seed: int) -> list[str]:
        options = ["--ledger", str(self.ledger), "--port", "0", "--json", "--no-magic", "--seed", str(seed)]
        return [*options, "--receipt-delay", "50", "--retry-scale", "0.02"]

    @property
    def env(self) -> dict[str, str]:
        """The settings of every role."""
        times = self.times
        return {
            "OUTRIDER_HOME": str(self.folder / "home"),
            "OUTRIDER_DATABASE_URL": self.dsn,
            "OUTRIDER_LISTEN": f"127.0.0.1:{self.port}",
            "OUTRIDER_PUBLIC_URL": self.url,
            "OUTRIDER_LEASE_SECONDS": str(times.lease),
            "OUTRIDER_RESCUE_GRACE_SECONDS": str(times.grace),
            "OUTRIDER_ENGINE_LEASE_SECONDS": str(times.engine_lease),
        }

    @property
    def dsn(self) -> str:
        """Where PostgreSQL answers."""
        return str(self.database.said["database"])

    @property
    def url(self) -> str:
        """The API's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> Settings:
        """The settings of a process of this installation that joins from outside."""
        return Settings(home=self.folder / "home", database_url=self.dsn)

    def role(self, name: str, role: str | None = None) -> Process:
        """A process of one role, not started yet; `name` tells two of the same role apart."""
        return self.process(name, "-m", "outrider", "up", "--only", role or name, "--json", env=self.env)

    async def start(self, urls: Mapping[str, str] | None = None) -> None:
        """Start all; `urls` are the providers' addresses when something stands before the sandbox."""
        await asyncio.gather(self.sandbox.start(), self.database.start())
        files = company(urls or self.sandbox.said["urls"], self.times.deadline, self.times.resolve_within)
        async with open_store(self.settings, self.dsn, connections=2) as opened:
            await apply_files(opened, files)
        self.key = await self._create_key()
        self.roles = {name: self.role(name) for name in ROLES}
        await asyncio.gather(*(process.start() for process in self.roles.values()))

    async def _create_key(self) -> str:
        command = ("-m", "outrider", "keys", "create", "kill-loop", "--scope", "*", "--json")
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            env={**os.environ, **self.env},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await child.communicate()
        if child.returncode:
            raise DidNotStart(f"no API key: {err.decode()}")
        return str(json.loads(out)["key"])

    def ended(self) -> list[str]:
        """Processes that ended by themselves, with their last words."""
        processes = [self.sandbox, self.database, *self.roles.values()]
        return [f"{one.name}: {one.last_words()}" for one in processes if one.has_ended()]

    async def set_faults(self, faults: Sequence[Mapping[str, object]]) -> None:
        """Put these faults in force at the sandbox, instead of those before."""
        await self._admin("DELETE", b"")
        if faults:
            await self._admin("POST", msgspec.json.encode(faults))

    async def _admin(self, method: str, body: bytes) -> None:
        http = open_http()
        try:
            url = f"{self.sandbox.said['urls']['all']}/_sandbox/faults"
            answer = await http.send(Request(method, url, (("content-type", "application/json"),), body), 10)
        finally:
            await http.close()
        if answer.status >= 300:
            raise DidNotStart(f"the sandbox refused its faults: {answer.body.decode()}")

    async def stop(self) -> None:
        """End every process, those that need the others first."""
        await asyncio.gather(*(process.stop() for process in self.roles.values()))
        await asyncio.gather(self.sandbox.stop(), self.database.stop())


@asynccontextmanager
async def installed(folder: Path, times: Times | None = None, seed: int = 0) -> AsyncIterator[Installation]:
    """A running installation in a folder, ended with the block whatever happens."""
    installation = Installation(folder, times or Times(), seed)
    try:
        await installation.start()
        yield installation
    finally:
        await installation.stop()
