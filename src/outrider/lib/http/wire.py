"""What goes to a server, what comes back, and the two ways in which a call can fail."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Request(msgspec.Struct, frozen=True):
    """What is to be sent. Header names and values are ASCII without control characters."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class Response(msgspec.Struct, frozen=True):
    """A complete answer. Header names are lower case; a repeated header is joined with a comma."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""


class NotSent(Exception):
    """Provably nothing left this machine: refused connection, name not found, TLS failed, pool full, deadline over."""


class Broken(Exception):
    """The call failed after the first byte of the request left: the provider may have taken it."""


class Limits(msgspec.Struct, frozen=True):
    """How much a client holds open, waits for and accepts. Times in seconds, sizes in bytes."""

    #: Connections to one origin (scheme, host and port), those being opened among them.
    connections: int = 64
    #: Calls that may wait for a connection to one origin; one more is NotSent.
    waiting: int = 4096
    #: An unused connection is closed after this. Shorter than what load balancers keep (AWS ALB 60 s, nginx 75 s);
    #: servers that close sooner (Node and Apache after 5 s) announce it in `Keep-Alive: timeout=`, which is obeyed.
    idle: float = 15.0
    #: For name look-up, TCP and TLS together.
    connect: float = 10.0
    #: Status line and headers, interim answers (1xx) included.
    head: int = 64 * 1024
    #: The whole answer as it comes over the wire, chunk framing and trailers included.
    answer: int = 1024 * 1024
