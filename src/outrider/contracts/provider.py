"""The provider port: a provider is tables and pure functions between our words and its wire format.

The transport, retries, failover, logging and storage belong to the callers. One file in
`providers/{channel}/{name}.py` holds one module-level `PROVIDER = ThePlugin` class; discovery finds it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, ClassVar, Protocol, cast

import msgspec

from outrider.contracts.http import Request, Response
from outrider.domain.attempt import Outcome
from outrider.domain.message import Rendition
from outrider.domain.receipt import Receipt, Reply


class Forged(Exception):
    """A callback's signature or token is wrong. Changes nothing, is counted and answered with 403."""


class Unreadable(Exception):
    """A callback's body is not what the provider documents; kept as a dead letter."""


class Secret(msgspec.Struct, frozen=True):
    """A credential. Never shown: not in repr, logs or schemas."""

    value: str

    def __repr__(self) -> str:
        return "Secret(•••)"

    __str__ = __repr__


class Outbound(msgspec.Struct, frozen=True):
    """One message for one attempt."""

    #: Our echo, for example ``msg_01J….1``: must travel out and come back (callback URL, reference field or both).
    attempt: str
    #: E.164 with a plus sign; an e-mail address; a token: what the channel's addresses are.
    to: str
    sender: str
    body: Rendition
    #: The full public URL for receipts of this attempt; already carries the echo as ``?attempt=``.
    callback_url: str
    #: Seconds after which the message is worthless to the person.
    validity: int = 36_000
    #: The same as an instant, for providers that want one; None when it is not known.
    expires_at: datetime | None = None
    #: What an app sends to `acknowledge_url` once the message is there or seen (channels without receipts).
    acknowledgment: str = ""
    acknowledge_url: str = ""
    #: Where one click ends messages of this purpose (RFC 8058); empty where a purpose has no such way out.
    unsubscribe_url: str = ""
    #: When this attempt is made; None where nobody needs to know.
    at: datetime | None = None


class Callback(msgspec.Struct, frozen=True):
    """One HTTP request a provider made to us, as received."""

    method: str
    #: The public URL including the query, rebuilt from configuration (behind proxies the socket lies).
    url: str
    query: Mapping[str, str]
    #: Names in lower case.
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime


class Doubt(msgspec.Struct, frozen=True):
    """An attempt in unknown state, for a look-up."""

    attempt: str
    to: str
    text: str
    #: When the intent was written; look for messages from a little before this instant on.
    since: datetime
    #: Provider ids known to belong to other attempts: an equal text to the same person is not this one.
    taken: frozenset[str] = frozenset()


class Abilities(msgspec.Struct, frozen=True):
    """What a provider can do; drives rules, the docs matrix and which contract tests apply."""

    #: How our attempt id comes back: "url" (per-message callback URL), "reference" (a field), or "both".
    echo: str
    signed_callbacks: bool
    #: Can be asked later whether a message was accepted.
    lookup: bool
    #: Seconds after acceptance until a look-up reliably finds a message; absence counts only after three times this.
    lookup_lag: float = 0.0
    inbound: bool = False
    #: Seconds between the provider's tries to deliver one receipt.
    receipt_retries: tuple[float, ...] = ()
    #: Reports by callback what became of a message; without it the person's app has to acknowledge.
    receipts: bool = True
    #: A message names the sender of its route; else the account itself is the sender.
    senders: bool = True
    #: The day the wire format was last checked, and against what.
    verified_on: date = date(2026, 11, 1)
    verified_with: str = ""


class Provider(Protocol):
    """What every provider plug-in offers. Instances are immutable and hold settings only."""

    name: ClassVar[str]
    channel: ClassVar[str]
    #: One line for the docs matrix.
    title: ClassVar[str]
    abilities: ClassVar[Abilities]
    #: A frozen msgspec Struct with documented fields, `base_url` among them; secrets are typed Secret.
    Settings: ClassVar[type[Any]]

    def __init__(self, settings: Any) -> None: ...

    def request(self, message: Outbound) -> Request:
        """The HTTP request that sends this message."""
        ...

    def outcome(self, response: Response) -> Outcome:
        """What the answer to `request` means. Total: never raises, an unreadable answer is Unknown."""
        ...

    def receipts(self, callback: Callback) -> list[Receipt | Reply]:
        """The receipts and replies in a callback; words we do not know give nothing.

        Raises Forged when verification fails, Unreadable when the body is not the documented form.
        """
        ...

    def lookup(self, doubt: Doubt) -> Request | None:
        """The request that asks whether a doubtful attempt was accepted; None when the provider cannot say."""
        ...

    def found(self, doubt: Doubt, response: Response) -> str | None:
        """The provider's message id when the answer proves acceptance; None when it shows the message is not there.

        Raises Unreadable when the answer shows neither (an error, a gateway's page, an incomplete list): only a
        None may count toward absence.
        """
        ...


class Direct(Provider, Protocol):
    """A provider that brings its own transport, for wire formats other than HTTP; delivery calls `send` instead.

    `request` and `outcome` stay pure and say what would travel and what an answer means: the Request's url names the
    server, its headers are the envelope; the Response's status is the protocol's reply code, its headers say at which
    phase it came. Connections are kept, at most a few for each instance, and belong to one event loop.
    """

    async def send(self, message: Outbound, deadline: float) -> Outcome:
        """Send one message within `deadline` seconds. Total: never raises but when it is canceled.

        Refused (NOT_CONNECTED) for every failure before the message could have been taken; Unknown for every failure
        after that without an answer that can be read.
        """
        ...

    async def close(self) -> None:
        """Close the connections that rest now, and those at work when their message is through."""
        ...


def direct(provider: Provider) -> Direct | None:
    """The provider, if it brings its own transport."""
    return cast("Direct", provider) if hasattr(provider, "send") else None
