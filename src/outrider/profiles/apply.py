"""What changes do to profiles and objects. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from outrider.domain.entry import ConsentEntry, ObjectChange, ProfileChange
from outrider.domain.profile import Address, ConsentState, Identity, Object, Profile, Share
from outrider.profiles.merge import FIELDS, credit, emptied, unlisted


def new_profile(stream: bytes, key: str, now: datetime) -> Profile:
    """A profile nobody knew."""
    return Profile(stream=stream, identity=Identity(key), created_at=now)


def change_profile(profile: Profile, change: ProfileChange, open_traits: Collection[str] = ()) -> Profile:
    """The profile after a change, with the next version; the same object when nothing is different.

    `open_traits` names those that are not personal and stay unsealed, so that segments can use them. What is said under
    a key that was merged into the profile is put down to that key; `replace` then forgets only what came from it.
    """
    before = profile
    if change.replace and change.via:
        profile, change = emptied(profile, change.via), replace(change, replace=False)
    traits = {} if change.replace else {**profile.identity.traits, **profile.traits}
    traits = _merged(traits, change.traits)
    identity = replace(
        profile.identity,
        traits={name: value for name, value in traits.items() if name not in open_traits},
        addresses=_addresses(profile, change),
    )
    changed = replace(
        profile,
        identity=identity,
        traits={name: value for name, value in traits.items() if name in open_traits},
        kind=change.kind or profile.kind,
        market=_field(change.market, profile.market, change.replace),
        locale=_field(change.locale, profile.locale, change.replace),
        zone=_field(change.zone, profile.zone, change.replace),
    )
    changed = credit(changed, _said(before, changed, change), change.via)
    return before if changed == before else replace(changed, version=before.version + 1)


def _said(before: Profile, after: Profile, change: ProfileChange) -> Share:
    """What a change says: all it names; under a merged key only what is news, for the rest was known without it."""
    merged = before.identity.merged
    if not merged:
        return Share()
    traits, fields = tuple(change.traits), tuple(name for name in FIELDS if getattr(change, name) is not None)
    addresses = change.addresses or ()
    if change.replace:
        return Share(
            tuple(name for share in merged.values() for name in share.traits), FIELDS, before.identity.addresses
        )
    if change.via:
        theirs, old, new = merged.get(change.via, Share()), _told(before), _told(after)
        traits = tuple(name for name in traits if name in theirs.traits or old.get(name) != new.get(name))
        fields = tuple(
            name for name in fields if name in theirs.fields or getattr(before, name) != getattr(after, name)
        )
        own = unlisted(before.identity.addresses, theirs.addresses)
        addresses = unlisted(addresses, own)
    return Share(traits, fields, tuple(addresses))


def _told(profile: Profile) -> dict[str, Any]:
    return {**profile.identity.traits, **profile.traits}


def _field(new: str | None, old: str | None, forget: bool) -> str | None:
    return new if new is not None or forget else old


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**old, **new}
    return {name: value for name, value in merged.items() if value is not None}


def _addresses(profile: Profile, change: ProfileChange) -> tuple[Address, ...]:
    """Named channels get the new addresses; the others keep theirs unless the change replaces everything."""
    if change.addresses is None:
        return () if change.replace else profile.identity.addresses
    known = {(address.channel, address.value): address for address in profile.identity.addresses}
    channels = {address.channel for address in change.addresses}
    kept = () if change.replace else tuple(a for a in profile.identity.addresses if a.channel not in channels)
    return kept + tuple(known.get((a.channel, a.value), a) if not a.verified else a for a in change.addresses)


def drop_address(profile: Profile, gone: Callable[[Address], bool]) -> Profile:
    """The profile without the addresses that are gone, with the next version; the same object when there are none."""
    kept = tuple(address for address in profile.identity.addresses if not gone(address))
    if len(kept) == len(profile.identity.addresses):
        return profile
    return replace(profile, identity=replace(profile.identity, addresses=kept), version=profile.version + 1)


def give_consent(profile: Profile, entry: ConsentEntry) -> Profile:
    """The profile after a line of the consent ledger: the last word counts."""
    key = f"{entry.purpose}/{entry.channel}" if entry.channel else entry.purpose
    state = ConsentState(entry.state)
    was = profile.consents.get(key)
    after = replace(profile, consents={**profile.consents, key: state})
    if was is not state or not entry.via:
        after = credit(after, Share(consents=(key,)), entry.via)
    return profile if after == profile else replace(after, version=profile.version + 1)


def change_object(thing: Object | None, stream: bytes, change: ObjectChange) -> Object:
    """The next version of an object, or the same object when nothing is different."""
    if thing is None:
        return Object(stream, change.kind, change.key, 1, _merged({}, change.traits))
    traits = _merged({} if change.replace else thing.traits, change.traits)
    return thing if traits == thing.traits else replace(thing, traits=traits, version=thing.version + 1)
