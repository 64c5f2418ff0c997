"""Requests that take effect once, however often they are made, and what is kept to know them again."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from outrider.domain.entry import Entry

#: How long a request's key is remembered (reliability plan 1.6; IETF draft-ietf-httpapi-idempotency-key-header asks for
#: a published policy).
KEPT = timedelta(days=7)

#: How long the key of an event is remembered: longer than any of its entries is, which go with the month after theirs.
EVENT_KEYS_KEPT = timedelta(days=63)
#: Keys dropped in one transaction.
KEYS_AT_ONCE = 10_000


class KeyedRequest(msgspec.Struct, frozen=True):
    """A request that takes effect once, however often it is made: its entry, and what every repeat is answered."""

    #: Keyed hash of the Idempotency-Key and of its scope.
    key: bytes
    #: Keyed hash of the request's body.
    fingerprint: bytes
    entry: Entry
    #: The message it asks for.
    message: bytes
    #: Empty where the answer is known only later: see `Log.settle_answer`.
    answer: bytes = b""


class KeptAnswer(msgspec.Struct, frozen=True):
    """What is known of a keyed request."""

    fingerprint: bytes
    message: bytes
    #: Empty while nobody was answered.
    answer: bytes
    #: This call stored the entry.
    is_new: bool = False
