"""Python's cyclic garbage collector, taken out of the hot path of a process that handles large batches of objects.

Reference counts free nearly everything at once. What the collector adds by itself is a walk over every container that
happens to be alive when a batch is at its largest: 15 to 20 % of all CPU (measured, bench w1). So it is off, and a loop
collects cycles at its own pace.
"""

from __future__ import annotations

import asyncio
import gc

#: Seconds between two collections, and between two looks at how much there is.
EVERY_SECONDS = 30.0
LOOK_SECONDS = 1.0
#: Containers more than at the last collection that make it come early: about 200 MB of cycles at the worst.
MANY = 1_000_000


class Collector:
    """Collects cycles now and then, as a loop of the process."""

    def __init__(self) -> None:
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Leave what exists out of every later collection, then collect until `stop`; the collector is itself again."""
        gc.collect()
        gc.freeze()
        gc.disable()
        try:
            await self._collect_in_turn()
        finally:
            gc.enable()
            gc.unfreeze()

    def stop(self) -> None:
        """End at once."""
        self._stopping.set()

    async def _collect_in_turn(self) -> None:
        looks = 0
        while not self._stopping.is_set():
            try:
                await asyncio.wait_for(self._stopping.wait(), LOOK_SECONDS)
            except TimeoutError:
                looks += 1
                if looks * LOOK_SECONDS >= EVERY_SECONDS or gc.get_count()[0] > MANY:
                    gc.collect()
                    looks = 0
