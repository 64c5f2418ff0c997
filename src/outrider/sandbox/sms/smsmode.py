"""smsmode's side of the JSON API (provider facts A.1).

Its list of error codes and the envelope of its lists are not public: the codes below are the words its reports use
where there is one and placeholders elsewhere, and there is no list.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

import msgspec

from outrider.contracts.http import Request, Response
from outrider.domain.attempt import Reason
from outrider.domain.receipt import ReceiptStatus
from outrider.sandbox.counterpart import Account, Book, Call, Taken, echo_in, json_answer, segments
from outrider.sandbox.tariff import Charge

MESSAGES = "/sms/v1/messages"
PATH = re.compile(r"/sms/v1(?:/channels/(?P<channel>[^/]+))?/messages(?:/(?P<id>[0-9a-f-]{36}))?")
NUMBER = re.compile(r"\+?[1-9]\d{6,14}", re.ASCII)
LONGEST_REFERENCE = 140
#: Reporting is deferred: a message answers 404 for this long after its own 201. Seen, not published; chosen.
REPORTING_LAG = timedelta(seconds=1)
#: Of a part where the sandbox was given no price list: a plausible figure, not a tariff.
PRICE = Charge(0.045)

#: Code → HTTP status, title and message.
ERRORS: dict[str, tuple[int, str, str]] = {
    "UNAUTHORIZED": (401, "Unauthorized", "The API key is missing or unknown"),
    "FORBIDDEN": (403, "Forbidden", "Channel type mismatch"),
    "NOT_FOUND": (404, "Not Found", "No such resource"),
    "BAD_REQUEST": (400, "Bad Request", "The message is not valid"),
    "TOO_MANY_REQUESTS": (429, "Too Many Requests", "The rate limit is reached"),
    "SERVICE_UNAVAILABLE": (503, "Service Unavailable", "Try again later"),
}

DETAILS = {
    Reason.INVALID_NUMBER: "INVALID_PHONE_NUMBER",
    Reason.OPTED_OUT: "BLACKLISTED",
    Reason.SPAM_FILTERED: "SPAM",
}

WORDS = {
    None: "SCHEDULED",
    ReceiptStatus.SENT: "ENROUTE",
    ReceiptStatus.DELIVERED: "DELIVERED",
    ReceiptStatus.UNDELIVERED: "UNDELIVERABLE",
    ReceiptStatus.SEEN: "READ",
}


class _Text(msgspec.Struct):
    text: str
    stop: bool = False


class _To(msgspec.Struct):
    to: str


class _Submission(msgspec.Struct, rename="camel"):
    recipient: _To
    body: _Text
    sender: str = msgspec.field(name="from", default="")
    ref_client: str = ""
    callback_url_status: str = ""
    callback_url_mo: str = ""


SUBMISSION = msgspec.json.Decoder(_Submission)


class Smsmode:
    """Submissions, look-ups by id (late on purpose) and unsigned callbacks with the Message resource."""

    name: ClassVar[str] = "smsmode"
    channel: ClassVar[str] = "sms"
    prefixes: ClassVar[tuple[str, ...]] = ("/sms/v1/",)
    retries: ClassVar[tuple[float, ...]] = (30.0, 120.0, 600.0, 3_600.0, 18_000.0, 86_400.0)
    retries_on_status: ClassVar[bool] = True
    accounts: ClassVar[tuple[Account, ...]] = (Account("5b5b5b5b-0000-4000-8000-000000000001", "sandbox-smsmode-key"),)

    def __init__(self, accounts: Sequence[Account]) -> None:
        self._channels = {account.secret: account for account in accounts}

    def receive(self, call: Call, new_id: str, book: Book) -> Taken | Response:
        """A submission, or the answer to a look-up or a bad request."""
        channel = self._channels.get(call.headers.get("x-api-key", ""))
        if channel is None:
            return self.error("UNAUTHORIZED")
        found = PATH.fullmatch(call.path)
        if found is None or found["channel"] not in (None, channel.id):
            return self.error("NOT_FOUND")
        if call.method == "POST" and found["id"] is None:
            return _submission(call, channel, new_id)
        taken = book.get(found["id"] or "") if call.method == "GET" else None
        if taken is None or taken.account != channel.id or call.at < taken.at + REPORTING_LAG:
            return self.error("NOT_FOUND")
        return json_answer(200, _resource(taken))

    def accepted(self, taken: Taken) -> Response:
        """201 with the Message resource."""
        return json_answer(201, _resource(taken))

    def refusal(self, reason: Reason, taken: Taken) -> Response | None:
        """None: smsmode takes the message and reports it as undeliverable."""
        return None

    def error(self, code: str) -> Response:
        """An error document: title, message, detail, errorCode."""
        return _error(code)

    def throttled(self, retry_after: int | None) -> Response:
        """429; whether smsmode sends Retry-After is not known."""
        answer = _error("TOO_MANY_REQUESTS")
        more = {} if retry_after is None else {"retry-after": str(retry_after)}
        return Response(answer.status, {**answer.headers, **more}, answer.body)

    def unavailable(self) -> Response:
        """503 with an error document."""
        return _error("SERVICE_UNAVAILABLE")

    def receipt(self, taken: Taken, *, word: str | None = None, forged: bool = False) -> Request:
        """A report: the Message resource with its status. A forged one comes of another channel."""
        document = _resource(taken)
        if word is not None:
            document["status"]["value"] = word
        if forged:
            document["channel"]["channelId"] = "5b5b5b5b-0000-4000-8000-0000000000ff"
        return _post(taken.callback_url, document)

    def reply(self, taken: Taken, text: str, new_id: str) -> Request:
        """An inbound message: the same envelope without a status, from person to sender."""
        document = _resource(taken)
        document.update(
            {
                "messageId": _uuid(new_id),
                "originMessageId": taken.id,
                "direction": "MO",
                "from": taken.to.removeprefix("+"),
                "recipient": {"to": taken.sender},
                "body": {"text": text},
            }
        )
        del document["status"]
        return _post(taken.callback_url, document)


def _submission(call: Call, channel: Account, new_id: str) -> Taken | Response:
    try:
        sent = SUBMISSION.decode(call.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return _error("BAD_REQUEST", str(error))
    if not NUMBER.fullmatch(sent.recipient.to):
        return _error("BAD_REQUEST", "recipient.to is not an international number")
    if not sent.body.text:
        return _error("BAD_REQUEST", "body.text is required")
    if len(sent.ref_client) > LONGEST_REFERENCE:
        return _error("BAD_REQUEST", f"refClient is longer than {LONGEST_REFERENCE} characters")
    echo = sent.ref_client or echo_in(sent.callback_url_status)
    to, text, url = f"+{sent.recipient.to.removeprefix('+')}", sent.body.text, sent.callback_url_status
    parts = segments(text)
    return Taken(_uuid(new_id), channel.id, to, sent.sender, text, echo, url, call.at, parts, reference=sent.ref_client)


def _error(code: str, detail: str = "") -> Response:
    status, title, message = ERRORS.get(code, (400, "Bad Request", "Refused by the sandbox"))
    return json_answer(status, {"title": title, "message": message, "detail": detail, "errorCode": code})


def _uuid(digits: str) -> str:
    """32 hexadecimal digits in the form of a random UUID (RFC 9562, version 4)."""
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"


def _post(url: str, document: dict[str, Any]) -> Request:
    return Request("POST", url, (("content-type", "application/json"),), msgspec.json.encode(document))


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")


def _resource(taken: Taken) -> dict[str, Any]:
    """The Message resource."""
    status: dict[str, Any] = {"value": WORDS[taken.status]}
    if taken.reason is not None:
        status["detail"] = DETAILS.get(taken.reason, taken.reason.value.upper())
    if taken.status is not None:
        status["deliveryDate"] = _iso(taken.at)
    charge = taken.charge or PRICE
    return {
        "messageId": taken.id,
        "acceptedAt": _iso(taken.at),
        "channel": {"channelId": taken.account, "name": "sandbox", "type": "SMS", "flow": "TRANSACTIONAL"},
        "type": "SMS",
        "direction": "MT",
        "recipient": {"to": taken.to.removeprefix("+")},
        "from": taken.sender,
        "body": {
            "text": taken.text,
            "length": len(taken.text),
            "messagePartCount": taken.segments,
            "stop": False,
        },
        "price": {"amount": round(charge.amount * taken.segments, 6), "currency": charge.currency},
        "status": status,
        "refClient": taken.reference or None,
        "callbackUrlStatus": taken.callback_url,
        "callbackUrlMo": taken.callback_url,
        "href": f"https://rest.smsmode.com{MESSAGES}/{taken.id}",
    }


COUNTERPART = Smsmode
