"""smsmode: SMS out through the JSON API, reports and replies back by callback (provider facts A.1 and F.3).

Nothing is signed: the API lets callbacks in at an unguessable path only; `channel_id` narrows that further.
The facts come from public integrations, so reading is tolerant: only an id is needed to be accepted.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta, Struct

from outrider.contracts.http import Request, Response, general_failure, retry_after
from outrider.contracts.provider import Abilities, Callback, Doubt, Forged, Outbound, Secret, Unreadable
from outrider.domain.attempt import Accepted, Outcome, Reason, Refused, Unknown
from outrider.domain.receipt import Receipt, ReceiptStatus, Reply
from outrider.lib.lenient import Lenient

STATUSES = {
    "SCHEDULED": ReceiptStatus.SENT,
    "ENROUTE": ReceiptStatus.SENT,
    "DELIVERED": ReceiptStatus.DELIVERED,
    "UNDELIVERABLE": ReceiptStatus.UNDELIVERED,
    "UNDELIVERED": ReceiptStatus.UNDELIVERED,
    "READ": ReceiptStatus.SEEN,  # live, though outside the documented list
}

#: Words of `status.detail`; smsmode's error codes are not public, these may be among them.
REASONS = {
    "INVALID_PHONE_NUMBER": Reason.INVALID_NUMBER,
    "BLACKLISTED": Reason.OPTED_OUT,
    "SPAM": Reason.SPAM_FILTERED,
}

#: Longest refClient smsmode takes; a longer echo travels in the callback URL alone.
LONGEST_REFERENCE = 140
#: Fewest digits of a phone number: tells the person of a reply from a sender's name.
FEWEST_DIGITS = 7


class SmsmodeSettings(Struct, frozen=True, kw_only=True):
    """What an operator fills in for one smsmode channel."""

    api_key: Annotated[Secret, Meta(description="The channel's API key, sent as X-Api-Key.")]
    channel_id: Annotated[str, Meta(description="If filled in, callbacks of other channels are forgeries.")] = ""
    append_stop: Annotated[bool, Meta(description="Let smsmode append its opt-out wording, about 14 characters.")] = (
        False
    )
    base_url: Annotated[str, Meta(description="Where the API answers.")] = "https://rest.smsmode.com"


class Part(Struct, rename="camel"):
    """Every nested object of a message, read alike: its field names do not collide."""

    channel_id: str | None = None
    to: str | None = None
    text: str | None = None
    message_part_count: int | None = None
    amount: float | None = None
    currency: str | None = None
    value: str | None = None
    detail: str | None = None
    delivery_date: str | None = None


class Answer(Struct, rename="camel"):
    """The Message resource (answer to a send, report, reply) or the error document."""

    message_id: str | None = None
    channel: Part | None = None
    recipient: Part | None = None
    sender: str | None = msgspec.field(name="from", default=None)
    body: Part | None = None
    price: Part | None = None
    status: Part | int | None = None
    ref_client: str | None = None
    error_code: str | None = None
    title: str | None = None
    message: str | None = None
    detail: str | None = None


NOTHING = Part()
ENCODER = msgspec.json.Encoder()
ANSWER = Lenient(Answer)


class Smsmode:
    """smsmode's JSON API. It knows no validity period, so `Outbound.validity` stays at home."""

    name: ClassVar[str] = "smsmode"
    channel: ClassVar[str] = "sms"
    title: ClassVar[str] = "smsmode SMS (JSON API)"
    abilities: ClassVar[Abilities] = Abilities(
        echo="both",
        signed_callbacks=False,
        lookup=False,  # only by its own id, which a broken call never told us
        inbound=True,
        receipt_retries=(30.0, 120.0, 600.0, 3_600.0, 18_000.0, 86_400.0),
        verified_on=date(2026, 11, 1),
        verified_with="public integrations; no account, no official schema",
    )
    Settings: ClassVar[type[Any]] = SmsmodeSettings

    def __init__(self, settings: SmsmodeSettings) -> None:
        self._settings = settings
        self._url = f"{settings.base_url.rstrip('/')}/sms/v1/messages"
        self._headers = (("x-api-key", settings.api_key.value), ("content-type", "application/json"))

    def request(self, message: Outbound) -> Request:
        """The HTTP request that sends this message."""
        body = {
            "recipient": {"to": message.to.removeprefix("+")},
            "body": {"text": message.body.text, "stop": self._settings.append_stop},
            "from": message.sender,
            "callbackUrlStatus": message.callback_url,
            "callbackUrlMo": message.callback_url,
        }
        if len(message.attempt) <= LONGEST_REFERENCE:
            body["refClient"] = message.attempt
        return Request("POST", self._url, self._headers, ENCODER.encode(body))

    def outcome(self, response: Response) -> Outcome:
        """What the answer to `request` means. Total: an unreadable answer is Unknown."""
        answer = ANSWER.decode(response.body)
        if 200 <= response.status < 300 and answer.message_id:
            body, price = answer.body or NOTHING, answer.price or NOTHING
            return Accepted(answer.message_id, body.message_part_count, price.amount, price.currency)
        words = (answer.error_code, answer.title, answer.message, answer.detail)
        detail = " · ".join((str(response.status), *filter(None, words)))
        if failure := general_failure(response, understood=any(words)):
            return failure if isinstance(failure, Unknown) else msgspec.structs.replace(failure, detail=detail)
        if response.status < 400 or not any(words):
            return Unknown(f"{detail}: neither a messageId nor smsmode's error document")
        # An unlisted code may be about credit or sender: UNKNOWN lets another route try.
        return Refused(REASONS.get(answer.error_code or "", Reason.UNKNOWN), detail, retry_after(response))

    def receipts(self, callback: Callback) -> list[Receipt | Reply]:
        """The report or reply in a callback. Raises Forged for another channel, Unreadable for another form."""
        answer = ANSWER.decode(callback.body)
        if not answer.message_id:
            raise Unreadable("expected smsmode's Message resource as JSON, with a messageId")
        if self._settings.channel_id not in ("", (answer.channel or NOTHING).channel_id):
            raise Forged("the callback is not of the configured channel")
        told = answer.status
        if not isinstance(told, Part) or not told.value:  # not `direction`: production bodies have it wrong
            return [reply(answer, answer.message_id)]
        status = STATUSES.get(told.value)
        return [] if status is None else [receipt(answer, answer.message_id, told, status)]

    def lookup(self, doubt: Doubt) -> Request | None:
        """None: smsmode finds a message by its own id only."""
        return None

    def found(self, doubt: Doubt, response: Response) -> str | None:
        """Nothing was asked, so nothing is shown. Raises Unreadable."""
        raise Unreadable("smsmode was not asked")


