"""Direct sends in the engine: what a request's entry becomes."""

from __future__ import annotations

from datetime import datetime

from outrider.domain.decision import Candidate
from outrider.domain.entry import Entry, ProfileChange, SendEntry
from outrider.domain.profile import Address


def direct_candidate(entry: Entry, body: SendEntry, now: datetime) -> Candidate:
    """The candidate of a direct send. Its time runs from the request, which a clock ahead of ours cannot move."""
    asked_at = min(entry.at, now)
    return Candidate(
        id=body.message,
        stream=entry.stream,
        journey="",
        node="",
        template=body.template,
        purpose=body.purpose,
        strategy=body.strategy,
        asked_at=asked_at,
        valid_until=asked_at + body.valid_for,
        time_critical=body.time_critical,
        config=body.config,
        dedupe=body.dedupe,
    )


def address_change(body: SendEntry, address: Address) -> ProfileChange:
    """What a direct send to a bare address tells of the profile that stands for it."""
    return ProfileChange(body.profile, None, body.market, body.locale, body.zone, addresses=(address,))
