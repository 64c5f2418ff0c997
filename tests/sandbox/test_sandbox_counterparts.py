"""Each counterpart refuses what its provider refuses, in its words, and shows what it took."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from callback_stage import AT_ONCE, MovableClock, Stage, play
from hypothesis import given
from hypothesis import strategies as st

from outrider.contracts.http import Request, Response
from outrider.contracts.provider import Doubt
from outrider.domain.attempt import Accepted
from outrider.sandbox.book import RecentBook
from outrider.sandbox.counterpart import Call, Taken, echo_in, segments
from outrider.sandbox.sms.smsmode import Smsmode
from outrider.sandbox.sms.twilio import Twilio

AT = datetime(2026, 11, 1, 12, tzinfo=UTC)
ID = "0123456789abcdef0123456789abcdef"
SID = Twilio.accounts[0].id
GOOD_FORM = "To=%2B33612345678&From=Drive&Body=Hi"
GOOD_JSON = {"recipient": {"to": "33612345678"}, "body": {"text": "Hi"}, "from": "Drive"}
TWILIO_LOGIN = {"authorization": "Basic QUM1YTVhNWE1YTVhNWE1YTVhNWE1YTVhNWE1YTVhNWE1YTpzYW5kYm94LXR3aWxpby10b2tlbg=="}
SMSMODE_LOGIN = {"x-api-key": "sandbox-smsmode-key"}


def twilio(method: str, target: str, body: str = "", headers: dict[str, str] = TWILIO_LOGIN) -> Taken | Response:
    return Twilio(Twilio.accounts).receive(Call(method, target, headers, body.encode(), AT), ID, RecentBook())


def smsmode(
    method: str, target: str, document: object = None, headers: dict[str, str] = SMSMODE_LOGIN
) -> Taken | Response:
    body = b"" if document is None else msgspec.json.encode(document)
    return Smsmode(Smsmode.accounts).receive(Call(method, target, headers, body, AT), ID, RecentBook())


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param("From=Drive&Body=Hi", 21604, id="no To"),
        pytest.param("To=33612345678&From=Drive&Body=Hi", 21211, id="To without a plus sign"),
        pytest.param("To=%2B0123&From=Drive&Body=Hi", 21211, id="To is no number"),
        pytest.param("To=%2B33612345678&Body=Hi", 21603, id="no sender"),
        pytest.param("To=%2B33612345678&From=Drive", 21602, id="no text"),
        pytest.param("To=%2B33612345678&From=Drive&Body=" + "x" * 1601, 21617, id="text too long"),
        pytest.param(GOOD_FORM + "&StatusCallback=hooks.example.com", 21609, id="a callback URL that is none"),
    ],
)
def test_twilio_refuses_with_its_codes(body: str, code: int) -> None:
    answer = twilio("POST", f"/2010-04-01/Accounts/{SID}/Messages.json", body)
    assert isinstance(answer, Response)
    assert answer.status == 400
    document = msgspec.json.decode(answer.body)
    assert (document["code"], document["status"]) == (code, 400)
    assert document["more_info"].endswith(str(code))


@pytest.mark.parametrize(
    ("method", "target", "headers", "status", "code"),
    [
        ("POST", f"/2010-04-01/Accounts/{SID}/Messages.json", {}, 401, 20003),
        ("POST", f"/2010-04-01/Accounts/{SID}/Messages.json", {"authorization": "Basic AAAA"}, 401, 20003),
        ("POST", "/2010-04-01/Accounts/AC" + "0" * 32 + "/Messages.json", TWILIO_LOGIN, 404, 20404),
        ("GET", f"/2010-04-01/Accounts/{SID}/Messages/SM{ID}.json", TWILIO_LOGIN, 404, 20404),
        ("GET", f"/2010-04-01/Accounts/{SID}/Calls.json", TWILIO_LOGIN, 404, 20404),
        ("DELETE", f"/2010-04-01/Accounts/{SID}/Messages/SM{ID}.json", TWILIO_LOGIN, 404, 20404),
    ],
)
def test_twilio_checks_login_and_place(
    method: str, target: str, headers: dict[str, str], status: int, code: int
) -> None:
    answer = twilio(method, target, GOOD_FORM, headers)
    assert isinstance(answer, Response)
    assert (answer.status, msgspec.json.decode(answer.body)["code"]) == (status, code)


def test_twilio_takes_a_good_submission() -> None:
    taken = twilio("POST", f"/2010-04-01/Accounts/{SID}/Messages.json", GOOD_FORM)
    assert taken == Taken(f"SM{ID}", SID, "+33612345678", "Drive", "Hi", "", "", AT)


@pytest.mark.parametrize(
    ("document", "detail"),
    [
        pytest.param(None, "truncated", id="no body"),
        pytest.param({"body": {"text": "Hi"}}, "missing required field `recipient`", id="no recipient"),
        pytest.param({**GOOD_JSON, "recipient": {"to": "Marie"}}, "recipient.to is not", id="no number"),
        pytest.param({**GOOD_JSON, "body": {"text": ""}}, "body.text is required", id="no text"),
        pytest.param({**GOOD_JSON, "refClient": "x" * 141}, "refClient is longer", id="a long reference"),
    ],
)
def test_smsmode_refuses_in_its_form(document: object, detail: str) -> None:
    answer = smsmode("POST", "/sms/v1/messages", document)
    assert isinstance(answer, Response)
    assert answer.status == 400
    error = msgspec.json.decode(answer.body)
    assert error.keys() == {"title", "message", "detail", "errorCode"}
    assert detail in error["detail"]


@pytest.mark.parametrize(
    ("method", "target", "headers", "status"),
    [
        ("POST", "/sms/v1/messages", {}, 401),
        ("POST", "/sms/v1/messages", {"x-api-key": "other"}, 401),
        ("POST", "/sms/v1/channels/other/messages", SMSMODE_LOGIN, 404),
        ("PUT", "/sms/v1/messages", SMSMODE_LOGIN, 404),
        ("GET", f"/sms/v1/messages/{'0' * 36}", SMSMODE_LOGIN, 404),
    ],
)
def test_smsmode_checks_key_and_place(method: str, target: str, headers: dict[str, str], status: int) -> None:
    answer = smsmode(method, target, GOOD_JSON, headers)
    assert isinstance(answer, Response)
    assert answer.status == status


@pytest.mark.parametrize("number", ["33612345678", "+33612345678"])
@pytest.mark.parametrize("target", ["/sms/v1/messages", f"/sms/v1/channels/{Smsmode.accounts[0].id}/messages"])
def test_smsmode_takes_a_good_submission_at_both_addresses(number: str, target: str) -> None:
    taken = smsmode("POST", target, {**GOOD_JSON, "recipient": {"to": number}, "refClient": "msg_1.1"})
    assert isinstance(taken, Taken)
    assert (taken.to, taken.echo, taken.reference) == ("+33612345678", "msg_1.1", "msg_1.1")


def test_smsmode_answers_404_just_after_its_own_201(tmp_path: Path) -> None:
    clock = MovableClock()

    async def scene(stage: Stage) -> None:
        outcome = await stage.send("smsmode")
        assert isinstance(outcome, Accepted)
        look = Request(
            "GET", f"{stage.sandbox.url}/sms/v1/messages/{outcome.provider_id}", tuple(SMSMODE_LOGIN.items())
        )
        assert (await stage.http.send(look, 5.0)).status == 404
        clock.ahead = 1.0
        await stage.sandbox.settled()
        answer = await stage.http.send(look, 5.0)
        document = msgspec.json.decode(answer.body)
        assert (answer.status, document["status"]["value"]) == (200, "DELIVERED")
        assert document["refClient"] == "msg_1.1"

    play(tmp_path, scene, clock=clock)


def test_the_twilio_provider_finds_its_doubtful_attempt_and_no_other(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        provider, message = stage.provider("twilio"), stage.message(1)
        await stage.send("twilio", stage.message(2, text="another text"))
        sent = await stage.send("twilio", message)
        assert isinstance(sent, Accepted)
        now = datetime.now(UTC)
        for text, since, expected in (
            (message.body.text, now, sent.provider_id),
            (message.body.text, now + timedelta(seconds=30), None),
            ("never sent", now, None),
        ):
            doubt = Doubt(message.attempt, message.to, text, since)
            request = provider.lookup(doubt)
            assert request is not None
            assert provider.found(doubt, await stage.http.send(request, 5.0)) == expected

    play(tmp_path, scene)


def test_other_credentials_replace_the_shipped_ones(tmp_path: Path) -> None:
    from outrider.sandbox.counterpart import Account

    accounts = {"twilio": (Account("AC" + "1" * 32, "other-token"),)}

    async def scene(stage: Stage) -> None:
        assert stage.sandbox.account("twilio").secret == "other-token"
        assert isinstance(await stage.send("twilio"), Accepted)
        await stage.sandbox.settled()
        assert len(stage.told("twilio")) == 1

    play(tmp_path, scene, AT_ONCE, accounts=accounts)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("ç" * 70, 1),
        ("ç" * 71, 2),
        ("ç" * 134, 2),
        ("ç" * 135, 3),
        ("🚗" * 35, 1),
        ("🚗" * 36, 2),
        ("é" * 160, 1),
        ("{" * 80, 1),
    ],
)
def test_segments_are_counted_as_on_the_air(text: str, count: int) -> None:
    assert segments(text) == count


@pytest.mark.parametrize(
    ("url", "echo"),
    [
        ("https://h.example/cb?attempt=msg_1.1", "msg_1.1"),
        ("https://h.example/cb?a=b&attempt=msg%5F1.1&c=d", "msg_1.1"),
        ("https://h.example/cb", ""),
    ],
)
def test_the_echo_is_read_from_the_callback_url(url: str, echo: str) -> None:
    assert echo_in(url) == echo


@given(st.lists(st.sampled_from(["+331", "+332", "+333"]), max_size=30))
def test_the_book_remembers_the_newest_in_order(numbers: list[str]) -> None:
    book = RecentBook(remembered=5)
    written = [Taken(str(place), "AC", number, "Drive", "Hi", "", "", AT) for place, number in enumerate(numbers)]
    for taken in written:
        book.add(taken)
    kept = written[-5:]
    assert list(book.recent()) == kept
    assert all(book.get(taken.id) is taken for taken in kept)
    assert all(book.get(taken.id) is None for taken in written[:-5])
    for number in set(numbers):
        assert list(book.sent_to(number)) == [taken for taken in kept if taken.to == number]
