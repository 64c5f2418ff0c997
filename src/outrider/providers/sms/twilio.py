"""Twilio: SMS out through the Messages resource, receipts and replies back by signed callback (provider facts A.2)."""

from __future__ import annotations

import base64
from datetime import date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Annotated, Any, ClassVar
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta, Struct

from outrider.contracts.http import Request, Response, general_failure, retry_after
from outrider.contracts.provider import Abilities, Callback, Doubt, Outbound, Secret, Unreadable
from outrider.domain.attempt import Accepted, Outcome, Reason, Refused, Unknown
from outrider.domain.receipt import Receipt, ReceiptStatus, Reply
from outrider.lib.forms import form, form_value
from outrider.lib.lenient import Lenient
from outrider.providers._twilio import check_signature

#: Words before `sent` only repeat that Twilio took it, which settles an attempt in doubt.
STATUSES = {
    **dict.fromkeys(("accepted", "scheduled", "queued", "sending", "sent"), ReceiptStatus.SENT),
    **dict.fromkeys(("undelivered", "failed", "canceled"), ReceiptStatus.UNDELIVERED),
    "delivered": ReceiptStatus.DELIVERED,
    "read": ReceiptStatus.SEEN,
}

CODES = {
    Reason.OPTED_OUT: (21610,),
    Reason.INVALID_NUMBER: (21211, 21214),
    Reason.LANDLINE: (21614, 30006, 60205),
    Reason.UNKNOWN_SUBSCRIBER: (30005,),
    Reason.ABSENT_SUBSCRIBER: (30003,),
    Reason.OPERATOR_ERROR: (30008, 30017, 30410),
    Reason.CONTENT_REJECTED: (21602, 21617, 30019),
    Reason.SPAM_FILTERED: (30004, 30007, 30453, 60410, 60605),
    Reason.SENDER_REJECTED: (21212, 21606, 21659, 21660, 21661, 30018, 30024, 30032, 30034),
    Reason.GEO_BLOCKED: (21215, 21408, 60220),
    Reason.UNROUTABLE: (21612,),
    Reason.EXPIRED: (30036,),
    Reason.UNAUTHORIZED: (20003, 30002, 30010, 21608),
    Reason.THROTTLED: (14107, 20429, 21611, 30001, 30022, 30023, 30027, 63018, 63038),
}
REASONS = {str(code): reason for reason, codes in CODES.items() for code in codes}

#: Seconds Twilio takes (Messages resource, ValidityPeriod).
LONGEST_VALIDITY = 36_000
#: How far the two clocks may differ; RFC 2822 dates also lose the fraction of a second.
CLOCK_SKEW = timedelta(seconds=5)


class TwilioSettings(Struct, frozen=True, kw_only=True):
    """One Twilio account. A sender is a number, a name or a Messaging Service SID (MG…)."""

    account_sid: Annotated[str, Meta(description="Account SID, AC and 32 hex digits.")]
    auth_token: Annotated[Secret, Meta(description="Auth token; also the key of callback signatures.")]
    api_key_sid: Annotated[str, Meta(description="API key to log in with instead of the account SID.")] = ""
    api_key_secret: Annotated[Secret, Meta(description="Secret of that API key.")] = Secret("")
    shared_key: Annotated[Secret, Meta(description="SharedKey of HMAC_SHA256 callback signatures.")] = Secret("")
    base_url: Annotated[str, Meta(description="Where the API answers.")] = "https://api.twilio.com"


class Answer(Struct):
    """A Message resource, a list of them, or the error document."""

    sid: str = ""
    to: str = ""
    body: str | None = None
    num_segments: int | None = None
    price: float | None = None
    price_unit: str | None = None
    date_created: str | None = None
    code: int | None = None
    message: str = ""
    messages: list[Answer] | None = None
    next_page_uri: str | None = None


ANSWER = Lenient(Answer)


