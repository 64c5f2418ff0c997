"""The connector port: a connector reads events from somewhere and forgets them only once they are durable here.

One file in `connectors/{name}.py` holds one module-level ``CONNECTOR = TheConnector`` class; discovery finds it.
The caller maps, stores and buries; a connector knows nothing of what an event means.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

import msgspec


class CannotRead(Exception):
    """The source cannot be read on; the text says where and what was expected, without personal data."""


class Record(msgspec.Struct, frozen=True):
    """One event as it was found: unread, so that what is wrong with it can be kept as it came."""

    #: A CloudEvents 1.0 event as structured JSON, or whatever stood in its place.
    raw: bytes
    #: Where it was, for people: ``bookings.ndjson, line 12``.
    place: str


class Connector(Protocol):
    """What every connector offers: records in order, and a place to go on from after a restart.

    The caller reads, makes what it read durable, then acknowledges; a crash in between reads the same records
    again, which is harmless, since a source and an id are stored once.
    """

    name: ClassVar[str]
    #: One line for lists and docs.
    title: ClassVar[str]
    #: A frozen msgspec Struct with documented fields; secrets are typed `contracts.provider.Secret`.
    Settings: ClassVar[type[Any]]

    def __init__(self, settings: Any) -> None: ...

    async def read(self, most: int) -> Sequence[Record]:
        """The next records, at most `most`, after those read before; the first call goes on where the last
        acknowledgment stands. Empty when there is nothing now; more may come. Raises CannotRead.
        """
        ...

    async def acknowledge(self) -> None:
        """Everything read so far is durable here: no later connector with these settings reads it again.

        Durable when it returns. Raises CannotRead when the place cannot be kept.
        """
        ...

    async def close(self) -> None:
        """Let go of files and connections; what was not acknowledged is read again by the next one."""
        ...
