"""One codec for personal data at rest: AES-256-GCM with a key id, and data keys wrapped by a master key.

Layout of a sealed value: 12 bytes of nonce, then ciphertext and tag. What a value belongs to (its context)
is authenticated with it, so a ciphertext moved to another row does not open.
"""

from __future__ import annotations

import hashlib
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE = 12
KEY = 32


class CannotOpen(Exception):
    """The key is missing or wrong, or the value was changed."""


def seal_with(key: bytes, plain: bytes, context: bytes) -> bytes:
    """Seal bytes under a 32-byte key for a context."""
    nonce = os.urandom(NONCE)
    return nonce + _cipher(key).encrypt(nonce, plain, context)


def open_with(key: bytes, sealed: bytes, context: bytes) -> bytes:
    """The bytes behind a sealed value. Raises CannotOpen."""
    try:
        return _cipher(key).decrypt(sealed[:NONCE], sealed[NONCE:], context)
    except (InvalidTag, ValueError) as error:
        raise CannotOpen(
            "a sealed value does not open with its key: wrong master key, or the value was changed"
        ) from error


@lru_cache(maxsize=4096)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)


class KeyRing:
    """Master keys by id; the highest id seals, all of them open."""

    def __init__(self, keys: dict[int, bytes]) -> None:
        if not keys:
            raise ValueError("a key ring needs at least one master key")
        for number, key in keys.items():
            if len(key) != KEY:
                raise ValueError(f"master key {number} has {len(key)} bytes, expected {KEY}")
        self._keys = dict(keys)
        self.current = max(keys)

    def derived(self, key_id: int, name: str) -> bytes:
        """A key for one use, derived from a master key (BLAKE2b keyed hash, 32 bytes)."""
        return _derive(self._master(key_id), name)

    def new_data_key(self) -> bytes:
        """A fresh 32-byte data key for one person."""
        return os.urandom(KEY)

    def wrap(self, data_key: bytes, context: bytes) -> tuple[int, bytes]:
        """Key id and the wrapped data key."""
        return self.current, seal_with(self.derived(self.current, "wrap"), data_key, context)

    def unwrap(self, key_id: int, wrapped: bytes, context: bytes) -> bytes:
        """The data key behind a wrapped one. Raises CannotOpen."""
        return open_with(self.derived(key_id, "wrap"), wrapped, context)

    def seal(self, plain: bytes, use: str) -> tuple[int, bytes]:
        """Seal under a derived key, for data that belongs to no person's key (log entries, dead letters)."""
        return self.current, seal_with(self.derived(self.current, use), plain, use.encode())

    def open(self, key_id: int, sealed: bytes, use: str) -> bytes:
        """The opposite of `seal`. Raises CannotOpen."""
        return open_with(self.derived(key_id, use), sealed, use.encode())

    def _master(self, key_id: int) -> bytes:
        try:
            return self._keys[key_id]
        except KeyError:
            known = ", ".join(str(number) for number in sorted(self._keys))
            raise CannotOpen(f"master key {key_id} is not configured; configured: {known}") from None


@lru_cache(maxsize=64)
def _derive(master: bytes, name: str) -> bytes:
    return hashlib.blake2b(name.encode(), key=master, digest_size=KEY, person=b"outrider").digest()
