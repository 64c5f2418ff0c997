"""The Taskiq stack's broker and task: a Redis stream with acknowledgments after the work."""

from __future__ import annotations

import os
from typing import Any

from taskiq import TaskiqEvents, TaskiqState
from taskiq_redis import RedisStreamBroker

from bench.reference.worker import Hands

broker = RedisStreamBroker(url=os.environ["REFERENCE_REDIS"], xread_count=100, maxlen=1_000_000)
hands = Hands(connections=10)


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def begin(_: TaskiqState) -> None:
    """Connect, and say so."""
    await hands.open()
    print('{"ready": true}', flush=True)


@broker.task
async def send(event: dict[str, Any]) -> None:
    """One event to its recorded message."""
    await hands.work(event)
