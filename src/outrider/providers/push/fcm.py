"""Firebase Cloud Messaging, HTTP v1: push to Android, iOS and web apps (provider facts A.12).

FCM reports nothing after it took a message: an app acknowledges it with what the message's data carries.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta, Struct

from outrider.contracts.bearer import Bearer, bearer_of
from outrider.contracts.http import Request, Response, general_failure, retry_after
from outrider.contracts.provider import Abilities, Callback, Doubt, Outbound, Secret, Unreadable
from outrider.domain.attempt import Accepted, Outcome, Reason, Refused, Unknown
from outrider.domain.receipt import Receipt, Reply
from outrider.lib.lenient import Lenient
from outrider.providers._service_account import ServiceAccount

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"

#: errorCode of a detail of type FcmError → our reason.
REASONS = {
    "UNREGISTERED": Reason.DEAD_ADDRESS,
    "SENDER_ID_MISMATCH": Reason.DEAD_ADDRESS,  # the token of another company's app
    "QUOTA_EXCEEDED": Reason.THROTTLED,
    "UNAVAILABLE": Reason.UNAVAILABLE,
    "INTERNAL": Reason.UNAVAILABLE,
    "THIRD_PARTY_AUTH_ERROR": Reason.UNAUTHORIZED,  # the project's APNs or web push credentials
}

#: The shape of a Firebase installation id: 17 bytes in base64url, the first four bits 0111 (firebase-installations). A
#: registration token has a colon and is longer. Apps register the one or the other (FCM HTTP v1, Message.fid).
INSTALLATION = re.compile(r"[c-f][\w-]{21}", re.ASCII)
#: INVALID_ARGUMENT is about the token only where the answer says so: a BadRequest that names one of these fields alone
#: (firebase-admin-python, issue 187), or these words (firebase-admin-java, issue 1064). Anything else, such as a text
#: that is too long, is about what we sent: taken for a dead token, one bad template would cost everybody's.
TOKEN_FIELDS, TOKEN_WORDS = frozenset({"message.token", "message.fid"}), "registration token"

#: Most bytes of notification and data together (FCM, "About FCM messages").
LARGEST = 4096
#: Longest android.ttl: four weeks (FCM, "Set the lifespan of a message").
LONGEST_TTL = 2_419_200
#: Shortest wait after QUOTA_EXCEEDED (FCM, "Handle errors": at least one minute).
QUOTA_WAIT = 60.0
#: Names in data that FCM keeps for itself.
RESERVED, RESERVED_STARTS = ("from", "message_type"), ("google.", "gcm.")
#: Names in data that carry what an app needs to acknowledge.
OURS = ("outrider_message", "outrider_acknowledgment", "outrider_acknowledge_url")


class FcmSettings(Struct, frozen=True, kw_only=True):
    """One Firebase project."""

    service_account: Annotated[Secret, Meta(description="JSON file of a service account that may send (file:PATH).")]
    project: Annotated[str, Meta(description="Project id; empty: the service account's.")] = ""
    data_only: Annotated[
        bool,
        Meta(description="Android apps get title and body as data, show them and acknowledge at once."),
    ] = False
    base_url: Annotated[str, Meta(description="Where the API answers.")] = "https://fcm.googleapis.com"


class Violation(Struct):
    """A field that a BadRequest names."""

    field: str = ""


class Detail(Struct):
    """One entry of error.details; which fields it has depends on its type."""

    type: str = msgspec.field(name="@type", default="")
    error_code: str = msgspec.field(name="errorCode", default="")
    field_violations: list[Violation] = msgspec.field(name="fieldViolations", default_factory=list)


class Failure(Struct):
    """Google's error document (google.rpc.Status)."""

    code: int = 0
    message: str = ""
    status: str = ""
    details: list[Detail] = []


class Answer(Struct):
    """A message resource, or an error."""

    name: str = ""
    error: Failure | None = None


ANSWER = Lenient(Answer)


