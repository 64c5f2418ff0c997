"""The same client over pyreqwest: HTTP/2, and servers that only a grown library can talk to.

About three times dearer per call than the pool, and it knows less: only what the library proves to have failed before
the request is NotSent.
"""

from __future__ import annotations

from datetime import timedelta

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import BuilderError, PoolTimeoutError, PyreqwestError
from pyreqwest.request import StreamRequest
from pyreqwest.response import Response as Answer

from outrider.lib.http.encode import BODY_METHODS, DEFAULTS, check_header, check_method, parse_url
from outrider.lib.http.wheel import LONGEST
from outrider.lib.http.wire import Broken, Limits, NotSent, Request, Response

#: How hyper-util words a failure of its connector (name look-up, TCP, TLS), hence before a request can be written.
#: pyreqwest's ConnectError and ConnectTimeoutError do not prove that: 0.15.1 also raises the first for a reset after
#: the request and the second for a deadline without an answer (measured against a server that had read it all).
CONNECTOR_FAILED = "client error (Connect)"
#: reqwest's first cause repeats the URL, which may hold a secret.
WITH_URL = "error sending request for url"


class Reqwest:
    """The transport port over pyreqwest. `authority` is a further trusted certificate in PEM.

    Of the limits, `connections` bounds the calls under way to all origins together, `connect` also the wait for one
    of them; `waiting` and `head` are the library's own.
    """

    def __init__(self, limits: Limits | None = None, authority: bytes | None = None) -> None:
        self._limits = limits or Limits()
        self._client: Client | None = _client(self._limits, authority)

    async def send(self, request: Request, deadline: float) -> Response:
        """Send one request and read the whole answer within `deadline` seconds.

        Raises ValueError for a request that may not be sent, NotSent when the library proves that no byte of it
        left, Broken for every other failure; a deadline that passes while connecting is Broken, too.
        """
        _check(request)
        if self._client is None:
            raise NotSent("the HTTP client was closed")
        if not deadline > 0:
            raise NotSent("the deadline was over before the call")
        built = _build(self._client, request, deadline)
        try:
            async with built as answer:
                return Response(answer.status, _headers(answer), await self._body(answer))
        except PyreqwestError as error:
            raise _failure(error) from None

    async def close(self) -> None:
        """Close every connection; calls under way end as Broken."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _body(self, answer: Answer) -> bytes:
        chunks: list[bytes] = []
        size = 0
        while (chunk := await answer.body_reader.read_chunk()) is not None:
            chunks.append(bytes(chunk))
            size += len(chunk)
            if size > self._limits.answer:
                raise Broken(f"the answer exceeds {self._limits.answer} bytes")
        return b"".join(chunks)


def _client(limits: Limits, authority: bytes | None) -> Client:
    builder = (
        ClientBuilder()
        .http2(True)
        .follow_redirects(False)
        .no_proxy()
        .referer(False)
        .gzip(False)
        .brotli(False)
        .zstd(False)
        .deflate(False)
        .default_headers(list(DEFAULTS))
        .connect_timeout(timedelta(seconds=limits.connect))
        .max_connections(limits.connections)
        .pool_timeout(timedelta(seconds=limits.connect))
        .pool_idle_timeout(timedelta(seconds=limits.idle))
    )
    return (builder.add_root_certificate_pem(authority) if authority else builder).build()


def _check(request: Request) -> None:
    """Raises ValueError exactly where the pool does."""
    check_method(request.method)
    parse_url(request.url)
    for name, value in request.headers:
        check_header(name, value)


def _build(client: Client, request: Request, deadline: float) -> StreamRequest:
    builder = client.request(request.method, request.url).headers(list(request.headers))
    if request.body:
        builder = builder.body_bytes(request.body)
    elif request.method in BODY_METHODS:  # the library leaves it out, and some servers answer 411 then
        builder = builder.header("Content-Length", "0")
    return builder.timeout(timedelta(seconds=min(deadline, LONGEST))).build_streamed()


def _headers(answer: Answer) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in answer.headers.items():
        key = name.lower()
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    return headers


def _failure(error: PyreqwestError) -> NotSent | Broken:
    """NotSent when the library proves it, Broken otherwise; the words are the library's without the URL."""
    causes = [cause["message"] for cause in getattr(error, "details", {}).get("causes") or ()]
    reason = ": ".join(cause for cause in causes if not cause.startswith(WITH_URL)) or type(error).__name__
    unsent = isinstance(error, (PoolTimeoutError, BuilderError)) or CONNECTOR_FAILED in causes
    return NotSent(reason) if unsent else Broken(reason)
