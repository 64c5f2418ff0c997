"""Firebase's own admin SDK takes our sandbox for FCM, and would write our provider's messages the same way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import firebase_admin
import msgspec
import pytest
from callback_stage import AT_ONCE, Stage, play
from firebase_admin import exceptions, messaging
from firebase_admin.credentials import Certificate
from requests.adapters import HTTPAdapter
from test_sandbox_fcm import App

from outrider.domain.attempt import Accepted
from outrider.sandbox.faults import Fault, Kind
from outrider.sandbox.push._google import service_account


@asynccontextmanager
async def sdk(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Any]:
    """The SDK with the sandbox's service account and address; it asks once and takes no proxy from the environment."""
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    document = msgspec.json.decode(service_account(stage.sandbox.account("fcm"), stage.sandbox.url))
    url = f"{stage.sandbox.url}/v1/projects/{{0}}/messages:send"
    monkeypatch.setattr(messaging._MessagingService, "FCM_URL", url)
    app = firebase_admin.initialize_app(Certificate(document), name=stage.sandbox.url)
    session = messaging._get_messaging_service(app)._client.session
    session.mount(stage.sandbox.url, HTTPAdapter(max_retries=0))
    try:
        yield app
    finally:
        session.close()
        session._auth_request.session.close()
        # It runs a loop of its own to close its asynchronous client.
        await asyncio.to_thread(firebase_admin.delete_app, app)


def to_token(token: str, **more: Any) -> messaging.Message:
    """The SDK would rather have installation ids; tokens are still what most apps register."""
    with pytest.warns(DeprecationWarning, match=r"Use Message\.fid instead"):
        return messaging.Message(token=token, **more)


def message(token: str = "token-of-anna", **more: Any) -> messaging.Message:
    return to_token(token, notification=messaging.Notification(title="Ready", body="Bay B-12 🚗"), **more)


def test_the_sdk_earns_a_token_and_sends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(stage: Stage) -> None:
        async with sdk(stage, monkeypatch) as app:
            label = messaging.FCMOptions(analytics_label="msg_7.1")
            name = await asyncio.to_thread(messaging.send, message(fcm_options=label), app=app)
        (line,) = stage.sandbox.lines()
        assert (line.id, line.to, line.text, line.echo) == (name, "token-of-anna", "Bay B-12 🚗", "msg_7.1")

    play(tmp_path, scene)


def test_an_installation_id_is_written_and_read_as_the_sdk_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation = "dIsVQ2QVRT-TW7L6VfeAMh"

    async def scene(stage: Stage) -> None:
        app = App(stage)
        ours = msgspec.json.decode(app.provider.request(app.message(installation)).body)["message"]
        assert (ours["fid"], "token" in ours) == (installation, False)
        async with sdk(stage, monkeypatch) as opened:
            await asyncio.to_thread(messaging.send, messaging.Message(fid=installation), app=opened)
        assert await app.send(app.message(installation)) == Accepted(stage.sandbox.lines()[1].id)
        assert [line.to for line in stage.sandbox.lines()] == [installation] * 2

    play(tmp_path, scene)


def test_a_dry_run_of_the_sdk_is_checked_and_goes_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(stage: Stage) -> None:
        async with sdk(stage, monkeypatch) as app:
            name = await asyncio.to_thread(messaging.send, message(), dry_run=True, app=app)
            assert name.startswith("projects/outrider-sandbox/messages/")
            with pytest.raises(messaging.UnregisteredError):
                await asyncio.to_thread(messaging.send, message("anna-unregistered"), dry_run=True, app=app)
        await stage.sandbox.settled()
        assert stage.sandbox.lines() == []

    play(tmp_path, scene)


@pytest.mark.parametrize(
    ("ending", "error"),
    [
        ("unregistered", messaging.UnregisteredError),
        ("mismatch", messaging.SenderIdMismatchError),
        ("invalid", exceptions.InvalidArgumentError),
        ("quota", messaging.QuotaExceededError),
        ("unavailable", exceptions.UnavailableError),
        ("internal", exceptions.InternalError),
        ("apns", messaging.ThirdPartyAuthError),
    ],
)
def test_the_sdk_understands_every_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, error: type[Exception]
) -> None:
    async def scene(stage: Stage) -> None:
        async with sdk(stage, monkeypatch) as app:
            with pytest.raises(exceptions.FirebaseError) as refused:
                await asyncio.to_thread(messaging.send, message(f"anna-{ending}"), app=app)
        assert type(refused.value) is error
        assert stage.sandbox.lines() == []

    play(tmp_path, scene)


def test_the_sdk_understands_a_sandbox_that_throttles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scene(stage: Stage) -> None:
        async with sdk(stage, monkeypatch) as app:
            with pytest.raises(messaging.QuotaExceededError) as refused:
                await asyncio.to_thread(messaging.send, message(), app=app)
        assert refused.value.http_response.headers["retry-after"] == "7"

    play(tmp_path, scene, faults=[Fault(Kind.THROTTLE, number=7)])


WRITE: Callable[[messaging.Message], dict[str, Any]] = messaging._MessagingService.encode_message


def test_the_provider_writes_what_the_sdk_would_write(tmp_path: Path) -> None:
    async def scene(stage: Stage) -> None:
        app = App(stage)
        ours = msgspec.json.decode(app.provider.request(app.message()).body)["message"]
        alert = messaging.ApsAlert(title="Ready", body="Bay B-12")
        theirs = to_token(
            "token-of-anna",
            notification=messaging.Notification(title="Ready", body="Bay B-12"),
            data=ours["data"],
            android=messaging.AndroidConfig(
                priority="high", ttl=timedelta(seconds=60), notification=messaging.AndroidNotification(tag="msg_1")
            ),
            apns=messaging.APNSConfig(
                headers=ours["apns"]["headers"],
                payload=messaging.APNSPayload(messaging.Aps(alert=alert, mutable_content=True)),
            ),
            fcm_options=messaging.FCMOptions(analytics_label="msg_1.1"),
        )
        assert ours == WRITE(theirs)
        assert ours["data"]["link"] == "rental://7731"

    play(tmp_path, scene, options=AT_ONCE)
