"""A running sandbox, a receiver of its callbacks, and providers pointed at it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from outrider.contracts.http import Broken, NotSent, Request, Response
from outrider.contracts.provider import Callback, Forged, Outbound, Provider, Secret
from outrider.domain.attempt import Outcome
from outrider.domain.message import Rendition
from outrider.domain.receipt import Receipt, Reply
from outrider.lib.clock import SystemClock
from outrider.lib.http import open_http
from outrider.providers.sms.smsmode import Smsmode, SmsmodeSettings
from outrider.providers.sms.twilio import Twilio, TwilioSettings
from outrider.sandbox.counterpart import Call
from outrider.sandbox.faults import Fault
from outrider.sandbox.running import Sandbox, running_sandbox
from outrider.sandbox.side import Options
from outrider.sandbox.wire import Connection

TEXT = "Your car waits in bay B-12. Réservé à 100 % & open 🚗"
#: Receipts at once, further tries at once: nothing in a test waits for a clock.
AT_ONCE = Options(receipt_delay=0.0, retry_scale=0.0)
NAMES = ("smsmode", "twilio")


class MovableClock:
    """The real clock, moved forward by hand."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.ahead)

    def monotonic(self) -> float:
        return time.monotonic() + self.ahead


class Receiver:
    """Takes callbacks and answers them as told; by default 204."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.answers: list[Response | None] = []
        self.hold: asyncio.Event | None = None

    def serve(self, connection: Connection, call: Call) -> None:
        self.calls.append(call)
        answer = self.answers.pop(0) if self.answers else Response(204)
        if answer is None:
            connection.reset()
        else:
            connection.answer(answer)


class Stage:
    """What a test acts on."""

    def __init__(self, sandbox: Sandbox, receiver: Receiver, url: str, http: Any) -> None:
        self.sandbox = sandbox
        self.receiver = receiver
        self.hook = url
        self.http = http

    def provider(self, name: str, *, own_address: bool = False) -> Provider:
        """The shipped provider with the sandbox's credentials."""
        account = self.sandbox.account(name)
        url = self.sandbox.urls[name] if own_address else self.sandbox.url
        if name == "twilio":
            return Twilio(TwilioSettings(account_sid=account.id, auth_token=Secret(account.secret), base_url=url))
        return Smsmode(SmsmodeSettings(api_key=Secret(account.secret), channel_id=account.id, base_url=url))

    def message(self, number: int = 1, to: str = "+33612345678", text: str = TEXT) -> Outbound:
        attempt = f"msg_{number}.1"
        return Outbound(attempt, to, "Drive", Rendition(text), f"{self.hook}/cb/k3JhX9?attempt={attempt}")

    async def send(
        self, name: str, message: Outbound | None = None, *, deadline: float = 5.0, own_address: bool = False
    ) -> Outcome | type[Exception]:
        """The provider's reading of the sandbox's answer, or the transport's failure."""
        provider = self.provider(name, own_address=own_address)
        try:
            response = await self.http.send(provider.request(message or self.message()), deadline)
        except (Broken, NotSent) as failure:
            return type(failure)
        return provider.outcome(response)

    def told(self, name: str) -> list[Receipt | Reply | str]:
        """Everything the receiver got, as the provider reads it; "Forged" for what it throws out."""
        return [one for call in self.receiver.calls for one in self._read(name, call)]

    def _read(self, name: str, call: Call) -> list[Receipt | Reply | str]:
        url = self.hook + call.target
        query = dict(parse_qsl(urlsplit(url).query))
        try:
            callback = Callback(call.method, url, query, call.headers, call.body, call.at)
            return list(self.provider(name).receipts(callback))
        except Forged:
            return ["Forged"]

    async def admin(self, method: str, place: str, document: object = None) -> Response:
        """A request to the admin API."""
        body = b"" if document is None else msgspec.json.encode(document)
        return await self.http.send(Request(method, f"{self.sandbox.url}/_sandbox/{place}", (), body), 5.0)


@asynccontextmanager
async def stage(
    folder: Path, options: Options = AT_ONCE, faults: Iterable[Fault] = (), **more: Any
) -> AsyncIterator[Stage]:
    receiver, connections = Receiver(), set[Connection]()
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(lambda: Connection(receiver.serve, SystemClock(), connections), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    http = open_http("pool")
    try:
        async with running_sandbox(folder / "ledger.ndjson", options=options, faults=faults, **more) as sandbox:
            yield Stage(sandbox, receiver, url, http)
    finally:
        await http.close()
        listener.close()
        for connection in tuple(connections):
            connection.reset()


def play(
    folder: Path, scene: Callable[[Stage], Coroutine[Any, Any, None]], options: Options = AT_ONCE, **more: Any
) -> None:
    """Run one scene on a fresh stage, bounded."""

    async def act() -> None:
        async with stage(folder, options, **more) as built:
            await scene(built)

    asyncio.run(asyncio.wait_for(act(), 30))
