"""FCM's side of HTTP v1 with Google's token endpoint, and the app that acknowledges what it got (provider facts A.12).

A service account that opens it: ``GET /token/service-account.json``. Tokens with a fate of their own end in:

| ending | what happens |
|---|---|
| -unregistered | the app is gone (UNREGISTERED) |
| -mismatch | another company's app (SENDER_ID_MISMATCH) |
| -invalid | no token at all (INVALID_ARGUMENT) |
| -quota | too many at once (QUOTA_EXCEEDED) |
| -unavailable | FCM is down (UNAVAILABLE) |
| -internal | FCM has an error (INTERNAL) |
| -apns | the project's APNs credentials are wrong (THIRD_PARTY_AUTH_ERROR) |
| -silent | taken, never acknowledged |
| -seen | taken, and acknowledged as seen |
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec

from outrider.contracts.http import Request, Response
from outrider.domain.attempt import Reason
from outrider.domain.receipt import ReceiptStatus
from outrider.sandbox.counterpart import Account, Book, Call, Taken, json_answer
from outrider.sandbox.push._google import TOKEN, Google, service_account

SEND = re.compile(r"/v1/projects/(?P<project>[^/]+)/messages:send")
FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
LARGEST = 4096

#: Code → HTTP status, status of the error document, words. Those not in OTHERS come with an FcmError of that name.
ERRORS: dict[str, tuple[int, str, str]] = {
    "UNREGISTERED": (404, "NOT_FOUND", "Requested entity was not found."),
    "SENDER_ID_MISMATCH": (403, "PERMISSION_DENIED", "SenderId mismatch"),
    "INVALID_ARGUMENT": (400, "INVALID_ARGUMENT", "The registration token is not a valid FCM registration token"),
    "QUOTA_EXCEEDED": (429, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Send requests'."),
    "UNAVAILABLE": (503, "UNAVAILABLE", "The service is currently unavailable."),
    "INTERNAL": (500, "INTERNAL", "Internal error encountered."),
    "THIRD_PARTY_AUTH_ERROR": (401, "UNAUTHENTICATED", "Auth error from APNS or Web Push Service"),
    "UNAUTHENTICATED": (401, "UNAUTHENTICATED", "Request had invalid authentication credentials."),
    "PERMISSION_DENIED": (403, "PERMISSION_DENIED", "Permission 'cloudmessaging.messages.create' denied."),
    "NOT_FOUND": (404, "NOT_FOUND", "Requested entity was not found."),
}
OTHERS = frozenset({"UNAUTHENTICATED", "PERMISSION_DENIED", "NOT_FOUND"})
FATES = {
    "unregistered": "UNREGISTERED",
    "mismatch": "SENDER_ID_MISMATCH",
    "invalid": "INVALID_ARGUMENT",
    "quota": "QUOTA_EXCEEDED",
    "unavailable": "UNAVAILABLE",
    "internal": "INTERNAL",
    "apns": "THIRD_PARTY_AUTH_ERROR",
}
SILENT, SEEN = "-silent", "-seen"
#: What an app can say; a message that never came it cannot.
STATES = {ReceiptStatus.DELIVERED: "delivered", ReceiptStatus.SEEN: "seen"}

#: The shortest thing that may be a registration token.
REGISTRATION = re.compile(r"[\w:-]{8,4096}", re.ASCII)
LABEL = re.compile(r"[A-Za-z0-9\-_.~%]{1,50}", re.ASCII)
TTL = re.compile(r"\d{1,7}(\.\d{1,9})?s", re.ASCII)
RESERVED = re.compile(r"from|message_type|google\..*|gcm\..*", re.DOTALL)


class Message(msgspec.Struct, forbid_unknown_fields=True):
    """The message resource as far as it is sent here; an unknown field is a bad request."""

    token: str = ""
    fid: str = ""
    notification: dict[str, str] = {}
    data: dict[str, str] = {}
    android: dict[str, Any] = {}
    apns: dict[str, Any] = {}
    fcm_options: dict[str, str] = {}

    @property
    def target(self) -> str:
        """The app it goes to: a registration token or an installation id."""
        return self.token or self.fid


class Submission(msgspec.Struct, forbid_unknown_fields=True):
    """The body of messages:send."""

    message: Message
    validate_only: bool = False


SUBMISSION = msgspec.json.Decoder(Submission)


class Fcm:
    """Submissions with an access token, the token endpoint, and acknowledgments instead of callbacks."""

    name: ClassVar[str] = "fcm"
    channel: ClassVar[str] = "push"
    prefixes: ClassVar[tuple[str, ...]] = ("/v1/projects/", TOKEN)
    #: An app without a connection tries again; this is ours, nobody publishes any.
    retries: ClassVar[tuple[float, ...]] = (5.0, 30.0)
    retries_on_status: ClassVar[bool] = False
    #: The secret is an RSA key in PEM form; without one the sandbox makes its own.
    accounts: ClassVar[tuple[Account, ...]] = (Account("outrider-sandbox", ""),)

    def __init__(self, accounts: Sequence[Account]) -> None:
        self._google = Google(accounts)
        self._first = accounts[0]

    def receive(self, call: Call, new_id: str, book: Book) -> Taken | Response:
        """A submission, an access token, the sandbox's service account, or the answer to a bad request."""
        if call.path == TOKEN:
            return self._google.token(call)
        if (call.method, call.path) == ("GET", f"{TOKEN}/service-account.json"):
            document = service_account(self._first, f"http://{call.headers.get('host', '')}")
            return Response(200, {"content-type": "application/json"}, document.encode())
        found = SEND.fullmatch(call.path)
        if call.method != "POST" or found is None:
            return self.error("NOT_FOUND")
        allowed = self._google.project_of(call)
        if allowed != found["project"]:
            return self.error("UNAUTHENTICATED" if allowed is None else "PERMISSION_DENIED")
        return self._submission(call, found["project"], new_id)

    def _submission(self, call: Call, project: str, new_id: str) -> Taken | Response:
        try:
            submission = SUBMISSION.decode(call.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return self.bad_request(str(error).partition(" - at ")[2].strip("`$.") or "message", str(error))
        message = submission.message
        if field := _fault_in(message):
            return self.bad_request(field, f"Invalid value at '{field}'")
        fate = FATES.get(message.target.rpartition("-")[2])
        if fate is not None or not REGISTRATION.fullmatch(message.target):
            return self.error(fate or "INVALID_ARGUMENT")
        if submission.validate_only:
            return json_answer(200, {"name": f"projects/{project}/messages/fake_message_id"})
        return _taken(message, project, new_id, call)

    def accepted(self, taken: Taken) -> Response:
        """200 with the message's name."""
        return json_answer(200, {"name": taken.id})

    def refusal(self, reason: Reason, taken: Taken) -> Response | None:
        """Fates of phone numbers mean nothing here: such a message is taken and never acknowledged."""
        return None

    def error(self, code: str) -> Response:
        """Google's error document."""
        status, name, words = ERRORS.get(code, (400, "INVALID_ARGUMENT", "Refused by the sandbox"))
        return _error(status, name, words, [] if code in OTHERS else [{"@type": FCM_ERROR, "errorCode": code}])

    def bad_request(self, field: str, words: str) -> Response:
        """400 that names a field of the payload."""
        violations = {"@type": BAD_REQUEST, "fieldViolations": [{"field": field, "description": words}]}
        return _error(
            400, "INVALID_ARGUMENT", words, [{"@type": FCM_ERROR, "errorCode": "INVALID_ARGUMENT"}, violations]
        )

    def throttled(self, retry_after: int | None) -> Response:
        """429, QUOTA_EXCEEDED."""
        answer = self.error("QUOTA_EXCEEDED")
        more = {} if retry_after is None else {"retry-after": str(retry_after)}
        return Response(answer.status, {**answer.headers, **more}, answer.body)

    def unavailable(self) -> Response:
        """503, UNAVAILABLE."""
        return self.error("UNAVAILABLE")

    def receipt(self, taken: Taken, *, word: str | None = None, forged: bool = False) -> Request | None:
        """What the app posts; None where it has nothing to say: it did not get the message, or not yet."""
        state = word or ("delivered" if forged else STATES.get(taken.status or ReceiptStatus.SENT))
        if state == "delivered" and taken.to.endswith(SEEN):
            state = "seen"
        token = "A" * 52 if forged else taken.reference
        return None if state is None else _acknowledgment(taken.callback_url, token, state)

    def reply(self, taken: Taken, text: str, new_id: str) -> Request:
        """Apps do not write back: `delivered` and `seen` make the app acknowledge now, anything else counts as seen."""
        return _acknowledgment(
            taken.callback_url, taken.reference, text if text in set(STATES.values()) else STATES[ReceiptStatus.SEEN]
        )


def _taken(message: Message, project: str, new_id: str, call: Call) -> Taken:
    data = message.data
    words = {**data, **message.notification}
    url = "" if message.target.endswith(SILENT) else data.get("outrider_acknowledge_url", "")
    return Taken(
        id=f"projects/{project}/messages/0:{new_id}",
        account=project,
        to=message.target,
        sender=project,
        text=words.get("body", ""),
        subject=words.get("title", ""),
        echo=message.fcm_options.get("analytics_label", ""),
        callback_url=url,
        at=call.at,
        reference=data.get("outrider_acknowledgment", ""),
    )


def _acknowledgment(url: str, token: str, state: str) -> Request:
    body = msgspec.json.encode({"token": token, "state": state})
    return Request("POST", url, (("content-type", "application/json"),), body)


def _error(status: int, name: str, words: str, details: Sequence[Mapping[str, Any]]) -> Response:
    document = {"error": {"code": status, "message": words, "status": name, "details": details}}
    return json_answer(status, document)


def _fault_in(message: Message) -> str | None:
    """The field FCM would refuse."""
    size = len(msgspec.json.encode({"notification": message.notification, "data": message.data}))
    headers = message.apns.get("headers", {})
    checks = (
        ("message.token", bool(message.token) == bool(message.fid)),
        ("message.data", any(RESERVED.fullmatch(name) for name in message.data) or size > LARGEST),
        ("message.fcm_options.analytics_label", not LABEL.fullmatch(message.fcm_options.get("analytics_label", "-"))),
        ("message.android.ttl", not TTL.fullmatch(str(message.android.get("ttl", "0s")))),
        ("message.android.priority", message.android.get("priority", "high") not in ("high", "normal")),
        ("message.apns.headers", not all(isinstance(value, str) for value in headers.values())),
        ("message.apns.headers", len(headers.get("apns-collapse-id", "")) > 64),
    )
    return next((field for field, wrong in checks if wrong), None)


COUNTERPART = Fcm
