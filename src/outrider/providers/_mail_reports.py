"""Reads what mail servers send back: delivery reports (RFC 3464) and complaints (RFC 5965), parsed without trust."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from email import message_from_bytes, message_from_string
from email.message import Message
from email.utils import parsedate_to_datetime

from outrider.contracts.provider import Callback, Unreadable
from outrider.domain.attempt import Reason
from outrider.domain.receipt import Receipt, ReceiptStatus
from outrider.providers._mail_message import ATTEMPT
from outrider.providers._mail_status import enhanced, permanent_reason

#: Our attempt's name in a return path (``bounce+msg_….1@``), an envelope id, or a header of the original.
ECHO = re.compile(r"msg_[0-9A-Za-z]{26}\.\d{1,5}")
#: Our message's name in a Message-ID; a report that quotes no more is about the first attempt, most likely.
NAME = re.compile(r"<(msg_[0-9A-Za-z]{26})@")
STATUSES = {
    "failed": ReceiptStatus.UNDELIVERED,
    "delayed": ReceiptStatus.SENT,
    "relayed": ReceiptStatus.SENT,
    "delivered": ReceiptStatus.DELIVERED,
}
#: Feedback types (RFC 5965, 7.3; RFC 6430) that say the person wants no more of this.
COMPLAINTS = frozenset({"abuse", "fraud", "opt-out", "opt-out-list"})
RETURN_PATHS = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To")
LONGEST_DETAIL = 300
#: A report's first parts say everything; what it quotes may be cut. Bytes.
LONGEST = 65_536
#: Anybody can write to a return path, and each level of nested parts makes every line dearer to read: a report has one
#: level, the original it quotes seldom more than three.
MOST_LEVELS = 20
BOUNDARY = re.compile(rb"\bboundary\s*=", re.IGNORECASE)


def read_reports(callback: Callback) -> list[Receipt]:
    """The receipts in a report; none in an automatic answer. Raises Unreadable for other mail."""
    mail = _mail(callback)
    parts: dict[str, Message] = {}
    for part in mail.walk():  # the report itself comes before what it quotes
        parts.setdefault(part.get_content_type(), part)
    if status := parts.get("message/delivery-status"):
        return _deliveries(mail, status, parts)
    if feedback := parts.get("message/feedback-report"):
        return _complaint(mail, feedback, parts)
    if _text(mail, "Auto-Submitted").lower() not in ("", "no"):
        return []
    raise Unreadable("expected a report: multipart/report with message/delivery-status or message/feedback-report")


def _mail(callback: Callback) -> Message:
    """The report as posted: whole with its headers, or its parts alone under the request's content type."""
    body = callback.body[:LONGEST]
    if len(BOUNDARY.findall(body)) > MOST_LEVELS:
        raise Unreadable(f"expected a report, got more than {MOST_LEVELS} levels of parts")
    kind = callback.headers.get("content-type", "")
    if kind.strip().lower().startswith("multipart/") and "\n" not in kind and "\r" not in kind:
        return message_from_bytes(b"Content-Type: " + kind.encode("latin-1", "replace") + b"\r\n\r\n" + body)
    return message_from_bytes(body)


def _deliveries(mail: Message, report: Message, parts: dict[str, Message]) -> list[Receipt]:
    blocks = _blocks(report)
    if not any("Action" in block for block in blocks):
        raise Unreadable("a delivery report without an Action")
    echo = _known(_echo(mail, blocks, parts))
    at = next((at for block in blocks if (at := _date(block, "Arrival-Date"))), None)
    return [receipt for block in blocks if "Action" in block and (receipt := _delivery(block, echo, at))]


def _delivery(block: Message, echo: str, at: datetime | None) -> Receipt | None:
    """What one recipient's fields say; nothing for words we do not know."""
    action = _text(block, "Action").lower()
    status = STATUSES.get(action)
    if status is None:
        return None
    code, diagnosis = _text(block, "Status"), _text(block, "Diagnostic-Code")
    reason = _reason(code, diagnosis) if status is ReceiptStatus.UNDELIVERED else None
    detail = " ".join(part for part in (action, code, diagnosis) if part)[:LONGEST_DETAIL]
    return Receipt(echo, status, reason, detail, echo, _date(block, "Last-Attempt-Date") or at)


