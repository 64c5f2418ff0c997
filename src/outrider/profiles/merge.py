"""Two keys, one person: what a profile takes over from another, and gives back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from msgspec.structs import replace

from outrider.domain.profile import ConsentState, Profile, Share

T = TypeVar("T")

FIELDS = ("market", "locale", "zone")


def absorb(profile: Profile, other: Profile) -> Profile:
    """The profile with what only the other knows: traits, addresses, market, locale, zone, consents.

    Where both know something the profile's own word counts, except that a consent withdrawn under either key stays
    withdrawn: nobody gets a message they objected to because two records became one. Absorbing the same key again
    first gives back what came before.
    """
    profile = release(profile, other.key)
    own = profile.identity
    personal = _missing(other.identity.traits, own.traits | profile.traits)
    opened = _missing(other.traits, own.traits | profile.traits)
    fields = tuple(name for name in FIELDS if getattr(profile, name) is None and getattr(other, name) is not None)
    known = {(address.channel, address.value) for address in own.addresses}
    addresses = tuple(each for each in other.identity.addresses if (each.channel, each.value) not in known)
    consents = _missing(other.consents, profile.consents)
    granted = tuple(name for name, state in consents.items() if state is not ConsentState.WITHDRAWN)
    share = Share((*personal, *opened), fields, addresses, granted)
    identity = replace(
        own,
        traits={**own.traits, **personal},
        addresses=(*own.addresses, *addresses),
        merged={**own.merged, other.key: share},
    )
    return replace(
        profile,
        identity=identity,
        traits={**profile.traits, **opened},
        consents={**profile.consents, **consents, **_withdrawn(other.consents)},
        version=profile.version + 1,
        **{name: getattr(other, name) for name in fields},
    )


def release(profile: Profile, key: str) -> Profile:
    """The profile without what came from a key and has not been said again since; the same object when nothing did.

    Withdrawn consents stay: whoever objected is not asked to do it twice.
    """
    share = profile.identity.merged.get(key)
    if share is None:
        return profile
    own = profile.identity
    granted = set(share.consents) - _withdrawn(profile.consents).keys()
    identity = replace(
        own,
        traits={name: value for name, value in own.traits.items() if name not in share.traits},
        addresses=tuple(each for each in own.addresses if each not in share.addresses),
        merged={name: each for name, each in own.merged.items() if name != key},
    )
    return replace(
        profile,
        identity=identity,
        traits={name: value for name, value in profile.traits.items() if name not in share.traits},
        consents={name: s for name, s in profile.consents.items() if name not in granted},
        version=profile.version + 1,
        **dict.fromkeys(share.fields),
    )


def _missing(theirs: Mapping[str, T], ours: Mapping[str, object]) -> dict[str, T]:
    return {name: value for name, value in theirs.items() if name not in ours}


def _withdrawn(consents: Mapping[str, ConsentState]) -> dict[str, ConsentState]:
    return {name: state for name, state in consents.items() if state is ConsentState.WITHDRAWN}
