"""The sandbox's FCM: Google's errors, access tokens that must be earned, and an app that acknowledges on command."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from callback_stage import AT_ONCE, MovableClock, Stage, play

from outrider.contracts.http import Request, Response
from outrider.contracts.provider import Outbound, Provider, Secret
from outrider.domain.attempt import Accepted, Outcome, Reason, Refused
from outrider.domain.message import Rendition
from outrider.lib.forms import form
from outrider.providers.push.fcm import SCOPE, Fcm, FcmSettings
from outrider.sandbox.admin import InboundReply
from outrider.sandbox.counterpart import Account, Call
from outrider.sandbox.faults import Fault, Kind
from outrider.sandbox.push import _google
from outrider.sandbox.push._google import Google, service_account
from outrider.sandbox.push.fcm import COUNTERPART, ERRORS
from outrider.workers.authorized import AuthorizedHttp
from outrider.workers.desk import Account as OurAccount

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
SANDBOX = Account("outrider-sandbox", "")


class App:
    """Our side: an account of the provider on a line of its own."""

    def __init__(self, stage: Stage, clock: Any = None) -> None:
        self.stage = stage
        document = service_account(stage.sandbox.account("fcm"), stage.sandbox.url)
        self.provider = Fcm(FcmSettings(service_account=Secret(document), base_url=stage.sandbox.url))
        self.account = OurAccount("app", cast("Provider", self.provider), "path")
        self.line = AuthorizedHttp(stage.http, clock or MovableClock())

    def message(self, to: str = "token-of-anna", number: int = 1, **changes: Any) -> Outbound:
        attempt = f"msg_{number}.1"
        body = Rendition("Bay B-12", subject="Ready", data={"link": "rental://7731"})
        made = Outbound(attempt, to, "app", body, "", 60, AT, f"ack-{number}", f"{self.stage.hook}/ack")
        return msgspec.structs.replace(made, **changes)

    async def send(self, message: Outbound | None = None) -> Outcome:
        answer = await self.line.send(self.account, self.provider.request(message or self.message()))
        return answer if isinstance(answer, Refused) else self.provider.outcome(answer)

    def acknowledged(self) -> list[tuple[str, str]]:
        """What the app posted: tokens and states."""
        documents = [msgspec.json.decode(call.body) for call in self.stage.receiver.calls]
        return [(one["token"], one["state"]) for one in documents]


def test_a_push_is_taken_noted_and_acknowledged(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        app = App(stage)
        outcome = await app.send()
        await stage.sandbox.settled()
        (line,) = stage.sandbox.lines()
        assert outcome == Accepted(line.id)
        assert (line.provider, line.to, line.text, line.echo) == ("fcm", "token-of-anna", "Bay B-12", "msg_1.1")
        assert line.subject == "Ready"
        assert app.acknowledged() == [("ack-1", "delivered")]
        assert [call.target for call in stage.receiver.calls] == ["/ack"]

    play(tmp_path, scene)


def test_a_push_that_is_only_to_be_checked_is_not_taken(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        app = App(stage)
        request = app.provider.request(app.message())
        body = msgspec.json.decode(request.body) | {"validate_only": True}
        asked = msgspec.structs.replace(request, body=msgspec.json.encode(body))
        answer = await app.line.send(app.account, asked)
        assert isinstance(answer, Response)
        assert answer.status == 200
        assert stage.sandbox.lines() == []

    play(tmp_path, scene)


@pytest.mark.parametrize(
    ("ending", "reason", "wait"),
    [
        ("unregistered", Reason.DEAD_ADDRESS, None),
        ("mismatch", Reason.DEAD_ADDRESS, None),
        ("invalid", Reason.DEAD_ADDRESS, None),
        ("quota", Reason.THROTTLED, 60.0),
        ("unavailable", Reason.UNAVAILABLE, None),
        ("internal", Reason.UNAVAILABLE, None),
        ("apns", Reason.UNAUTHORIZED, None),
    ],
)
def test_tokens_with_a_fate_of_their_own(tmp_path: Path, ending: str, reason: Reason, wait: float | None) -> None:
    async def scene(stage: Stage) -> None:
        app = App(stage)
        outcome = await app.send(app.message(f"token-of-{ending}"))
        assert isinstance(outcome, Refused)
        assert (outcome.reason, outcome.retry_after) == (reason, wait)
        assert stage.sandbox.lines() == []

    play(tmp_path, scene)


def test_what_is_no_token_at_all_is_refused(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        app = App(stage)
        outcome = await app.send(app.message("+336 12"))
        assert isinstance(outcome, Refused)
        assert outcome.reason is Reason.DEAD_ADDRESS

    play(tmp_path, scene)


@pytest.mark.parametrize(
    ("ending", "fault", "posted"),
    [
        ("-silent", None, []),
        ("-seen", None, [("ack-1", "seen")]),
        ("", Fault(Kind.LOST_RECEIPT), []),
        ("", Fault(Kind.DUPLICATE_RECEIPT), [("ack-1", "delivered")] * 2),
        ("", Fault(Kind.LATE_RECEIPT, ms=1), [("ack-1", "delivered")]),
        ("", Fault(Kind.UNDELIVER, code="absent_subscriber"), []),
        ("", Fault(Kind.SHUFFLED_RECEIPTS), [("ack-1", "delivered")]),
        ("", Fault(Kind.EARLY_RECEIPT), [("ack-1", "delivered")]),
        ("", Fault(Kind.FORGED_RECEIPT), [("A" * 52, "delivered"), ("ack-1", "delivered")]),
        ("", Fault(Kind.STRAY_RECEIPT), [("", "delivered"), ("ack-1", "delivered")]),
        ("", Fault(Kind.UNKNOWN_WORD), [("ack-1", "teleported"), ("ack-1", "delivered")]),
    ],
)
def test_the_app_acknowledges_as_told(
    tmp_path: Path, ending: str, fault: Fault | None, posted: list[tuple[str, str]]
) -> None:
    async def scene(stage: Stage) -> None:
        if fault is not None:
            stage.sandbox.fault(fault)
        app = App(stage)
        assert isinstance(await app.send(app.message(f"token-of-anna{ending}")), Accepted)
        await stage.sandbox.settled()
        assert sorted(app.acknowledged()) == sorted(posted)

    play(tmp_path, scene)


@pytest.mark.parametrize(("text", "state"), [("delivered", "delivered"), ("seen", "seen"), ("hello", "seen")])
def test_the_operator_makes_the_app_acknowledge_now(tmp_path: Path, text: str, state: str) -> None:
    async def scene(stage: Stage) -> None:
        stage.sandbox.fault(Fault(Kind.LOST_RECEIPT))
        app = App(stage)
        await app.send()
        stage.sandbox.reply(InboundReply("fcm", "token-of-anna", text))
        await stage.sandbox.settled()
        assert app.acknowledged() == [("ack-1", state)]

    play(tmp_path, scene)


def test_an_app_that_was_given_nothing_to_acknowledge_says_nothing(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        app = App(stage)
        await app.send(app.message(acknowledgment="", acknowledge_url=""))
        await stage.sandbox.settled()
        assert stage.receiver.calls == []

    play(tmp_path, scene)


def test_an_access_token_that_ran_out_is_renewed(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        app = App(stage, clock)
        assert isinstance(await app.send(), Accepted)
        clock.ahead += 3600
        assert isinstance(await app.send(), Accepted)

    clock = MovableClock()
    play(tmp_path, scene, clock=clock)


def test_an_access_token_withdrawn_early_costs_one_try(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        app = App(stage, clock)
        assert isinstance(await app.send(), Accepted)
        clock.ahead += 120
        stage.sandbox.fault(Fault(Kind.REFUSE, code="UNAUTHENTICATED", count=1))
        refused = await app.send()
        assert isinstance(refused, Refused)
        assert refused.reason is Reason.UNAVAILABLE
        assert isinstance(await app.send(), Accepted)

    clock = MovableClock()
    play(tmp_path, scene, clock=clock)


def test_the_service_account_is_handed_out_and_opens_the_door(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        url = f"{stage.sandbox.urls['fcm']}/token/service-account.json"
        answer = await stage.http.send(Request("GET", url), 5.0)
        settings = FcmSettings(service_account=Secret(answer.body.decode()), base_url=stage.sandbox.url)
        app = App(stage)
        app.provider = Fcm(settings)
        app.account = OurAccount("app", cast("Provider", app.provider), "path")
        assert isinstance(await app.send(), Accepted)

    play(tmp_path, scene)


# ── wire format, without a network ──


def granted(account: Account = SANDBOX) -> dict[str, str]:
    """The header of a token given at AT."""
    document = service_account(account, "http://127.0.0.1:1")
    request = Fcm(FcmSettings(service_account=Secret(document))).token_request(AT)
    answer = COUNTERPART([account]).receive(Call("POST", "/token", {}, request.body, AT), "0" * 32, cast("Any", None))
    assert isinstance(answer, Response)
    return {"authorization": f"Bearer {msgspec.json.decode(answer.body)['access_token']}"}


def call(document: object, headers: dict[str, str] | None = None, at: datetime = AT, project: str = SANDBOX.id) -> Any:
    body = document if isinstance(document, bytes) else msgspec.json.encode(document)
    path = f"/v1/projects/{project}/messages:send"
    made = Call("POST", path, granted() if headers is None else headers, body, at)
    return COUNTERPART([SANDBOX]).receive(made, "0" * 32, cast("Any", None))


def error_of(answer: Any) -> tuple[int, str, list[str]]:
    assert isinstance(answer, Response)
    error = msgspec.json.decode(answer.body)["error"]
    assert error["code"] == answer.status
    return answer.status, error["status"], [one["@type"].rpartition(".")[2] for one in error["details"]]


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"token": "a-good-token", "data": {"n": 7}},
        {"token": "a-good-token", "data": {"from": "x"}},
        {"token": "a-good-token", "data": {"gcm.x": "x"}},
        {"token": "a-good-token", "data": {"x": "x" * 4096}},
        {"token": "a-good-token", "android": {"ttl": "1h"}},
        {"token": "a-good-token", "android": {"priority": "urgent"}},
        {"token": "a-good-token", "apns": {"headers": {"apns-priority": 10}}},
        {"token": "a-good-token", "apns": {"headers": {"apns-collapse-id": "x" * 65}}},
        {"token": "a-good-token", "fcm_options": {"analytics_label": "two words"}},
        {"token": "a-good-token", "priority": "high"},
    ],
)
def test_a_payload_fcm_would_not_take_is_a_bad_request_and_not_the_tokens_fault(message: dict[str, Any]) -> None:
    assert error_of(call({"message": message})) == (400, "INVALID_ARGUMENT", ["FcmError", "BadRequest"])


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[]", b"{}"])
def test_what_is_no_message_is_a_bad_request(body: bytes) -> None:
    assert error_of(call(body)) == (400, "INVALID_ARGUMENT", ["FcmError", "BadRequest"])


GOOD = {"message": {"token": "a-good-token"}}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer guessed"},
        {"authorization": "Basic x"},
        {"authorization": f"Bearer ya29.{SANDBOX.id}.9999999999.{'0' * 64}"},
    ],
)
def test_nobody_sends_without_an_access_token(headers: dict[str, str]) -> None:
    assert error_of(call(GOOD, headers)) == (401, "UNAUTHENTICATED", [])


def test_an_access_token_ends() -> None:
    headers = granted()
    assert error_of(call(GOOD, headers, AT + timedelta(hours=1))) == (401, "UNAUTHENTICATED", [])


def test_an_access_token_opens_its_own_project_only() -> None:
    assert error_of(call(GOOD, project="another")) == (403, "PERMISSION_DENIED", [])


def test_other_paths_are_not_there() -> None:
    side = COUNTERPART([SANDBOX])
    for method, path in (
        ("GET", f"/v1/projects/{SANDBOX.id}/messages:send"),
        ("POST", "/v1/projects/x/y"),
        ("GET", "/token/x"),
    ):
        answer = side.receive(Call(method, path, {}, b"", AT), "0" * 32, cast("Any", None))
        assert error_of(answer)[0] == 404


def test_every_error_has_its_documented_status() -> None:
    side = COUNTERPART([SANDBOX])
    for code, (status, name, _) in ERRORS.items():
        assert error_of(side.error(code))[:2] == (status, name)
    assert error_of(side.error("SOMETHING_NEW"))[0] == 400
    assert side.throttled(7).headers["retry-after"] == "7"
    assert "retry-after" not in side.throttled(None).headers
    assert error_of(side.unavailable())[0] == 503


# ── the token endpoint ──

ENDPOINT = "http://127.0.0.1:1/token"
CLAIMS = {"iss": _google.email_of(SANDBOX), "aud": ENDPOINT, "scope": SCOPE, "iat": 1793534400, "exp": 1793538000}


def asked(assertion: str, grant: str = _google.GRANT) -> tuple[int, dict[str, Any]]:
    body = form((("grant_type", grant), ("assertion", assertion)))
    answer = Google([SANDBOX]).token(Call("POST", "/token", {}, body, AT))
    return answer.status, msgspec.json.decode(answer.body)


def assertion(claims: dict[str, Any], algorithm: str = "RS256") -> str:
    import base64

    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    parts = [msgspec.json.encode({"alg": algorithm}), msgspec.json.encode(claims)]
    signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = _google.key_of(SANDBOX).sign(signed, PKCS1v15(), SHA256())
    return (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def test_a_good_assertion_gives_a_token_for_an_hour() -> None:
    status, document = asked(assertion(CLAIMS))
    assert status == 200
    assert document["token_type"] == "Bearer"
    assert document["expires_in"] == 3599


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({**CLAIMS, "iss": "nobody@else"}, "account not found"),
        ({**CLAIMS, "aud": "https://else.example/"}, "aud"),
        ({**CLAIMS, "exp": 1793538001}, "60 minutes"),
        ({**CLAIMS, "iat": 1793536000, "exp": 1793539000}, "60 minutes"),
        ({**CLAIMS, "iat": 1793530000, "exp": 1793533600}, "60 minutes"),
        ({**CLAIMS, "scope": "https://www.googleapis.com/auth/drive"}, "scope"),
        ({"iss": CLAIMS["iss"]}, "Failed to decode"),
    ],
)
def test_an_assertion_that_claims_too_much_or_too_little_is_refused(claims: dict[str, Any], said: str) -> None:
    status, document = asked(assertion(claims))
    assert (status, document["error"]) == (400, "invalid_grant")
    assert said in document["error_description"]


@pytest.mark.parametrize("wrong", ["", "a.b.c", assertion(CLAIMS)[:-8] + "AAAAAAAA", assertion(CLAIMS, "none")])
def test_an_assertion_that_is_not_signed_by_the_account_is_refused(wrong: str) -> None:
    assert asked(wrong)[1]["error"] == "invalid_grant"


def test_another_grant_is_not_known() -> None:
    assert asked(assertion(CLAIMS), "client_credentials")[1]["error"] == "unsupported_grant_type"


def test_an_account_with_a_key_of_its_own_is_opened_by_that_key() -> None:
    pem = msgspec.json.decode(service_account(SANDBOX, ""))["private_key"]
    own = Account("own-project", pem)
    assert granted(own)["authorization"].startswith("Bearer ya29.own-project.")
    assert AT_ONCE.receipts
