"""The reference API: FastAPI, one statement for a batch of events, then one task for each new event."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from fastapi import FastAPI
from pydantic import BaseModel

from bench.reference.store import append


class Event(BaseModel):
    """A CloudEvent."""

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    data: dict[str, Any]


Enqueue = Callable[[Sequence[dict[str, Any]]], Awaitable[None]]


async def by_taskiq(tasks: Sequence[dict[str, Any]]) -> None:
    """All tasks of a request at once, over pooled connections."""
    from bench.reference.tasks_taskiq import send

    await asyncio.gather(*[send.kiq(task) for task in tasks])


async def by_celery(tasks: Sequence[dict[str, Any]]) -> None:
    """In a thread, over one kept producer: Celery's client blocks."""
    from bench.reference.tasks_celery import app as celery
    from bench.reference.tasks_celery import send

    def publish() -> None:
        with celery.producer_pool.acquire(block=True) as producer:
            for task in tasks:
                send.apply_async((task,), producer=producer)

    await asyncio.to_thread(publish)


@asynccontextmanager
async def life(app: FastAPI) -> AsyncIterator[None]:
    """Connections for as long as the process runs."""
    async with asyncpg.create_pool(os.environ["REFERENCE_DSN"], min_size=2, max_size=8) as pool:
        app.state.pool = pool
        if os.environ["REFERENCE_STACK"] == "taskiq":
            from bench.reference.tasks_taskiq import broker

            await broker.startup()
            app.state.enqueue = by_taskiq
        else:
            app.state.enqueue = by_celery
        yield


app = FastAPI(lifespan=life)


@app.post("/v1/events", status_code=202)
async def take(events: list[Event]) -> dict[str, int]:
    """Durable first, then queued."""
    new = await append(app.state.pool, events)
    tasks = [{"id": event.id, "subject": event.subject, "data": event.data} for event in events if event.id in new]
    await app.state.enqueue(tasks)
    return {"accepted": len(tasks)}
