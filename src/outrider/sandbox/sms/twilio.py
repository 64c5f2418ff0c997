"""Twilio's side of the Messages resource, API version 2010-04-01 (provider facts A.2, SDK 9.13.0)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from datetime import date, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlencode

from outrider.contracts.http import Request, Response
from outrider.domain.attempt import Reason
from outrider.domain.receipt import ReceiptStatus
from outrider.sandbox.counterpart import Account, Book, Call, Taken, echo_in, json_answer, segments

API = "/2010-04-01/Accounts/"
PATH = re.compile(r"/2010-04-01/Accounts/(?P<account>AC[0-9a-f]{32})/Messages(?:/(?P<sid>[A-Z]{2}[0-9a-f]{32}))?\.json")
NUMBER = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
LONGEST_BODY = 1600

#: Code → HTTP status and words. The status of a code not listed is 400.
ERRORS: dict[str, tuple[int, str]] = {
    "20003": (401, "Authenticate"),
    "20404": (404, "The requested resource was not found"),
    "20429": (429, "Too Many Requests"),
    "20503": (503, "Service Unavailable"),
    "21211": (400, "Invalid 'To' Phone Number"),
    "21408": (400, "Permission to send an SMS has not been enabled for the region indicated by the 'To' number"),
    "21602": (400, "Message body is required."),
    "21603": (400, "A 'From' phone number is required."),
    "21604": (400, "A 'To' phone number is required."),
    "21606": (400, "The 'From' phone number provided is not a valid message-capable Twilio phone number"),
    "21609": (400, "The 'StatusCallback' URL is not a valid URL."),
    "21610": (400, "Attempt to send to unsubscribed recipient"),
    "21612": (400, "Message cannot be sent with the current combination of 'To' and 'From' parameters"),
    "21614": (400, "'To' number is not a valid mobile number"),
    "21617": (400, "The concatenated message body exceeds the 1600 character limit"),
}

#: What Twilio refuses at submission; it takes everything else and reports it later.
REFUSALS = {
    Reason.INVALID_NUMBER: "21211",
    Reason.GEO_BLOCKED: "21408",
    Reason.OPTED_OUT: "21610",
    Reason.UNROUTABLE: "21612",
    Reason.LANDLINE: "21614",
    Reason.SENDER_REJECTED: "21606",
}

REPORTS = {
    Reason.ABSENT_SUBSCRIBER: "30003",
    Reason.CONTENT_REJECTED: "30019",
    Reason.UNKNOWN_SUBSCRIBER: "30005",
    Reason.LANDLINE: "30006",
    Reason.SPAM_FILTERED: "30007",
    Reason.OPERATOR_ERROR: "30017",
}

WORDS = {
    None: "queued",
    ReceiptStatus.SENT: "sent",
    ReceiptStatus.DELIVERED: "delivered",
    ReceiptStatus.UNDELIVERED: "undelivered",
    ReceiptStatus.SEEN: "read",
}


class Twilio:
    """Submissions, look-ups by sid, lists by To and DateSent, and signed callbacks."""

    name: ClassVar[str] = "twilio"
    channel: ClassVar[str] = "sms"
    prefixes: ClassVar[tuple[str, ...]] = (API,)
    retries: ClassVar[tuple[float, ...]] = (15.0,)
    retries_on_status: ClassVar[bool] = False
    accounts: ClassVar[tuple[Account, ...]] = (Account("AC" + "5a" * 16, "sandbox-twilio-token"),)

    def __init__(self, accounts: Sequence[Account]) -> None:
        self._logins = {_basic(account): account for account in accounts}
        self._tokens = {account.id: account.secret for account in accounts}

    def receive(self, call: Call, new_id: str, book: Book) -> Taken | Response:
        """A submission, or the answer to a look-up, a list or a bad request."""
        account = self._logins.get(call.headers.get("authorization", ""))
        if account is None:
            return self.error("20003")
        if call.method == "POST" and call.target == f"{API}{account.id}/Messages.json":
            return self._submission(call, account, new_id)
        found = PATH.fullmatch(call.path)
        if call.method != "GET" or found is None or found["account"] != account.id:
            return self.error("20404")
        if found["sid"] is None:
            return _listed(call, account, book)
        taken = book.get(found["sid"])
        return self.error("20404") if taken is None else json_answer(200, _resource(taken))

    def _submission(self, call: Call, account: Account, new_id: str) -> Taken | Response:
        fields = dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
        if code := _fault_in(fields):
            return self.error(code)
        callback_url, text = fields.get("StatusCallback", ""), fields["Body"]
        sender = fields.get("From") or fields.get("MessagingServiceSid", "")
        echo = echo_in(callback_url)
        return Taken(f"SM{new_id}", account.id, fields["To"], sender, text, echo, callback_url, call.at, segments(text))

    def accepted(self, taken: Taken) -> Response:
        """201 with the Message resource."""
        return json_answer(201, _resource(taken))

    def refusal(self, reason: Reason, taken: Taken) -> Response | None:
        """Twilio's documented refusal, as its test numbers give it."""
        code = REFUSALS.get(reason)
        return None if code is None else self.error(code)

    def error(self, code: str) -> Response:
        """An error document: code, message, more_info, status."""
        status, message = ERRORS.get(code, (400, "Refused by the sandbox"))
        number = int(code) if code.isdecimal() else code
        info = f"https://www.twilio.com/docs/errors/{code}"
        return json_answer(status, {"code": number, "message": message, "more_info": info, "status": status})

    def throttled(self, retry_after: int | None) -> Response:
        """429 with code 20429."""
        answer = self.error("20429")
        more = {} if retry_after is None else {"retry-after": str(retry_after)}
        return Response(answer.status, {**answer.headers, **more}, answer.body)

    def unavailable(self) -> Response:
        """503 with code 20503."""
        return self.error("20503")

    def receipt(self, taken: Taken, *, word: str | None = None, forged: bool = False) -> Request:
        """A status callback, signed for the callback URL."""
        status = word or WORDS[taken.status]
        fields = {
            "AccountSid": taken.account,
            "ApiVersion": "2010-04-01",
            "From": taken.sender,
            "MessageSid": taken.id,
            "MessageStatus": status,
            "SmsSid": taken.id,
            "SmsStatus": status,
            "To": taken.to,
        }
        if taken.reason is not None:
            fields["ErrorCode"] = _code(taken.reason)
        return self._post(taken, fields, forged=forged)

    def reply(self, taken: Taken, text: str, new_id: str) -> Request:
        """An inbound message from the person, signed like a status callback."""
        sid = f"SM{new_id}"
        fields = {
            "AccountSid": taken.account,
            "ApiVersion": "2010-04-01",
            "Body": text,
            "From": taken.to,
            "MessageSid": sid,
            "NumMedia": "0",
            "NumSegments": str(segments(text)),
            "SmsMessageSid": sid,
            "SmsSid": sid,
            "SmsStatus": "received",
            "To": taken.sender,
        }
        return self._post(taken, fields)

    def _post(self, taken: Taken, fields: dict[str, str], *, forged: bool = False) -> Request:
        token = "not the account's token" if forged else self._tokens[taken.account]
        signed = taken.callback_url + "".join(name + fields[name] for name in sorted(fields))
        mac = base64.b64encode(hmac.digest(token.encode(), signed.encode(), hashlib.sha1)).decode()
        headers = (("content-type", "application/x-www-form-urlencoded; charset=utf-8"), ("x-twilio-signature", mac))
        return Request("POST", taken.callback_url, headers, urlencode(fields).encode())


