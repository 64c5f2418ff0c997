"""Twilio's own SDK takes our sandbox for Twilio, and our provider takes its signatures for Twilio's."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from callback_stage import AT_ONCE, MovableClock, Stage, play
from hypothesis import given
from hypothesis import strategies as st
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.http.response import Response as SdkResponse
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from outrider.contracts.provider import Callback, Forged, Secret
from outrider.domain.attempt import Accepted
from outrider.domain.receipt import Receipt
from outrider.providers.sms.twilio import Twilio, TwilioSettings
from outrider.sandbox.admin import InboundReply
from outrider.sandbox.faults import Fault, Kind

API = "https://api.twilio.com"


class Redirected(TwilioHttpClient):
    """The SDK's client with another host and no proxy from the environment."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url
        self.session.trust_env = False

    def request(self, method: str, url: str, *args: object, **kwargs: object) -> SdkResponse:
        return super().request(method, url.replace(API, self._url), *args, **kwargs)


@contextmanager
def sdk(stage: Stage, token: str | None = None) -> Iterator[Client]:
    account = stage.sandbox.account("twilio")
    http = Redirected(stage.sandbox.url)
    try:
        yield Client(account.id, token or account.secret, http_client=http)
    finally:
        http.session.close()


def test_the_sdk_creates_and_fetches_a_message(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        with sdk(stage) as client:
            text = "Réservé à 100 % & open 🚗 " + "x" * 120
            made = await asyncio.to_thread(
                client.messages.create,
                to="+33612345678",
                from_="Drive",
                body=text,
                status_callback=f"{stage.hook}/cb?attempt=msg_9.1",
            )
            assert (made.status, made.body, made.to, made.from_) == ("queued", text, "+33612345678", "Drive")
            assert (made.error_code, made.price, made.num_segments) == (None, None, "3")
            assert made.direction == "outbound-api"
            assert abs(made.date_created - datetime.now(UTC)) < timedelta(minutes=1)
            await stage.sandbox.settled()
            fetched = await asyncio.to_thread(client.messages(made.sid).fetch)
            assert (fetched.sid, fetched.status) == (made.sid, "delivered")
            assert fetched.date_sent == made.date_created
            assert [line.echo for line in stage.sandbox.lines()] == ["msg_9.1"]

    play(tmp_path, scene)


def test_the_sdk_sees_why_a_message_failed(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        sent = await stage.send("twilio")
        await stage.sandbox.settled()
        assert isinstance(sent, Accepted)
        with sdk(stage) as client:
            fetched = await asyncio.to_thread(client.messages(sent.provider_id).fetch)
        assert (fetched.status, fetched.error_code) == ("undelivered", 30003)

    play(tmp_path, scene, faults=[Fault(Kind.UNDELIVER, code="absent_subscriber")])


def test_the_sdk_lists_by_number_and_day_over_several_pages(tmp_path: Path) -> None:
    clock = MovableClock()

    async def scene(stage: Stage) -> None:
        sent = []
        for number in range(5):
            outcome = await stage.send("twilio", stage.message(number))
            assert isinstance(outcome, Accepted)
            sent.append(outcome.provider_id)
        await stage.send("twilio", stage.message(6, to="+33699999999"))
        clock.ahead = 3 * 86_400.0
        await stage.send("twilio", stage.message(7))
        first = datetime.now(UTC)
        with sdk(stage) as client:
            listing = client.messages.list
            newest_first = sent[::-1]
            everything = await asyncio.to_thread(listing, to="+33612345678", page_size=2)
            assert [message.sid for message in everything][1:] == newest_first
            early = await asyncio.to_thread(listing, to="+33612345678", date_sent_before=first + timedelta(days=1))
            assert [message.sid for message in early] == newest_first
            late = await asyncio.to_thread(listing, date_sent_after=first + timedelta(days=2))
            assert len(late) == 1
            nobody = await asyncio.to_thread(listing, to="+33600000000")
            assert nobody == []
            by_sender = await asyncio.to_thread(listing, from_="Drive", limit=3)
            assert len(by_sender) == 3

    play(tmp_path, scene, clock=clock)


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        pytest.param({"to": "33612345678"}, 400, 21211, id="bad number"),
        pytest.param({"to": ""}, 400, 21604, id="no number"),
        pytest.param({"body": ""}, 400, 21602, id="no text"),
        pytest.param({"body": "x" * 1601}, 400, 21617, id="too long"),
        pytest.param({"to": "+15005550001"}, 400, 21211, id="test number: invalid"),
        pytest.param({"to": "+15005550002"}, 400, 21612, id="test number: unroutable"),
        pytest.param({"to": "+15005550003"}, 400, 21408, id="test number: country"),
        pytest.param({"to": "+15005550004"}, 400, 21610, id="test number: opted out"),
        pytest.param({"to": "+15005550009"}, 400, 21614, id="test number: landline"),
    ],
)
def test_the_sdk_raises_twilios_codes(tmp_path: Path, fields: dict[str, str], status: int, code: int) -> None:
    async def scene(stage: Stage) -> None:
        with sdk(stage) as client:
            good = {"to": "+33612345678", "from_": "Drive", "body": "Hi"}
            with pytest.raises(TwilioRestException) as refusal:
                await asyncio.to_thread(client.messages.create, **{**good, **fields})
            assert (refusal.value.status, refusal.value.code) == (status, code)

    play(tmp_path, scene)


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (Fault(Kind.THROTTLE, number=1), 429, 20429),
        (Fault(Kind.OUTAGE, number=503), 503, 20503),
        (Fault(Kind.REFUSE, code="21606"), 400, 21606),
        (Fault(Kind.BARE_5XX), 500, 500),
    ],
)
def test_the_sdk_understands_the_faults(tmp_path: Path, fault: Fault, status: int, code: int) -> None:
    async def scene(stage: Stage) -> None:
        with sdk(stage) as client:
            with pytest.raises(TwilioRestException) as refusal:
                await asyncio.to_thread(client.messages.create, to="+33612345678", from_="Drive", body="Hi")
            assert (refusal.value.status, refusal.value.code) == (status, code)

    play(tmp_path, scene, faults=[fault])


