"""API keys: their text, and who a request comes from.

A key is `ork_`, 43 characters of base 62 (256 random bits) and a checksum of 6 (CRC-32 of what stands before, base
62), so that a typing error and a secret scanner need no database; the form follows GitHub's tokens
(github.blog, "Behind GitHub's new authentication token formats", 2021). At 256 bits a plain SHA-256 is enough.
"""

from __future__ import annotations

import hashlib
import secrets
import zlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from outrider.api.problems import FORBIDDEN, UNAUTHENTICATED, Problem
from outrider.contracts.api_keys import ApiKey, KeyStore
from outrider.lib.clock import Clock

PREFIX = "ork_"
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SECRET, CHECK = 43, 6
LENGTH = len(PREFIX) + SECRET + CHECK

#: Seconds a verified key is remembered: a revocation acts within them.
TTL = 5.0
#: Keys remembered.
REMEMBERED = 1024


class Grant(msgspec.Struct, frozen=True):
    """What a request may do."""

    name: str
    scopes: frozenset[str]
    #: The key's id, in hexadecimal: within it an Idempotency-Key is unique.
    credential: str = ""

    def allows(self, scope: str) -> bool:
        """Whether the key has a scope."""
        return scope in self.scopes or "*" in self.scopes

    @property
    def pii(self) -> bool:
        """Whether personal data may be shown."""
        return self.allows("pii:read")


def new_key() -> str:
    """A fresh key."""
    head = PREFIX + _base62(int.from_bytes(secrets.token_bytes(32), "big"), SECRET)
    return head + _checksum(head)


def well_formed(text: str) -> bool:
    """Whether a text can be a key: prefix, length and checksum."""
    head = text[:-CHECK]
    return len(text) == LENGTH and head.startswith(PREFIX) and text.isascii() and text[-CHECK:] == _checksum(head)


def hash_of(text: str) -> bytes:
    """What is stored of a key."""
    return hashlib.sha256(text.encode()).digest()


def _checksum(head: str) -> str:
    return _base62(zlib.crc32(head.encode()), CHECK)


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, rest = divmod(number, 62)
        digits.append(ALPHABET[rest])
    return "".join(reversed(digits))


class KeyVerifier:
    """From an Authorization header to a grant, remembered for a few seconds."""

    def __init__(self, store: KeyStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: OrderedDict[bytes, tuple[ApiKey, Grant, float]] = OrderedDict()

    async def grant(self, authorization: bytes | None) -> Grant:
        """Raises Problem (401), and Unavailable when an unknown key cannot be looked up."""
        scheme, _, token = (authorization or b"").partition(b" ")
        text = token.strip().decode("ascii", "replace")
        if scheme.lower() != b"bearer" or not text:
            raise _unauthenticated("expected the header Authorization: Bearer ork_…", "")
        hashed = hash_of(text)
        known = self._known.get(hashed)
        if known is None or known[2] < self._clock.monotonic():
            known = await self._look_up(text, hashed)
        self._check_validity(known[0])
        return known[1]

    async def needs(self, authorization: bytes | None, scope: str) -> Grant:
        """The grant, if it allows a scope. Raises Problem (401, 403)."""
        grant = await self.grant(authorization)
        if not grant.allows(scope):
            raise Problem(FORBIDDEN, f"the key {grant.name} lacks the scope {scope}")
        return grant

    async def _look_up(self, text: str, hashed: bytes) -> tuple[ApiKey, Grant, float]:
        self._known.pop(hashed, None)
        if not well_formed(text):
            raise _unauthenticated("the key is mistyped: prefix, length or checksum is wrong", "invalid_token")
        key = await self._store.find(hashed)
        if key is None:
            raise _unauthenticated("the key does not exist", "invalid_token")
        known = (key, Grant(key.name, frozenset(key.scopes), key.id.hex()), self._clock.monotonic() + TTL)
        self._known[hashed] = known
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return known

    def _check_validity(self, key: ApiKey) -> None:
        if key.revoked_at is not None:
            raise _unauthenticated("the key was revoked", "invalid_token")
        if key.expires_at is not None and key.expires_at <= self._clock.now():
            raise _unauthenticated("the key has expired", "invalid_token")


def _unauthenticated(detail: str, error: str) -> Problem:
    """With the challenge RFC 6750, section 3, asks for."""
    challenge = f'Bearer realm="outrider", error="{error}"' if error else 'Bearer realm="outrider"'
    return Problem(UNAUTHENTICATED, detail, headers=[("www-authenticate", challenge)])


Guard = Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], Awaitable[None]]


def needs(scope: str) -> Guard:
    """A guard for a route: the key must have this scope; the grant is put into the request's state."""

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        verifier: KeyVerifier = connection.app.state.verifier
        header = connection.headers.get("authorization")
        connection.state.grant = await verifier.needs(header.encode("latin-1") if header else None, scope)

    return guard
