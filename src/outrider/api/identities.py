"""Every key of one person: stops are put on all, since messages under way stay with the key they were made for."""

from __future__ import annotations

from outrider.api.deps import ApiDeps
from outrider.api.writing import check_key
from outrider.domain.profile import Profile
from outrider.ingest.mapping import PROFILE


async def standing_for(deps: ApiDeps, key: str) -> list[Profile]:
    """The profile of a key, then the one it is merged into, and so on to the one that stands for the person.

    Empty when nobody is known by the key. Raises Problem (400), Unavailable.
    """
    found: list[Profile] = []
    while key and key not in (each.key for each in found):
        profile = await deps.reading.profile(deps.hasher.stream(PROFILE, check_key("key", key)))
        if profile is None:
            break
        found.append(profile)
        key = profile.identity.merged_into
    return found


async def streams_of_person(deps: ApiDeps, key: str) -> list[bytes]:
    """The streams of every key of the person behind a key, that key's own first. Raises Problem (400), Unavailable."""
    keys = [key]
    for profile in await standing_for(deps, key):
        keys += [profile.key, *sorted(profile.identity.merged)]
    return [deps.hasher.stream(PROFILE, each) for each in dict.fromkeys(keys)]