class Twilio:
    """Twilio Programmable Messaging, API version 2010-04-01."""

    name: ClassVar[str] = "twilio"
    channel: ClassVar[str] = "sms"
    title: ClassVar[str] = "Twilio SMS (Messages resource)"
    abilities: ClassVar[Abilities] = Abilities(
        echo="url",
        signed_callbacks=True,
        lookup=True,
        lookup_lag=10.0,  # not published; a queued message has no DateSent yet
        inbound=True,
        receipt_retries=(15.0,),
        verified_on=date(2026, 11, 1),
        verified_with="Twilio's Python SDK 9.13.0",
    )
    Settings: ClassVar[type[Any]] = TwilioSettings

    def __init__(self, settings: TwilioSettings) -> None:
        user, secret = settings.account_sid, settings.auth_token
        if settings.api_key_sid:
            user, secret = settings.api_key_sid, settings.api_key_secret
        basic = base64.b64encode(f"{user}:{secret.value}".encode()).decode()
        self._login = ("authorization", f"Basic {basic}")
        self._headers = (self._login, ("content-type", "application/x-www-form-urlencoded"))
        self._url = f"{settings.base_url.rstrip('/')}/2010-04-01/Accounts/{settings.account_sid}/Messages.json"
        self._keys = {"HMAC_SHA1": settings.auth_token.value, "HMAC_SHA256": settings.shared_key.value}

    def request(self, message: Outbound) -> Request:
        """The HTTP request that sends this message."""
        body = b"To=%b&%b=%b&Body=%b&StatusCallback=%b&ValidityPeriod=%d" % (
            form_value(message.to),
            b"MessagingServiceSid" if message.sender.startswith("MG") and len(message.sender) == 34 else b"From",
            form_value(message.sender),
            form_value(message.body.text),
            form_value(message.callback_url),
            min(max(message.validity, 1), LONGEST_VALIDITY),
        )
        return Request("POST", self._url, self._headers, body)

    def outcome(self, response: Response) -> Outcome:
        """What the answer to `request` means. Total: an unreadable answer is Unknown."""
        answer = ANSWER.decode(response.body)
        if 200 <= response.status < 300 and answer.sid:
            price = None if answer.price is None else abs(answer.price)  # Twilio writes charges as negative
            return Accepted(answer.sid, answer.num_segments or None, price, answer.price_unit)
        detail = f"{answer.code or response.status} {answer.message}".strip()
        reason = REASONS.get(str(answer.code))
        if reason and 400 <= response.status < 500:
            return Refused(reason, detail, retry_after(response))
        if failure := general_failure(response, understood=answer.code is not None):
            return failure if isinstance(failure, Unknown) else msgspec.structs.replace(failure, detail=detail)
        if response.status < 400 or answer.code is None:
            return Unknown(f"{detail}: neither a sid nor Twilio's error document")
        return Refused(Reason.UNKNOWN, detail, retry_after(response))

    def receipts(self, callback: Callback) -> list[Receipt | Reply]:
        """The receipt or reply in a callback. Raises Forged for a wrong signature, Unreadable for another form."""
        try:
            pairs = parse_qsl(callback.body.decode(), keep_blank_values=True)
        except ValueError as error:
            raise Unreadable("expected an UTF-8 form") from error
        check_signature(callback, pairs, self._keys)
        fields = dict(pairs)
        sid, word = fields.get("MessageSid", ""), fields.get("MessageStatus")
        if sid and word is None and {"From", "Body"} <= fields.keys():
            return [Reply(sid, fields["From"], fields["Body"], fields.get("To", ""))]
        if not sid or word is None:
            raise Unreadable("expected MessageSid and MessageStatus of a receipt, or From and Body of a reply")
        status, code = STATUSES.get(word), fields.get("ErrorCode", "")
        if status is None:
            return []
        reason = REASONS.get(code, Reason.UNKNOWN) if status is ReceiptStatus.UNDELIVERED else None
        return [Receipt(sid, status, reason, f"{word} {code}".strip())]

    def lookup(self, doubt: Doubt) -> Request | None:
        """Messages to this person since the day of the attempt: Twilio keeps no reference of ours."""
        day = (doubt.since - CLOCK_SKEW).date().isoformat()
        query = form((("To", doubt.to), ("DateSent>", day), ("PageSize", "100")))
        return Request("GET", f"{self._url}?{query.decode()}", (self._login,))

    def found(self, doubt: Doubt, response: Response) -> str | None:
        """The oldest listed message with this person and text that is not older than the attempt.

        Raises Unreadable for anything but a list, and for one that goes on without having shown the message.
        """
        answer = ANSWER.decode(response.body)
        if response.status != 200 or answer.messages is None:
            raise Unreadable(f"{response.status}: expected a list of Message resources")
        dated = [(created(message), message) for message in answer.messages]
        fitting = [(at, message.sid) for at, message in dated if at is not None and fits(message, at, doubt)]
        if not fitting and answer.next_page_uri:
            raise Unreadable("the list goes on")
        return min(fitting, default=(None, None))[1]


def created(message: Answer) -> datetime | None:
    """The RFC 2822 instant of a Message resource; None when there is none to read."""
    try:
        at = parsedate_to_datetime(message.date_created or "")
    except ValueError:
        return None
    return at if at.tzinfo else None


def fits(message: Answer, at: datetime, doubt: Doubt) -> bool:
    """Whether a listed message can be the doubtful attempt."""
    same = (
        bool(message.sid) and message.sid not in doubt.taken and message.to == doubt.to and message.body == doubt.text
    )
    return same and at >= doubt.since - CLOCK_SKEW


PROVIDER = Twilio
