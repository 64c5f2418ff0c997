"""Receipts move a message upward only, in any order, however often each comes."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outrider.domain.lattice import LATEST_ONLY, PROVED, RANKS, SEEN, engagement, move, moves_from
from outrider.domain.message import Status
from outrider.domain.receipt import ReceiptStatus
from outrider.receipts import move as stage

STATUSES, RECEIPTS = st.sampled_from(Status), st.sampled_from(ReceiptStatus)
REPORTS = st.lists(st.tuples(RECEIPTS, st.booleans()), max_size=5)
WAITING = {Status.HELD, Status.QUEUED, Status.SENDING, Status.UNKNOWN}
OVER = {Status.FAILED, Status.EXPIRED}


def settle(status: Status, reports: list[tuple[ReceiptStatus, bool]]) -> Status:
    for receipt, latest in reports:
        status = move(status, receipt, latest_attempt=latest)
    return status


def test_every_status_has_a_rank_and_every_receipt_proves_something() -> None:
    assert set(RANKS) == set(Status)
    assert set(PROVED) == set(ReceiptStatus)


@pytest.mark.parametrize(
    ("receipt", "sources"),
    [
        (ReceiptStatus.SENT, WAITING | OVER),
        (ReceiptStatus.UNDELIVERED, WAITING | OVER | {Status.ACCEPTED}),
        (ReceiptStatus.DELIVERED, set(Status) - {Status.DELIVERED}),
        (ReceiptStatus.SEEN, set(Status) - {Status.DELIVERED}),
    ],
)
def test_a_receipt_raises_the_statuses_below_what_it_proves(receipt: ReceiptStatus, sources: set[Status]) -> None:
    assert moves_from(receipt) == sources


@pytest.mark.parametrize(
    ("status", "receipt", "latest", "expected"),
    [
        (Status.SENDING, ReceiptStatus.SENT, True, Status.ACCEPTED),
        (Status.UNKNOWN, ReceiptStatus.SENT, False, Status.ACCEPTED),
        (Status.QUEUED, ReceiptStatus.SENT, True, Status.ACCEPTED),
        (Status.DELIVERED, ReceiptStatus.SENT, True, Status.DELIVERED),
        (Status.DELIVERED, ReceiptStatus.UNDELIVERED, True, Status.DELIVERED),
        (Status.UNDELIVERED, ReceiptStatus.DELIVERED, False, Status.DELIVERED),
        (Status.ACCEPTED, ReceiptStatus.UNDELIVERED, True, Status.UNDELIVERED),
        (Status.ACCEPTED, ReceiptStatus.UNDELIVERED, False, Status.ACCEPTED),
        (Status.FAILED, ReceiptStatus.SENT, True, Status.ACCEPTED),
        (Status.EXPIRED, ReceiptStatus.SEEN, False, Status.DELIVERED),
        (Status.CANCELED, ReceiptStatus.SENT, True, Status.CANCELED),
        (Status.CANCELED, ReceiptStatus.UNDELIVERED, True, Status.CANCELED),
        (Status.CANCELED, ReceiptStatus.DELIVERED, True, Status.DELIVERED),
    ],
)
def test_a_receipt_moves_a_message(status: Status, receipt: ReceiptStatus, latest: bool, expected: Status) -> None:
    assert move(status, receipt, latest_attempt=latest) is expected


@given(STATUSES, REPORTS)
def test_the_order_of_receipts_changes_nothing(status: Status, reports: list[tuple[ReceiptStatus, bool]]) -> None:
    assert len({settle(status, list(order)) for order in permutations(reports)}) == 1


@given(STATUSES, REPORTS, st.data())
def test_repeated_receipts_change_nothing(
    status: Status, reports: list[tuple[ReceiptStatus, bool]], data: st.DataObject
) -> None:
    repeats = data.draw(st.lists(st.sampled_from(reports), max_size=5)) if reports else []
    assert settle(status, reports + repeats) is settle(status, reports)


@given(STATUSES, RECEIPTS, st.booleans())
def test_a_message_never_moves_down(status: Status, receipt: ReceiptStatus, latest: bool) -> None:
    after = move(status, receipt, latest_attempt=latest)
    assert after is status or RANKS[after] > RANKS[status]


@given(STATUSES, RECEIPTS)
def test_only_a_lost_earlier_copy_is_judged_by_its_attempt(status: Status, receipt: ReceiptStatus) -> None:
    same = move(status, receipt, latest_attempt=True) is move(status, receipt, latest_attempt=False)
    assert same or receipt in LATEST_ONLY


@given(STATUSES, RECEIPTS)
def test_the_set_for_sql_and_the_move_agree(status: Status, receipt: ReceiptStatus) -> None:
    expected = PROVED[receipt] if status in moves_from(receipt) else status
    assert move(status, receipt, latest_attempt=True) is expected


def test_only_seen_is_engagement() -> None:
    assert {receipt: engagement(receipt) for receipt in ReceiptStatus if engagement(receipt)} == {
        ReceiptStatus.SEEN: SEEN
    }


def test_the_stage_uses_the_domains_lattice() -> None:
    assert (stage.move, stage.moves_from) == (move, moves_from)
