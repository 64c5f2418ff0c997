"""The rungs of an escalation: which channel of a strategy is next, and the candidate that asks for it."""

from __future__ import annotations

import hashlib

from msgspec.structs import replace

from outrider.domain.decision import Candidate


def has_next_rung(candidate: Candidate, channel: str) -> bool:
    """Whether the strategy has a channel after this one."""
    return candidate.strategy.channels.index(channel) + 1 < len(candidate.strategy.channels)


def next_rung(candidate: Candidate, channel: str, *, again: bool = False) -> Candidate | None:
    """The candidate for the channels after this one, or from this one on `again`; None when there are none."""
    if not again and not has_next_rung(candidate, channel):
        return None
    return replace(
        candidate,
        id=next_rung_id(candidate),
        rung=candidate.strategy.channels.index(channel) + (not again),
        root=candidate.root or candidate.id,
    )


def next_rung_id(candidate: Candidate) -> bytes:
    """The id of the next candidate of an escalation: the same whatever makes it escalate, and whenever."""
    unique = candidate.id + (candidate.rung + 1).to_bytes(2, "big")
    return candidate.id[:7] + hashlib.blake2b(unique, digest_size=9).digest()
