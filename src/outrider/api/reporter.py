"""Receipts of concurrent callbacks are stored together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from outrider.api.coalesce import Coalescer
from outrider.contracts.store import DeliveryStore
from outrider.domain.receipt import Reported

#: Receipts in one transaction.
MOST = 500


class Reporter:
    """`DeliveryStore.report` for many callers; the engine is woken since some message may have been awaited."""

    def __init__(self, receipts: DeliveryStore, ring: Callable[[], None]) -> None:
        self._receipts = receipts
        self._ring = ring
        self._coalescer: Coalescer[Reported, None] = Coalescer("store of receipts", self._report, MOST)

    async def report(self, reported: Sequence[Reported]) -> None:
        """Return once the receipts are durable. Raises NotStored."""
        await self._coalescer.put(reported)

    async def _report(self, reported: list[Reported]) -> Sequence[None]:
        if await self._receipts.report(reported):
            self._ring()
        return [None] * len(reported)
