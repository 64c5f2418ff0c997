"""POST /v1/events: what is taken, refused, kept, and when it is answered."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import msgspec
import pytest
from api_stage import Stage, booking_event, cloud_event, failing, is_problem, served

from conftest import Play
from outrider.domain.entry import EventEntry
from outrider.ingest.cloudevents import LARGEST_BODY, LARGEST_EVENT, MOST_EVENTS
from outrider.ingest.values import DEEPEST

BATCH = {"content-type": "application/cloudevents-batch+json"}
ONE = {"content-type": "application/cloudevents+json"}


async def post(stage: Stage, body: Any, headers: dict[str, str] = BATCH) -> Any:
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    key = await stage.key("events:write")
    return await stage.http.post("/v1/events", content=content, headers={**key, **headers})


def test_a_batch_is_stored_in_order_with_a_result_for_each_event(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        answer = await post(stage, [cloud_event(n) for n in range(3)])
        assert answer.status_code == 202
        document = answer.json()
        assert (document["accepted"], document["duplicates"], document["rejected"]) == (3, 0, 0)
        assert [each["id"] for each in document["results"]] == ["e-0", "e-1", "e-2"]
        entries = await stage.entries()
        assert [each["position"] for each in document["results"]] == [entry.position for entry in entries]
        assert [entry.body.event.data["n"] for entry in entries if isinstance(entry.body, EventEntry)] == [0, 1, 2]

    on_postgres(act)


def test_repeats_are_duplicates_within_one_request_and_across_requests(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        first = (await post(stage, [cloud_event(1), cloud_event(1)])).json()
        assert [each["status"] for each in first["results"]] == ["accepted", "duplicate"]
        second = (await post(stage, [cloud_event(1), cloud_event(2), cloud_event(1, source="/other")])).json()
        assert [each["status"] for each in second["results"]] == ["duplicate", "accepted", "accepted"]
        assert (second["accepted"], second["duplicates"]) == (2, 1)
        assert "position" not in second["results"][0]
        assert len(await stage.entries()) == 3

    on_postgres(act)


def test_all_three_modes_are_taken_by_the_real_server(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        key = await stage.key("events:write")
        binary = {
            "content-type": "application/json",
            "ce-specversion": "1.0",
            "ce-id": "bin-1",
            "ce-source": "/plain",
            "ce-type": "caf%C3%A9.opened",
            "ce-subject": "c-9",
        }
        async with served(stage) as client:
            for headers, content in (
                (ONE, msgspec.json.encode(cloud_event(1))),
                (BATCH, msgspec.json.encode([cloud_event(2)])),
                (binary, b'{"n": 3}'),
            ):
                answer = await client.post("/v1/events", content=content, headers={**headers, **key})
                assert answer.status_code == 202, answer.text
                assert answer.json()["accepted"] == 1
        events = [entry.body.event for entry in await stage.entries() if isinstance(entry.body, EventEntry)]
        assert [event.id for event in events] == ["e-1", "e-2", "bin-1"]
        assert events[2].type == "café.opened"
        assert events[2].data == {"n": 3}

    on_postgres(act)


def test_a_mapping_sends_the_event_through_its_objects_and_notes_what_it_left_out(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        answer = (await post(stage, [booking_event(1), booking_event(2, phone="12")])).json()
        assert [each["status"] for each in answer["results"]] == ["accepted", "accepted"]
        assert "notes" not in answer["results"][0]
        assert "$.data.customer.phone" in answer["results"][1]["notes"][0]
        first = stage.store.tables.entries[1]
        assert first.stream == stage.deps.hasher.stream("booking", "b-1")
        assert [hop.kind for hop in first.body.path] == ["profile"]
        assert first.body.effects.profile.addresses[0].value == "+33612345678"

    in_memory(act)


REJECTIONS = [
    (cloud_event(1, specversion="0.3"), "$.specversion", "expected specversion 1.0"),
    (cloud_event(1, type=""), "$.type", "expected 1 to 512 characters"),
    (cloud_event(1, type="a\0b"), "$.type", "U+0000"),
    (cloud_event(1, subject=None), "$.subject", "names no profile"),
    (cloud_event(1, data=[1]), "$.data", "expected a JSON object"),
    (cloud_event(1, data={"n": 2**64}), "$.data.n", "number is too large"),
    (cloud_event(1, data={"a": [{"n": -(2**63) - 1}]}), "$.data.a[0].n", "number is too large"),
    (cloud_event(1, data={"text": "a\0b"}), "$.data.text", "U+0000"),
    (cloud_event(1, data={"pad": "x" * LARGEST_EVENT}), "$", f"the limit is {LARGEST_EVENT}"),
    (cloud_event(1, time="2026-05-04T09:30:00"), "$.time", "zone"),
    (cloud_event(1, time="0001-01-01T00:00:00+10:00"), "$.time", "RFC 3339"),
    (booking_event(1, id=None), "$.data.customer.id", "names no profile"),
]


@pytest.mark.parametrize(("event", "path", "reason"), REJECTIONS)
def test_one_rejected_event_is_a_problem_with_its_place_and_is_kept(
    in_memory: Play, event: dict[str, Any], path: str, reason: str
) -> None:
    async def act(stage: Stage) -> None:
        document = is_problem(await post(stage, event, ONE), 422, "rejected")
        assert document["errors"][0]["path"] == path
        assert reason in document["errors"][0]["reason"]
        assert not stage.store.tables.entries
        (letter,) = stage.store.tables.dead_letters.values()
        assert (letter.kind, letter.place) == ("event", path)
        assert msgspec.json.decode(letter.raw) == event

    in_memory(act)


@pytest.mark.parametrize(("event", "path", "reason"), REJECTIONS)
def test_a_rejected_event_of_a_batch_does_not_hold_up_the_others(
    in_memory: Play, event: dict[str, Any], path: str, reason: str
) -> None:
    async def act(stage: Stage) -> None:
        answer = await post(stage, [cloud_event(7), event, cloud_event(8)])
        assert answer.status_code == 202
        document = answer.json()
        assert [each["status"] for each in document["results"]] == ["accepted", "rejected", "accepted"]
        assert (document["accepted"], document["rejected"]) == (2, 1)
        assert document["results"][1]["path"] == path
        assert reason in document["results"][1]["reason"]
        (letter,) = stage.store.tables.dead_letters.values()
        assert msgspec.json.decode(letter.raw) == event
        assert [entry.body.event.id for entry in stage.store.tables.entries.values()] == ["e-7", "e-8"]

    in_memory(act)


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        (b"not json", {"datacontenttype": "application/json", "data_base64": base64.b64encode(b"not json").decode()}),
        (b'{"n": "a\\u0000"}', {"data": {"n": "a\0"}}),
    ],
)
def test_a_rejected_event_of_binary_mode_is_kept_as_structured_json(
    in_memory: Play, content: bytes, kept: dict[str, Any]
) -> None:
    headers = {
        "content-type": "application/json",
        "ce-specversion": "1.0",
        "ce-id": "b",
        "ce-source": "/p",
        "ce-type": "t",
    }

    async def act(stage: Stage) -> None:
        is_problem(await post(stage, content, {**headers, "ce-subject": "caf%C3%A9"}), 422, "rejected")
        (letter,) = stage.store.tables.dead_letters.values()
        attributes = {"specversion": "1.0", "id": "b", "source": "/p", "type": "t", "subject": "café"}
        assert msgspec.json.decode(letter.raw) == {**attributes, **kept}

    in_memory(act)


@pytest.mark.parametrize(
    ("body", "headers", "status", "slug", "words"),
    [
        (b"{", BATCH, 400, "unreadable-request", "no JSON"),
        (b'{"a": 1}', BATCH, 400, "unreadable-request", "array"),
        (b"[" * 5000, BATCH, 400, "unreadable-request", "no JSON"),
        ([cloud_event(n) for n in range(MOST_EVENTS + 1)], BATCH, 400, "unreadable-request", str(MOST_EVENTS)),
        (b" " * (LARGEST_BODY + 1), BATCH, 413, "too-large", str(LARGEST_BODY)),
        (b"a=1", {"content-type": "application/x-www-form-urlencoded"}, 415, "unsupported-content-type", "cloudevents"),
        (b"{}", {"content-type": "application/json"}, 415, "unsupported-content-type", "binary mode"),
    ],
)
def test_a_request_that_cannot_be_read_is_one_problem_and_stores_nothing(
    in_memory: Play, body: Any, headers: dict[str, str], status: int, slug: str, words: str
) -> None:
    async def act(stage: Stage) -> None:
        document = is_problem(await post(stage, body, headers), status, slug)
        assert words in document["detail"]
        assert not stage.store.tables.entries
        assert not stage.store.tables.dead_letters

    in_memory(act)


def test_depth_is_limited_exactly(in_memory: Play) -> None:
    def nested(levels: int) -> dict[str, Any]:
        value: dict[str, Any] = {}
        for _ in range(levels - 1):
            value = {"a": value}
        return value

    async def act(stage: Stage) -> None:
        answer = (
            await post(stage, [cloud_event(1, data=nested(DEEPEST)), cloud_event(2, data=nested(DEEPEST + 1))])
        ).json()
        assert [each["status"] for each in answer["results"]] == ["accepted", "rejected"]
        assert str(DEEPEST) in answer["results"][1]["reason"]

    in_memory(act)


def test_an_event_that_is_no_utf8_is_kept_byte_for_byte_and_the_others_are_taken(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        good, bad = msgspec.json.encode(cloud_event(1)), b'{"specversion":"1.0","id":"\xff","source":"/s","type":"t"}'
        answer = (await post(stage, b"[" + good + b"," + bad + b"]")).json()
        assert [each["status"] for each in answer["results"]] == ["accepted", "rejected"]
        (letter,) = stage.store.tables.dead_letters.values()
        assert letter.raw == bad

    in_memory(act)


@pytest.mark.parametrize(("content", "headers"), [(b'{"specversion":"1.0","x":' + b"[" * 5000, ONE), (b"\xff", ONE)])
def test_a_single_event_that_is_no_json_is_refused_and_kept(in_memory: Play, content: bytes, headers: Any) -> None:
    async def act(stage: Stage) -> None:
        is_problem(await post(stage, content, headers), 422, "rejected")
        (letter,) = stage.store.tables.dead_letters.values()
        assert letter.raw == content

    in_memory(act)


@pytest.mark.parametrize("size", [17, 18, 19, 20])
def test_long_numbers_within_64_bits_are_taken(in_memory: Play, size: int) -> None:
    async def act(stage: Stage) -> None:
        number = int("1" * size)
        answer = (await post(stage, [cloud_event(1, data={"n": number})])).json()
        assert answer["accepted"] == 1
        assert stage.store.tables.entries[1].body.event.data == {"n": number}

    in_memory(act)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_log_that_fails_is_never_answered_with_success_and_a_repeat_loses_nothing(
    in_memory: Play, moment: str
) -> None:
    async def act(stage: Stage) -> None:
        with failing(stage, "append", moment):
            answer = await post(stage, [cloud_event(1)])
            is_problem(answer, 503, "unavailable")
            assert answer.headers["retry-after"] == "1"
        assert len(stage.store.tables.entries) == (0 if moment == "before" else 1)
        repeated = (await post(stage, [cloud_event(1)])).json()
        assert repeated["accepted"] + repeated["duplicates"] == 1
        assert len(stage.store.tables.entries) == 1

    in_memory(act)


def test_dead_letters_that_cannot_be_kept_fail_the_request(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        with failing(stage, "bury"):
            is_problem(await post(stage, [cloud_event(1), {"id": "bad"}]), 503, "unavailable")
        repeated = (await post(stage, [cloud_event(1), {"id": "bad"}])).json()
        assert [each["status"] for each in repeated["results"]] == ["duplicate", "rejected"]
        assert len(stage.store.tables.dead_letters) == 1

    in_memory(act)


def test_a_database_that_is_gone_is_503(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        key = await stage.key("events:write")
        body = msgspec.json.encode([cloud_event(1)])
        assert (await stage.http.post("/v1/events", content=body, headers={**key, **BATCH})).status_code == 202
        await stage.store.pool.close()
        is_problem(await stage.http.post("/v1/events", content=body, headers={**key, **BATCH}), 503, "unavailable")
        other = {"authorization": "Bearer " + "x"}
        is_problem(
            await stage.http.post("/v1/events", content=body, headers={**other, **BATCH}), 401, "unauthenticated"
        )

    on_postgres(act)


def test_concurrent_requests_share_transactions_and_each_gets_its_own_results(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        key = await stage.key("events:write")

        async def one(n: int) -> None:
            events = [cloud_event(n * 10), cloud_event(n * 10 + 1), {"id": f"bad-{n}"}]
            answer = await stage.http.post("/v1/events", content=msgspec.json.encode(events), headers={**key, **BATCH})
            results = answer.json()["results"]
            assert [each["id"] for each in results] == [f"e-{n * 10}", f"e-{n * 10 + 1}", f"bad-{n}"]
            assert [each["status"] for each in results] == ["accepted", "accepted", "rejected"]

        await asyncio.gather(*(one(n) for n in range(40)))
        assert len(await stage.entries()) == 80

    on_postgres(act)


def test_a_commit_rings_for_the_engine_and_is_counted(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        rung: list[bool] = []
        stage.wakes.log.pass_on = lambda: rung.append(True)
        await post(stage, [cloud_event(1), cloud_event(1), {"id": "bad"}])
        assert rung == [True]
        text = stage.deps.metrics.render({}).decode()
        for result in ("accepted", "duplicate", "rejected"):
            assert f'outrider_events_total{{result="{result}"}} 1.0' in text

    in_memory(act)


@pytest.mark.parametrize(
    ("method", "headers", "status", "slug"),
    [
        ("POST", {}, 401, "unauthenticated"),
        ("POST", {"authorization": "Basic eDp5"}, 401, "unauthenticated"),
        ("POST", {"authorization": "Bearer ork_" + "0" * 49}, 401, "unauthenticated"),
        ("GET", {}, 405, "method-not-allowed"),
    ],
)
def test_strangers_and_other_methods_are_refused(
    in_memory: Play, method: str, headers: dict[str, str], status: int, slug: str
) -> None:
    async def act(stage: Stage) -> None:
        answer = await stage.http.request(method, "/v1/events", headers=headers)
        is_problem(answer, status, slug)
        if status == 401:
            assert answer.headers["www-authenticate"].startswith("Bearer")
        else:
            assert answer.headers["allow"] == "POST"
        wrong = await stage.ask("POST", "/v1/events", json=[], scopes="profiles:write")
        assert "events:write" in is_problem(wrong, 403, "forbidden")["detail"]

    in_memory(act)
