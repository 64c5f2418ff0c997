"""Starting while the database is still starting too: a supervisor brings processes up in any order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from outrider.configuration import Configuration
    from outrider.installation import Opened
    from outrider.settings import Settings

#: How long a database may take to answer: recovery after a crash replays up to 2 GB of log.
PATIENCE_SECONDS = 300.0


@asynccontextmanager
async def started(
    settings: Settings, dsn: str, patience: float = PATIENCE_SECONDS
) -> AsyncIterator[tuple[Opened, Configuration]]:
    """The store and the applied configuration, as soon as the database answers; waits `patience` seconds for it.

    Raises what `open_store` and `current_configuration` raise, and after `patience` what the last try met.
    """
    from outrider.installation import current_configuration, open_store
    from outrider.workers.trouble import Patience

    loop = asyncio.get_running_loop()
    until = loop.time() + patience
    waiting = Patience("start")
    async with AsyncExitStack() as kept:
        while True:
            try:
                opened = await kept.enter_async_context(open_store(settings, dsn))
                configuration = await current_configuration(opened)
                break
            except Exception as error:
                await kept.aclose()
                if loop.time() > until:
                    raise ConnectionError(f"the database does not answer: {error}") from error
                await waiting.wait(error)
        yield opened, configuration
