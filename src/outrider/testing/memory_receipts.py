"""Receipts in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from outrider.domain import lattice
from outrider.domain.attempt import AttemptState
from outrider.domain.entry import ReceiptEntry
from outrider.domain.receipt import Receipt, ReceiptStatus, Reported
from outrider.testing.memory_delivery import PROVABLE, MemoryDelivery
from outrider.testing.memory_part import transaction
from outrider.testing.memory_rows import AttemptRow, MessageRow, StoredReceipt


class MemoryReceipts(MemoryDelivery):
    """The port `DeliveryStore` with receipts."""

    @transaction
    async def report(self, reported: Sequence[Reported]) -> int:
        """See the port. Orphans are not counted before they are matched."""
        now = self.clock.now()
        return sum(self._report(each, now) for each in reported)

    def _report(self, reported: Reported, now: datetime) -> bool:
        attempt = self._match(reported)
        if attempt is not None:
            return self._store(attempt, reported, now)
        self.tables.orphans.setdefault(_key(reported), reported)
        return False

    def _match(self, reported: Reported) -> AttemptRow | None:
        """The attempt that the echo names, or else the one that has the provider's message id."""
        tables = self.tables
        named = tables.attempts.get(reported.attempt) if reported.attempt else None
        if named is not None:
            return named
        key = tables.provider_messages.get((reported.account, reported.receipt.provider_id))
        return tables.attempts[key] if key else None

    def _store(self, attempt: AttemptRow, reported: Reported, now: datetime) -> bool:
        key = (attempt.message, *_key(reported))
        if key in self.tables.receipts:
            return False
        stored = StoredReceipt(attempt.number, reported.account, reported.receipt, reported.received_at)
        self.tables.receipts[key] = stored
        row = self.tables.messages[attempt.message]
        self._prove(attempt, reported.receipt, now)
        self._move(row, attempt.number, reported.receipt, reported.received_at)
        if row.message.awaited:
            entry = ReceiptEntry(row.message.id, reported.receipt)
            self.tables.tell(row.message.stream, entry, reported.received_at)
        return True

    def _prove(self, attempt: AttemptRow, receipt: Receipt, now: datetime) -> None:
        """A receipt proves acceptance of an attempt that was not answered, in doubt, or given up."""
        if attempt.state in PROVABLE:
            attempt.state, attempt.ended_at = AttemptState.ACCEPTED, now
            self.tables.doubts.pop((attempt.message, attempt.number), None)
        if not attempt.provider_id:
            self._know(attempt, receipt.provider_id)
        attempt.segments = receipt.segments or attempt.segments
        if receipt.price is not None:
            attempt.price, attempt.currency = receipt.price, receipt.currency or attempt.currency

    def _move(self, row: MessageRow, number: int, receipt: Receipt, at: datetime) -> None:
        status = lattice.move(row.status, receipt.status, latest_attempt=number == row.attempts)
        if status is not row.status:
            self.tables.set_status(row, status, at, receipt.reason.value if receipt.reason else "")
        row.engagement |= lattice.engagement(receipt.status)
        self.tables.suppress(row, receipt.reason)
        if receipt.status is ReceiptStatus.UNDELIVERED:
            self._note_bounce(row, receipt.reason)

    @transaction
    async def match_orphans(self, most: int) -> int:
        """See the port. In the order of arrival; one whose repeat was stored meanwhile is dropped uncounted."""
        now = self.clock.now()
        known = [(key, attempt) for key, each in self.tables.orphans.items() if (attempt := self._match(each))]
        return sum(self._store(attempt, self.tables.orphans.pop(key), now) for key, attempt in known[:most])


def _key(reported: Reported) -> tuple[str, str, str, str]:
    """What makes two receipts the same one."""
    receipt = reported.receipt
    return reported.account, receipt.provider_id, receipt.status.value, receipt.detail
