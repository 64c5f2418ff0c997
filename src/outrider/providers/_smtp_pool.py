"""SMTP connections, kept and reused: one envelope and one message in, the answer that settled it out.

What can be told apart is told apart: NotSent until the first byte of the message left, Broken from then on, an answer
of the server whenever there is one. aiosmtplib (RFC 5321, 3207, 4954) opens connections and speaks commands.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec
from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPException, SMTPResponseException, SMTPServerDisconnected

from outrider.contracts.http import Broken, NotSent, Response

#: Seconds a connection may rest and still be used: below the five minutes servers must wait (RFC 5321, 4.5.3.2.7).
REST_SECONDS = 60.0
#: Seconds a server may take to say goodbye.
GOODBYE_SECONDS = 1.0
#: Line ends of any kind, and dots that begin a line (RFC 5321, 4.5.2).
LINE_END = re.compile(rb"\r\n|\r|\n")
DOT = re.compile(rb"^\.", re.MULTILINE)


class Envelope(msgspec.Struct, frozen=True):
    """From whom, to whom, and under which name reports come back (RFC 3461)."""

    sender: str
    recipient: str
    envelope_id: str
    #: What the server is asked to report: FAILURE,DELAY and perhaps SUCCESS.
    notify: str


@dataclass
class Progress:
    """How far one message has come: connect, login, mail, rcpt, data; end: its last byte was handed over."""

    phase: str = "connect"


@dataclass
class Connection:
    """One open connection."""

    client: SMTP
    since: float
    used: int = 0
    #: A transaction was given up: RSET comes first.
    dirty: bool = False

    async def transact(self, envelope: Envelope, body: bytes, progress: Progress) -> Response:
        """One mail transaction. Raises SMTPException and OSError; `progress` tells where."""
        self.used += 1
        if self.dirty:
            await self.client.rset()
            self.dirty = False
        for phase, wanted, words in self._commands(envelope):
            progress.phase = phase
            reply = await self.client.execute_command(*words)
            if reply.code not in wanted:
                self.dirty = True
                return answer(reply.code, reply.message, phase)
        return await self._hand_over(body, progress)

    def _commands(self, envelope: Envelope) -> tuple[tuple[str, tuple[int, ...], tuple[bytes, ...]], ...]:
        sender = [f"FROM:<{envelope.sender}>"]
        recipient = [f"TO:<{envelope.recipient}>"]
        if self.client.supports_extension("dsn"):
            sender += ["RET=HDRS", f"ENVID={envelope.envelope_id}"]
            recipient += [f"NOTIFY={envelope.notify}"]
        return (
            ("mail", (250,), (b"MAIL", *(word.encode("ascii") for word in sender))),
            ("rcpt", (250, 251), (b"RCPT", *(word.encode("ascii") for word in recipient))),
            ("data", (354,), (b"DATA",)),
        )

    async def _hand_over(self, body: bytes, progress: Progress) -> Response:
        protocol = self.client.protocol
        if protocol is None:
            raise SMTPServerDisconnected("the connection was lost")
        protocol.write(DOT.sub(b"..", LINE_END.sub(b"\r\n", body)).removesuffix(b"\r\n") + b"\r\n.\r\n")
        progress.phase = "end"
        reply = await protocol.read_response()
        return answer(reply.code, reply.message, "end")

    async def say_goodbye(self) -> None:
        """End in order, within a second."""
        with contextlib.suppress(SMTPException, OSError, TimeoutError):
            await asyncio.wait_for(self.client.quit(), GOODBYE_SECONDS)
        drop(self.client)


def drop(client: SMTP) -> None:
    """Close at once: an orderly close would wait until the server has taken all that is still to be written."""
    if client.transport is not None:
        cast("asyncio.WriteTransport", client.transport).abort()
    client.close()


def answer(code: int, text: str, phase: str) -> Response:
    """A reply of the server as the provider reads it."""
    return Response(code, {"phase": phase}, text.encode("utf-8", "replace"))


@dataclass
class SmtpPool:
    """Connections to one server under one login; at most `most` at a time."""

    #: What aiosmtplib's SMTP takes.
    options: dict[str, Any] = field(repr=False)
    most: int = 10

    def __post_init__(self) -> None:
        self._slots = asyncio.Semaphore(self.most)
        self._resting: list[Connection] = []
        self._closed = False

    async def send(self, envelope: Envelope, body: bytes, deadline: float) -> Response:
        """The answer to the last command that was sent. Raises NotSent and Broken."""
        progress = Progress()
        try:
            async with asyncio.timeout(deadline), self._slots:
                return await self._through(envelope, body, progress)
        except SMTPResponseException as error:
            if 200 <= error.code <= 599:
                phase = "login" if isinstance(error, SMTPAuthenticationError) else progress.phase
                return answer(error.code, str(error.message), phase)
            raise _failure(progress, error) from error
        except (SMTPException, OSError, TimeoutError, ValueError) as error:
            raise _failure(progress, error) from error

    async def _through(self, envelope: Envelope, body: bytes, progress: Progress) -> Response:
        """Over a resting connection, or a new one when that turns out to be over."""
        while (connection := self._rested()) is not None:
            try:
                response = await self._over(connection, envelope, body, progress)
            except (SMTPException, OSError):
                if progress.phase != "mail" and progress.phase != "connect":
                    raise
                progress.phase = "connect"
                continue
            if (response.status, response.headers["phase"]) != (421, "mail"):
                return response
            progress.phase = "connect"
        return await self._over(await self._connect(), envelope, body, progress)

    def _rested(self) -> Connection | None:
        now = asyncio.get_running_loop().time()
        while self._resting:
            connection = self._resting.pop()
            if connection.client.is_connected and now - connection.since < REST_SECONDS:
                return connection
            connection.client.close()
        return None

    async def _connect(self) -> Connection:
        client = SMTP(**self.options)
        try:
            await client.connect()
        except BaseException:
            drop(client)
            raise
        return Connection(client, asyncio.get_running_loop().time())

    async def _over(self, connection: Connection, envelope: Envelope, body: bytes, progress: Progress) -> Response:
        try:
            response = await connection.transact(envelope, body, progress)
        except BaseException:
            drop(connection.client)
            raise
        if response.status == 421 or self._closed or not connection.client.is_connected:
            connection.client.close()
        else:
            connection.since = asyncio.get_running_loop().time()
            self._resting.append(connection)
        return response

    async def close(self) -> None:
        """Close what rests; what is at work closes when its message is through."""
        self._closed = True
        resting, self._resting = self._resting, []
        await asyncio.gather(*(connection.say_goodbye() for connection in resting))


def _failure(progress: Progress, error: Exception) -> NotSent | Broken:
    what = str(error) or type(error).__name__
    if progress.phase == "end":
        return Broken(f"the message was handed over, then: {what}")
    return NotSent(f"at {progress.phase}: {what}")
