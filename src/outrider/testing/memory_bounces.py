"""Soft bounces, in memory."""

from __future__ import annotations

from datetime import UTC

from outrider.domain.attempt import Reason
from outrider.domain.bounces import CHANNEL, SOFT_BOUNCES, Bounce, BounceRules, Finding, Mail, judge
from outrider.domain.entry import Stop
from outrider.domain.message import Status
from outrider.domain.stops import address_key
from outrider.testing.memory_part import MemoryPart, transaction
from outrider.testing.memory_rows import BounceRow, MessageRow

ARRIVED = (Status.ACCEPTED, Status.DELIVERED)


class MemoryBounces(MemoryPart):
    """`end_bouncing` of the port `DeliveryStore`, and what its other parts note for it."""

    def _note_bounce(self, row: MessageRow, reason: Reason | None) -> None:
        """Note that a message came back for a passing reason, if it did."""
        message, now = row.message, self.clock.now()
        if reason in SOFT_BOUNCES and message.channel == CHANNEL:
            bounce = Bounce(now.astimezone(UTC).date(), row.intent_at or row.status_at, reason)
            self.tables.soft_bounces.setdefault((message.address, bounce.day), BounceRow(message.id, bounce, now))

    @transaction
    async def end_bouncing(self, rules: BounceRules, most: int) -> int:
        """See the port."""
        now, bounces = self.clock.now(), self.tables.soft_bounces
        for key in [key for key in bounces if key[1] <= now.astimezone(UTC).date() - rules.within]:
            del bounces[key]
        due = [key for key, row in bounces.items() if row.check_at is not None and row.check_at <= now][:most]
        found = {address: self._judge(address, rules) for address in sorted({address for address, _ in due})}
        for key in due:
            bounces[key].check_at = found[key[0]].again_at
        ended = {address: one.ends for address, one in found.items() if one.ends}
        for address, why in ended.items():
            self.tables.put_stop(Stop(address_key(address), "address", why))
        for key in [key for key in bounces if key[0] in ended]:
            del bounces[key]
        return len(ended)

    def _judge(self, address: bytes, rules: BounceRules) -> Finding:
        rows = [row for key, row in self.tables.soft_bounces.items() if key[0] == address]
        first = self.tables.messages[min(row.message for row in rows)].message
        mails = [
            Mail(one.intent_at, one.status is Status.DELIVERED)
            for one in self.tables.messages.values()
            if one.status in ARRIVED and one.intent_at is not None and _follows(one, first.id, address, first.stream)
        ]
        return judge([row.bounce for row in rows], mails, rules, self.clock.now())


def _follows(row: MessageRow, first: bytes, address: bytes, stream: bytes) -> bool:
    """Whether it is later mail to the same person's address."""
    message = row.message
    return message.id > first and (message.stream, message.address, message.channel) == (stream, address, CHANNEL)
