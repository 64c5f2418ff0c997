"""A wired API for tests: real store or memory, a small rental company, a key for each need, a real engine on demand."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import httpx
import msgspec

from outrider.api.app import build_api
from outrider.api.deps import ApiDeps
from outrider.api.keys import KeyVerifier, hash_of, new_key
from outrider.api.serve import make_server
from outrider.configuration import Configuration, build
from outrider.configuration.schemas import schemas
from outrider.contracts.api_keys import ApiKey
from outrider.domain.entry import Entry
from outrider.domain.profile import Profile
from outrider.lib.clock import SystemClock
from outrider.lib.ids import Hasher, new_id
from outrider.lib.seal import KEY, KeyRing
from outrider.plugged import gates, providers, shipped
from outrider.receipts.acknowledgment import Acknowledgments
from outrider.store.migrate import migrate
from outrider.store.partitions import ensure_partitions
from outrider.store.pg_keys import PostgresKeys
from outrider.store.pg_letters import PostgresLetters
from outrider.store.pg_reading import PostgresReading
from outrider.store.postgres import PostgresStore, open_pool
from outrider.testing.memory_store import MemoryStore
from outrider.workers.engine import Engine, Library, Version
from outrider.workers.prepare import Account
from outrider.workers.wake import Wakes

PUBLIC = "https://rental.example"
ACKNOWLEDGMENT_KEY = b"a" * 32
TOKEN = "0123456789abcdef0123456789abcdef"
TWILIO_SECRET = "twilio-auth-token"

FILES: Mapping[str, str] = {
    "outrider.toml": """
home_market = "FR"
public_url = "https://rental.example"
[accounts.main]
provider = "twilio"
account_sid = "AC00000000000000000000000000000000"
auth_token = "env:TWILIO"
[accounts.backup]
provider = "smsmode"
api_key = "env:SMSMODE"
[[routes]]
name = "main"
channel = "sms"
account = "main"
sender = "AzurDrive"
""",
    "objects/profile.yaml": """
kind: profile
traits:
  name: string
  tier: {type: string, sealed: false}
""",
    "objects/booking.yaml": """
kind: booking
traits:
  status: string
  seats: int
  open: bool
  price: float
roles: [driver, payer]
""",
    "templates/code/template.yaml": """
purpose: security
languages: [fr]
fallback: fr
variables:
  code: {type: string, example: "4711", longest: 8}
  tries: {type: integer, example: 3}
""",
    "templates/code/sms.fr.j2": "Votre code: {{ code }} ({{ tries }} essais)",
    "templates/hello/template.yaml": """
languages: [fr]
fallback: fr
variables:
  profile.name: {type: string, example: Zoe, longest: 20}
  booking.spot: {type: string, example: B12, longest: 6}
  booking.at: {type: datetime, example: "2026-05-04T09:30:00Z"}
""",
    "templates/hello/sms.fr.j2": "Bonjour {{ profile.name }}: {{ booking.spot }}, {{ booking.at | time }}",
    "sources/booking.yaml": """
