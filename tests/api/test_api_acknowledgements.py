"""Acknowledgments of apps: no key, genuine tokens only, stored once, and an escalation that stops."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from api_stage import ACKNOWLEDGMENT_KEY, Stage, failing, is_problem, served

from conftest import Play
from outrider.api import acknowledgements
from outrider.api.acknowledgements import LARGEST, MOST, PATH
from outrider.api.app import build_api
from outrider.domain.entry import ReceiptEntry
from outrider.domain.message import Message, Status
from outrider.domain.receipt import ReceiptStatus
from outrider.receipts.acknowledgment import GRACE, Acknowledgments
from outrider.testing import builders

OURS = Acknowledgments(ACKNOWLEDGMENT_KEY)


async def sent(stage: Stage, name: str = "hello", *, awaited: bool = False) -> Message:
    """A push whose intent is written."""
    now = stage.deps.clock.now()
    who = builders.stream("anna", 3)
    lease = await stage.store.lease("past", 3600, 32)
    message = builders.message(who, now, name, channel="push", awaited=awaited)
    people = (builders.profile(who, now),)
    rows = (builders.decided(message),)
    await stage.store.save(builders.batch(lease, now, profiles=people, messages=(message,), decisions=rows))
    fence = await stage.store.open_lease("worker", 3600)
    async with stage.store.claim(10) as claim:
        assert await claim.commit(fence, [builders.intent(message)], []) == []
    await stage.store.release(lease)
    return message


def token(message: Message, **changes: Any) -> str:
    return OURS.token(message.id, 1, changes.get("until", message.not_after))


async def status_of(stage: Stage, message: Message) -> Status:
    state: Status = (await stage.store.messages([message.id]))[message.id].status
    return state


@pytest.mark.parametrize("state", ["delivered", "seen"])
def test_an_acknowledgment_moves_its_message_through_the_real_server_and_a_repeat_changes_nothing(
    on_postgres: Play, state: str
) -> None:
    async def act(stage: Stage) -> None:
        message = await sent(stage)
        at = (stage.deps.clock.now() - timedelta(seconds=5)).isoformat()
        async with served(stage) as client:
            for moment in ({"at": at}, {}):
                answer = await client.post(PATH, json={"token": token(message), "state": state, **moment})
                assert (answer.status_code, answer.content) == (204, b"")
        assert await status_of(stage, message) is Status.DELIVERED
        assert await stage.store.pool.fetchval("select count(*) from receipts") == 1
        assert await stage.store.pool.fetchval("select provider_id from attempts") is None

    on_postgres(act)


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00"])
def test_a_phone_without_a_clock_spoils_nobodys_receipt(on_postgres: Play, at: str) -> None:
    async def act(stage: Stage) -> None:
        message = await sent(stage)
        answer = await stage.http.post(PATH, json={"token": token(message), "state": "delivered", "at": at})
        assert answer.status_code == 204, answer.text
        assert await stage.store.pool.fetchval("select at = received_at from receipts")

    on_postgres(act)


def test_an_awaited_message_tells_the_engine_who_was_reached(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        message = await sent(stage, awaited=True)
        for state in ("delivered", "seen", "delivered"):
            answer = await stage.http.post(PATH, json={"token": token(message), "state": state})
            assert answer.status_code == 204
        bodies = [entry.body for entry in await stage.entries() if isinstance(entry.body, ReceiptEntry)]
        assert [body.receipt.status for body in bodies] == [ReceiptStatus.DELIVERED, ReceiptStatus.SEEN]

    in_memory(act)


def test_an_app_whose_clock_is_ahead_reports_no_future(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        message = await sent(stage, awaited=True)
        given = {"token": token(message), "state": "delivered", "at": "2999-01-01T00:00:00Z"}
        assert (await stage.http.post(PATH, json=given)).status_code == 204
        (body,) = [entry.body for entry in await stage.entries() if isinstance(entry.body, ReceiptEntry)]
        assert body.receipt.at is not None
        assert body.receipt.at <= stage.deps.clock.now()

    in_memory(act)


def test_a_forged_or_late_token_is_refused_and_changes_nothing(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        message = await sent(stage)
        late = token(message, until=stage.deps.clock.now() - GRACE - timedelta(seconds=2))
        foreign = Acknowledgments(b"x" * 32).token(message.id, 1, message.not_after)
        for wrong, said in ((foreign, "no token of ours"), ("x", "no token of ours"), (late, "is over")):
            answer = await stage.http.post(PATH, json={"token": wrong, "state": "delivered"})
            is_problem(answer, 403, "forbidden")
            assert said in answer.json()["detail"]
        assert await status_of(stage, message) is Status.SENDING
        counted = stage.deps.registry.get_sample_value("outrider_acknowledgments_total", {"result": "forged"})
        assert counted == 2.0

    in_memory(act)


def test_in_a_list_each_is_judged_by_itself(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        message = await sent(stage)
        late = token(message, until=stage.deps.clock.now() - GRACE - timedelta(seconds=2))
        given = [{"token": one, "state": "seen"} for one in (late, "x", token(message), token(message))]
        answer = await stage.http.post(PATH, json=given)
        assert answer.status_code == 200
        statuses = [one["status"] for one in answer.json()["results"]]
        assert statuses == ["late", "forged", "stored", "stored"]
        assert await status_of(stage, message) is Status.DELIVERED

    in_memory(act)


GOOD = {"token": "x", "state": "seen"}


@pytest.mark.parametrize(
    ("body", "status", "path"),
    [
        (b"", 400, ""),
        (b"{", 400, ""),
        (b"\xff", 400, ""),
        (b"null", 422, "$"),
        (b"[]", 422, "$"),
        (msgspec.json.encode({"state": "seen"}), 422, "$"),
        (msgspec.json.encode({**GOOD, "state": "failed"}), 422, "$.state"),
        (msgspec.json.encode({**GOOD, "token": ""}), 422, "$.token"),
        (msgspec.json.encode({**GOOD, "token": "x" * 201}), 422, "$.token"),
        (msgspec.json.encode({**GOOD, "at": "2026-05-04T09:30:00"}), 422, "$.at"),
        (msgspec.json.encode([GOOD, {**GOOD, "state": 1}]), 422, "$[1].state"),
        (msgspec.json.encode([GOOD] * (MOST + 1)), 422, "$"),
        (b" " * (LARGEST + 1), 413, ""),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(in_memory: Play, body: bytes, status: int, path: str) -> None:
    async def act(stage: Stage) -> None:
        answer = await stage.http.post(PATH, content=body)
        assert answer.status_code == status, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        if path:
            assert [one["path"].replace("[...]", "[1]") for one in answer.json()["errors"]] == [path]

    in_memory(act)


def test_another_method_is_not_allowed(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        is_problem(await stage.http.get(PATH), 405, "method-not-allowed")

    in_memory(act)


def test_a_flood_is_asked_to_come_again(in_memory: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(stage: Stage) -> None:
        import httpx

        monkeypatch.setattr(acknowledgements, "PER_SECOND", 0.001)
        transport = httpx.ASGITransport(build_api(stage.deps))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="https://a.test") as client:
            assert (await client.post(PATH, json=GOOD)).status_code == 403
            answer = await client.post(PATH, json=GOOD)
            is_problem(answer, 429, "too-many-requests")
            assert answer.headers["retry-after"] == "1"

    in_memory(act)


def test_it_is_not_confirmed_when_the_store_does_not(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        message = await sent(stage)
        with failing(stage, "report"):
            answer = await stage.http.post(PATH, json={"token": token(message), "state": "seen"})
        is_problem(answer, 503, "unavailable")

    in_memory(act)
