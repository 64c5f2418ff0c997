"""How long delivery keeps what it needs to know again, each with its reason; a company may change it."""

from __future__ import annotations

from datetime import timedelta

import msgspec

DAY = timedelta(days=1)
#: A change of a kept time is between these: a receipt may be hours late, and nothing is evidence for ever.
SHORTEST, LONGEST = DAY, 3660 * DAY


class KeptFor(msgspec.Struct, frozen=True):
    """What is dropped, and after how long."""

    #: Which message a provider's id belongs to. Receipts come within days, complaints about mail within weeks.
    provider_ids: timedelta = 90 * DAY
    #: Receipts of messages nobody knows: a backup that is restored may be a month old.
    orphan_receipts: timedelta = 30 * DAY
    #: What could not be read and was not replayed. It may be personal, and no deletion of a person reaches it: it goes
    #: with the other evidence (reliability plan, section 8).
    dead_letters: timedelta = 400 * DAY
    #: What was replayed is in the log again; the letter only tells that it was.
    replayed_letters: timedelta = 30 * DAY
    #: Why a message took its route: as long as its attempts are kept. Whole months go.
    route_changes: timedelta = 400 * DAY
