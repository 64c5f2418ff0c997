"""Direct sends: checked at the door, decided like every message, once for each Idempotency-Key."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest
from api_stage import Stage, failing, is_problem

from conftest import Play
from outrider.domain.entry import SendEntry
from outrider.domain.purpose import Purpose
from outrider.domain.strategy import Escalate, First
from outrider.lib.ids import read_id

CODE = {"template": "code", "to": {"profile": "c-1"}, "values": {"code": "4711", "tries": 3}}
BARE = {"address": {"channel": "sms", "value": "06 12 34 56 78"}}
SPOT = {"booking.spot": "B12", "booking": {"at": "2026-05-04T09:30:00Z"}}
HELLO = {"template": "hello", "purpose": "transactional", "to": {"profile": "c-1"}, "values": SPOT}
ANNA = {"market": "FR", "traits": {"name": "Anna"}, "addresses": [{"channel": "sms", "value": "06 12 34 56 78"}]}


async def send(stage: Stage, body: Any, key: str = "k-1", query: str = "", **more: Any) -> httpx.Response:
    return await stage.ask("POST", f"/v1/messages{query}", json=body, headers={"idempotency-key": key}, **more)


async def sent(stage: Stage) -> list[SendEntry]:
    return [entry.body for entry in await stage.entries() if isinstance(entry.body, SendEntry)]


def test_a_request_becomes_one_entry_with_everything_the_engine_needs(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        asked = {**CODE, "valid_for": "5m", "time_critical": True, "channels": {"first": ["sms"]}}
        answer = await send(stage, asked)
        assert (answer.status_code, answer.json()["status"]) == (202, "accepted")
        assert set(answer.json()) == {"id", "status"}
        [body] = await sent(stage)
        assert body == SendEntry(
            read_id("msg", answer.json()["id"]),
            "c-1",
            "code",
            Purpose.SECURITY,
            First(("sms",)),
            timedelta(minutes=5),
            1,
            {"code": "4711", "tries": 3},
            True,
        )

    in_memory(act)


def test_an_address_stands_for_itself_under_its_hash(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        await send(stage, {**CODE, "to": {**BARE, "market": "fr", "locale": "fr", "zone": "Europe/Paris"}})
        [body] = await sent(stage)
        assert body.address is not None
        assert (body.address.channel, body.address.value) == ("sms", "+33612345678")
        assert body.profile == f"address:{stage.deps.hasher.address('sms', '+33612345678').hex()}"
        assert (body.market, body.locale, body.zone) == ("FR", "fr", "Europe/Paris")
        assert body.strategy == First(("sms",))

    in_memory(act)


@pytest.mark.parametrize(
    ("change", "path", "reason"),
    [
        ({"template": "cod"}, "$.template", "did you mean 'code'?"),
        ({"template": "zzzzzz"}, "$.template", "known: code, hello"),
        ({"to": {}}, "$.to", "either profile or address"),
        ({"to": {"profile": "c", **BARE}}, "$.to", "either profile or address"),
        ({"to": {"profile": "c", "market": "FR"}}, "$.to.market", "belongs to an address"),
        ({"to": {"profile": "c\0"}}, "$.to.profile", "U+0000"),
        ({"to": {"address": {"channel": "sms", "value": "12"}}}, "$.to.address.value", "not a phone number"),
        ({"to": {"address": {"channel": "push", "value": "t"}}}, "$.to.address.channel", "no text for push"),
        ({"to": {**BARE, "market": "FX"}}, "$.to.market", "known: DE"),
        ({"to": {**BARE, "locale": "fr_"}}, "$.to.locale", "fr or pt-BR"),
        ({"to": {**BARE, "zone": "Mars"}}, "$.to.zone", "Europe/Paris"),
        ({"purpose": "service"}, "$.purpose", "declared security"),
        ({"channels": {}}, "$.channels", "either first or escalate"),
        ({"channels": {"first": ["smss"]}}, "$.channels.first[0]", "did you mean 'sms'?"),
        ({"channels": {"first": ["sms", "sms"]}}, "$.channels.first[1]", "twice"),
        ({"channels": {"first": ["sms"], "after": "1m"}}, "$.channels.after", "escalate instead of first"),
        ({"valid_for": "0s"}, "$.valid_for", "more than 0s"),
        ({"dedupe_key": "license 7\n"}, "$.dedupe_key", "without control characters"),
        ({"dedupe_key": "\x9flicense"}, "$.dedupe_key", "without control characters"),
        ({"values": {"code": "1"}}, "$.values.tries", "missing: template 'code' needs it: an integer such as 3"),
        ({"values": {"code": 1, "tries": 1}}, "$.values.code", "expected a string, got a number"),
        ({"values": {"code": "1", "tries": True}}, "$.values.tries", "expected an integer, got a boolean"),
        ({"values": {"code": "1", "tries": None}}, "$.values.tries", "got null"),
        ({"values": {"code": "1", "tries": 1, "cod": "x"}}, "$.values.cod", "did you mean 'code'?"),
        ({"values": {"code": "1", "tries": 2**70}}, "$.values.tries", "64 bits"),
    ],
)
def test_what_cannot_be_sent_is_refused_with_its_place(in_memory: Play, change: Any, path: str, reason: str) -> None:
    async def act(stage: Stage) -> None:
        document = is_problem(await send(stage, {**CODE, **change}), 422, "rejected")
        assert [wrong["path"] for wrong in document["errors"]] == [path], document
        assert reason in document["errors"][0]["reason"]
        assert not stage.store.tables.entries
        assert not stage.store.tables.answers, "what was refused leaves its key free"

    in_memory(act)


@pytest.mark.parametrize(
    ("change", "path", "reason"),
    [
        ({"purpose": None}, "$.purpose", "expected one of safety"),
        ({"purpose": "commercial", "time_critical": True}, "$.time_critical", "never time-critical"),
        ({"values": {"booking.spot": "B12"}}, "$.values.booking.at", "missing"),
        ({"values": {**SPOT, "booking": {"at": "soon"}}}, "$.values.booking.at", "a datetime such as"),
        ({"values": {**SPOT, "booking": {"at": "2026-05-04T09:30:00Z", "at2": 1}}}, "$.values.booking.at2", "no such"),
        ({"to": BARE}, "$.values.profile.name", "missing"),
    ],
)
def test_nested_values_are_checked_leaf_by_leaf(in_memory: Play, change: Any, path: str, reason: str) -> None:
    async def act(stage: Stage) -> None:
        document = is_problem(await send(stage, {**HELLO, **change}), 422, "rejected")
        assert [wrong["path"] for wrong in document["errors"]] == [path], document
        assert reason in document["errors"][0]["reason"]

    in_memory(act)


def test_an_escalation_needs_channels_with_texts_and_gets_its_usual_wait(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        refused = await send(stage, {**CODE, "channels": {"escalate": ["push", "sms"]}})
        document = is_problem(refused, 422, "rejected")
        assert document["errors"][0]["path"] == "$.channels.escalate[0]"
        both = {"escalate": ["sms", "sms"], "until": "delivered"}
        document = is_problem(await send(stage, {**CODE, "channels": both}), 422, "rejected")
        assert [wrong["path"] for wrong in document["errors"]] == ["$.channels.escalate[1]"]
        assert Escalate(("sms",), timedelta(minutes=10)).until == "delivered"

    in_memory(act)


def test_a_key_is_required_and_bounded(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        for headers in ({}, {"idempotency-key": ""}, {"idempotency-key": "k" * 256}):
            answer = await stage.ask("POST", "/v1/messages", json=CODE, headers=headers)
            document = is_problem(answer, 400, "unreadable-request")
            assert document["errors"][0]["path"] == "Idempotency-Key"
        assert not stage.store.tables.entries
        assert (await send(stage, CODE, "k" * 255)).status_code == 202

    in_memory(act)


def test_the_scope_is_needed(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        is_problem(await send(stage, CODE, scopes="events:write messages:read"), 403, "forbidden")
        assert (await send(stage, CODE, scopes="messages:write")).status_code == 202

    in_memory(act)


def test_the_same_key_and_body_get_the_same_bytes_and_one_entry(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        key = {**await stage.key("*"), "idempotency-key": "k-1", "content-type": "application/json"}
        plain = msgspec.json.encode(CODE)
        shuffled = b'{ "values": {"tries": 3, "code": "4711"}, "to": {"profile": "c-1"}, "template": "code" }'
        answers = [
            await stage.http.post("/v1/messages", content=body, headers=key) for body in (plain, shuffled, plain)
        ]
        assert {(answer.status_code, answer.content) for answer in answers} == {(202, answers[0].content)}
        assert len(await sent(stage)) == 1

    in_memory(act)


def test_the_same_key_with_another_body_is_refused_and_changes_nothing(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        key = {**await stage.key("*"), "idempotency-key": "k-1"}
        first = await stage.http.post("/v1/messages", json=CODE, headers=key)
        other = {**CODE, "values": {"code": "4712", "tries": 3}}
        is_problem(await stage.http.post("/v1/messages", json=other, headers=key), 422, "idempotency-key-reused")
        again = await stage.http.post("/v1/messages", json=CODE, headers=key)
        assert again.content == first.content
        assert [body.values["code"] for body in await sent(stage)] == ["4711"]

    in_memory(act)


def test_of_a_dedupe_key_only_a_hash_goes_into_the_log_and_it_belongs_to_the_body(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        longest = "license-77 é".ljust(200, "!")
        for number, key in enumerate(("license-77", "license-77", longest)):
            assert (await send(stage, {**CODE, "dedupe_key": key}, f"k-{number}")).status_code == 202
        one, same, other = await sent(stage)
        assert one.dedupe == same.dedupe == stage.deps.hasher.dedupe("license-77")
        assert other.dedupe == stage.deps.hasher.dedupe(longest)
        assert b"license-77" not in msgspec.msgpack.encode(await stage.entries())
        key = {**await stage.key("*"), "idempotency-key": "k-1"}
        await stage.http.post("/v1/messages", json={**CODE, "dedupe_key": "one"}, headers=key)
        another = await stage.http.post("/v1/messages", json={**CODE, "dedupe_key": "another"}, headers=key)
        is_problem(another, 422, "idempotency-key-reused")
        for wrong in ("", "x" * 201, 77):
            document = is_problem(await send(stage, {**CODE, "dedupe_key": wrong}, "k-9"), 400, "unreadable-request")
            assert [each["path"] for each in document["errors"]] == ["$.dedupe_key"]

    in_memory(act)


def test_keys_of_two_callers_are_strangers(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        assert (await send(stage, CODE)).content != (await send(stage, CODE)).content
        assert len(await sent(stage)) == 2

    in_memory(act)


def test_nothing_of_key_or_body_is_kept_but_hashes(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        await send(stage, {**CODE, "to": BARE}, "telling-name")
        kept = repr(stage.store.tables.answers)
        assert "telling-name" not in kept
        assert "4711" not in kept
        assert "612345678" not in kept

    in_memory(act)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_failure_around_the_commit_is_repaired_by_the_repeat(in_memory: Play, moment: str) -> None:
    async def act(stage: Stage) -> None:
        key = {**await stage.key("*"), "idempotency-key": "k-1"}
        with failing(stage, "append_once", moment):
            is_problem(await stage.http.post("/v1/messages", json=CODE, headers=key), 503, "unavailable")
        again = await stage.http.post("/v1/messages", json=CODE, headers=key)
        assert again.status_code == 202
        [body] = await sent(stage)
        assert read_id("msg", again.json()["id"]) == body.message

    in_memory(act)


def test_a_repeat_is_answered_although_the_configuration_no_longer_allows_the_request(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        key = {**await stage.key("*"), "idempotency-key": "k-1"}
        first = await stage.http.post("/v1/messages", json=CODE, headers=key)
        company = stage.deps.configuration()
        bare = msgspec.structs.replace(company, templates=type(company.templates)({}, None, {}, {}))  # type: ignore[arg-type]
        stage.deps.configuration = lambda: bare
        assert (await stage.http.post("/v1/messages", json=CODE, headers=key)).content == first.content
        is_problem(await send(stage, CODE, "k-2"), 422, "rejected")
        with failing(stage, "kept_answer"):
            is_problem(await stage.http.post("/v1/messages", json=CODE, headers=key), 503, "unavailable")

    in_memory(act)


def test_requests_at_the_same_time_get_the_same_answer(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        key = {**await stage.key("*"), "idempotency-key": "k-1"}
        asked = [stage.http.post("/v1/messages", json=CODE, headers=key) for _ in range(8)]
        answers = await asyncio.gather(*asked)
        assert {(answer.status_code, answer.content) for answer in answers} == {(202, answers[0].content)}
        assert len(await sent(stage)) == 1

    on_postgres(act)


def test_who_waits_gets_the_decision_and_so_does_every_repeat(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        key = {**await stage.key("*"), "idempotency-key": "k-1"}
        async with stage.engine():
            await stage.ask("PUT", "/v1/profiles/c-1?wait=applied", json=ANNA)
            answer = await stage.http.post("/v1/messages?wait=applied", json=HELLO, headers=key)
        assert (answer.status_code, answer.json()["status"]) == (200, "decided")
        decision = answer.json()["decision"]
        assert decision["id"].removeprefix("dec") == answer.json()["id"].removeprefix("msg")
        assert decision["verdict"] in ("send", "hold")
        assert any(line.startswith("A request asked for hello") for line in decision["explanation"])
        again = await stage.http.post("/v1/messages", json=HELLO, headers=key)
        assert (again.status_code, again.content) == (200, answer.content)
        shown = await stage.ask("GET", f"/v1/messages/{answer.json()['id']}")
        assert shown.json()["values"]["booking"] == {"spot": "B12", "at": "2026-05-04T09:30:00Z"}
        assert shown.json()["values"]["profile"] == {"name": "Anna"}
        assert shown.json()["profile"] == "c-1"
        timeline = (await stage.ask("GET", "/v1/profiles/c-1/timeline")).json()["items"]
        assert "send" in [item["kind"] for item in timeline]

    on_postgres(act)


def test_a_second_request_under_a_dedupe_key_gets_a_decision_of_its_own_that_names_the_first(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        async def ask(number: int, profile: str) -> Any:
            body = {**HELLO, "to": {"profile": profile}, "time_critical": True, "dedupe_key": "license-77"}
            return (await send(stage, body, f"k-{number}", "?wait=applied")).json()

        async with stage.engine():
            await stage.ask("PUT", "/v1/profiles/c-1?wait=applied", json=ANNA)
            first, second = await ask(1, "c-1"), await ask(2, "c-1")
            assert (first["decision"]["verdict"], second["decision"]["verdict"]) == ("send", "drop")
            assert second["id"] != first["id"]
            assert second["decision"]["gate"] == "dedupe_key"
            assert second["decision"]["explanation"][0].endswith(f" as {first['id']}.")
            assert any("dedupe_key (first under its key)" in line for line in first["decision"]["explanation"])
            await stage.ask("DELETE", "/v1/profiles/c-1?wait=applied")
            await stage.ask("PUT", "/v1/profiles/c-1?wait=applied", json=ANNA)
            assert (await ask(3, "c-1"))["decision"]["verdict"] == "send"
            await stage.ask("PUT", "/v1/profiles/app-7?wait=applied", json=ANNA)
            await stage.ask("PUT", "/v1/profiles/app-7/merge?wait=applied", json={"into": "c-1"})
            assert (await ask(4, "app-7"))["decision"]["gate"] == "dedupe_key"

    on_postgres(act)


def test_without_an_engine_the_wait_ends_and_its_answer_stays(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        await stage.ask("PUT", "/v1/profiles/c-1", json=ANNA)
        key = {**await stage.key("*"), "idempotency-key": "k-1"}
        first = await stage.http.post("/v1/messages", json=CODE, headers={**key, "prefer": "wait=1"})
        assert (first.status_code, first.json()["status"]) == (202, "accepted")
        async with stage.engine():
            await stage.ask("PUT", "/v1/profiles/c-1?wait=applied", json=ANNA)
            again = await stage.http.post("/v1/messages?wait=applied", json=CODE, headers=key)
        assert (again.status_code, again.content) == (202, first.content)

    on_postgres(act)


def test_a_bare_address_is_suppressed_shown_and_forgotten_like_anybody(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        number = {"channel": "sms", "address": "+33612345678"}
        async with stage.engine():
            first = await send(stage, {**CODE, "to": BARE}, query="?wait=applied")
            assert first.json()["decision"]["verdict"] == "send"
            found = await stage.ask("POST", "/v1/suppressions/find", json=number)
            key = f"address:{found.json()['hash']}"
            shown = await stage.ask("GET", f"/v1/profiles/{key}")
            assert shown.json()["addresses"][0]["value"] == "+33612345678"
            await stage.ask("PUT", "/v1/suppressions", json={**number, "reason": "asked by phone"})
            second = await send(stage, {**CODE, "to": BARE}, "k-2", "?wait=applied")
            assert second.json()["decision"]["gate"] == "suppression"
            await stage.ask("DELETE", f"/v1/profiles/{key}?wait=applied")
            is_problem(await stage.ask("GET", f"/v1/profiles/{key}"), 404, "not-found")
            gone = await stage.ask("GET", f"/v1/messages/{first.json()['id']}")
            assert (gone.json()["values"], gone.json()["address"]) == (None, None)

    on_postgres(act)
