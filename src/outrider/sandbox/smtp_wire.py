"""SMTP for the sandbox: one connection reads commands and mail, and says what the server decides (RFC 5321)."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Callable
from typing import Any, Protocol

from outrider.contracts.http import Response
from outrider.lib.clock import Clock
from outrider.sandbox.certificate import server_context
from outrider.sandbox.counterpart import Account, Call, Taken
from outrider.sandbox.wire import Caller, break_off

#: What the server takes for a path: a counterpart with this prefix speaks SMTP.
SMTP_PREFIX = "smtp:"
#: Marks an answer that is a reply of SMTP; any other answer is written as it is, and no client can read it.
REPLY = {"smtp": "reply"}
LARGEST_MAIL = 10_485_760
LONGEST_LINE = 4096
PATH = re.compile(r"(?:FROM|TO):\s*<([^<>]*)>(.*)", re.IGNORECASE)


def reply(code: int, text: str) -> Response:
    """A reply of SMTP."""
    return Response(code, REPLY, text.encode())


class Mailroom(Protocol):
    """What a connection asks of its side."""

    @property
    def accounts(self) -> Any:
        """Who may send."""
        ...

    @property
    def mail_reports(self) -> str:
        """Where reports are posted."""
        ...

    def refusal(self, taken: Taken) -> Response | None:
        """The refusal of an address with a fate."""
        ...


class SmtpConnection(asyncio.Protocol):
    """One client connection. What comes in while a mail is being decided waits."""

    def __init__(
        self, side: Mailroom, serve: Callable[[Caller, Call], None], clock: Clock, open_ones: set[Any]
    ) -> None:
        self._side = side
        self._serve = serve
        self._clock = clock
        self._open_ones = open_ones
        self._transport: Any = None
        self._buffer = b""
        self._busy = False
        self._in_tls = False
        self._account: Account | None = None
        #: What takes the next line instead of a command: the rest of a login.
        self._next: Callable[[str], None] | None = None
        self._in_data = False
        self._begin()

    def _begin(self) -> None:
        self._mail: dict[str, str] = {}

    # asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        self._transport = transport
        self._open_ones.add(self)
        self._say("220 localhost ESMTP sandbox")

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone."""
        self._open_ones.discard(self)
        self._transport = None

    def data_received(self, data: bytes) -> None:
        """Bytes of commands or of a mail."""
        self._buffer += data
        self._read()

    def _read(self) -> None:
        while not self._busy and self._transport is not None:
            end = b"\r\n.\r\n" if self._in_data else b"\r\n"
            piece, found, rest = self._buffer.partition(end)
            if not found:
                if len(self._buffer) > (LARGEST_MAIL if self._in_data else LONGEST_LINE):
                    self.reset()
                return
            self._buffer = rest
            if self._in_data:
                self._take(piece)
            else:
                self._obey(piece.decode("utf-8", "replace"))

    def _obey(self, line: str) -> None:
        if self._next is not None:
            then, self._next = self._next, None
            then(line)
            return
        word, _, rest = line.partition(" ")
        command = getattr(self, f"_on_{word.lower()}", None) if word.isalpha() else None
        if command is None:
            self._say("502 5.5.1 there is no such command here")
        else:
            command(rest.strip())

    # the commands

    def _on_ehlo(self, _: str) -> None:
        self._begin()
        words = ["localhost", f"SIZE {LARGEST_MAIL}", "DSN", "ENHANCEDSTATUSCODES", "AUTH PLAIN LOGIN"]
        if not self._in_tls:
            words.append("STARTTLS")
        self._say(*(f"250-{word}" for word in words[:-1]), f"250 {words[-1]}")

    def _on_helo(self, _: str) -> None:
        self._begin()
        self._say("250 localhost")

    def _on_noop(self, _: str) -> None:
        self._say("250 2.0.0 Ok")

    def _on_rset(self, _: str) -> None:
        self._begin()
        self._say("250 2.0.0 Ok")

    def _on_quit(self, _: str) -> None:
        self._say("221 2.0.0 Bye")
        self._transport.close()

    def _on_starttls(self, _: str) -> None:
        if self._in_tls:
            self._say("503 5.5.1 TLS is on already")
            return
        self._busy, self._buffer, self._account = True, b"", None
        self._transport.pause_reading()
        self._say("220 2.0.0 Ready")
        task = asyncio.get_running_loop().create_task(self._start_tls())
        task.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def _start_tls(self) -> None:
        loop = asyncio.get_running_loop()
        self._transport = await loop.start_tls(self._transport, self, server_context(), server_side=True)
        self._in_tls, self._busy = True, False
        self._read()

    def _on_auth(self, rest: str) -> None:
        kind, _, first = rest.partition(" ")
        if kind.upper() == "PLAIN":
            if first:
                self._login_plain(first)
            else:
                self._ask("", self._login_plain)
        elif kind.upper() == "LOGIN":
            if first:
                self._ask("Password:", lambda secret: self._login(first, secret))
            else:
                self._ask("Username:", lambda user: self._ask("Password:", lambda secret: self._login(user, secret)))
        else:
            self._say("504 5.5.4 PLAIN and LOGIN are known")

    def _ask(self, question: str, then: Callable[[str], None]) -> None:
        self._next = then
        self._say(f"334 {base64.b64encode(question.encode()).decode()}")

    def _login_plain(self, answer: str) -> None:
        _, _, rest = _opened(answer).partition("\0")
        user, _, secret = rest.partition("\0")
        self._check(user, secret)

    def _login(self, user: str, secret: str) -> None:
        self._check(_opened(user), _opened(secret))

    def _check(self, user: str, secret: str) -> None:
        self._account = next((one for one in self._side.accounts if (one.id, one.secret) == (user, secret)), None)
        self._say("235 2.7.0 Welcome" if self._account else "535 5.7.8 user name or password is wrong")

    def _on_mail(self, rest: str) -> None:
        found = PATH.fullmatch(rest)
        if self._account is None:
            self._say("530 5.7.0 log in first")
        elif found is None:
            self._say("501 5.5.4 expected MAIL FROM:<address>")
        else:
            self._mail = {"from": found[1], **_parameters(found[2])}
            self._say("250 2.1.0 Ok")

    def _on_rcpt(self, rest: str) -> None:
        found = PATH.fullmatch(rest)
        if "from" not in self._mail or "to" in self._mail:
            self._say("503 5.5.1 one recipient after MAIL")
        elif found is None or "@" not in found[1]:
            self._say("501 5.1.3 expected RCPT TO:<address>")
        else:
            self._answer_recipient(found[1], _parameters(found[2]))

    def _answer_recipient(self, to: str, parameters: dict[str, str]) -> None:
        asked = Taken("", "", to, "", "", "", "", self._clock.now())
        refused = self._side.refusal(asked)
        if refused is not None and refused.body.startswith(b"5.1."):
            self._say(f"{refused.status} {refused.body.decode()}")
            return
        self._mail.update(parameters, to=to)
        self._say("250 2.1.5 Ok")

    def _on_data(self, _: str) -> None:
        if "to" not in self._mail:
            self._say("503 5.5.1 no recipient")
            return
        self._in_data = True
        self._say("354 End with a dot on a line of its own")

    def _take(self, piece: bytes) -> None:
        """A complete mail: the server decides, and answers."""
        assert self._account is not None
        body = re.sub(rb"(?m)^\.\.", b".", piece) + b"\r\n"
        headers = {**self._mail, "account": self._account.id, "callback-url": self._side.mail_reports}
        self._in_data, self._busy = False, True
        self._begin()
        self._serve(self, Call("MAIL", SMTP_PREFIX, headers, body, self._clock.now()))

    # the server calls these

    def answer(self, response: Response) -> None:
        """Say the reply and go on; an answer that is none of SMTP is written as it is."""
        self._busy = False
        if self._transport is None:
            return
        if "smtp" not in response.headers:
            self._transport.write((response.body or b"?") + b"\r\n")
            self._transport.close()
            return
        self._say(f"{response.status} {response.body.decode()}")
        if response.status == 421:
            self._transport.close()
        else:
            self._read()

    def reset(self) -> None:
        """Break the connection off with a TCP reset, without a reply."""
        if self._transport is not None:
            break_off(self._transport)

    def _say(self, *lines: str) -> None:
        self._transport.write("".join(f"{line}\r\n" for line in lines).encode())


def _opened(text: str) -> str:
    try:
        return base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def _parameters(text: str) -> dict[str, str]:
    """ESMTP parameters by their names in lower case."""
    pairs = (word.partition("=") for word in text.split())
    return {name.lower(): value for name, _, value in pairs if name.lower() not in ("from", "to")}
