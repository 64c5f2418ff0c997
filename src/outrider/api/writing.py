"""Changes: append, and wait for `applied` where the caller asks."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, Literal

import msgspec
import structlog
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import HeaderParameter, QueryParameter

from outrider.api.deps import ApiDeps
from outrider.api.problems import UNAVAILABLE, UNREADABLE, Problem, Wrong
from outrider.domain.entry import Entry, Stop

log = structlog.get_logger(__name__)

#: Longest wait for `applied`.
LONGEST_WAIT = 10.0
#: A look at the cursor without a signal: the engine may be another process.
POLL = 0.05
#: Prefer: wait=5 (RFC 7240, section 4.3).
PREFERRED = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,4})\"?")
LONGEST_KEY = 512

#: How long the caller wants to wait, as handlers get it.
Seconds = NamedDependency[float]


class Written(msgspec.Struct, frozen=True):
    """A change that is durable."""

    #: Its place in the event log; null for changes that take effect at once, without the engine.
    position: int | None
    #: Whether it has taken effect.
    applied: bool
    #: The state after the change, as GET shows it; only where the caller waited and it exists.
    current: Any = None


async def wait_seconds(
    wait: Annotated[
        Literal["applied"] | None, QueryParameter(description="Answer once the change has taken effect, within 10 s.")
    ] = None,
    prefer: Annotated[
        str | None, HeaderParameter(name="Prefer", description="`wait=N`: the same, within N seconds, at most 10.")
    ] = None,
) -> float:
    """How long the caller wants to wait."""
    found = PREFERRED.search(prefer or "")
    if found:
        return min(float(found[1]), LONGEST_WAIT)
    return LONGEST_WAIT if wait else 0.0


def check_key(name: str, key: str) -> str:
    """An external key from a path or body. Raises Problem (400)."""
    if not 1 <= len(key) <= LONGEST_KEY or "\0" in key:
        raise Problem(UNREADABLE, errors=[Wrong(name, f"expected 1 to {LONGEST_KEY} characters, without U+0000")])
    return key


async def write(
    deps: ApiDeps,
    seconds: float,
    entry: Entry,
    current: Callable[[], Awaitable[Any]],
    stops: Sequence[Stop] = (),
) -> Response[Written]:
    """Append one entry with its stops: 200 with the state once applied in time, else 202. Raises NotStored."""
    (position,) = await deps.appender.append([entry], stops)
    assert position is not None, "an entry without a key is never a repeat"
    if seconds and await _applied(deps, entry.stream, position, seconds):
        return Response(Written(position, True, await current()), status_code=200)
    return Response(Written(position, False), status_code=202)


async def stand(deps: ApiDeps, stops: Sequence[Stop]) -> None:
    """Put stops that need no entry: delivery obeys them from the commit on. Raises NotStored."""
    await deps.appender.append([], stops)


async def lift(deps: ApiDeps, keys: Sequence[str]) -> None:
    """Remove stops. Raises Problem (503)."""
    try:
        await deps.log.lift(keys)
    except Exception as error:
        log.error("stops were not lifted", error=type(error).__name__)
        raise Problem(UNAVAILABLE, "the stops were not lifted", headers=[("retry-after", "1")]) from error
    deps.wakes.log.ring()


async def _applied(deps: ApiDeps, stream: bytes, position: int, seconds: float) -> bool:
    """Whether the engine gets as far within some seconds; a store that does not say means no."""

    async def reached() -> bool:
        return await deps.log.applied(stream) >= position

    return await until(deps, seconds, reached)


async def until(deps: ApiDeps, seconds: float, reached: Callable[[], Awaitable[bool]]) -> bool:
    """Whether something that the engine does is there within some seconds; an error of the store means no."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    try:
        while not await reached():
            left = deadline - loop.time()
            if left <= 0:
                return False
            await _signal(deps.wakes.applied, min(left, POLL))
    except Exception as error:  # the change is durable, so this is no failure of the request
        log.warning("whether a change is applied could not be read", error=type(error).__name__)
        return False
    return True


async def _signal(applied: asyncio.Condition, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds), applied:
            await applied.wait()
    except TimeoutError:
        return
