"""What the API works with; the composition root fills it in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from litestar.di import NamedDependency
from litestar.params import SkipValidation
from prometheus_client import CollectorRegistry

from outrider.api.appender import Appender
from outrider.api.keys import KeyVerifier
from outrider.api.metrics import Metrics
from outrider.api.reporter import Reporter
from outrider.configuration import Configuration
from outrider.contracts.provider import Provider
from outrider.contracts.reading_store import Letters, Reading
from outrider.contracts.store import DeliveryStore, Log
from outrider.lib.clock import Clock
from outrider.lib.ids import Hasher
from outrider.receipts.acknowledgment import Acknowledgments


class Ring(Protocol):
    """A signal to a loop."""

    def ring(self) -> None:
        """There is work."""
        ...


class Wakes(Protocol):
    """The signals between the stages, as far as the API sends or awaits them."""

    @property
    def log(self) -> Ring:
        """Entries were appended."""
        ...

    @property
    def applied(self) -> asyncio.Condition:
        """Notified when the engine has handled entries."""
        ...


class CallbackAccount(Protocol):
    """One configured account, as far as its callbacks need it."""

    @property
    def provider(self) -> Provider:
        """Who reads its callbacks."""
        ...

    @property
    def token(self) -> str:
        """The unguessable part of the callback path."""
        ...


@dataclass
class ApiDeps:
    """Everything the routes use. `appender`, `reporter` and `metrics` follow from the rest."""

    log: Log
    reading: Reading
    letters: Letters
    receipts: DeliveryStore
    keys: KeyVerifier
    #: The current configuration.
    configuration: Callable[[], Configuration]
    accounts: Callable[[], Mapping[str, CallbackAccount]]
    hasher: Hasher
    clock: Clock
    wakes: Wakes
    #: Where providers reach us, without a slash at the end.
    public_url: Callable[[], str]
    #: Reads the tokens with which apps acknowledge messages.
    acknowledgments: Acknowledgments
    #: JSON Schemas of configuration files, by name.
    schemas: Callable[[], Mapping[str, Mapping[str, Any]]] = dict
    #: Signs the links of messages.
    link_key: bytes = b""
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        self.metrics = Metrics(self.registry)
        self.appender = Appender(self.log, self.wakes.log.ring)
        self.reporter = Reporter(self.receipts, self.wakes.log.ring)


#: As a parameter of a handler: given by the application, never read from the request.
Deps = NamedDependency[SkipValidation[ApiDeps]]
