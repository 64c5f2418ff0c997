"""API keys on PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg

from outrider.contracts.api_keys import ApiKey
from outrider.store.answering import answering
from outrider.store.postgres import statements


class PostgresKeys:
    """The KeyStore port."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._sql = statements()

    @answering
    async def create(self, key: ApiKey, hashed: bytes) -> None:
        """See the port."""
        await self._pool.execute(
            self._sql.create_key, key.id, key.name, hashed, list(key.scopes), key.created_at, key.expires_at
        )

    @answering
    async def find(self, hashed: bytes) -> ApiKey | None:
        """See the port."""
        row = await self._pool.fetchrow(self._sql.find_key, hashed)
        if row is None:
            return None
        await self._pool.execute(self._sql.note_key_use, row["id"])
        return _key(row)

    @answering
    async def all(self) -> Sequence[ApiKey]:
        """See the port."""
        return [_key(row) for row in await self._pool.fetch(self._sql.list_keys)]

    @answering
    async def revoke(self, identifier: bytes) -> bool:
        """See the port."""
        return await self._pool.fetchval(self._sql.revoke_key, identifier) is not None


def _key(row: Any) -> ApiKey:
    return ApiKey(
        id=row["id"],
        name=row["name"],
        scopes=tuple(row["scopes"]),
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        last_used_at=row["last_used_at"],
    )
