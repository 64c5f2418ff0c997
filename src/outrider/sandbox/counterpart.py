"""What a simulated provider offers: its wire format, nothing else. Faults, ledger and timing belong to the server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from outrider.contracts.http import Request, Response
from outrider.domain.attempt import Reason
from outrider.domain.receipt import ReceiptStatus
from outrider.sandbox.tariff import Charge


class Call(msgspec.Struct):
    """One request as it came in. Header names are lower case."""

    method: str
    #: Path and query, still escaped.
    target: str
    headers: dict[str, str]
    body: bytes
    at: datetime

    @property
    def path(self) -> str:
        """The path without the query, unescaped."""
        return unquote(self.target.partition("?")[0])

    @property
    def query(self) -> dict[str, str]:
        """The last value of each query parameter."""
        return {name: values[-1] for name, values in parse_qs(urlsplit(self.target).query).items()}


class Taken(msgspec.Struct):
    """A message the simulated provider accepted; `status` and `reason` move as its receipts are posted."""

    id: str
    account: str
    #: E.164 with a plus sign, whatever form the provider uses.
    to: str
    sender: str
    text: str
    #: Our attempt id, read back from the reference field or from ``?attempt=`` of the callback URL.
    echo: str
    callback_url: str
    at: datetime
    segments: int = 1
    #: The caller's own reference as the provider keeps it; empty for providers without one.
    reference: str = ""
    status: ReceiptStatus | None = None
    reason: Reason | None = None
    #: A success is not reported, as mail servers do unless they are asked to.
    only_failures: bool = False
    #: What a segment of it costs here; None where the sandbox was given no price list.
    charge: Charge | None = None
    #: The subject of a mail, the title of a push; empty where a channel has none.
    subject: str = ""


class Account(msgspec.Struct, frozen=True):
    """Credentials the simulated provider knows."""

    #: What the caller names itself with: an account SID, a channel id.
    id: str
    #: Its token or key; also signs callbacks where the provider signs.
    secret: str


class Book(Protocol):
    """The accepted messages a look-up can see."""

    def get(self, identifier: str) -> Taken | None:
        """One message by the provider's id."""
        ...

    def sent_to(self, number: str) -> Sequence[Taken]:
        """The messages to one number, oldest first."""
        ...

    def recent(self) -> Sequence[Taken]:
        """All remembered messages, oldest first."""
        ...


class Counterpart(Protocol):
    """The other side of one provider. Instances are immutable: accounts in, wire format out."""

    name: ClassVar[str]
    channel: ClassVar[str]
    #: Paths of this provider start with one of these; they must not overlap another counterpart's.
    prefixes: ClassVar[tuple[str, ...]]
    #: Seconds before each further try to post one callback (the provider's documented schedule).
    retries: ClassVar[tuple[float, ...]]
    #: Whether a callback is also tried again when the answer is not 2xx, or only when the connection failed.
    retries_on_status: ClassVar[bool]
    #: The accounts known when none are configured.
    accounts: ClassVar[tuple[Account, ...]]

    def __init__(self, accounts: Sequence[Account]) -> None: ...

    def receive(self, call: Call, new_id: str, book: Book) -> Taken | Response:
        """A submitted message, still to be accepted; or the answer to everything else and to bad requests.

        new_id: 32 hexadecimal digits, unique, to build the provider's message id from.
        """
        ...

    def accepted(self, taken: Taken) -> Response:
        """The answer that says the message was taken."""
        ...

    def refusal(self, reason: Reason, taken: Taken) -> Response | None:
        """The refusal of such a message at submission; None when this provider takes it and reports later."""
        ...

    def error(self, code: str) -> Response:
        """The provider's own error document with this code of its own."""
        ...

    def throttled(self, retry_after: int | None) -> Response:
        """429 in the provider's words."""
        ...

    def unavailable(self) -> Response:
        """503 in the provider's words."""
        ...

    def receipt(self, taken: Taken, *, word: str | None = None, forged: bool = False) -> Request | None:
        """The callback that reports `taken.status`; None where this provider reports no such thing.

        word: say this status instead. forged: made by somebody else.
        """
        ...

    def reply(self, taken: Taken, text: str, new_id: str) -> Request:
        """The callback with an inbound message, from the person `taken` went to."""
        ...


#: The GSM 7-bit default alphabet (3GPP TS 23.038, 6.2.1); the extension table costs two septets each.
GSM = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("\f^{}\\[~]|€")


def segments(text: str) -> int:
    """How many SMS a text becomes: 160 or 153 septets each, else 70 or 67 UTF-16 units (3GPP TS 23.040)."""
    units = len(text.encode("utf-16-le", "replace")) // 2
    if units <= 70:  # one segment in either alphabet: at most 140 septets
        return 1
    characters = set(text)
    if characters <= GSM or characters <= GSM | EXTENSION:
        septets = len(text) + sum(character in EXTENSION for character in text)
        return 1 if septets <= 160 else -(-septets // 153)
    return -(-units // 67)


def echo_in(url: str) -> str:
    """The attempt id a callback URL carries as ``?attempt=``, or nothing."""
    _, found, rest = url.partition("attempt=")
    return unquote(rest.partition("&")[0]) if found else ""


def json_answer(status: int, document: object, headers: Mapping[str, str] | None = None) -> Response:
    """An answer with a JSON document."""
    return Response(status, {"content-type": "application/json", **(headers or {})}, msgspec.json.encode(document))
