"""The Celery stack's application and task: prefork, acknowledgments after the work, no results kept."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import uvloop
from celery import Celery
from celery.signals import worker_process_init, worker_ready

from bench.reference.worker import Hands

app = Celery("reference", broker=os.environ["REFERENCE_REDIS"])
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    worker_prefetch_multiplier=32,
    broker_pool_limit=8,
    worker_send_task_events=False,
    task_serializer="json",
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
)
hands = Hands(connections=1)
loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()


@worker_process_init.connect
def begin(**_: Any) -> None:
    """Each child has a loop and connections of its own."""
    global loop
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.run_until_complete(hands.open())


@worker_ready.connect
def ready(**_: Any) -> None:
    """The workers take tasks."""
    print('{"ready": true}', flush=True)


@app.task
def send(event: dict[str, Any]) -> None:
    """One event to its recorded message."""
    loop.run_until_complete(hands.work(event))
