"""Simulated providers: the sandbox's wire formats over virtual time, with faults, and the ledger of the truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from email.utils import format_datetime
from functools import partial
from random import Random
from typing import Protocol

import msgspec

from outrider.contracts.http import Broken, NotSent, Request, Response
from outrider.domain.attempt import Reason
from outrider.domain.receipt import ReceiptStatus
from outrider.lib.ids import BadId, read_id
from outrider.sandbox.book import RecentBook
from outrider.sandbox.counterpart import Call, Counterpart, Taken
from outrider.sandbox.sms.smsmode import Smsmode
from outrider.sandbox.sms.twilio import Twilio
from outrider.testing.simulation.letters import LettersCounterpart
from outrider.testing.simulation.pocket import PocketCounterpart
from outrider.testing.simulation.timeline import Later, Process, Timeline

#: Account → its provider's other side.
SIDES: Mapping[str, type[Counterpart]] = {
    "mode": Smsmode,
    "twi": Twilio,
    "pocket": PocketCounterpart,
    "letters": LettersCounterpart,
}
#: Account → codes of refusals, of every scope the provider can name.
REFUSALS: Mapping[str, tuple[str, ...]] = {
    "mode": ("UNAUTHORIZED", "FORBIDDEN", "BAD_REQUEST"),
    "twi": ("21211", "21610", "21408", "21606", "21612", "21614", "20003", "21617"),
    "pocket": ("invalid_number", "content_rejected", "geo_blocked", "unauthorized", "opted_out", "dead_address"),
    "letters": ("invalid_address", "content_rejected", "unauthorized", "unknown_subscriber"),
}
#: Accounts whose callbacks carry no signature.
UNSIGNED = frozenset({"pocket", "letters"})
#: One-shot faults of a submission in which nothing was accepted, and those in which it was.
NOT_TAKEN = ("not_connected", "reset_before", "timeout_before", "503", "429", "bare_5xx", "refuse")
TAKEN_SILENTLY = ("reset_after", "timeout_after", "slow_accept", "bare_5xx_after", "page_after", "kill", "freeze")
SHOTS = (*NOT_TAKEN, *TAKEN_SILENTLY)
#: Faults of a stretch of time.
WINDOWS = ("not_connected", "503", "429", "bare_5xx", "slow", "reset_before", "reset_after")
#: What goes wrong with receipts, and how often while faults are on.
RECEIPT_FAULTS = {"lost": 0.04, "late": 0.04, "twice": 0.08, "early": 0.05, "shuffled": 0.05, "conflict": 0.04}
STRAY, FORGED, UNDELIVERED = 0.02, 0.02, 0.08
REASONS = (Reason.ABSENT_SUBSCRIBER, Reason.UNKNOWN_SUBSCRIBER, Reason.SPAM_FILTERED, Reason.OPTED_OUT)


class Copy(msgspec.Struct, frozen=True):
    """One message a provider truly accepted: a line of the oracle's ledger."""

    message: bytes
    number: int
    account: str
    to: str
    text: str
    provider_id: str
    seconds: float


class Window(msgspec.Struct, frozen=True):
    """A stretch of time in which a provider misbehaves, in seconds from the start."""

    kind: str
    begin: float
    end: float


class Truth(Protocol):
    """Who listens to the providers."""

    faults_on: bool
    chance: Random
    timeline: Timeline

    def accepted(self, copy: Copy) -> None:
        """A provider accepted a message."""
        ...

    def received(self, account: str, side: Counterpart, taken: Taken) -> None:
        """A person has a message."""
        ...

    def harmed(self, account: str, message: bytes, how: str) -> None:
        """A submission met a fault."""
        ...

    def post(self, account: str, request: Request, kind: str, tries: tuple[float, ...]) -> None:
        """A provider posts a callback; `kind`: receipt, stray or forged."""
        ...

    def met(self, what: str) -> None:
        """Something rare happened."""
        ...


