"""API keys as stored: never the key itself, only its SHA-256 hash."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

#: Everything a key may be allowed; `*` allows all of it.
SCOPES = (
    "events:write",
    "profiles:read",
    "profiles:write",
    "messages:read",
    "messages:write",
    "pii:read",
    "operations:write",
    "metrics:read",
    "*",
)


class ApiKey(msgspec.Struct, frozen=True):
    """One key: who may do what until when."""

    id: bytes
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    #: To the minute.
    last_used_at: datetime | None = None


class KeyStore(Protocol):
    """Where API keys are kept."""

    async def create(self, key: ApiKey, hashed: bytes) -> None:
        """Keep a new key under the SHA-256 hash of its text."""
        ...

    async def find(self, hashed: bytes) -> ApiKey | None:
        """The key with this hash, valid or not; notes that it was used. Raises Unavailable."""
        ...

    async def all(self) -> Sequence[ApiKey]:
        """Every key, revoked ones too, oldest first."""
        ...

    async def revoke(self, identifier: bytes) -> bool:
        """End a key now; False when there is no such key or it is revoked already."""
        ...
