"""Identifiers that carry their time and their shard, and keyed hashes for streams and look-ups.

An id is 16 bytes: 48 bits of Unix milliseconds, 8 bits of shard, 72 bits that are either random or a hash
of what the id names. The leading time keeps inserts in one place of an index and lets a table be
partitioned by id range; the shard lets any row find its home without a look-up.
Written out, an id is a prefix and 26 Crockford base-32 digits, as in ULID: ``msg_01JD…``.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
VALUES = {digit: value for value, digit in enumerate(ALPHABET)}
DIGITS = 26
SIZE = 16
SHARDS = 256
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BadId(ValueError):
    """The text is not an id of the expected kind."""


def milliseconds(at: datetime) -> int:
    """Unix milliseconds of an aware instant, floored."""
    return (at - EPOCH) // timedelta(milliseconds=1)


def new_id(at: datetime, shard: int, unique: bytes | None = None) -> bytes:
    """A 16-byte id. `unique` is hashed into the last 9 bytes; without it they are random."""
    tail = secrets.token_bytes(9) if unique is None else hashlib.blake2b(unique, digest_size=9).digest()
    return milliseconds(at).to_bytes(6, "big") + bytes((shard,)) + tail


def shard_of_id(identifier: bytes) -> int:
    """The shard (0 to 255) an id carries."""
    return identifier[6]


def time_of_id(identifier: bytes) -> datetime:
    """The instant an id carries, to the millisecond."""
    return EPOCH + timedelta(milliseconds=int.from_bytes(identifier[:6], "big"))


def first_id_at(at: datetime) -> bytes:
    """The smallest id of an instant: the lower bound of a range over ids."""
    return milliseconds(at).to_bytes(6, "big") + bytes(10)


def write_id(prefix: str, identifier: bytes) -> str:
    """The text form, for example ``msg_`` and 26 digits."""
    number = int.from_bytes(identifier, "big")
    digits = []
    for _ in range(DIGITS):
        number, rest = divmod(number, 32)
        digits.append(ALPHABET[rest])
    return f"{prefix}_{''.join(reversed(digits))}"


def read_id(prefix: str, text: str) -> bytes:
    """The 16 bytes behind a text form. Raises BadId when the prefix or the digits are wrong."""
    head, _, tail = text.partition("_")
    if head != prefix or len(tail) != DIGITS or not tail.isascii():
        raise BadId(f"expected {prefix}_ and {DIGITS} digits, got {text[:40]!r}")
    try:
        number = 0
        for digit in tail.upper():
            number = number * 32 + VALUES[digit]
        return number.to_bytes(SIZE, "big")
    except (KeyError, OverflowError) as error:
        raise BadId(f"{text!r} is not an id: digits are 0-9 and A-Z without I, L, O and U") from error


class Hasher:
    """Keyed hashes: stream ids from external keys, blind indexes from addresses.

    The key stays outside the database, since phone numbers can be enumerated by whoever holds it.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def _digest(self, *parts: str) -> bytes:
        return hashlib.blake2b("\0".join(parts).encode(), digest_size=SIZE, key=self._key).digest()

    def stream(self, kind: str, key: str) -> bytes:
        """The 16-byte stream id of an entity; its first byte is the shard."""
        return self._digest("stream", kind, key)

    def address(self, channel: str, value: str) -> bytes:
        """The blind index of an address on one channel. Letter case never tells two mailboxes apart."""
        return self._digest("address", channel, value.lower() if channel == "email" else value)

    def event(self, source: str, identifier: str) -> bytes:
        """The key under which a repeat of an event is refused."""
        return self._digest("event", source, identifier)

    def request(self, credential: str, route: str, key: str) -> bytes:
        """The key under which a repeat of a request is known: what its caller chose, within caller and route."""
        return self._digest("request", credential, route, key)

    def dedupe(self, key: str) -> bytes:
        """What is kept of a dedupe key, within its profile: it may name a license."""
        return self._digest("dedupe", key)

    def fingerprint(self, body: str) -> bytes:
        """What tells one request's body from another. Keyed, since a body may be as short as a phone number."""
        return self._digest("fingerprint", body)

    def provider_message(self, account: str, identifier: str) -> bytes:
        """The directory key of a provider's message id."""
        return self._digest("provider", account, identifier)


def shard_of_stream(stream: bytes) -> int:
    """The shard (0 to 255) of a stream id."""
    return stream[0]