class Carrier:
    """One provider account."""

    def __init__(self, account: str, truth: Truth) -> None:
        side = SIDES[account]
        self.account = account
        self.side: Counterpart = side(side.accounts)
        self.book = RecentBook()
        self.truth = truth
        self.windows: list[Window] = []
        self.shots: list[str] = []
        self._ids = 0

    async def call(self, request: Request, deadline: float, sender: Process) -> Response:
        """Answer one request in simulated time. Raises NotSent and Broken as the transport does."""
        chance, timeline = self.truth.chance, self.truth.timeline
        kind = self._fault(request)
        wire = Call(request.method, _target(request.url), dict(request.headers), request.body, timeline.now())
        delay = min(0.02 + chance.expovariate(8.0), deadline * 0.6)
        if kind == "slow":
            delay = deadline * chance.uniform(0.5, 0.95)
        if kind:
            self._harm(wire, kind)
        if kind == "not_connected":
            await Later(0.01, error=NotSent("the connection was refused"))
        answer: list[Response] = []
        arrival = deadline + chance.uniform(0.5, 8.0) if kind == "slow_accept" else delay * 0.6
        timeline.after(arrival, partial(self._arrive, wire, kind, answer, sender))
        if kind in ("timeout_before", "timeout_after", "slow_accept"):
            await Later(deadline, error=Broken("no answer in time"))
        await Later(delay)
        if not answer:
            raise Broken("the connection broke off")
        headers = {**answer[0].headers, "date": format_datetime(timeline.now(), usegmt=True)}
        return msgspec.structs.replace(answer[0], headers=headers)

    def _fault(self, request: Request) -> str:
        now = self.truth.timeline.seconds
        for window in self.windows:
            if window.begin <= now < window.end:
                return window.kind
        if request.method == "POST" and self.shots:
            return self.shots.pop(0)
        return ""

    def _arrive(self, wire: Call, kind: str, answer: list[Response], sender: Process) -> None:
        """The request is with the provider; what it answers, if anything."""
        self._ids += 1
        found = self.side.receive(wire, f"{self._ids:032x}", self.book)
        if isinstance(found, Response):
            self._answer_lookup(found, kind, answer)
            return
        refusal = self._refusal(kind, found)
        if refusal is not None:
            answer.append(refusal)
        if refusal is not None or kind in ("reset_before", "timeout_before"):
            return
        self._accept(found)
        if kind == "kill":
            self.truth.met("C7 request written, the answer lost with its worker")
            sender.die()
        elif kind == "freeze":
            self.truth.met("zombie worker wakes")
            sender.freeze(self.truth.chance.uniform(20.0, 150.0))
        if kind == "bare_5xx_after":
            answer.append(Response(502, {}, b"<html>Bad Gateway</html>"))
        elif kind == "page_after":
            answer.append(Response(200, {}, b"<html>Welcome</html>"))
        elif kind not in ("reset_after", "timeout_after", "slow_accept"):
            answer.append(self.side.accepted(found))

    def _answer_lookup(self, found: Response, kind: str, answer: list[Response]) -> None:
        if kind in ("503", "429"):
            answer.append(self.side.unavailable())
        elif kind == "bare_5xx":
            answer.append(Response(502, {}, b""))
        elif kind in ("", "slow"):
            answer.append(found)

    def _refusal(self, kind: str, taken: Taken) -> Response | None:
        if kind == "503":
            return self.side.unavailable()
        if kind == "429":
            return self.side.throttled(self.truth.chance.choice((None, 1, 5, 30)))
        if kind == "bare_5xx":
            return Response(500, {}, b"")
        if kind == "refuse":
            return self.side.error(self.truth.chance.choice(REFUSALS[self.account]))
        return None

    def _harm(self, wire: Call, kind: str) -> None:
        if wire.method == "POST" and kind != "slow":
            found = self.side.receive(wire, f"{0:032x}", self.book)
            message, _ = read_echo(found.echo) if isinstance(found, Taken) else (b"", 0)
            self.truth.harmed(self.account, message, kind)

    def _accept(self, taken: Taken) -> None:
        self.book.add(taken)
        message, number = read_echo(taken.echo)
        seconds = self.truth.timeline.seconds
        self.truth.accepted(Copy(message, number, self.account, taken.to, taken.text, taken.id, seconds))
        self._report(taken)
        self.truth.received(self.account, self.side, taken)

    def _report(self, taken: Taken) -> None:
        """Plan the receipts of one message."""
        chance = self.truth.chance
        odd = {name for name, share in RECEIPT_FAULTS.items() if chance.random() < share and self.truth.faults_on}
        first, end = chance.uniform(0.5, 20.0), chance.uniform(21.0, 200.0)
        if "late" in odd:
            end += chance.uniform(600.0, 70_000.0)
        if "shuffled" in odd:
            first, end = end, first
        if "early" in odd:
            first = 0.0
        undelivered = self.truth.faults_on and chance.random() < UNDELIVERED
        final = ReceiptStatus.UNDELIVERED if undelivered else ReceiptStatus.DELIVERED
        reason = chance.choice(REASONS) if undelivered else None
        if chance.random() < 0.5 or odd & {"early", "shuffled"}:
            self._later(first, taken, ReceiptStatus.SENT, None)
        if "lost" not in odd:
            self._later(end, taken, final, reason)
        if "twice" in odd:
            self._later(end + chance.uniform(0.0, 900.0), taken, final, reason)
        if "conflict" in odd:
            self.truth.met("two receipts conflict")
            other = ReceiptStatus.DELIVERED if undelivered else ReceiptStatus.UNDELIVERED
            self._later(end + chance.uniform(-20.0, 60.0), taken, other, None if undelivered else REASONS[0])
        self._oddities(taken)

    def _oddities(self, taken: Taken) -> None:
        chance = self.truth.chance
        if not self.truth.faults_on or self.account in UNSIGNED:
            return
        if chance.random() < STRAY:
            url = taken.callback_url.partition("?")[0]
            stray = msgspec.structs.replace(taken, id=f"stray{taken.id}", reference="", callback_url=url)
            self._later(chance.uniform(1.0, 90.0), stray, ReceiptStatus.DELIVERED, None, "stray")
        if chance.random() < FORGED:
            self._later(chance.uniform(0.0, 90.0), taken, ReceiptStatus.UNDELIVERED, Reason.OPTED_OUT, "forged")

    def _later(
        self, delay: float, taken: Taken, status: ReceiptStatus, reason: Reason | None, kind: str = "receipt"
    ) -> None:
        told = msgspec.structs.replace(taken, status=status, reason=reason)
        request = self.side.receipt(told, forged=kind == "forged")
        if request is None:
            return
        tries = self.side.retries if self.side.retries_on_status else self.side.retries[:1]
        post: Callable[[], None] = partial(self.truth.post, self.account, request, kind, tries)
        self.truth.timeline.after(delay, post)


def read_echo(echo: str) -> tuple[bytes, int]:
    """Message and number of an attempt's name; nothing for one that is not ours."""
    text, _, number = echo.rpartition(".")
    try:
        return read_id("msg", text), int(number)
    except (BadId, ValueError):
        return b"", 0


def _target(url: str) -> str:
    return "/" + url.split("/", 3)[3]


class Wire:
    """The port `Http` of one process."""

    def __init__(self, carriers: Mapping[str, Carrier], process: Process) -> None:
        self._carriers = carriers
        self._process = process

    async def send(self, request: Request, deadline: float) -> Response:
        """See the port."""
        host = request.url.split("/", 3)[2]
        return await self._carriers[host.removesuffix(".test")].call(request, deadline, self._process)

    async def close(self) -> None:
        """Nothing is open."""


def healthy(windows: list[Window], begin: float, end: float) -> bool:
    """Whether no bad stretch touched this one."""
    return all(window.end <= begin or window.begin >= end for window in windows)
