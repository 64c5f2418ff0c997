"""Direct sends: messages asked for by a request instead of a journey."""

from __future__ import annotations

from outrider.domain.decision import Candidate

#: The key of the profile that stands for a bare address is this and the address's keyed hash, in hexadecimal.
PREFIX = "address:"


def address_profile(hashed: bytes) -> str:
    """The key of the profile behind a bare address, from the address's keyed hash (16 bytes).

    One address, one profile: so suppressions, caps, timeline and deletion work for it as for anybody. The key tells
    nothing of the address.
    """
    return PREFIX + hashed.hex()


def is_direct(candidate: Candidate) -> bool:
    """Whether no journey asked for it."""
    return not candidate.journey
