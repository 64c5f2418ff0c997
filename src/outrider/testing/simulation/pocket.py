"""A simulated push provider and its other side: the second channel, with an echo and no look-up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, ClassVar

import msgspec

from outrider.contracts.http import Request, Response, general_failure, retry_after
from outrider.contracts.provider import Abilities, Callback, Doubt, Outbound, Secret, Unreadable
from outrider.domain.attempt import Accepted, Outcome, Reason, Refused, Unknown
from outrider.domain.receipt import Receipt, ReceiptStatus, Reply
from outrider.sandbox.counterpart import Account, Book, Call, Taken, json_answer


class PocketSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What its account needs."""

    key: Secret
    base_url: str


class Push(msgspec.Struct):
    """The body of a submission."""

    to: str
    text: str
    reference: str
    callback: str


class Told(msgspec.Struct):
    """An answer or a report."""

    id: str = ""
    error: str = ""
    status: str = ""
    reference: str = ""


class Pocket:
    """The plug-in."""

    name: ClassVar[str] = "pocket"
    channel: ClassVar[str] = "push"
    title: ClassVar[str] = "Simulated push"
    abilities: ClassVar[Abilities] = Abilities(
        echo="reference", signed_callbacks=False, lookup=False, verified_on=date(2026, 11, 1)
    )
    Settings: ClassVar[type[Any]] = PocketSettings

    def __init__(self, settings: PocketSettings) -> None:
        self._settings = settings

    def request(self, message: Outbound) -> Request:
        """See the port."""
        body = Push(message.to, message.body.text, message.attempt, message.callback_url.partition("?")[0])
        headers = (("authorization", self._settings.key.value),)
        return Request("POST", f"{self._settings.base_url}/push", headers, msgspec.json.encode(body))

    def outcome(self, response: Response) -> Outcome:
        """See the port."""
        try:
            told = msgspec.json.decode(response.body, type=Told)
        except msgspec.DecodeError:
            told = Told()
        if response.status == 201 and told.id:
            return Accepted(told.id)
        if failure := general_failure(response, understood=bool(told.error)):
            return failure
        if told.error in set(Reason):
            return Refused(Reason(told.error), told.error, retry_after(response))
        return Unknown(f"{response.status} without an error of the provider")

    def receipts(self, callback: Callback) -> list[Receipt | Reply]:
        """See the port."""
        try:
            told = msgspec.json.decode(callback.body, type=Told)
            return [Receipt(told.id, ReceiptStatus(told.status), detail=told.status, attempt=told.reference or None)]
        except (msgspec.DecodeError, ValueError) as error:
            raise Unreadable("expected a report") from error

    def lookup(self, doubt: Doubt) -> Request | None:
        """None: it cannot be asked."""
        return None

    def found(self, doubt: Doubt, response: Response) -> str | None:
        """Raises Unreadable: nothing was asked."""
        raise Unreadable("pocket was not asked")


class PocketCounterpart:
    """Its other side."""

    name: ClassVar[str] = "pocket"
    channel: ClassVar[str] = "push"
    prefixes: ClassVar[tuple[str, ...]] = ("/push",)
    retries: ClassVar[tuple[float, ...]] = (10.0, 60.0)
    retries_on_status: ClassVar[bool] = True
    accounts: ClassVar[tuple[Account, ...]] = (Account("pocket", "pocket-key"),)

    def __init__(self, accounts: Sequence[Account]) -> None:
        self._keys = {account.secret: account for account in accounts}

    def receive(self, call: Call, new_id: str, book: Book) -> Taken | Response:
        """A submission."""
        account = self._keys.get(call.headers.get("authorization", ""))
        if account is None:
            return self.error(Reason.UNAUTHORIZED)
        push = msgspec.json.decode(call.body, type=Push)
        return Taken(
            new_id, account.id, push.to, "", push.text, push.reference, push.callback, call.at, reference=push.reference
        )

    def accepted(self, taken: Taken) -> Response:
        """201 with an id."""
        return json_answer(201, Told(id=taken.id))

    def refusal(self, reason: Reason, taken: Taken) -> Response | None:
        """Any reason, in our words."""
        return self.error(reason)

    def error(self, code: str) -> Response:
        """400 with the code."""
        return json_answer(400, Told(error=str(code)))

    def throttled(self, retry_after: int | None) -> Response:
        """429."""
        headers = {} if retry_after is None else {"retry-after": str(retry_after)}
        return json_answer(429, Told(error="throttled"), headers)

    def unavailable(self) -> Response:
        """503 with its error."""
        return json_answer(503, Told(error="unavailable"))

    def receipt(self, taken: Taken, *, word: str | None = None, forged: bool = False) -> Request:
        """A report."""
        status = word or (taken.status or ReceiptStatus.SENT).value
        told = Told(taken.id, status=status, reference=taken.reference)
        return Request("POST", taken.callback_url, (), msgspec.json.encode(told))

    def reply(self, taken: Taken, text: str, new_id: str) -> Request:
        """Nobody answers a notification."""
        raise NotImplementedError("push has no replies")