def receipt(answer: Answer, provider_id: str, told: Part, status: ReceiptStatus) -> Receipt:
    """A report whose status word we know."""
    reason = REASONS.get(told.detail or "", Reason.UNKNOWN) if status is ReceiptStatus.UNDELIVERED else None
    detail = " ".join(filter(None, (told.value, told.detail)))
    at, parts, price = instant(told.delivery_date), (answer.body or NOTHING).message_part_count, answer.price or NOTHING
    return Receipt(provider_id, status, reason, detail, answer.ref_client, at, parts, price.amount, price.currency)


def reply(answer: Answer, provider_id: str) -> Reply:
    """An inbound message; documented as from person to us, seen in production the other way round."""
    sides = (answer.sender or "", (answer.recipient or NOTHING).to or "")
    text = (answer.body or NOTHING).text
    if text is None or not any(map(is_number, sides)):
        raise Unreadable("expected status.value of a report, or body.text and a number of a reply")
    person, us = sides if is_number(sides[0]) else sides[::-1]
    return Reply(provider_id, f"+{person.removeprefix('+')}", text, us)


def is_number(side: str) -> bool:
    """Whether this side of a reply is a phone number."""
    digits = side.removeprefix("+")
    return digits.isascii() and digits.isdigit() and len(digits) >= FEWEST_DIGITS


def instant(text: str | None) -> datetime | None:
    """An ISO 8601 instant; None without a zone, since smsmode's is not documented."""
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return at if at.tzinfo else None


PROVIDER = Smsmode
