"""Keeps the embedded PostgreSQL running: a server that dies under us is started again at the same address."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from outrider.store.launcher import Address, CannotStart, Running, launch

log = logging.getLogger(__name__)

#: Seconds between looks at the server, and between tries to start it again.
LOOK_SECONDS = 0.1
AGAIN_SECONDS = 1.0


class Kept:
    """A server and whoever replaces it."""

    def __init__(self, folder: Path, programs_folder: Path | None, overrides: Mapping[str, str] | None) -> None:
        self._folder = folder
        self._programs_folder = programs_folder
        self._overrides = overrides
        self._running: Running | None = None

    async def start(self) -> Address:
        """Start the first one; its address. Raises what `launch` raises."""
        return (await self._launch()).address

    async def _launch(self) -> Running:
        self._running = await launch(self._folder, programs_folder=self._programs_folder, overrides=self._overrides)
        return self._running

    async def watch(self, address: Address) -> None:
        """Start it again whenever it has ended, until canceled. The folder's socket stays where it is."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self._running is not None and self._running.exit_status() is None:
                continue
            log.error("PostgreSQL ended by itself and is started again; see server.log in %s", self._folder)
            await self._replace(address)

    async def _replace(self, address: Address) -> None:
        await self.stop()
        try:
            running = await self._launch()
        except CannotStart as error:
            log.error("PostgreSQL cannot be started again yet: %s", error)
            await asyncio.sleep(AGAIN_SECONDS)
            return
        if running.address != address:
            log.critical("PostgreSQL listens at %s now, no more at %s: restart Outrider", running.address, address)

    async def stop(self) -> None:
        """Stop the server and let go of its folder."""
        running, self._running = self._running, None
        if running is not None:
            await asyncio.to_thread(running.stop)


@asynccontextmanager
async def kept_running(
    folder: Path, *, programs_folder: Path | None = None, overrides: Mapping[str, str] | None = None
) -> AsyncIterator[Address]:
    """The address of the store's server, which runs, with replacements, as long as the block.

    Takes and raises what `launch` does.
    """
    kept = Kept(folder, programs_folder, overrides)
    address = await kept.start()
    watch = asyncio.create_task(kept.watch(address))
    try:
        yield address
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        await kept.stop()
