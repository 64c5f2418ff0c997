"""Turns the driver's errors about a database that does not answer into `Unavailable`."""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

import asyncpg

from outrider.contracts.reading_store import Unavailable

P = ParamSpec("P")
T = TypeVar("T")

#: Nobody answers, the connection broke, the server is starting or stopping, or it has no connection left.
NOT_ANSWERING = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
)

#: What an operator mends, not time: a name, password or right, or an address that nobody has.
CANNOT_ENTER = (
    socket.gaierror,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.ClientConfigurationError,
)


def answering(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Raise Unavailable where the driver says that the database does not answer."""

    @functools.wraps(method)
    async def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await method(*args, **kwargs)
        except NOT_ANSWERING as error:
            raise Unavailable("the database does not answer") from error

    return run