def _basic(account: Account) -> str:
    return "Basic " + base64.b64encode(f"{account.id}:{account.secret}".encode()).decode()


def _fault_in(fields: dict[str, str]) -> str | None:
    """Twilio's code for what is wrong with a submission."""
    callback_url = fields.get("StatusCallback", "")
    checks = (
        ("21604", not fields.get("To")),
        ("21211", not NUMBER.fullmatch(fields.get("To", ""))),
        ("21603", not (fields.get("From") or fields.get("MessagingServiceSid"))),
        ("21602", not fields.get("Body")),
        ("21617", len(fields.get("Body", "")) > LONGEST_BODY),
        ("21609", bool(callback_url) and not callback_url.startswith(("https://", "http://"))),
    )
    return next((code for code, wrong in checks if wrong), None)


def _code(reason: Reason) -> str:
    return REPORTS.get(reason) or REFUSALS.get(reason) or "30008"


@lru_cache(maxsize=64)
def _rfc_2822(at: datetime) -> str:
    return format_datetime(at)


def _resource(taken: Taken) -> dict[str, Any]:
    """The Message resource as JSON has it."""
    uri = f"{API}{taken.account}/Messages/{taken.id}"
    at = _rfc_2822(taken.at.replace(microsecond=0))
    service = taken.sender if taken.sender.startswith("MG") else None
    failed = taken.reason is not None
    return {
        "account_sid": taken.account,
        "api_version": "2010-04-01",
        "body": taken.text,
        "date_created": at,
        "date_sent": None if taken.status is None else at,
        "date_updated": at,
        "direction": "outbound-api",
        "error_code": int(_code(taken.reason)) if taken.reason is not None else None,
        "error_message": "Delivery failed" if failed else None,
        "from": None if service else taken.sender,
        "messaging_service_sid": service,
        "num_media": "0",
        "num_segments": "0" if service and taken.status is None else str(taken.segments),
        "price": None,
        "price_unit": "USD",
        "sid": taken.id,
        "status": WORDS[taken.status],
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": taken.to,
        "uri": f"{uri}.json",
    }


def _listed(call: Call, account: Account, book: Book) -> Response:
    """A page of messages, newest first, filtered by To, From and DateSent."""
    query = call.query
    listed = book.sent_to(query["To"]) if "To" in query else book.recent()
    kept = [taken for taken in reversed(listed) if taken.account == account.id and _matches(taken, query)]
    size = min(max(_number(query.get("PageSize"), 50), 1), 1000)
    page = _number(query.get("Page"), 0)
    here = kept[page * size : (page + 1) * size]
    following = (page + 1) * size < len(kept)
    document = {
        "end": page * size + max(len(here) - 1, 0),
        "first_page_uri": _page_uri(account, query, 0),
        "messages": [_resource(taken) for taken in here],
        "next_page_uri": _page_uri(account, query, page + 1) if following else None,
        "page": page,
        "page_size": size,
        "previous_page_uri": _page_uri(account, query, page - 1) if page else None,
        "start": page * size,
        "uri": call.target,
    }
    return json_answer(200, document)


def _page_uri(account: Account, query: dict[str, str], page: int) -> str:
    return f"{API}{account.id}/Messages.json?{urlencode({**query, 'Page': str(page)})}"


def _matches(taken: Taken, query: dict[str, str]) -> bool:
    """DateSent filters compare days, in GMT. A message still queued counts with the day it was created."""
    day = taken.at.date()
    return (
        query.get("From", taken.sender) == taken.sender
        and _day(query.get("DateSent"), day) == day
        and _day(query.get("DateSent>"), day) <= day
        and _day(query.get("DateSent<"), day) >= day
    )


def _day(text: str | None, otherwise: date) -> date:
    try:
        return date.fromisoformat((text or "")[:10])
    except ValueError:
        return otherwise


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 7 else otherwise


COUNTERPART = Twilio
