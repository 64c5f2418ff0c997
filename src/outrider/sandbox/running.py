"""Starts the sandbox in the running event loop: listeners, HTTP client, ledger, and their end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from outrider.contracts.http import Http
from outrider.lib.clock import Clock, SystemClock
from outrider.lib.discover import plugins
from outrider.lib.http import open_http
from outrider.sandbox.admin import Admin, InboundReply
from outrider.sandbox.counterpart import Account
from outrider.sandbox.faults import Fault, Faults
from outrider.sandbox.ledger import Ledger, Line, Summary, read_ledger, summarize
from outrider.sandbox.post import Post
from outrider.sandbox.server import Server
from outrider.sandbox.side import Options, Side
from outrider.sandbox.smtp_wire import SMTP_PREFIX, SmtpConnection
from outrider.sandbox.wire import Connection

#: Connections that may wait to be accepted: a load test opens hundreds at once.
BACKLOG = 1024


def counterparts(extra: Sequence[Path] = ()) -> dict[str, Any]:
    """Every counterpart class by its provider's name. extra: folders laid out as `{channel}/{name}.py`."""
    return plugins("outrider.sandbox", "COUNTERPART", extra=extra, pattern="*/*.py")


#: Seconds until a door that is still closed is looked at again.
REOPEN_AGAIN = 0.05


class Guests(set[Any]):
    """The open connections of a door; who was let in just before it closed is sent away."""

    is_open = False

    def add(self, connection: Any) -> None:
        """Take in a connection."""
        super().add(connection)
        if not self.is_open:
            connection.reset()


class Door:
    """A listening socket that can close for a while and open again at the same address.

    What it was told last counts, however long the listener takes to open.
    """

    def __init__(self, server: Server, host: str, port: int, mail: Side | None = None) -> None:
        """mail: the side that speaks SMTP here; HTTP when none is given."""
        self._server = server
        self._host = host
        self.port = port
        self._mail = mail
        self._listener: asyncio.Server | None = None
        self._opening = asyncio.Lock()
        self._guests = Guests()

    @property
    def url(self) -> str:
        """The address clients use as `base_url`."""
        return f"{'smtp' if self._mail else 'http'}://{self._host}:{self.port}"

    def open(self) -> Coroutine[Any, Any, None]:
        """Listen, once what is returned is awaited; port 0 becomes a free one. Raises OSError when it is taken."""
        self._guests.is_open = True
        return self._listen()

    async def _listen(self) -> None:
        async with self._opening:
            if self._listener is not None or not self._guests.is_open:
                return
            loop = asyncio.get_running_loop()
            listener = await loop.create_server(self._connection, self._host, self.port, backlog=BACKLOG)
            self.port = listener.sockets[0].getsockname()[1]
            if self._guests.is_open:
                self._listener = listener
            else:
                listener.close()

    def _connection(self) -> Connection | SmtpConnection:
        if self._mail is not None:
            return SmtpConnection(self._mail, self._server.serve, self._server.clock, self._guests)
        return Connection(self._server.serve, self._server.clock, self._guests)

    def close(self) -> None:
        """Refuse connections from now on and reset the open ones."""
        self._guests.is_open = False
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for connection in tuple(self._guests):
            connection.reset()


def _door(server: Server, host: str, side: Side, mail_port: int) -> Door:
    """A provider's own address, in its own wire format."""
    if SMTP_PREFIX in side.counterpart.prefixes:
        return Door(server, host, mail_port, side)
    return Door(server, host, 0)


