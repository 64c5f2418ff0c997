"""Two keys, one person: what a profile takes over from another, and gives back. Pure.

A profile knows of each key that was merged into it what came from there (its `Share`): with the merge, and under that
key since. Un-merging takes exactly this back and gives it to the key that leaves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TypeVar

from msgspec.structs import replace

from outrider.domain.entry import ProfileChange
from outrider.domain.profile import Address, ConsentState, Profile, Share

T = TypeVar("T")

FIELDS = ("market", "locale", "zone")


def absorb(profile: Profile, other: Profile, through: str = "") -> Profile:
    """The profile with what only the other knows: traits, addresses, market, locale, zone, consents.

    Where both know something the profile's own word counts, except that a consent withdrawn under either key stays
    withdrawn: nobody gets a message they objected to because two records became one. Keys that were merged into the
    other come along. Absorbing the same key again first gives back what came before. `through`: the merged key that
    `other` was merged into, where it is not this profile.
    """
    profile = release(profile, other.key)
    own = profile.identity
    personal = _missing(other.identity.traits, own.traits | profile.traits)
    opened = _missing(other.traits, own.traits | profile.traits)
    fields = tuple(name for name in FIELDS if getattr(profile, name) is None and getattr(other, name) is not None)
    addresses = unlisted(other.identity.addresses, own.addresses)
    consents = _missing(other.consents, profile.consents)
    granted = tuple(name for name, state in consents.items() if state is not ConsentState.WITHDRAWN)
    share = Share((*personal, *opened), fields, addresses, granted, through)
    identity = replace(
        own,
        traits={**own.traits, **personal},
        addresses=(*own.addresses, *addresses),
        merged={**own.merged, **_shares(share, other, own.merged)},
    )
    return replace(
        profile,
        identity=identity,
        traits={**profile.traits, **opened},
        consents={**profile.consents, **consents, **_withdrawn(other.consents)},
        version=profile.version + 1,
        **{name: getattr(other, name) for name in fields},
    )


def _shares(share: Share, other: Profile, known: Collection[str]) -> dict[str, Share]:
    """What came, told apart by the keys that stand behind the other."""
    found = {}
    for key, inner in other.identity.merged.items():
        if key not in known:
            theirs = _minus(share, _minus(share, inner))
            found[key] = replace(theirs, through=inner.through or other.key, passages=())
            share = _minus(share, inner)
    return {other.key: share, **found}


def release(profile: Profile, key: str) -> Profile:
    """The profile without what came from a key, and through it, and was not said of the profile itself since.

    The same object when nothing came. Withdrawn consents stay: whoever objected is not asked to do it twice.
    """
    keys = came_with(profile, key)
    if not keys:
        return profile
    for each in keys:
        profile = _without(profile, profile.identity.merged[each])
    merged = {name: each for name, each in profile.identity.merged.items() if name not in keys}
    return replace(profile, identity=replace(profile.identity, merged=merged), version=profile.version + 1)


def came_with(profile: Profile, key: str) -> tuple[str, ...]:
    """The keys that go when this one goes: it, and those that came through it; none when it is not merged here."""
    merged = profile.identity.merged
    found = [key] if key in merged else []
    for each in found:
        found += [name for name, share in merged.items() if share.through == each and name not in found]
    return tuple(found)


def _without(profile: Profile, share: Share) -> Profile:
    granted = set(share.consents) - _withdrawn(profile.consents).keys()
    identity = replace(
        profile.identity,
        traits={name: value for name, value in profile.identity.traits.items() if name not in share.traits},
        addresses=unlisted(profile.identity.addresses, share.addresses),
    )
    return replace(
        profile,
        identity=identity,
        traits={name: value for name, value in profile.traits.items() if name not in share.traits},
        consents={name: state for name, state in profile.consents.items() if name not in granted},
        **dict.fromkeys(share.fields),
    )


def held_for(profile: Profile, key: str) -> ProfileChange:
    """What a profile holds of a key, and of those that came through it, as a change of that key's own profile."""
    shares = [profile.identity.merged[each] for each in came_with(profile, key)]
    told = {**profile.identity.traits, **profile.traits}
    fields = {name: getattr(profile, name) for share in shares for name in share.fields}
    own, theirs = profile.identity.addresses, [each for share in shares for each in share.addresses]
    return ProfileChange(
        key=key,
        traits={name: told[name] for share in shares for name in share.traits if name in told},
        addresses=tuple(each for each in own if each not in unlisted(own, theirs)),
        **fields,
    )


