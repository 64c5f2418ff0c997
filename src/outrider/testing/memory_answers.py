"""Requests that take effect once, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from msgspec.structs import replace

from outrider.domain.request import KeptAnswer, KeyedRequest
from outrider.testing.memory_part import MemoryPart, transaction


class MemoryAnswers(MemoryPart):
    """`append_once` and its kin of the port `Log`."""

    @transaction
    async def append_once(self, requests: Sequence[KeyedRequest]) -> list[KeptAnswer]:
        """See the port."""
        return [self._once(request) for request in requests]

    def _once(self, request: KeyedRequest) -> KeptAnswer:
        known = self.tables.answers.get(request.key)
        if known is not None:
            return known[0]
        kept = KeptAnswer(request.fingerprint, request.message, request.answer)
        self.tables.answers[request.key] = (kept, self.clock.now())
        self.tables.append(request.entry)
        return replace(kept, is_new=True)

    @transaction
    async def kept_answer(self, key: bytes) -> KeptAnswer | None:
        """See the port."""
        known = self.tables.answers.get(key)
        return known[0] if known else None

    @transaction
    async def settle_answer(self, key: bytes, answer: bytes) -> bytes:
        """See the port."""
        known = self.tables.answers.get(key)
        if known is None:
            return answer
        kept, at = known
        self.tables.answers[key] = (replace(kept, answer=kept.answer or answer), at)
        return kept.answer or answer

    @transaction
    async def drop_answers(self, age: timedelta) -> int:
        """See the port."""
        before = self.clock.now() - age
        old = [key for key, (_, at) in self.tables.answers.items() if at < before]
        for key in old:
            del self.tables.answers[key]
        return len(old)

    @transaction
    async def drop_event_keys(self, age: timedelta, at_most: int) -> int:
        """See the port."""
        before = self.clock.now() - age
        old = [key for key in self.tables.event_keys if self.tables.key_times[key] < before][:at_most]
        for key in old:
            del self.tables.event_keys[key], self.tables.key_times[key]
        return len(old)
