"""A running sandbox with its mail server, a receiver of reports, and the SMTP provider pointed at it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from callback_stage import AT_ONCE, Receiver
from msgspec.structs import replace

from outrider.contracts.provider import Callback, Outbound, Secret
from outrider.domain.attempt import Outcome
from outrider.domain.message import Rendition
from outrider.domain.receipt import Receipt
from outrider.lib.clock import SystemClock
from outrider.providers.email.smtp import Smtp, SmtpSettings
from outrider.sandbox.running import Sandbox, running_sandbox
from outrider.sandbox.wire import Connection

ATTEMPT = "msg_01JD5Z7W3N8Q4X0T6V2R9C1B{:02d}.1"


class MailStage:
    """What a test of mail acts on."""

    def __init__(self, sandbox: Sandbox, receiver: Receiver, hook: str) -> None:
        self.sandbox = sandbox
        self.receiver = receiver
        self.hook = hook
        self.provider = self.new_provider()

    def new_provider(self, **changes: Any) -> Smtp:
        """The shipped provider with the sandbox's credentials."""
        address, account = urlsplit(self.sandbox.urls["smtp"]), self.sandbox.account("smtp")
        settings = {
            "host": address.hostname, "port": address.port, "tls": "none", "username": account.id,
            "password": Secret(account.secret), "return_path": "bounces.example.com", **changes,
        }  # fmt: skip
        return Smtp(SmtpSettings(**settings))

    def message(self, number: int = 1, to: str = "zoe@example.org", text: str = "Bay B-12") -> Outbound:
        body = Rendition(text, "Your car", "<p>Bay</p>")
        return Outbound(ATTEMPT.format(number), to, "Drive <cars@example.com>", body, "")

    async def send(self, to: str = "zoe@example.org", number: int = 1, deadline: float = 5.0, **more: Any) -> Outcome:
        return await self.provider.send(self.message(number, to, **more), deadline)

    def told(self) -> list[Receipt]:
        """What the receiver got, as the provider reads it."""
        return [one for call in self.receiver.calls for one in self.provider.receipts(self._callback(call))]  # type: ignore[misc]

    def _callback(self, call: Any) -> Callback:
        return Callback(call.method, self.hook + call.target, {}, call.headers, call.body, call.at)

    def echoes(self) -> list[str]:
        """The attempts the server truly took, in order."""
        return [line.echo for line in self.sandbox.lines()]


@asynccontextmanager
async def mail_stage(folder: Path, **more: Any) -> AsyncIterator[MailStage]:
    receiver, connections = Receiver(), set[Connection]()
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(lambda: Connection(receiver.serve, SystemClock(), connections), "127.0.0.1", 0)
    hook = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    options = replace(AT_ONCE, mail_reports=f"{hook}/v1/callbacks/mail/k3JhX9")
    try:
        async with running_sandbox(folder / "ledger.ndjson", options=options, **more) as sandbox:
            stage = MailStage(sandbox, receiver, hook)
            try:
                yield stage
            finally:
                await stage.provider.close()
    finally:
        listener.close()
        for connection in tuple(connections):
            connection.reset()


def play_mail(folder: Path, scene: Callable[[MailStage], Coroutine[Any, Any, None]], **more: Any) -> None:
    """Run one scene on a fresh stage, bounded."""

    async def act() -> None:
        async with mail_stage(folder, **more) as stage:
            await scene(stage)

    asyncio.run(asyncio.wait_for(act(), 30))
