"""Dedupe keys in the engine: for one person at most one message goes out under each, whoever asks, however often.

The engine is the only writer of a person's stream, so what a batch loads and what it took itself is all there is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from outrider.domain.decision import Candidate
from outrider.domain.entry import AbsorbEntry, Entry, SendEntry
from outrider.domain.message import LET_GO, Message, Status
from outrider.domain.profile import Profile
from outrider.domain.work import DedupeKey
from outrider.ingest.mapping import PROFILE
from outrider.lib.ids import Hasher, write_id
from outrider.workers.engine.draft import Draft
from outrider.workers.engine.facts import Facts
from outrider.workers.engine.stimuli import Stimulus


def streams_of(profile: Profile, hasher: Hasher) -> list[bytes]:
    """The streams in which a person's past lies: the profile's own, then those of the keys merged into it."""
    return [profile.stream, *(hasher.stream(PROFILE, key) for key in sorted(profile.identity.merged))]


def asked_keys(
    stimuli: Sequence[Stimulus],
    candidates: Sequence[Candidate],
    other_keys: Mapping[bytes, Sequence[bytes]],
    hasher: Hasher,
) -> set[tuple[bytes, bytes]]:
    """(stream, keyed hash) of every dedupe key a batch asks for, also under keys merged before or in this batch."""
    asked = {(one.stream, one.dedupe) for one in candidates if one.dedupe}
    for one in stimuli:
        if isinstance(one, Entry) and isinstance(one.body, SendEntry) and one.body.dedupe:
            asked.add((one.stream, one.body.dedupe))
    if not asked:
        return set()
    merged = {stream: set(others) for stream, others in other_keys.items()}
    for one in stimuli:
        if isinstance(one, Entry) and isinstance(one.body, AbsorbEntry):
            merged.setdefault(one.stream, set()).update(streams_of(one.body.profile, hasher))
    return asked | {(other, key) for stream, key in asked for other in merged.get(stream, ())}


def earlier(working: Facts, draft: Draft, candidate: Candidate, streams: Sequence[bytes]) -> dict[str, Any]:
    """What the gate may know: the message that has the candidate's dedupe key in any of these streams.

    `message` written out, `at` when it was decided, `status` how it fares (empty when it is no longer kept). Empty when
    nobody has the key, or the candidate follows the message that has it. One that keeps the key goes before others.
    """
    own = candidate.root or candidate.id
    keys = (working.dedupe_keys.get((stream, candidate.dedupe)) for stream in streams if candidate.dedupe)
    found = [(_standing(key, draft), key) for key in keys if key is not None and key.message != own]
    if not found:
        return {}
    status, key = min(found, key=lambda one: (one[0] in LET_GO, one[1].at, one[1].message))
    return {"message": write_id("msg", key.message), "at": key.at, "status": str(status)}


def _standing(key: DedupeKey, draft: Draft) -> str:
    """The status that counts of a message and those that followed it: one that may have been sent, if any.

    What this batch closes was held, and so was never sent; of anything else delivery may know more by now.
    """
    statuses = [
        draft.closed[message][0] if status is Status.HELD and message in draft.closed else status
        for message, status in key.statuses.items()
    ]
    return next((one for one in statuses if one not in LET_GO), statuses[-1] if statuses else "")


def take(working: Facts, draft: Draft, candidate: Candidate, message: Message) -> None:
    """The candidate became a message: it has the key from now on, also for later candidates of this batch."""
    if candidate.dedupe is None:
        return
    place, own = (candidate.stream, candidate.dedupe), candidate.root or candidate.id
    known = working.dedupe_keys.get(place)
    if known is None or known.message != own:
        known = DedupeKey(own, working.now)
        draft.dedupe_keys[place] = own
    working.dedupe_keys[place] = replace(known, statuses={**known.statuses, message.id: message.status})
