"""Callbacks of providers: verified, stored once, answered only when durable, never lost."""

from __future__ import annotations

import asyncio
import base64
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec
import pytest
from api_stage import PUBLIC, TOKEN, TWILIO_SECRET, Stage, failing, is_problem, served

from conftest import Play
from outrider.api.callbacks import LARGEST_CALLBACK, BuriedCallback
from outrider.domain.entry import ReplyEntry
from outrider.domain.message import Message, Status
from outrider.lib.ids import write_id
from outrider.providers._twilio import signature
from outrider.testing import builders

MAIN = f"/v1/callbacks/main/{TOKEN}"
BACKUP = f"/v1/callbacks/backup/{TOKEN}"
DELIVERED = {"messageId": "m-1", "status": {"value": "DELIVERED"}, "recipient": {"to": "33612345678"}}
ECHO = "msg_01JD6QZX5N8V4T2R9K3M7P0AWC"


async def twilio(client: httpx.AsyncClient, form: dict[str, str], path: str = MAIN, secret: str = TWILIO_SECRET) -> Any:
    """A form as Twilio posts it, signed for the public URL."""
    signed = PUBLIC + path + "".join(name + value for name, value in sorted(form.items()))
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "x-twilio-signature": signature(signed, secret).decode(),
    }
    return await client.post(path, content=urlencode(form), headers=headers)


async def sent(stage: Stage, name: str = "hello") -> Message:
    """A message whose intent is written, on account main."""
    now = stage.deps.clock.now()
    who = builders.stream("anna", 3)
    lease = await stage.store.lease("past", 3600, 32)
    message = builders.message(who, now, name)
    decided = builders.decided(message)
    people = (builders.profile(who, now),)
    await stage.store.save(builders.batch(lease, now, profiles=people, messages=(message,), decisions=(decided,)))
    fence = await stage.store.open_lease("worker", 3600)
    async with stage.store.claim(10) as claim:
        assert await claim.commit(fence, [builders.intent(message)], []) == []
    return message


async def status_of(stage: Stage, message: Message) -> Status:
    state: Status = (await stage.store.messages([message.id]))[message.id].status
    return state


def test_a_signed_receipt_with_our_echo_moves_its_message_through_the_real_server(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        message = await sent(stage)
        path = f"{MAIN}?attempt={write_id('msg', message.id)}.1"
        async with served(stage) as client:
            for _ in range(2):
                answer = await twilio(client, {"MessageSid": "SM1", "MessageStatus": "delivered"}, path)
                assert (answer.status_code, answer.content) == (204, b"")
        assert await status_of(stage, message) is Status.DELIVERED
        assert await stage.store.pool.fetchval("select count(*) from receipts") == 1

    on_postgres(act)


def test_the_words_of_a_receipt_are_kept_without_the_address_they_quote(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        message = await sent(stage)
        path = f"{BACKUP}?attempt={write_id('msg', message.id)}.1"
        told = {**DELIVERED, "status": {"value": "UNDELIVERABLE", "detail": "no +33612345678, <zoe@example.org>"}}
        assert (await stage.http.post(path, json=told)).status_code == 204
        found = await stage.store.pool.fetchval("select detail from receipts")
        assert found == "UNDELIVERABLE no •••, <•••>"

    on_postgres(act)


def test_a_forged_callback_changes_nothing_and_is_counted(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        message = await sent(stage)
        path = f"{MAIN}?attempt={write_id('msg', message.id)}.1"
        form = {"MessageSid": "SM1", "MessageStatus": "delivered"}
        before = msgspec.to_builtins(stage.store.tables.messages[message.id].status)
        for answer in (
            await twilio(stage.http, form, path, secret="guessed"),
            await twilio(stage.http, form, MAIN.replace("main", "main") + "?attempt=other", secret=TWILIO_SECRET + "x"),
            await stage.http.post(path, content=urlencode(form)),
        ):
            is_problem(answer, 403, "forbidden")
        tables = stage.store.tables
        assert (tables.messages[message.id].status, tables.orphans, tables.dead_letters) == (before, {}, {})
        assert 'outrider_callbacks_total{result="forged"} 3.0' in stage.deps.metrics.render({}).decode()

    in_memory(act)


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/callbacks/main/{TOKEN[:-1]}",
        f"/v1/callbacks/main/{TOKEN}0",
        "/v1/callbacks/main/",
        "/v1/callbacks/main",
        "/v1/callbacks/",
        f"/v1/callbacks/other/{TOKEN}",
        "/v1/callbacks/other/",
        f"/v1/callbacks//{TOKEN}",
        f"/v1/callbacks/main/{TOKEN}/more",
        "/v1/callbacks/main/%C3%A9",
    ],
)
def test_a_wrong_account_and_a_wrong_token_look_the_same(in_memory: Play, path: str) -> None:
    async def act(stage: Stage) -> None:
        document = is_problem(await stage.http.post(path, json=DELIVERED), 404, "not-found")
        assert "detail" not in document

    in_memory(act)


def test_other_methods_and_large_bodies_are_refused(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        is_problem(await stage.http.put(BACKUP, json=DELIVERED), 405, "method-not-allowed")
        is_problem(await stage.http.post(BACKUP, content=b" " * (LARGEST_CALLBACK + 1)), 413, "too-large")

    in_memory(act)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "messageId"),
        (b"<html>", "messageId"),
        (b'{"messageId": "m\\u0000", "status": {"value": "DELIVERED"}}', "U+0000"),
        (
            b'{"messageId": "m", "status": {"value": "DELIVERED"}, "body": {"messagePartCount": 70000}}',
            "70000 segments",
        ),
        (
            b'{"messageId": "m", "from": "33612345678", "body": {"text": "Hello"}, "recipient": {"to": "36180"}}',
            "address",
        ),
    ],
)
def test_what_cannot_be_used_is_kept_and_answered_200(in_memory: Play, content: bytes, reason: str) -> None:
    async def act(stage: Stage) -> None:
        async def nobody(address: bytes) -> list[bytes]:
            return []

        stage.deps.reading.streams_of = nobody  # type: ignore[method-assign]
        answer = await stage.http.post(f"{BACKUP}?x=1", content=content)
        assert (answer.status_code, answer.content) == (200, b"")
        (letter,) = stage.store.tables.dead_letters.values()
        assert (letter.kind, letter.place) == ("callback", "backup")
        assert reason in letter.reason
        buried = msgspec.msgpack.decode(letter.raw, type=BuriedCallback)
        assert buried.account == "backup"
        assert buried.callback.body == content
        assert buried.callback.url == f"{PUBLIC}{BACKUP}?x=1"

    in_memory(act)