class Sandbox:
    """A running sandbox, as a test or the command line sees it."""

    def __init__(self, server: Server, host: str, port: int, mail_port: int = 0) -> None:
        self._server = server
        self._main = Door(server, host, port)
        self._doors = {name: _door(server, host, side, mail_port) for name, side in server.sides.items()}
        self._admin = Admin(server, self._outage, self._reopen)
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []
        self._ended = False
        server.admin = self._admin.answer
        server.flushed = self._wake

    async def open(self) -> None:
        """Listen on the common port and on one of its own per provider."""
        for door in (self._main, *self._doors.values()):
            await door.open()
        self._admin.urls = self.urls

    @property
    def url(self) -> str:
        """The address that serves every provider and the admin API."""
        return self._main.url

    @property
    def urls(self) -> dict[str, str]:
        """Each provider's own address, the one an outage of that provider closes, and the common one."""
        return {"all": self.url, **{name: door.url for name, door in self._doors.items()}}

    @property
    def accounts(self) -> dict[str, Account]:
        """Each provider's first account: credentials that open the sandbox."""
        return {name: side.accounts[0] for name, side in self._server.sides.items()}

    def account(self, provider: str) -> Account:
        """The provider's first account: credentials that open the sandbox."""
        return self._server.sides[provider].accounts[0]

    def fault(self, fault: Fault) -> None:
        """Put a rule in force. Raises admin.Refusal for an unknown provider."""
        self._admin.set_fault(fault)

    def lift_faults(self) -> None:
        """Lift every rule."""
        self._admin.lift_faults()

    def reply(self, reply: InboundReply) -> None:
        """Post an inbound message. Raises admin.Refusal when there is nowhere to post it."""
        self._admin.reply(reply)

    def lines(self) -> list[Line]:
        """What was accepted since the start or the last reset."""
        return list(read_ledger(self._server.ledger.path, self._server.ledger.start))

    def summary(self) -> Summary:
        """Counts over those lines."""
        return summarize(iter(self.lines()))

    async def accepted(self, count: int) -> None:
        """Return when at least `count` messages have been accepted."""
        if self._server.ledger.accepted < count:
            done = asyncio.get_running_loop().create_future()
            self._waiting.append((count, done))
            await done

    async def settled(self) -> None:
        """Return when no callback is pending."""
        await self._server.post.settled()

    async def doors_are_as_told(self) -> None:
        """Return when every listener that is to open again after an outage has done so."""
        await asyncio.gather(*self._tasks)

    def _wake(self) -> None:
        if self._waiting:
            accepted = self._server.ledger.accepted
            for count, done in self._waiting:
                if count <= accepted and not done.done():
                    done.set_result(None)
            self._waiting = [(count, done) for count, done in self._waiting if not done.done()]

    def _outage(self, fault: Fault) -> None:
        doors = [self._doors[fault.provider]] if fault.provider else list(self._doors.values())
        for door in doors:
            door.close()
        if fault.seconds is not None:
            asyncio.get_running_loop().call_later(fault.seconds, self._reopen)

    def _reopen(self) -> None:
        """Open the doors of providers whose outage is over."""
        now = self._server.clock.monotonic()
        for name, door in self._doors.items() if not self._ended else ():
            outage = self._server.faults.outage(name, now)
            if outage is None or outage.number:
                task = asyncio.get_running_loop().create_task(door.open())
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
            elif outage.seconds is not None:
                # A timer of the loop may ring a moment before its time on the clock.
                asyncio.get_running_loop().call_later(REOPEN_AGAIN, self._reopen)

    async def close(self) -> None:
        """Close every listener and connection, for good: what is still under way accepts and reports nothing more."""
        self._ended = True
        for door in (self._main, *self._doors.values()):
            door.close()
        # Not canceled: a listener that is being opened would be left open.
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.close()


@asynccontextmanager
async def running_sandbox(
    ledger: Path,
    port: int = 0,
    *,
    host: str = "127.0.0.1",
    mail_port: int = 0,
    options: Options | None = None,
    faults: Iterable[Fault] = (),
    accounts: Mapping[str, Sequence[Account]] | None = None,
    http: Http | None = None,
    clock: Clock | None = None,
    extra: Sequence[Path] = (),
) -> AsyncIterator[Sandbox]:
    """A sandbox in the running event loop, ready when entered.

    ledger: the file to append to. port: the common port, 0 for a free one.
    mail_port: that of SMTP. accounts: credentials per provider
    instead of the shipped ones. http: the client that posts callbacks; the own pool when none is given.
    extra: folders with further counterparts. Raises OSError for a taken port or a ledger that cannot be written.
    """
    options = options or Options()
    clock = clock or SystemClock()
    book = Ledger(ledger)
    client = http or open_http("pool")
    post = Post(client, options.retry_scale)
    sides = {
        name: Side(counterpart, (accounts or {}).get(name, counterpart.accounts), post, options)
        for name, counterpart in counterparts(extra).items()
    }
    sandbox = Sandbox(Server(sides, book, Faults(seed=options.seed), post, clock), host, port, mail_port)
    try:
        await sandbox.open()
        for fault in faults:
            sandbox.fault(fault)
        yield sandbox
    finally:
        await sandbox.close()
        await post.close()
        book.close()
        if http is None:
            await client.close()
