"""Sealing for rows: whose key, which context, and a bounded memory of data keys.

A person's data (identity, enrollment state, message content, rendered bodies) is sealed under that person's data
key, with the row's id as context; what belongs to no person yet (log entries, dead letters, objects) under keys
derived from the master key.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, TypeVar

import msgspec

from outrider.lib.seal import KeyRing, open_with, seal_with

T = TypeVar("T")

#: Data keys kept unwrapped, by stream: about 20 MB at most.
REMEMBERED = 100_000

_pack = msgspec.msgpack.Encoder().encode


class Vault:
    """Seals and opens what the store writes and reads."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys
        #: Stream → its data key, and the wrapped form it came from; what was used last is at the end.
        self._data_keys: OrderedDict[bytes, tuple[bytes, bytes]] = OrderedDict()
        self._decoders: dict[Any, msgspec.msgpack.Decoder[Any]] = {}

    def seal(self, value: Any, use: str) -> tuple[int, bytes]:
        """Key id and sealed MessagePack of a value that belongs to no person's key."""
        return self._keys.seal(_pack(value), use)

    def open(self, kind: Any, key_id: int, sealed: bytes, use: str) -> Any:
        """The value of type `kind` behind a sealed one. Raises CannotOpen."""
        return self.decode(kind, self._keys.open(key_id, sealed, use))

    def new_person(self, stream: bytes) -> tuple[int, bytes]:
        """A fresh data key for a stream, remembered; returns key id and wrapped key."""
        data_key = self._keys.new_data_key()
        key_id, wrapped = self._keys.wrap(data_key, stream)
        self._remember(stream, data_key, wrapped)
        return key_id, wrapped

    def learn(self, stream: bytes, key_id: int, wrapped: bytes) -> None:
        """Remember the data key of a stream, from its wrapped form; one that was stored meanwhile replaces ours."""
        known = self._data_keys.get(stream)
        if known is not None and known[1] == wrapped:
            self._data_keys.move_to_end(stream)
        else:
            self._remember(stream, self._keys.unwrap(key_id, wrapped, stream), wrapped)

    def knows(self, stream: bytes) -> bool:
        """Whether the data key of a stream is remembered."""
        return stream in self._data_keys

    def forget(self, stream: bytes) -> None:
        """Drop the data key of a stream."""
        self._data_keys.pop(stream, None)

    def seal_for(self, stream: bytes, value: Any, context: bytes) -> bytes:
        """Sealed MessagePack of a value under a person's data key, which must be known."""
        return seal_with(self._data_keys[stream][0], _pack(value), context)

    def open_for(self, stream: bytes, kind: Any, sealed: bytes, context: bytes) -> Any:
        """The value of type `kind` behind bytes sealed for a person. Raises CannotOpen."""
        return self.decode(kind, open_with(self._data_keys[stream][0], sealed, context))

    def decode(self, kind: Any, plain: bytes) -> Any:
        """MessagePack to a value of type `kind`."""
        decoder = self._decoders.get(kind)
        if decoder is None:
            decoder = self._decoders[kind] = msgspec.msgpack.Decoder(kind)
        return decoder.decode(plain)

    def _remember(self, stream: bytes, data_key: bytes, wrapped: bytes) -> None:
        self._data_keys[stream] = data_key, wrapped
        self._data_keys.move_to_end(stream)
        if len(self._data_keys) > REMEMBERED:
            self._data_keys.popitem(last=False)