def test_a_reader_that_fails_loses_nothing(in_memory: Play) -> None:
    class Broken:
        channel = "sms"

        def receipts(self, callback: Any) -> list[Any]:
            raise KeyError("a bug")

    async def act(stage: Stage) -> None:
        account = stage.deps.accounts()["backup"]
        stage.deps.accounts()["backup"] = msgspec.structs.replace(account, provider=Broken())  # type: ignore[index, type-var]
        assert (await stage.http.post(BACKUP, json=DELIVERED)).status_code == 200
        (letter,) = stage.store.tables.dead_letters.values()
        assert "KeyError" in letter.reason
        assert "a bug" not in letter.reason

    in_memory(act)


@pytest.mark.parametrize("method", ["report", "bury"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_success_is_answered_only_after_the_commit(in_memory: Play, method: str, moment: str) -> None:
    async def act(stage: Stage) -> None:
        content = msgspec.json.encode(DELIVERED) if method == "report" else b"?"
        with failing(stage, method, moment):
            is_problem(await stage.http.post(BACKUP, content=content), 503, "unavailable")
        stored = len(stage.store.tables.orphans) + len(stage.store.tables.dead_letters)
        assert stored == (0 if moment == "before" else 1)
        assert (await stage.http.post(BACKUP, content=content)).status_code in (200, 204)

    in_memory(act)


@pytest.mark.parametrize(
    ("query", "attempt"),
    [
        (f"?attempt={ECHO}.1", 1),
        (f"?attempt={ECHO}.32767", 32767),
        (f"?attempt={ECHO}.32768", None),
        (f"?attempt={ECHO}.0", None),
        (f"?attempt={ECHO}.-1", None),
        (f"?attempt={ECHO}.²", None),
        (f"?attempt={ECHO}", None),
        ("?attempt=msg_1.1", None),
        ("?attempt=.1", None),
        ("?attempt=", None),
        ("", None),
    ],
)
def test_the_echo_is_read_or_left_out(in_memory: Play, query: str, attempt: int | None) -> None:
    async def act(stage: Stage) -> None:
        assert (await stage.http.post(BACKUP + query, json=DELIVERED)).status_code == 204
        (reported,) = stage.store.tables.orphans.values()
        assert (reported.attempt[1] if reported.attempt else None) == attempt
        assert (reported.account, reported.receipt.provider_id) == ("backup", "m-1")

    in_memory(act)


def test_a_reply_reaches_everybody_with_that_number_once(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        address = {"channel": "sms", "value": "+33612345678"}
        async with stage.engine():
            for key in ("c-1", "c-2"):
                await stage.ask("PUT", f"/v1/profiles/{key}?wait=applied", json={"addresses": [address]})
        form = {"MessageSid": "SM7", "From": "+33612345678", "Body": "Where is it?", "To": "+33700000000"}
        for _ in range(2):
            assert (await twilio(stage.http, form)).status_code == 204
        replies = [entry for entry in await stage.entries() if isinstance(entry.body, ReplyEntry)]
        assert {entry.stream for entry in replies} == {
            stage.deps.hasher.stream("profile", key) for key in ("c-1", "c-2")
        }
        assert len(replies) == 2
        assert {entry.body for entry in replies} == {ReplyEntry("sms", "+33612345678", "Where is it?", "SM7")}

    on_postgres(act)


def test_many_callbacks_at_once_share_transactions(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        calls: list[int] = []
        report = stage.store.report

        async def counted(reported: Any) -> int:
            calls.append(len(reported))
            found: int = await report(reported)
            return found

        stage.store.report = counted
        bodies = [{**DELIVERED, "messageId": f"m-{n}"} for n in range(60)]
        answers = await asyncio.gather(*(stage.http.post(BACKUP, json=body) for body in bodies))
        assert {answer.status_code for answer in answers} == {204}
        assert sum(calls) == 60
        assert len(calls) < 60
        assert await stage.store.pool.fetchval("select count(*) from orphan_receipts") == 60

    on_postgres(act)


def test_a_get_callback_is_read_too(in_memory: Play) -> None:
    seen: list[Any] = []

    class ByQuery:
        channel = "sms"

        def receipts(self, callback: Any) -> list[Any]:
            seen.append(callback)
            return []

    async def act(stage: Stage) -> None:
        account = stage.deps.accounts()["backup"]
        stage.deps.accounts()["backup"] = msgspec.structs.replace(account, provider=ByQuery())  # type: ignore[index, type-var]
        token = base64.b64encode(b"a+b/").decode()
        answer = await stage.http.get(BACKUP, params={"id": "7", "t": token, "empty": ""}, headers={"X-Name": "v"})
        assert answer.status_code == 204
        (callback,) = seen
        assert callback.method == "GET"
        assert callback.query == {"id": "7", "t": token, "empty": ""}
        assert callback.headers["x-name"] == "v"

    in_memory(act)