def give_back(profile: Profile, held: ProfileChange, open_traits: Collection[str] = ()) -> Profile:
    """The profile with what another held for it; its other addresses stay. The same object when nothing is new."""
    addresses = unlisted(held.addresses or (), profile.identity.addresses)
    personal = {name: value for name, value in held.traits.items() if name not in open_traits}
    opened = {name: value for name, value in held.traits.items() if name in open_traits}
    identity = replace(
        profile.identity,
        traits={**profile.identity.traits, **personal},
        addresses=(*profile.identity.addresses, *addresses),
    )
    fields = {name: getattr(held, name) or getattr(profile, name) for name in FIELDS}
    after = replace(profile, identity=identity, traits={**profile.traits, **opened}, **fields)
    return profile if after == profile else replace(after, version=profile.version + 1)


def emptied(profile: Profile, key: str) -> Profile:
    """The profile without the traits, addresses and fields that came from a merged key, which stays merged."""
    share = profile.identity.merged.get(key)
    return profile if share is None else _without(profile, replace(share, consents=()))


def credit(profile: Profile, said: Share, via: str = "") -> Profile:
    """The profile with what was just said put down to the merged key it was said under, or to the profile itself."""
    before = profile.identity.merged
    if not before:
        return profile
    merged = {key: share if key == via else _minus(share, said) for key, share in before.items()}
    if via in merged:
        merged[via] = _plus(merged[via], _minus(said, merged[via]))
    return replace(profile, identity=replace(profile.identity, merged=merged))


def note_passages(
    profile: Profile, key: str, passages: Iterable[tuple[bytes, int]], live: Collection[bytes]
) -> Profile:
    """The profile knowing which passages a merged key brought or began; those that are no longer live are forgotten."""
    share = profile.identity.merged[key]
    kept = [each for each in share.passages if each[0] in live]
    new = [each for each in passages if each not in kept]
    merged = {**profile.identity.merged, key: replace(share, passages=(*kept, *new))}
    return replace(profile, identity=replace(profile.identity, merged=merged), version=profile.version + 1)


def _minus(share: Share, other: Share) -> Share:
    return replace(
        share,
        traits=tuple(name for name in share.traits if name not in other.traits),
        fields=tuple(name for name in share.fields if name not in other.fields),
        addresses=unlisted(share.addresses, other.addresses),
        consents=tuple(name for name in share.consents if name not in other.consents),
    )


def _plus(share: Share, other: Share) -> Share:
    return replace(
        share,
        traits=(*share.traits, *other.traits),
        fields=(*share.fields, *other.fields),
        addresses=(*share.addresses, *other.addresses),
        consents=(*share.consents, *other.consents),
    )


def _missing(theirs: Mapping[str, T], ours: Mapping[str, object]) -> dict[str, T]:
    return {name: value for name, value in theirs.items() if name not in ours}


def _withdrawn(consents: Mapping[str, ConsentState]) -> dict[str, ConsentState]:
    return {name: state for name, state in consents.items() if state is ConsentState.WITHDRAWN}


def unlisted(addresses: Iterable[Address], known: Iterable[Address]) -> tuple[Address, ...]:
    """Those of some addresses that are not among the known ones, whatever was proved of either."""
    places = {(each.channel, each.value) for each in known}
    return tuple(each for each in addresses if (each.channel, each.value) not in places)