class Fcm:
    """FCM HTTP v1, projects.messages.send."""

    name: ClassVar[str] = "fcm"
    channel: ClassVar[str] = "push"
    title: ClassVar[str] = "Firebase Cloud Messaging (HTTP v1)"
    abilities: ClassVar[Abilities] = Abilities(
        echo="reference",
        signed_callbacks=False,
        lookup=False,
        receipts=False,
        senders=False,
        verified_on=date(2026, 11, 1),
        verified_with="Firebase's public documentation; no project",
    )
    Settings: ClassVar[type[Any]] = FcmSettings

    def __init__(self, settings: FcmSettings) -> None:
        """Raises ValueError for a service account that cannot be read."""
        self._account = ServiceAccount(settings.service_account.value)
        project = settings.project or self._account.document.project_id
        if not project:
            raise ValueError("the service account names no project_id: set project")
        self._data_only = settings.data_only
        self._headers = (("content-type", "application/json"),)
        self._url = f"{settings.base_url.rstrip('/')}/v1/projects/{project}/messages:send"

    def token_request(self, now: datetime) -> Request:
        """See Authorized."""
        return self._account.token_request(now, SCOPE)

    def token_of(self, response: Response) -> Bearer | Refused:
        """See Authorized."""
        return bearer_of(response)

    def request(self, message: Outbound) -> Request:
        """The HTTP request that sends this message. Raises ValueError for data FCM cannot carry."""
        words = {"title": message.body.subject, "body": message.body.text}
        words = {name: text for name, text in words.items() if text}
        data = {**_data(message), **(words if self._data_only else {})}
        _check_size(words, data)
        parts: dict[str, Any] = {
            "fid" if INSTALLATION.fullmatch(message.to) else "token": message.to,
            "data": data,
            "android": _android(message, self._data_only),
            "apns": _apns(message, words),
            "fcm_options": {"analytics_label": message.attempt},
        }
        if not self._data_only:
            parts["notification"] = words
        return Request("POST", self._url, self._headers, msgspec.json.encode({"message": parts}))

    def outcome(self, response: Response) -> Outcome:
        """What the answer to `request` means. Total: an unreadable answer is Unknown."""
        answer = ANSWER.decode(response.body)
        if 200 <= response.status < 300:
            is_taken = answer.name.startswith("projects/")
            return Accepted(answer.name) if is_taken else Unknown(f"{response.status} without a message name")
        error = answer.error or Failure()
        code = next((detail.error_code for detail in error.details if detail.type == FCM_ERROR), "")
        detail = f"{code or error.status or response.status} {error.message}".strip()
        reason = _reason(code, error) if response.status >= 400 else None
        if reason is not None:
            return Refused(reason, detail, _wait(code, response))
        if failure := general_failure(response, understood=bool(error.status)):
            return failure if isinstance(failure, Unknown) else msgspec.structs.replace(failure, detail=detail)
        if response.status < 400 or not error.status:
            return Unknown(f"{response.status}: neither a message nor FCM's error document")
        return Refused(Reason.UNKNOWN, detail)

    def receipts(self, callback: Callback) -> list[Receipt | Reply]:
        """FCM posts no callbacks: whatever comes is Unreadable."""
        raise Unreadable("FCM posts no callbacks; apps acknowledge at /v1/acknowledgements")

    def lookup(self, doubt: Doubt) -> Request | None:
        """FCM cannot be asked."""
        return None

    def found(self, doubt: Doubt, response: Response) -> str | None:
        """FCM cannot be asked: raises Unreadable."""
        raise Unreadable("FCM cannot be asked about a message")


def _reason(code: str, error: Failure) -> Reason | None:
    bad = [detail for detail in error.details if detail.type == BAD_REQUEST]
    if code != "INVALID_ARGUMENT" and (code or not bad):
        return REASONS.get(code)
    named = {violation.field for detail in bad for violation in detail.field_violations}
    is_token = len(named) == 1 and named <= TOKEN_FIELDS if bad else TOKEN_WORDS in error.message
    return Reason.DEAD_ADDRESS if is_token else Reason.BAD_REQUEST


def _wait(code: str, response: Response) -> float | None:
    asked = retry_after(response)
    return max(asked or 0.0, QUOTA_WAIT) if code == "QUOTA_EXCEEDED" else asked


def _data(message: Outbound) -> dict[str, str]:
    for name in message.body.data:
        if name in (*RESERVED, *OURS) or name.startswith(RESERVED_STARTS):
            raise ValueError(f"data may not be named {name!r}")
    values = (message.attempt.rpartition(".")[0], message.acknowledgment, message.acknowledge_url)
    ours = {name: value for name, value in zip(OURS, values, strict=True) if value}
    return {**message.body.data, **ours}


def _check_size(words: dict[str, str], data: dict[str, str]) -> None:
    size = len(msgspec.json.encode({"notification": words, "data": data}))
    if size > LARGEST:
        raise ValueError(f"title, body and data take {size} bytes; FCM takes {LARGEST}")


def _android(message: Outbound, data_only: bool) -> dict[str, Any]:
    """A repeat replaces the first one on the screen (reliability plan 2.1)."""
    settings: dict[str, Any] = {"priority": "high", "ttl": f"{min(max(message.validity, 0), LONGEST_TTL)}s"}
    if not data_only:
        settings["notification"] = {"tag": message.attempt.rpartition(".")[0]}
    return settings


def _apns(message: Outbound, words: dict[str, str]) -> dict[str, Any]:
    """mutable-content lets the app's notification extension run, which acknowledges even when the app does not."""
    headers = {"apns-priority": "10", "apns-collapse-id": message.attempt.rpartition(".")[0][:64]}
    if message.expires_at is not None:
        headers["apns-expiration"] = str(int(message.expires_at.timestamp()))
    return {"headers": headers, "payload": {"aps": {"alert": words, "mutable-content": 1}}}


PROVIDER = Fcm
