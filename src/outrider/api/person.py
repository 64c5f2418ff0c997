"""The streams of one person: whichever of their keys is asked for, all of them are meant."""

from __future__ import annotations

from outrider.api.writing import check_key
from outrider.contracts.reading_store import Reading
from outrider.ingest.mapping import PROFILE
from outrider.lib.ids import Hasher

#: Keys of one person that are followed; more are a mistake in what merges them.
MOST = 100


async def person_streams(reading: Reading, hasher: Hasher, key: str, name: str = "profile") -> tuple[bytes, ...]:
    """The stream of a key and of every key that is merged with it, directly or over others; the asked one first.

    name: the parameter that a wrong key is told for. Raises Problem, Unavailable.
    """
    waiting, found = [check_key(name, key)], dict[str, bytes]()
    while waiting and len(found) < MOST:
        key = waiting.pop(0)
        if key in found:
            continue
        found[key] = hasher.stream(PROFILE, key)
        profile = await reading.profile(found[key])
        if profile is not None:
            identity = profile.identity
            waiting += [*([identity.merged_into] if identity.merged_into else []), *sorted(identity.merged)]
    return tuple(found.values())