source: /rental/*
events:
  booking.confirmed:
    subject: data.customer.id
    profile: {market: data.customer.market}
    addresses: {sms: data.customer.phone}
    objects:
      - kind: booking
        key: data.booking.id
        traits: {status: data.booking.status}
    relations:
      - {from: profile, to: booking, role: driver}
""",
}


def configuration() -> Configuration:
    """The company's configuration, version 1."""
    made, problems = build(FILES, shipped(), number=1)
    assert made is not None, problems
    return made


def accounts() -> dict[str, Account]:
    """A signing account and one that does not sign."""
    twilio = {"account_sid": "AC" + "0" * 32, "auth_token": {"value": TWILIO_SECRET}}
    smsmode = {"api_key": {"value": "smsmode-key"}}
    made = {}
    for name, provider, settings in (("main", "twilio", twilio), ("backup", "smsmode", smsmode)):
        plugin = providers()[provider]
        made[name] = Account(name, plugin(msgspec.convert(settings, plugin.Settings)), TOKEN)
    return made


class KeysInMemory:
    """The KeyStore port in memory; counts how often it is asked."""

    def __init__(self) -> None:
        self.keys: dict[bytes, ApiKey] = {}
        self.asked = 0

    async def create(self, key: ApiKey, hashed: bytes) -> None:
        self.keys[hashed] = key

    async def find(self, hashed: bytes) -> ApiKey | None:
        self.asked += 1
        return self.keys.get(hashed)

    async def all(self) -> Sequence[ApiKey]:
        return list(self.keys.values())

    async def revoke(self, identifier: bytes) -> bool:
        for hashed, key in self.keys.items():
            if key.id == identifier and key.revoked_at is None:
                self.keys[hashed] = msgspec.structs.replace(key, revoked_at=key.created_at)
                return True
        return False


@dataclass
class Stage:
    """What a test uses."""

    deps: ApiDeps
    store: Any
    wakes: Wakes
    http: httpx.AsyncClient
    keys: Any

    async def key(self, *scopes: str) -> dict[str, str]:
        """The header of a fresh key with these scopes."""
        text = new_key()
        now = self.deps.clock.now()
        await self.keys.create(ApiKey(new_id(now, 0), "test", scopes, now), hash_of(text))
        return {"authorization": f"Bearer {text}"}

    async def ask(
        self, method: str, path: str, *, json: Any = None, headers: Mapping[str, str] | None = None, scopes: str = "*"
    ) -> httpx.Response:
        """One request with a key of these scopes (words), which may do everything unless told."""
        every = {**await self.key(*scopes.split()), **(headers or {})}
        return await self.http.request(method, path, json=json, headers=every)

    async def entries(self) -> list[Entry]:
        """What an engine would find in the log."""
        lease = await self.store.lease("reader", 3600, 32)
        return list((await self.store.take(lease, 1000)).entries)

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[Engine]:
        """A real engine that handles the log while the block runs."""

        async def load(number: int) -> Configuration:
            raise AssertionError(f"version {number} was never applied")

        library = Library(self.deps.configuration(), load, Version("1", "2026a"))
        deps = self.deps
        engine = Engine(self.store, library, gates(), deps.hasher, deps.clock, self.wakes, "engine")
        running = asyncio.create_task(engine.run())
        try:
            yield engine
        finally:
            engine.stop()
            await running


def _deps(store: Any, reading: Any, letters: Any, keys: Any, wakes: Wakes, hasher: Hasher) -> ApiDeps:
    known, company = accounts(), configuration()
    clock = SystemClock()
    return ApiDeps(
        log=store,
        reading=reading,
        letters=letters,
        receipts=store,
        keys=KeyVerifier(keys, clock),
        configuration=lambda: company,
        accounts=lambda: known,
        hasher=hasher,
        clock=clock,
        wakes=wakes,
        public_url=lambda: PUBLIC,
        acknowledgments=Acknowledgments(ACKNOWLEDGMENT_KEY),
        schemas=lambda: schemas(shipped()),
    )


@asynccontextmanager
async def _stage(deps: ApiDeps, store: Any, wakes: Wakes, keys: Any) -> AsyncIterator[Stage]:
    transport = httpx.ASGITransport(build_api(deps))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url=PUBLIC) as client:
        yield Stage(deps, store, wakes, client, keys)


@asynccontextmanager
async def postgres_stage(url: str) -> AsyncIterator[Stage]:
    """Over PostgreSQL."""
    pool = await open_pool(url, most=4)
    try:
        hasher, wakes = Hasher(b"test"), Wakes()
        store = PostgresStore(pool, KeyRing({1: bytes(range(KEY))}), hasher)
        reading, letters = PostgresReading(pool, store.vault), PostgresLetters(pool, store.vault)
        keys = PostgresKeys(pool)
        async with _stage(_deps(store, reading, letters, keys, wakes, hasher), store, wakes, keys) as stage:
            yield stage
    finally:
        await pool.close()


@asynccontextmanager
async def memory_stage() -> AsyncIterator[Stage]:
    """Over memory, for the doors that only write."""
    store, wakes, keys = MemoryStore(SystemClock()), Wakes(), KeysInMemory()
    deps = _deps(store, ProfilesInMemory(store), NothingToRead(), keys, wakes, Hasher(b"test"))
    async with _stage(deps, store, wakes, keys) as stage:
        yield stage


class ProfilesInMemory:
    """Profiles to read, and nothing else."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store

    async def profile(self, stream: bytes) -> Profile | None:
        return self._store.tables.profiles.get(stream)

    def __getattr__(self, name: str) -> Any:
        return getattr(NothingToRead(), name)


class NothingToRead:
    """A Reading and Letters port over nothing: whoever reads a page has chosen the wrong stage."""

    def __getattr__(self, name: str) -> Any:
        async def refuse(*_: Any, **__: Any) -> None:
            raise AssertionError(f"{name} needs the PostgreSQL stage")

        return refuse


@asynccontextmanager
async def served(stage: Stage) -> AsyncIterator[httpx.AsyncClient]:
    """The API behind its real server on a loopback port."""
    server = make_server(build_api(stage.deps), "127.0.0.1", 0)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0)
        if running.done():
            running.result()
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            yield client
    finally:
        server.should_exit = True
        await running


def make_template(url: str) -> None:
    """Bring an empty database to the store's schema, for the present months."""

    async def prepare() -> None:
        connection = await asyncpg.connect(url)
        try:
            await migrate(connection)
            await ensure_partitions(connection, SystemClock().now())
        finally:
            await connection.close()

    asyncio.run(prepare())


def cloud_event(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A structured CloudEvent about customer c-NUMBER from a source without a mapping."""
    return {
        "specversion": "1.0",
        "id": f"e-{number}",
        "source": "/plain",
        "type": "something.happened",
        "subject": f"c-{number}",
        "data": {"n": number},
        **changes,
    }


def booking_event(number: int = 1, **customer: Any) -> dict[str, Any]:
    """A CloudEvent that the source mapping reads."""
    person = {"id": f"c-{number}", "market": "FR", "phone": "06 12 34 56 78", **customer}
    data = {"customer": person, "booking": {"id": f"b-{number}", "status": "confirmed"}}
    return cloud_event(number, source="/rental/web", type="booking.confirmed", subject=None, data=data)


def is_problem(answer: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    """Check that an answer is a problem document of a kind; the document."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["type"] == f"/problems/{slug}"
    assert document["status"] == status
    assert document["title"]
    return document


def aware(text: str) -> datetime:
    """A time of an answer."""
    at = datetime.fromisoformat(text)
    assert at.tzinfo is not None
    return at


@contextlib.contextmanager
def failing(stage: Stage, method: str, moment: str = "before") -> Any:
    """The memory store fails one method at a moment."""

    def hook(name: str, when: str) -> None:
        if (name, when) == (method, moment):
            raise ConnectionRefusedError("nobody answers")

    stage.store.hook, before = hook, stage.store.hook
    try:
        yield
    finally:
        stage.store.hook = before
