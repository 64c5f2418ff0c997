"""Bytes of a connection to Responses: incremental, strict, bounded, and without I/O."""

from __future__ import annotations

import re
from functools import lru_cache

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from outrider.lib.http.wire import Broken, Limits, Response

KEEP_ALIVE_TIMEOUT = re.compile(r"\btimeout\s*=\s*(\d{1,6})\b", re.ASCII)
#: Status line and each header count this much besides their text (separators and line ends).
LINE_COST = 4


class Reader:
    """Reads the answers of one connection, one after another: `begin`, `feed` until true, `take`.

    Feeding raises Broken for anything that is not a well-formed answer within the limits; the connection
    is of no further use then. llhttp's leniencies are all off.
    """

    __slots__ = (
        "_bodiless",
        "_chunks",
        "_done",
        "_keep",
        "_limits",
        "_pairs",
        "_parser",
        "_received",
        "_status",
        "_trailing",
        "_trouble",
    )

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._parser = HttpResponseParser(self)
        self.begin(to_head=False)

    def begin(self, *, to_head: bool) -> None:
        """Expect the answer to the next request; `to_head` says that it was HEAD, whose answer has no body."""
        self._bodiless = to_head
        self._received = 0
        self._status = 0
        self._done = self._keep = False
        self._pairs: list[tuple[bytes, bytes]] = []
        self._trailing: list[tuple[bytes, bytes]] = []
        self._chunks: list[bytes] = []
        self._trouble = ""

    def feed(self, data: bytes) -> bool:
        """Take in what arrived; true when the answer is complete. Raises Broken."""
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self._keep = False
            if not self._done:
                raise Broken(self._trouble or f"not an HTTP/1.1 answer: {error}") from error
        if self._received > self._limits.head:
            self._check_size()
        return self._done

    def finish(self) -> bool:
        """The server closed the connection in order; true when that completes the answer. Raises Broken."""
        if self._done or (self._status and self._ends_with_connection()):
            self._done = True
            return True
        raise Broken("the server closed the connection " + ("within the answer" if self._received else "unanswered"))

    def take(self) -> Response:
        """The complete answer."""
        return Response(self._status, _headers(self._pairs), b"".join(self._chunks))

    def keep_for(self, response: Response) -> float:
        """Seconds for which the connection may be kept after this answer; 0 to close it."""
        if not self._keep:
            return 0.0
        hint = response.headers.get("keep-alive")
        match = KEEP_ALIVE_TIMEOUT.search(hint) if hint else None
        return min(self._limits.idle, max(0.0, int(match[1]) - 1.0)) if match else self._limits.idle

    def _check_size(self) -> None:
        if not self._status:
            raise Broken(f"headers of the answer exceed {self._limits.head} bytes")
        if self._received > self._limits.answer:
            self._keep = False
            if not self._done or sum(map(len, self._chunks)) > self._limits.answer:
                raise Broken(f"the answer exceeds {self._limits.answer} bytes")

    def _ends_with_connection(self) -> bool:
        """Without a length or chunks the body lasts until the close (RFC 9112 6.3, item 8)."""
        names = {name.lower() for name, _ in self._pairs}
        return names.isdisjoint((b"content-length", b"transfer-encoding"))

    def on_message_begin(self) -> None:
        if self._done:  # more than was asked for: this connection is out of step
            self._keep = False

    def on_header(self, name: bytes, value: bytes) -> None:
        (self._trailing if self._status else self._pairs).append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if self._done:
            return
        if status == 101 or status < 100:
            self._refuse(f"status {status} was not asked for")
        if status < 200:
            self._pairs = []
            return
        if self._received > self._limits.head and _size(self._pairs) > self._limits.head:
            self._refuse(f"headers of the answer exceed {self._limits.head} bytes")
        self._status = status
        self._done = self._bodiless

    def on_body(self, body: bytes) -> None:
        if self._status and not self._done:
            self._chunks.append(body)

    def on_message_complete(self) -> None:
        if self._status and not self._done:
            self._done = True
            self._keep = self._parser.should_keep_alive()

    def _refuse(self, why: str) -> None:
        self._trouble = why
        raise ValueError(why)


def _size(pairs: list[tuple[bytes, bytes]]) -> int:
    return sum(len(name) + len(value) + LINE_COST for name, value in pairs) + LINE_COST


def _headers(pairs: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Names lower, values as Latin-1 (RFC 9110 5.5: bytes above ASCII are opaque), repeats joined (5.3)."""
    headers: dict[str, str] = {}
    for name, value in pairs:
        key = _name(name)
        text = value.decode("latin-1").strip(" \t")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


@lru_cache(maxsize=1024)
def _name(name: bytes) -> str:
    return name.decode("ascii").lower()
