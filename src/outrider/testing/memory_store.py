"""The store in memory: serves the simulator, and passes the suites that PostgreSQL passes.

Every method runs to its end without suspending, so a caller may drive it with `send(None)`. Nothing depends on
chance or on the order of a set: the same calls leave the same tables. A method that raises has changed nothing,
unless its hook raised "after".
"""

from __future__ import annotations

from outrider.testing.memory_answers import MemoryAnswers
from outrider.testing.memory_engine import MemoryEngineStore
from outrider.testing.memory_keeping import MemoryKeeping
from outrider.testing.memory_log import MemoryLog
from outrider.testing.memory_receipts import MemoryReceipts
from outrider.testing.memory_routes import MemoryRoutes
from outrider.testing.memory_rows import Duplicate

__all__ = ["Duplicate", "MemoryStore"]


class MemoryStore(MemoryLog, MemoryAnswers, MemoryEngineStore, MemoryReceipts, MemoryRoutes, MemoryKeeping):
    """The ports `Log`, `EngineStore`, `DeliveryStore` and `RouteStore` over `tables`.

    `clock.now()` is the database's time. `ceiling` limits messages for one address. `tables` is open to
    inspection. `hook(method, "before" | "after")` is called around every transaction and may raise: before it,
    nothing has happened; after it, everything has, and only the answer is lost.
    """
