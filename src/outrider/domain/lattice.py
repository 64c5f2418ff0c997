"""How receipts move a message: a lattice, so that the order and the number of receipts change nothing.

Every status has a rank and every receipt proves one status; a message takes the highest rank of what it had and
what was proved. Taking a maximum is commutative, associative and idempotent: receipts may come early, late,
twice and in any order (promise P8 of the reliability plan).
"""

from __future__ import annotations

from outrider.domain.message import Status
from outrider.domain.receipt import ReceiptStatus

#: The rank of each status. A failed or expired message may still have a copy on its way from an attempt in doubt,
#: so proof of acceptance outranks them; a canceled one only gives way to proof that it reached the person.
RANKS: dict[Status, int] = {
    Status.HELD: 0,
    Status.QUEUED: 0,
    Status.SENDING: 0,
    Status.UNKNOWN: 0,
    Status.FAILED: 1,
    Status.EXPIRED: 1,
    Status.ACCEPTED: 2,
    Status.UNDELIVERED: 3,
    Status.CANCELED: 4,
    Status.DELIVERED: 5,
}

#: What each receipt proves about its message.
PROVED: dict[ReceiptStatus, Status] = {
    ReceiptStatus.SENT: Status.ACCEPTED,
    ReceiptStatus.UNDELIVERED: Status.UNDELIVERED,
    ReceiptStatus.DELIVERED: Status.DELIVERED,
    ReceiptStatus.SEEN: Status.DELIVERED,
}

#: These move a message only when they concern its latest attempt: an earlier copy that got lost says nothing
#: about a later one.
LATEST_ONLY = frozenset({ReceiptStatus.UNDELIVERED})

#: The engagement bit of a message that was seen.
SEEN = 1

_MOVES_FROM: dict[ReceiptStatus, frozenset[Status]] = {
    receipt: frozenset(status for status, rank in RANKS.items() if rank < RANKS[proved])
    for receipt, proved in PROVED.items()
}


def moves_from(receipt: ReceiptStatus) -> frozenset[Status]:
    """The message statuses that this receipt raises to `PROVED[receipt]`; every other one stays."""
    return _MOVES_FROM[receipt]


def move(status: Status, receipt: ReceiptStatus, *, latest_attempt: bool) -> Status:
    """The status of a message after a receipt about its latest or about an earlier attempt."""
    if receipt in LATEST_ONLY and not latest_attempt:
        return status
    return PROVED[receipt] if status in _MOVES_FROM[receipt] else status


def engagement(receipt: ReceiptStatus) -> int:
    """The engagement bits a receipt adds to its message; 0 for most."""
    return SEEN if receipt is ReceiptStatus.SEEN else 0