def _reason(code: str, diagnosis: str) -> Reason:
    """Why a report says it failed; a general status (x.0.0) leaves the word to the server's own answer."""
    found = [status for status in (enhanced(code), enhanced(diagnosis)) if status is not None]
    exact = next((one for one in found if one[1:] != ("0", "0")), None)
    if exact is None:
        return Reason.UNKNOWN
    kind, subject, detail = exact
    reason = permanent_reason(subject, detail)
    # What a passing failure (4.x.x) ended with says nothing lasting about the person, as long as it was tried.
    lasting = reason in (Reason.UNKNOWN_SUBSCRIBER, Reason.INVALID_ADDRESS)
    return Reason.EXPIRED if kind == "4" and lasting else reason


def _complaint(mail: Message, report: Message, parts: dict[str, Message]) -> list[Receipt]:
    """A person's word that they want no more: proves delivery, and ends mail to this address."""
    blocks = _blocks(report)
    kind = next((_text(block, "Feedback-Type").lower() for block in blocks if "Feedback-Type" in block), "")
    if not kind:
        raise Unreadable("a feedback report without a Feedback-Type")
    if kind not in COMPLAINTS:
        return []
    echo = _known(_echo(mail, blocks, parts))
    at = next((at for block in blocks if (at := _date(block, "Arrival-Date", "Received-Date"))), None)
    return [Receipt(echo, ReceiptStatus.DELIVERED, Reason.OPTED_OUT, f"complaint: {kind}", echo, at)]


def _blocks(report: Message) -> list[Message]:
    """The groups of fields in a report part."""
    payload = report.get_payload()
    if isinstance(payload, list):
        return [block for block in payload if isinstance(block, Message)]
    return [message_from_string(text) for text in re.split(r"\r?\n\r?\n", str(payload)) if text.strip()]


def _echo(mail: Message, blocks: list[Message], parts: dict[str, Message]) -> str | None:
    """Our attempt: by the return path the report was sent to, the envelope id, or the original's headers."""
    for text in _places(mail, blocks, parts):
        if found := ECHO.search(text):
            return _proper(found[0])
    original = _original(parts)
    found = NAME.search(_text(original, "Message-ID")) if original is not None else None
    return None if found is None else _proper(f"{found[1]}.1")


def _places(mail: Message, blocks: list[Message], parts: dict[str, Message]) -> Iterator[str]:
    yield from (_text(mail, name) for name in RETURN_PATHS)
    for block in blocks:
        yield from (_text(block, name) for name in ("Original-Envelope-Id", "Original-Mail-From"))
    original = _original(parts)
    if original is not None:
        yield from (_text(original, name) for name in (ATTEMPT, "Return-Path"))


def _original(parts: dict[str, Message]) -> Message | None:
    """The original message, or its headers, as the report quotes them."""
    if whole := parts.get("message/rfc822"):
        payload = whole.get_payload()
        return payload[0] if isinstance(payload, list) and isinstance(payload[0], Message) else None
    if headers := parts.get("text/rfc822-headers"):
        raw = headers.get_payload(decode=True)
        return message_from_bytes(raw) if isinstance(raw, bytes) else None
    return None


def _known(echo: str | None) -> str:
    if echo is None:
        raise Unreadable("the report names no attempt of ours: no return path, envelope id or header has one")
    return echo


def _proper(echo: str) -> str:
    """Servers may change the case of a return path; ids are written in capitals."""
    return f"msg_{echo[4:].upper()}"


def _text(part: Message, name: str) -> str:
    """The first field of a name, in one line and free of what no column can hold."""
    return re.sub(r"[\x00-\x20\x7f]+", " ", str(part.get(name, ""))).strip()


def _date(part: Message, *names: str) -> datetime | None:
    for name in names:
        try:
            at = parsedate_to_datetime(_text(part, name))
        except ValueError:
            continue
        if at.tzinfo is not None:
            return at
    return None
