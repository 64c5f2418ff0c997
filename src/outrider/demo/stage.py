"""Everything the demo needs, started in order and stopped in reverse: database, sandbox, Outrider, API key."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from outrider.api.keys import hash_of, new_key
from outrider.configuration import read_folder
from outrider.contracts.api_keys import ApiKey
from outrider.contracts.http import Http, Request
from outrider.demo.children import DidNotStart, child
from outrider.demo.example import example_folder
from outrider.demo.place import Run
from outrider.demo.quicken import at_sandbox, quickened
from outrider.installation import Opened, apply_files, open_database, open_store
from outrider.lib.http import open_http
from outrider.lib.ids import SHARDS, new_id
from outrider.settings import Settings, read_settings
from outrider.store.migrate import MigrationRefused
from outrider.store.pg_keys import PostgresKeys

#: What the demo's key may do, and for how long at most.
SCOPES = ("events:write", "profiles:write")
LIFETIME = timedelta(days=1)
#: Milliseconds after which the sandbox reports a message.
RECEIPT_DELAY = "300"
#: Below the home folder; outrider.toml of the example names it.
SERVICE_ACCOUNT = "sandbox-fcm.json"

Say = Callable[[str], None]


@dataclass
class Stage:
    """What is running."""

    opened: Opened
    http: Http
    #: Addresses of the sandbox: each provider's own, and "all".
    sandbox: dict[str, str]
    api: str
    key: str


@asynccontextmanager
async def stage(run: Run, home: Settings, speed: float, say: Say) -> AsyncIterator[Stage]:
    """Start everything; when the block ends, stop everything. Raises what any of the parts raises."""
    ledger = ["--port", "0", "--ledger", str(run.ledger), "--receipt-delay", RECEIPT_DELAY, "--json"]
    prices = ["--prices", str(example_folder())]
    async with open_database(home) as dsn, _store(home, dsn) as opened:
        say("database is ready")
        async with child(["sandbox", *ledger, *prices], run.folder / "sandbox.log", {}) as sandbox:
            say(f"sandbox is ready: {sandbox['urls']['all']}")
            await _service_account(home, sandbox["urls"]["fcm"])
            await _apply(opened, sandbox["urls"], speed)
            say("examples/rental is applied")
            async with child(["up", "--json"], run.folder / "up.log", _environment(home, dsn)) as up:
                say(f"API, engine and delivery are ready: {up['url']} (docs at {up['url']}/docs)")
                async with _http() as http, _api_key(opened) as key:
                    try:
                        yield Stage(opened, http, sandbox["urls"], up["url"], key)
                    finally:
                        say("stopping")


@asynccontextmanager
async def _store(home: Settings, dsn: str) -> AsyncIterator[Opened]:
    """The demo's store; one that another version made and this one refuses may be thrown away."""
    opening = open_store(home, dsn, connections=4)
    try:
        opened = await opening.__aenter__()
    except MigrationRefused as error:
        raise MigrationRefused(
            f"{error}\nThis is the demo's own database: delete {home.home} to begin anew."
        ) from error
    try:
        yield opened
    finally:
        await opening.__aexit__(None, None, None)


def demo_settings(home: Path) -> Settings:
    """The demo's own database, whatever else this machine runs. Raises BadSetting."""
    return Settings(home=home.absolute(), postgres_bin=read_settings().postgres_bin, port=0)


def _environment(home: Settings, dsn: str) -> dict[str, str]:
    """Of `outrider up`: our database, our keys, a free port."""
    return {
        "OUTRIDER_HOME": str(home.home),
        "OUTRIDER_DATABASE_URL": dsn,
        "OUTRIDER_LISTEN": "127.0.0.1:0",
        "OUTRIDER_PUBLIC_URL": "",
    }


async def _service_account(home: Settings, fcm: str) -> None:
    """The key with which the sandbox's FCM opens, where the account of the example looks for it. Raises DidNotStart."""
    async with _http() as http:
        answer = await http.send(Request("GET", f"{fcm}/token/service-account.json"), 10.0)
    if answer.status != 200:
        raise DidNotStart(f"the sandbox gave no service account: {answer.status}")
    file = home.home / SERVICE_ACCOUNT
    file.touch(mode=0o600)
    file.write_bytes(answer.body)


async def _apply(opened: Opened, urls: dict[str, str], speed: float) -> None:
    files = read_folder(example_folder())
    await apply_files(opened, at_sandbox(quickened(files, speed), urls), "outrider demo")


@asynccontextmanager
async def _http() -> AsyncIterator[Http]:
    http = open_http("pool")
    try:
        yield http
    finally:
        await http.close()


@asynccontextmanager
async def _api_key(opened: Opened) -> AsyncIterator[str]:
    """A key for this run, revoked afterwards."""
    keys, now, text = PostgresKeys(opened.store.pool), opened.clock.now(), new_key()
    record = ApiKey(new_id(now, secrets.randbelow(SHARDS)), "demo", SCOPES, now, now + LIFETIME)
    await keys.create(record, hash_of(text))
    try:
        yield text
    finally:
        await keys.revoke(record.id)
