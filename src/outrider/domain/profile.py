"""Who: profiles, objects, relations, consents, as the engine holds them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec


class Address(msgspec.Struct, frozen=True):
    """A place to reach an entity on one channel."""

    channel: str
    #: E.164 for sms and voice, an e-mail address, a push token.
    value: str
    #: Whether the person or a code proved it, and whether the device still answers.
    verified: bool = False
    alive: bool = True


class Share(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a profile got from a key that was merged into it, then and since: un-merging takes exactly this back."""

    #: Names of traits, open ones too, and of the fields market, locale and zone.
    traits: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    addresses: tuple[Address, ...] = ()
    #: Keys of consents that were granted, as in `Profile.consents`.
    consents: tuple[str, ...] = ()
    #: The other merged key it came through, where it was merged into that one first.
    through: str = ""
    #: Running passages that it brought or began: (id, round) of the enrollment.
    passages: tuple[tuple[bytes, int], ...] = ()


class Identity(msgspec.Struct, frozen=True):
    """The personal part of a profile, sealed in the store."""

    key: str
    traits: dict[str, Any] = {}
    addresses: tuple[Address, ...] = ()
    #: The key of the profile that stands for this person now; empty for one that stands for itself.
    merged_into: str = ""
    #: Keys that were merged into this profile, with what came from each.
    merged: dict[str, Share] = {}


class ConsentState(StrEnum):
    """The last word of a person on a purpose."""

    GRANTED = "granted"
    WITHDRAWN = "withdrawn"


class Profile(msgspec.Struct, frozen=True):
    """A person or an organization."""

    stream: bytes
    identity: Identity
    kind: str = "person"
    #: Market code in upper case, for example ``FR``.
    market: str | None = None
    locale: str | None = None
    #: IANA name.
    zone: str | None = None
    #: Unsealed traits.
    traits: dict[str, Any] = {}
    #: Purpose → state, plus ``purpose/channel`` → state where a consent names a channel.
    consents: dict[str, ConsentState] = {}
    version: int = 0
    #: The wrapped data key that seals this person's data; empty until the first save.
    data_key: bytes = b""
    key_id: int = 0
    created_at: datetime | None = None

    @property
    def key(self) -> str:
        """The external key."""
        return self.identity.key

    def address(self, channel: str) -> Address | None:
        """The first living address on a channel."""
        return next((a for a in self.identity.addresses if a.channel == channel and a.alive), None)


class Object(msgspec.Struct, frozen=True):
    """A vehicle, license, booking or any configured kind, in one version."""

    stream: bytes
    kind: str
    key: str
    version: int
    traits: dict[str, Any] = {}


class Relation(msgspec.Struct, frozen=True):
    """Two entities, a role, and the time it holds (half open: from ≤ t < to; None is unbounded)."""

    from_kind: str
    from_key: str
    to_kind: str
    to_key: str
    role: str
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    #: Setting it ends what else of the same kind stands in this role from the same entity.
    only: bool = False
