"""A simulated mail provider and its other side: a third channel, whose mailboxes may not exist."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from outrider.contracts.http import Request
from outrider.contracts.provider import Callback, Unreadable
from outrider.domain.attempt import Reason
from outrider.domain.receipt import Receipt, ReceiptStatus, Reply
from outrider.sandbox.counterpart import Account, Taken
from outrider.testing.simulation.pocket import Pocket, PocketCounterpart, Told

#: What a mail server says of a mailbox for good: an account of its own of what ends an address.
FOR_GOOD = (Reason.UNKNOWN_SUBSCRIBER, Reason.INVALID_ADDRESS)


class Letters(Pocket):
    """The plug-in: the simulated push provider's wire format, with the reasons of bounces."""

    name: ClassVar[str] = "letters"
    channel: ClassVar[str] = "email"
    title: ClassVar[str] = "Simulated mail"

    def receipts(self, callback: Callback) -> list[Receipt | Reply]:
        """See the port."""
        try:
            told = msgspec.json.decode(callback.body, type=Told)
            reason = Reason(told.error) if told.error else None
            status = ReceiptStatus(told.status)
        except (msgspec.DecodeError, ValueError) as error:
            raise Unreadable("expected a report") from error
        return [Receipt(told.id, status, reason, told.status, attempt=told.reference or None)]


class LettersCounterpart(PocketCounterpart):
    """Its other side: mail to nobody comes back."""

    name: ClassVar[str] = "letters"
    channel: ClassVar[str] = "email"
    accounts: ClassVar[tuple[Account, ...]] = (Account("letters", "letters-key"),)

    def receipt(self, taken: Taken, *, word: str | None = None, forged: bool = False) -> Request:
        """A report, with the reason of a bounce."""
        status = ReceiptStatus(word or (taken.status or ReceiptStatus.SENT))
        reason = taken.reason if status is ReceiptStatus.UNDELIVERED else None
        if not exists(taken.to) and status is not ReceiptStatus.SENT:
            status, reason = ReceiptStatus.UNDELIVERED, FOR_GOOD[len(taken.to) % 2]
        told = Told(taken.id, error=reason or "", status=status, reference=taken.reference)
        return Request("POST", taken.callback_url, (), msgspec.json.encode(told))


def mailbox(key: str) -> str:
    """Somebody's mailbox; those of one in four do not exist."""
    return f"{'nobody' if key[-1] in '26' else 'box'}.{key}@mail.test"


def exists(address: str) -> bool:
    """Whether there is such a mailbox."""
    return not address.startswith("nobody.")
