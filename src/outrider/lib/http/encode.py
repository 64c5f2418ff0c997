"""A Request as HTTP/1.1 bytes, after proving that nobody smuggled a line break into it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from outrider.lib.http.wire import Request

#: RFC 9110 5.6.2: what a method and a header name consist of.
TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
#: RFC 9110 5.5 without the bytes above ASCII: no CR, LF, NUL or other control character but the tab.
FIELD_VALUE = re.compile(r"[\t\x20-\x7e]*")
#: RFC 3986 2: a URL is printable ASCII without spaces; other characters come percent-encoded.
PRINTABLE = re.compile(r"[\x21-\x7e]+")
#: Names (underscores occur in private ones), IPv4 and the inside of an IPv6 literal.
HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
#: How a message is framed and routed is decided here alone; two opinions are request smuggling (RFC 9112 11.2).
OURS = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
#: RFC 9110 8.6: these say their length even when it is zero.
BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})
PORTS = {"http": 80, "https": 443}
#: Sent unless the caller says otherwise. Answers are not decompressed, so none may be compressed.
DEFAULTS = (("user-agent", "outrider"), ("accept-encoding", "identity"))


class Origin(NamedTuple):
    """Whom to connect to; calls to one origin share connections."""

    host: str
    port: int
    tls: bool

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Target(NamedTuple):
    """A URL, taken apart: the origin, and the request line from the path on with the Host field."""

    origin: Origin
    line: bytes


@lru_cache(maxsize=4096)
def parse_url(url: str) -> Target:
    """Take apart an absolute http or https URL; a fragment is dropped.

    Raises ValueError for another scheme, control characters, spaces, non-ASCII, credentials or a bad host or port.
    """
    if not PRINTABLE.fullmatch(url):
        raise ValueError("URL: expected printable ASCII without spaces, other characters percent-encoded")
    parts = urlsplit(url)
    if parts.scheme not in PORTS:
        raise ValueError(f"URL scheme {parts.scheme[:20]!r}: expected http or https")
    if "@" in parts.netloc:
        raise ValueError("URL with credentials: expected them in an Authorization header")
    origin = _origin(parts)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(origin, f"{path} HTTP/1.1\r\nHost: {_host_field(origin)}\r\n".encode())


def _origin(parts: SplitResult) -> Origin:
    host = parts.hostname or ""
    if not HOST.fullmatch(host):
        raise ValueError(f"URL host {host[:80]!r}: expected a name or an IP address")
    return Origin(host, parts.port or PORTS[parts.scheme], parts.scheme == "https")


def _host_field(origin: Origin) -> str:
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    usual = PORTS["https" if origin.tls else "http"]
    return host if origin.port == usual else f"{host}:{origin.port}"


@lru_cache(maxsize=1024)
def encode_headers(headers: tuple[tuple[str, str], ...]) -> bytes:
    """The header lines with our defaults added. Raises ValueError for a name or value that may not be sent."""
    for name, value in headers:
        check_header(name, value)
    given = {name.lower() for name, _ in headers}
    added = tuple(default for default in DEFAULTS if default[0] not in given)
    return "".join(f"{name}: {value}\r\n" for name, value in headers + added).encode("ascii")


def check_header(name: str, value: str) -> None:
    """Raises ValueError unless the header is well-formed and the caller's to set."""
    if not TOKEN.fullmatch(name):
        raise ValueError(f"header name {name[:80]!r}: expected letters, digits and !#$%&'*+-.^_`|~")
    if name.lower() in OURS:
        raise ValueError(f"header {name}: set by the HTTP client itself, leave it out")
    if not FIELD_VALUE.fullmatch(value):
        raise ValueError(f"header {name}: expected a value of printable ASCII without line breaks")


@lru_cache(maxsize=64)
def check_method(method: str) -> bytes:
    """The method and a space. Raises ValueError for anything but a token, and for CONNECT."""
    if not TOKEN.fullmatch(method) or method == "CONNECT":
        raise ValueError(f"method {method[:80]!r}: expected GET, POST or another token")
    return method.encode() + b" "


def encode(request: Request) -> tuple[Origin, bytes]:
    """Where a request goes and all its bytes. Raises ValueError when a part of it may not be sent."""
    method = check_method(request.method)
    origin, line = parse_url(request.url)
    headers = encode_headers(request.headers)
    body = request.body
    if body or request.method in BODY_METHODS:
        return origin, b"%b%b%bContent-Length: %d\r\n\r\n%b" % (method, line, headers, len(body), body)
    return origin, b"%b%b%b\r\n" % (method, line, headers)
