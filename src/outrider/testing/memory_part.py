"""What every part of the in-memory store has: its tables, the database's time, and a hook for faults."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from outrider.domain.outbox import Ceiling
from outrider.lib.clock import Clock
from outrider.testing.memory_tables import Tables

P = ParamSpec("P")
T = TypeVar("T")

#: Called with a method's name and "before" its transaction or "after" its commit; what it raises reaches the caller.
Hook = Callable[[str, str], None]


class Hooked(Protocol):
    """Anything whose transactions can be disturbed."""

    @property
    def hook(self) -> Hook: ...


H = TypeVar("H", bound=Hooked)


def no_faults(method: str, moment: str) -> None:
    """The hook of a store that nothing disturbs."""


def transaction(
    method: Callable[Concatenate[H, P], Awaitable[T]],
) -> Callable[Concatenate[H, P], Coroutine[Any, Any, T]]:
    """Let the hook fail a method before it changed anything, or after everything is committed."""
    name = method.__name__

    @wraps(method)
    async def disturbed(self: H, /, *args: P.args, **kwargs: P.kwargs) -> T:
        self.hook(name, "before")
        result = await method(self, *args, **kwargs)
        self.hook(name, "after")
        return result

    return disturbed


class MemoryPart:
    """Tables, clock, ceiling and hook; the methods of the ports are in the subclasses."""

    def __init__(self, clock: Clock, ceiling: Ceiling | None = None) -> None:
        self.clock = clock
        self.ceiling = ceiling or Ceiling()
        self.tables = Tables()
        self.hook: Hook = no_faults
