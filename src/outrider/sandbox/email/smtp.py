"""A mail server's side of SMTP: takes mail, and reports bounces (RFC 3464) and complaints (RFC 5965) afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from email import message_from_bytes
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import format_datetime
from typing import ClassVar

from outrider.contracts.http import Request, Response
from outrider.domain.attempt import Reason
from outrider.domain.receipt import ReceiptStatus
from outrider.sandbox.counterpart import Account, Book, Call, Taken
from outrider.sandbox.magic import mailbox_name
from outrider.sandbox.smtp_wire import SMTP_PREFIX, reply

#: The mailboxes refused during the conversation; the others are taken first.
REFUSALS = {
    "reject": (550, "5.1.1 there is no such mailbox here"),
    "spam": (554, "5.7.1 this looks like spam"),
}
#: The status code of a report by our reason.
CODES = {
    Reason.UNKNOWN_SUBSCRIBER: "5.1.1",
    Reason.INVALID_ADDRESS: "5.1.2",
    Reason.ABSENT_SUBSCRIBER: "5.2.2",
    Reason.CONTENT_REJECTED: "5.6.0",
    Reason.SPAM_FILTERED: "5.7.1",
    Reason.EXPIRED: "4.4.7",
}
ACTIONS = {
    ReceiptStatus.SENT: "delayed",
    ReceiptStatus.DELIVERED: "delivered",
    ReceiptStatus.UNDELIVERED: "failed",
}
DELIVERY = """Reporting-MTA: dns; localhost\r
Original-Envelope-Id: {echo}\r
Arrival-Date: {at}\r
\r
Original-Recipient: rfc822;{to}\r
Final-Recipient: rfc822;{to}\r
Action: {action}\r
Status: {status}\r
Diagnostic-Code: smtp; {code} {status} told by the sandbox\r
"""
FEEDBACK = """Feedback-Type: abuse\r
User-Agent: Sandbox/1\r
Version: 1\r
Original-Mail-From: <{sender}>\r
Arrival-Date: {at}\r
"""
REPORT = """Return-Path: <>\r
From: Mail Delivery System <mailer-daemon@localhost>\r
To: <{sender}>\r
Date: {at}\r
Subject: {subject}\r
Auto-Submitted: auto-replied\r
MIME-Version: 1.0\r
Content-Type: multipart/report; report-type={kind}; boundary="=_report"\r
\r
--=_report\r
Content-Type: text/plain\r
\r
{subject}\r
--=_report\r
Content-Type: message/{kind}\r
\r
{fields}--=_report\r
Content-Type: text/rfc822-headers\r
\r
Message-ID: {reference}\r
X-Outrider-Attempt: {echo}\r
--=_report--\r
"""
ANSWER = """From: <{to}>\r
To: <{sender}>\r
Subject: Re: your message\r
Auto-Submitted: auto-replied\r
Message-ID: <{new_id}@localhost>\r
\r
{text}\r
"""


class Smtp:
    """Submission with a login, one recipient for each mail, reports posted as a pipe would."""

    name: ClassVar[str] = "smtp"
    channel: ClassVar[str] = "email"
    prefixes: ClassVar[tuple[str, ...]] = (SMTP_PREFIX,)
    retries: ClassVar[tuple[float, ...]] = (60.0, 300.0, 1800.0)
    retries_on_status: ClassVar[bool] = True
    accounts: ClassVar[tuple[Account, ...]] = (Account("sandbox-smtp", "sandbox-smtp-password"),)

    def __init__(self, accounts: Sequence[Account]) -> None:
        self._accounts = tuple(accounts)

    def receive(self, call: Call, new_id: str, book: Book) -> Taken | Response:
        """A mail with its envelope in the headers."""
        mail, envelope = message_from_bytes(call.body), call.headers
        if not envelope.keys() >= {"account", "from", "to", "callback-url"}:
            return reply(503, "5.5.1 mail comes by SMTP only")
        return Taken(
            id=new_id,
            account=envelope["account"],
            to=envelope["to"],
            sender=envelope["from"],
            text=_text(mail),
            echo=envelope.get("envid") or str(mail.get("X-Outrider-Attempt", "")),
            callback_url=envelope["callback-url"],
            at=call.at,
            reference=str(mail.get("Message-ID", "")),
            only_failures="SUCCESS" not in envelope.get("notify", ""),
            subject=_subject(mail),
        )

    def accepted(self, taken: Taken) -> Response:
        """250 with a queue id."""
        return reply(250, f"2.0.0 Ok: queued as {taken.id[:16].upper()}")

    def refusal(self, reason: Reason, taken: Taken) -> Response | None:
        """The refusal of the mailboxes that are refused at once."""
        found = REFUSALS.get(mailbox_name(taken.to))
        return None if found is None else reply(*found)

    def error(self, code: str) -> Response:
        """A refusal with a reply code, and an enhanced one where the code has it: ``550 5.7.1``, ``452``."""
        number, _, status = code.partition(" ")
        known = number.isdecimal() and 400 <= int(number) <= 599
        return reply(int(number) if known else 550, f"{status} refused by the sandbox".strip())

    def throttled(self, retry_after: int | None) -> Response:
        """451 with 4.7.1; SMTP has no word for how long."""
        return reply(451, "4.7.1 too many messages, come back later")

    def unavailable(self) -> Response:
        """421: the server closes the connection."""
        return reply(421, "4.3.2 the service is not available")

    def receipt(self, taken: Taken, *, word: str | None = None, forged: bool = False) -> Request:
        """A delivery report, or a complaint of a person who opted out. Forged ones do not know the token."""
        if taken.reason is Reason.OPTED_OUT and word is None:
            return _post(taken, "feedback-report", "A complaint", FEEDBACK, forged)
        action = word or ACTIONS[taken.status or ReceiptStatus.SENT]
        status = {"delayed": "4.4.1", "delivered": "2.0.0"}.get(
            action, CODES.get(taken.reason or Reason.UNKNOWN, "5.0.0")
        )
        fields = DELIVERY.replace("{action}", action).replace("{status}", status)
        code = {"4": "451", "2": "250"}.get(status[0], "550")
        return _post(taken, "delivery-status", f"Delivery: {action}", fields.replace("{code}", code), forged)

    def reply(self, taken: Taken, text: str, new_id: str) -> Request:
        """An automatic answer of the person's mailbox."""
        mail = ANSWER.format(to=taken.to, sender=taken.sender, text=text, new_id=new_id)
        return Request("POST", taken.callback_url, (("content-type", "message/rfc822"),), mail.encode())


def _post(taken: Taken, kind: str, subject: str, fields: str, forged: bool) -> Request:
    words = {
        "sender": taken.sender,
        "to": taken.to,
        "echo": taken.echo,
        "reference": taken.reference,
        "at": format_datetime(taken.at),
        "subject": subject,
        "kind": kind,
    }
    mail = REPORT.format(fields=fields.format(**words), **words)
    url = f"{taken.callback_url}x" if forged else taken.callback_url
    return Request("POST", url, (("content-type", "message/rfc822"),), mail.encode())


def _subject(mail: Message) -> str:
    """The subject as a person reads it; one that cannot be read stays as it came."""
    written = " ".join(str(mail.get("Subject", "")).split())
    try:
        return str(make_header(decode_header(written)))
    except (LookupError, ValueError, MessageError):
        return written


def _text(mail: Message) -> str:
    """The first text part, as a person reads it."""
    part = next((part for part in mail.walk() if part.get_content_type() == "text/plain"), mail)
    raw = part.get_payload(decode=True)
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else ""
    return text.replace("\r\n", "\n").rstrip("\n")


COUNTERPART = Smtp
