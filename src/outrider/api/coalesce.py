"""Group commit: what arrives while one transaction runs goes into the next one together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import structlog

from outrider.contracts.reading_store import Unavailable

Item = TypeVar("Item")
Answer = TypeVar("Answer")

log = structlog.get_logger(__name__)


class NotStored(Unavailable):
    """The transaction did not confirm: the request may be repeated and must not be answered with success."""


class Coalescer(Generic[Item, Answer]):
    """Runs one transaction at a time over the items of as many callers as fit, each getting its own answers."""

    def __init__(self, name: str, run: Callable[[list[Item]], Awaitable[Sequence[Answer]]], most: int) -> None:
        """`run` gives one answer for each item, in order; `most` items go together at most, but no caller is cut."""
        self._name = name
        self._run = run
        self._most = most
        self._waiting: deque[tuple[Sequence[Item], asyncio.Future[Sequence[Answer]]]] = deque()
        self._task: asyncio.Task[None] | None = None

    async def put(self, items: Sequence[Item]) -> Sequence[Answer]:
        """The answers to these items once they are durable. Raises NotStored."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Sequence[Answer]] = loop.create_future()
        self._waiting.append((items, future))
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._drain())
        return await future

    async def _drain(self) -> None:
        while self._waiting:
            batch = self._next_batch()
            try:
                await self._settle(batch)
            except BaseException:  # the process is ending: nobody may be left waiting
                _fail([*batch, *self._waiting], "the process is ending")
                self._waiting.clear()
                raise

    def _next_batch(self) -> list[tuple[Sequence[Item], asyncio.Future[Sequence[Answer]]]]:
        batch = [self._waiting.popleft()]
        size = len(batch[0][0])
        while self._waiting and size + len(self._waiting[0][0]) <= self._most:
            batch.append(self._waiting.popleft())
            size += len(batch[-1][0])
        return batch

    async def _settle(self, batch: list[tuple[Sequence[Item], asyncio.Future[Sequence[Answer]]]]) -> None:
        try:
            answers = await self._run([item for items, _ in batch for item in items])
        except Exception as error:
            log.error("a transaction did not confirm", what=self._name, callers=len(batch), error=type(error).__name__)
            _fail(batch, f"the {self._name} did not confirm ({type(error).__name__})")
            return
        start = 0
        for items, future in batch:
            if not future.done():  # the caller may have gone
                future.set_result(answers[start : start + len(items)])
            start += len(items)


def _fail(batch: Sequence[tuple[Sequence[Item], asyncio.Future[Sequence[Answer]]]], reason: str) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(NotStored(reason))
