"""The signed token of a one-click unsubscribe link (RFC 8058): whom it is about and what ends. Pure."""

from __future__ import annotations

import base64
import binascii
import hmac

import msgspec

from outrider.domain.message import Message
from outrider.domain.purpose import Purpose

#: Mail whose receiver may end it with one click; large mailbox providers ask for it in commercial mail.
ONE_CLICK_PURPOSES = frozenset({Purpose.COMMERCIAL, Purpose.SERVICE})
ONE_CLICK_CHANNELS = frozenset({"email"})
#: Bytes of the signature: HMAC-SHA256 cut to half (RFC 2104, 5).
MAC = 16
ID = 16
#: Longest token looked at.
LONGEST = 200


class Leaving(msgspec.Struct, frozen=True):
    """One message's way out: its person, its purpose, its channel, and the language it was written in."""

    message: bytes
    stream: bytes
    purpose: Purpose
    channel: str
    locale: str = ""


def leaving(message: Message) -> Leaving:
    """The way out of a message."""
    return Leaving(message.id, message.stream, message.purpose, message.channel, message.content.locale)


def write_token(key: bytes, one: Leaving) -> str:
    """The token of a link, in the alphabet of URLs. Ids are 16 bytes each; `key` signs."""
    said = one.message + one.stream + f"{one.purpose}/{one.channel}/{one.locale}".encode()
    return base64.urlsafe_b64encode(_mac(key, said) + said).rstrip(b"=").decode()


def read_token(key: bytes, token: str) -> Leaving | None:
    """What a token says; None when it was not written with this key. Takes the same time for every forgery."""
    raw = _decoded(token)
    mac, said = raw[:MAC], raw[MAC:]
    if not hmac.compare_digest(mac, _mac(key, said)) or len(said) <= 2 * ID:
        return None
    purpose, channel, locale = said[2 * ID :].decode().split("/", 2)
    return Leaving(said[:ID], said[ID : 2 * ID], Purpose(purpose), channel, locale)


def _mac(key: bytes, said: bytes) -> bytes:
    return hmac.digest(key, b"unsubscribe:" + said, "sha256")[:MAC]


def _decoded(token: str) -> bytes:
    if len(token) > LONGEST:
        return b""
    try:
        return base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""
