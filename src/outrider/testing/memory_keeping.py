"""What delivery drops when its time is over, in memory."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from datetime import UTC
from typing import Any

from outrider.domain.keeping import KeptFor
from outrider.lib.ids import first_id_at
from outrider.testing.memory_part import MemoryPart, transaction


class MemoryKeeping(MemoryPart):
    """`drop_old` of the port `DeliveryStore`."""

    @transaction
    async def drop_old(self, kept: KeptFor, at_most: int) -> int:
        """See the port."""
        now, tables = self.clock.now(), self.tables
        floor, today = first_id_at(now - kept.provider_ids), now.astimezone(UTC).date()
        awaited = {blocked.dead_letter for blocked in tables.blocked.values()}
        orphaned, written, replayed = now - kept.orphan_receipts, now - kept.dead_letters, now - kept.replayed_letters
        return max(
            _drop(tables.provider_messages, (k for k, v in tables.provider_messages.items() if v[0] < floor), at_most),
            _drop(tables.orphans, (k for k, v in tables.orphans.items() if v.received_at < orphaned), at_most),
            _drop(
                tables.dead_letters,
                (
                    k
                    for k, v in tables.dead_letters.items()
                    if (v.at < written and k not in awaited if v.replayed_at is None else v.replayed_at < replayed)
                ),
                at_most,
            ),
            _drop(tables.ceilings, (k for k, v in tables.ceilings.items() if v.day < today), at_most),
        )


def _drop(rows: MutableMapping[Any, Any], old: Iterable[Any], at_most: int) -> int:
    gone = list(old)[:at_most]
    for key in gone:
        del rows[key]
    return len(gone)