def test_the_sdk_is_turned_away_with_a_wrong_token_and_an_unknown_sid(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        with sdk(stage, "wrong") as client, pytest.raises(TwilioRestException) as refusal:
            await asyncio.to_thread(client.messages("SM" + "0" * 32).fetch)
        assert (refusal.value.status, refusal.value.code) == (401, 20003)
        with sdk(stage) as client, pytest.raises(TwilioRestException) as refusal:
            await asyncio.to_thread(client.messages("SM" + "0" * 32).fetch)
        assert (refusal.value.status, refusal.value.code) == (404, 20404)

    play(tmp_path, scene)


def test_the_validator_accepts_the_sandboxs_signatures_and_rejects_its_forgeries(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        await stage.send("twilio")
        await stage.sandbox.settled()
        stage.sandbox.reply(InboundReply("twilio", "+33612345678", "Où est-elle ? 🚗"))
        await stage.sandbox.settled()
        validator = RequestValidator(stage.sandbox.account("twilio").secret)
        verdicts = [
            validator.validate(
                stage.hook + call.target, dict(parse_qsl(call.body.decode())), call.headers["x-twilio-signature"]
            )
            for call in stage.receiver.calls
        ]
        assert sorted(verdicts) == [False, True, True]

    play(tmp_path, scene, AT_ONCE, faults=[Fault(Kind.FORGED_RECEIPT)])


SID, TOKEN, SHARED = "AC" + "0" * 32, "token-1", "shared-2"
TWILIO = Twilio(TwilioSettings(account_sid=SID, auth_token=Secret(TOKEN), shared_key=Secret(SHARED)))
FIELDS = st.dictionaries(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=8), st.text(max_size=12), max_size=5
)
HOSTS = st.sampled_from(["h.example", "h.example:443", "h.example:8443"])


def callback(url: str, fields: dict[str, str], headers: dict[str, str]) -> Callback:
    from urllib.parse import urlencode

    return Callback("POST", url, {}, headers, urlencode(fields).encode(), datetime(2026, 11, 1, tzinfo=UTC))


@given(fields=FIELDS, host=HOSTS, new=st.booleans(), place=st.text("abc/?=&%20", max_size=10))
def test_our_provider_accepts_what_the_validator_signs(
    fields: dict[str, str], host: str, new: bool, place: str
) -> None:
    url = f"https://{host}/cb{place}"
    form = {**fields, "MessageSid": "SM1", "MessageStatus": "delivered"}
    algorithm = "HMAC_SHA256" if new else "HMAC_SHA1"
    signature = RequestValidator(SHARED if new else TOKEN).compute_signature(url, form, algorithm)
    headers = {"x-twilio-signature": signature}
    if new:
        headers["x-twilio-webhooks-signature-settings"] = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"
    [receipt] = TWILIO.receipts(callback(url, form, headers))
    assert isinstance(receipt, Receipt)
    assert receipt.provider_id == "SM1"


@given(changed=st.text(max_size=12), field=st.sampled_from(["MessageSid", "MessageStatus", "To"]))
def test_our_provider_rejects_a_field_changed_after_signing(changed: str, field: str) -> None:
    form = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+33612345678"}
    url = "https://h.example/cb"
    signature = RequestValidator(TOKEN).compute_signature(url, form)
    tampered = {**form, field: changed}
    if tampered == form:
        return
    assert not RequestValidator(TOKEN).validate(url, tampered, signature)
    with pytest.raises(Forged):
        TWILIO.receipts(callback(url, tampered, {"x-twilio-signature": signature}))
