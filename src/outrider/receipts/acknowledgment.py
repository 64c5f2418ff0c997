"""Acknowledgments: how an app proves that it got a message. Pure.

A message's data carries a token that only we can make: message id, attempt and end of life, with a MAC over them.
Whoever holds it may say that this message arrived, and nothing else; it opens no data.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from datetime import datetime, timedelta
from typing import TypeAlias

from outrider.contracts.provider import Forged

#: Where apps send their acknowledgments, below the public URL.
ACKNOWLEDGE_PATH = "/v1/acknowledgements"
#: How long after a message's validity its acknowledgment is still taken: phones are switched off for a weekend.
GRACE = timedelta(days=3)
#: Bytes of a message id, an attempt number, seconds since 1970 and the MAC: 128 bits of HMAC-SHA-256 (RFC 2104, 5).
ID, NUMBER, SECONDS, MAC = 16, 2, 5, 16
LENGTH = ID + NUMBER + SECONDS + MAC

#: Message id and attempt number.
Attempt: TypeAlias = tuple[bytes, int]


class TooLate(Exception):
    """The token's life is over."""


class Acknowledgments:
    """Makes and reads tokens under one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def token(self, message: bytes, number: int, until: datetime) -> str:
        """The token of an attempt; `until` (aware) is the end of the message's validity. 52 characters, URL-safe."""
        seconds = int((until + GRACE).timestamp())
        signed = message + number.to_bytes(NUMBER, "big") + seconds.to_bytes(SECONDS, "big")
        return base64.urlsafe_b64encode(signed + self._mac(signed)).decode()

    def read(self, token: str, now: datetime) -> Attempt:
        """The attempt behind a token. Raises Forged for one we did not make, TooLate for one whose life is over."""
        try:
            raw = base64.b64decode(token.encode(errors="replace"), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise Forged("it is no token of ours") from None
        signed, mac = raw[:-MAC], raw[-MAC:]
        if len(raw) != LENGTH or not hmac.compare_digest(mac, self._mac(signed)):
            raise Forged("it is no token of ours")
        if now.timestamp() > int.from_bytes(signed[-SECONDS:], "big"):
            raise TooLate("the time to acknowledge this message is over")
        return signed[:ID], int.from_bytes(signed[ID : ID + NUMBER], "big")

    def _mac(self, signed: bytes) -> bytes:
        return hmac.digest(self._key, b"acknowledgment" + signed, hashlib.sha256)[:MAC]
