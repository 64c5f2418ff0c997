"""The API over a store in memory, behind its real server, for commands that call it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from click.testing import CliRunner, Result

from outrider.api.app import build_api
from outrider.api.deps import ApiDeps
from outrider.api.keys import KeyVerifier, hash_of, new_key
from outrider.api.serve import make_server
from outrider.cli import main
from outrider.configuration import build
from outrider.contracts.api_keys import ApiKey
from outrider.lib.clock import SystemClock
from outrider.lib.ids import Hasher, new_id
from outrider.plugged import shipped
from outrider.receipts.acknowledgment import Acknowledgments
from outrider.testing.memory_store import MemoryStore
from outrider.workers.wake import Wakes

FILES = {
    "outrider.toml": 'home_market = "FR"\n',
    "objects/vehicle.yaml": "kind: vehicle\ntraits: {seats: int}\n",
    "templates/code/template.yaml": """
purpose: security
languages: [fr]
fallback: fr
variables:
  code: {type: string, example: "4711"}
""",
    "templates/code/sms.fr.j2": "Votre code: {{ code }}",
}


class Keys:
    """One key that may do everything."""

    def __init__(self) -> None:
        self.text = new_key()
        now = SystemClock().now()
        self.key = ApiKey(new_id(now, 0), "test", ("*",), now)

    async def find(self, hashed: bytes) -> ApiKey | None:
        return self.key if hashed == hash_of(self.text) else None


class Undecided:
    """A Reading port without an engine behind it."""

    async def decision(self, identifier: bytes) -> list[Any]:
        return []


class Running:
    """The API over a store in memory, in a thread of its own."""

    def __init__(self) -> None:
        clock, keys = SystemClock(), Keys()
        company, problems = build(FILES, shipped(), number=1)
        assert company is not None, problems
        self.store = MemoryStore(clock)
        reading: Any = Undecided()
        self.deps = ApiDeps(
            log=self.store,
            reading=reading,
            letters=reading,
            receipts=self.store,
            keys=KeyVerifier(keys, clock),  # type: ignore[arg-type]
            configuration=lambda: company,
            accounts=dict,
            hasher=Hasher(b"test"),
            clock=clock,
            wakes=Wakes(),
            public_url=lambda: "",
            acknowledgments=Acknowledgments(bytes(32)),
        )
        self.environment = {"OUTRIDER_API_KEY": keys.text}

    def bodies(self) -> list[Any]:
        return [entry.body for entry in self.store.tables.entries.values()]


@contextmanager
def running() -> Iterator[Running]:
    made = Running()
    server = make_server(build_api(made.deps), "127.0.0.1", 0)
    started = threading.Event()

    async def serve() -> None:
        task = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0)
            assert not task.done(), task
        started.set()
        await task

    # No engine works here: whoever waits for what is applied would wait for nothing.
    patience = mock.patch("outrider.api.writing.LONGEST_WAIT", 0.0)
    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    patience.start()
    try:
        assert started.wait(30)
        port = server.servers[0].sockets[0].getsockname()[1]
        made.environment["OUTRIDER_URL"] = f"http://127.0.0.1:{port}"
        yield made
    finally:
        patience.stop()
        server.should_exit = True
        thread.join(30)


def invoke(api: Running, *arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, env=api.environment)
