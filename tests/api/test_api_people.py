"""Profiles, objects, relations, consents, suppressions and pauses, on PostgreSQL with a real engine."""

from __future__ import annotations

from typing import Any

import pytest
from api_stage import Stage, failing, is_problem

from conftest import Play
from outrider.domain.entry import ConsentEntry, ForgetEntry, ProfileEntry
from outrider.domain.stops import address_key, consent_key, profile_key

ANNA = {
    "market": "FR",
    "locale": "fr",
    "zone": "Europe/Paris",
    "traits": {"name": "Anna", "tier": "gold"},
    "addresses": [{"channel": "sms", "value": "06 12 34 56 78"}],
}


def test_a_profile_is_put_patched_shown_and_erased(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        async with stage.engine():
            put = await stage.ask("PUT", "/v1/profiles/c-1?wait=applied", json=ANNA)
            assert put.status_code == 200, put.text
            assert put.json()["applied"]
            assert put.json()["current"]["addresses"][0]["value"] == "+33612345678"
            patch = await stage.ask(
                "PATCH", "/v1/profiles/c-1?wait=applied", json={"traits": {"name": None, "car": "Zoe"}}
            )
            assert patch.json()["current"]["traits"] == {"tier": "gold", "car": "Zoe"}
            assert patch.json()["current"]["version"] == 2
            shown = await stage.ask("GET", "/v1/profiles/c-1")
            assert shown.json() == patch.json()["current"]
            replaced = await stage.ask("PUT", "/v1/profiles/c-1?wait=applied", json={"market": "ES"})
            assert (replaced.json()["current"]["traits"], replaced.json()["current"]["addresses"]) == ({}, [])
            erased = await stage.ask("DELETE", "/v1/profiles/c-1?wait=applied")
            assert erased.json()["current"] is None
            is_problem(await stage.ask("GET", "/v1/profiles/c-1"), 404, "not-found")

    on_postgres(act)


def test_readers_without_pii_see_masked_addresses_and_only_open_traits(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        async with stage.engine():
            put = await stage.ask(
                "PUT", "/v1/profiles/c-1?wait=applied", json=ANNA, scopes="profiles:write profiles:read"
            )
            shown = await stage.ask("GET", "/v1/profiles/c-1", scopes="profiles:read")
        for document in (put.json()["current"], shown.json()):
            assert document["addresses"][0]["value"] == "+336••••••78"
            assert document["traits"] == {"name": "•••", "tier": "gold"}
        assert "Anna" not in put.text + shown.text
        assert shown.headers["cache-control"] == "no-store"

    on_postgres(act)


def test_without_an_engine_waiting_ends_with_202_and_the_position(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        answer = await stage.ask("PUT", "/v1/profiles/c-1", json=ANNA, headers={"prefer": "wait=0"})
        assert answer.status_code == 202
        (entry,) = await stage.entries()
        assert answer.json() == {"position": entry.position, "applied": False, "current": None}

    on_postgres(act)


@pytest.mark.parametrize(
    ("prefer", "wait", "seconds"),
    [
        (None, None, 0.0),
        (None, "applied", 10.0),
        ("wait=5", None, 5.0),
        ("respond-async, wait=3", None, 3.0),
        ("wait=900", None, 10.0),
        ("return=minimal", None, 0.0),
    ],
)
def test_waiting_is_asked_for_in_two_ways_and_bounded(prefer: str | None, wait: Any, seconds: float) -> None:
    import asyncio

    from outrider.api.writing import wait_seconds

    assert asyncio.run(wait_seconds(wait, prefer)) == seconds


def test_a_national_number_is_read_in_the_profiles_own_market(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        async with stage.engine():
            await stage.ask("PUT", "/v1/profiles/c-1?wait=applied", json={"market": "GB"})
            patch = await stage.ask(
                "PATCH",
                "/v1/profiles/c-1?wait=applied",
                json={"addresses": [{"channel": "sms", "value": "07400 123456"}]},
            )
            assert patch.json()["current"]["addresses"][0]["value"] == "+447400123456"

    on_postgres(act)


@pytest.mark.parametrize(
    ("body", "path", "reason"),
    [
        (
            {"addresses": [{"channel": "sms", "value": "+33612345678"}, {"channel": "sms", "value": "12"}]},
            "$.addresses[1].value",
            "not a phone number",
        ),
        ({"market": "FX"}, "$.market", "known: DE"),
        ({"zone": "Europe/Pariss"}, "$.zone", "IANA"),
        ({"locale": "fr_"}, "$.locale", "fr or pt-BR"),
        ({"traits": {"a": {"b": "x\0"}}}, "$.traits.a.b", "U+0000"),
        ({"traits": {"n": 2**70}}, "$.traits.n", "64 bits"),
    ],
)
def test_what_cannot_be_accepted_is_refused_with_its_place(in_memory: Play, body: Any, path: str, reason: str) -> None:
    async def act(stage: Stage) -> None:
        document = is_problem(await stage.ask("PUT", "/v1/profiles/c-1", json=body), 422, "rejected")
        (wrong,) = document["errors"]
        assert wrong["path"] == path
        assert reason in wrong["reason"]
        assert "12" not in wrong["reason"].replace("Pariss", ""), "the value itself is not repeated"
        assert not stage.store.tables.entries

    in_memory(act)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"nickname": "x"}, "$"),
        ({"traits": []}, "$.traits"),
        ({"addresses": [{"channel": "sms"}]}, "$.addresses[0]"),
        ({"addresses": [{"channel": "SMS!", "value": "1"}]}, "$.addresses[0].channel"),
        ({"kind": "robot"}, "$.kind"),
        ([1], "$"),
    ],
)
def test_what_has_the_wrong_form_is_refused_with_its_place(in_memory: Play, body: Any, path: str) -> None:
    async def act(stage: Stage) -> None:
        document = is_problem(await stage.ask("PUT", "/v1/profiles/c-1", json=body), 400, "unreadable-request")
        assert document["errors"][0]["path"] == path, document
        assert document["errors"][0]["reason"]

    in_memory(act)


def test_a_profile_is_erased_for_delivery_with_the_answer(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        assert (await stage.ask("DELETE", "/v1/profiles/c-1")).status_code == 202
        stream = stage.deps.hasher.stream("profile", "c-1")
        assert profile_key(stream) in stage.store.tables.stops
        assert [type(entry.body) for entry in stage.store.tables.entries.values()] == [ForgetEntry]

    in_memory(act)


def test_keys_may_hold_anything_but_not_everything(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        assert (await stage.ask("PUT", "/v1/profiles/a%20b%3F%C3%A9", json={})).status_code == 202
        (entry,) = stage.store.tables.entries.values()
        assert isinstance(entry.body, ProfileEntry)
        assert entry.body.change.key == "a b?é"
        for bad in ("x" * 513, "a%00b"):
            is_problem(await stage.ask("PUT", f"/v1/profiles/{bad}", json={}), 400, "unreadable-request")

    in_memory(act)


def test_objects_are_put_patched_shown_and_deleted(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        path = "/v1/objects/booking/b-1"
        async with stage.engine():
            put = await stage.ask("PUT", f"{path}?wait=applied", json={"traits": {"status": "new", "days": 3}})
            assert put.json()["current"] == {
                "kind": "booking",
                "key": "b-1",
                "version": 1,
                "traits": {"status": "new", "days": 3},
            }
            patch = await stage.ask("PATCH", f"{path}?wait=applied", json={"traits": {"days": None}})
            assert patch.json()["current"]["traits"] == {"status": "new"}
            masked = await stage.ask("GET", path, scopes="profiles:read")
            assert masked.json()["traits"] == {"status": "•••"}
            gone = await stage.ask("DELETE", f"{path}?wait=applied")
            assert gone.json()["applied"]
            is_problem(await stage.ask("GET", path), 404, "not-found")

    on_postgres(act)


def test_an_object_of_an_undeclared_kind_is_refused(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        for kind, hint in (("bookin", "did you mean 'booking'?"), ("profile", "declared: booking")):
            document = is_problem(await stage.ask("PUT", f"/v1/objects/{kind}/x", json={}), 404, "not-found")
            assert hint in document["detail"]

    in_memory(act)


RELATION = {"from": {"kind": "profile", "key": "c-1"}, "to": {"kind": "booking", "key": "b-1"}, "role": "driver"}


def test_relations_are_set_and_ended(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        async with stage.engine():
            start = {"valid_from": "2026-05-04T09:30:00Z"}
            put = await stage.ask("PUT", "/v1/relations?wait=applied", json={**RELATION, **start})
            assert put.json()["current"] == [{**RELATION, **start, "valid_to": None}]
            ended = await stage.ask("DELETE", "/v1/relations?wait=applied", json=RELATION)
            assert ended.json()["current"] == []

    on_postgres(act)


@pytest.mark.parametrize(
    ("changes", "path", "reason"),
    [
        ({"to": {"kind": "bookings", "key": "b"}}, "$.to.kind", "did you mean 'booking'?"),
        ({"role": "drivers"}, "$.role", "did you mean 'driver'?"),
        ({"valid_from": "2026-05-04T09:30:00Z", "valid_to": "2026-05-04T09:30:00Z"}, "$.valid_to", "after valid_from"),
        ({"from": {"kind": "profile", "key": "a\0"}}, "$.from.key", "U+0000"),
    ],
)
def test_relations_that_cannot_be_are_refused(in_memory: Play, changes: Any, path: str, reason: str) -> None:
    async def act(stage: Stage) -> None:
        document = is_problem(await stage.ask("PUT", "/v1/relations", json={**RELATION, **changes}), 422, "rejected")
        assert document["errors"][0]["path"] == path
        assert reason in document["errors"][0]["reason"]

    in_memory(act)


CONSENT = {"profile": "c-1", "purpose": "commercial", "state": "granted", "channel": "sms", "source": "app"}


def test_a_withdrawal_stops_with_its_commit_and_a_grant_lifts_it(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        key = consent_key(stage.deps.hasher.stream("profile", "c-1"), "commercial", "sms")
        for state, stands in (("withdrawn", True), ("granted", False), ("withdrawn", True)):
            answer = await stage.ask("POST", "/v1/consents", json={**CONSENT, "state": state})
            assert answer.status_code == 202
            assert (key in stage.store.tables.stops) == stands
        states = [entry.body.state for entry in stage.store.tables.entries.values()]
        assert states == ["withdrawn", "granted", "withdrawn"]

    in_memory(act)


def test_a_grant_that_cannot_be_stored_is_503_and_a_withdrawal_leaves_no_half(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        with failing(stage, "lift"):
            is_problem(await stage.ask("POST", "/v1/consents", json=CONSENT), 503, "unavailable")
        with failing(stage, "append"):
            answer = await stage.ask("POST", "/v1/consents", json={**CONSENT, "state": "withdrawn"})
            is_problem(answer, 503, "unavailable")
        assert not stage.store.tables.entries
        assert not stage.store.tables.stops

    in_memory(act)


def test_the_ledger_keeps_every_line_and_shows_evidence_to_few(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        async with stage.engine():
            for number in range(5):
                state = "granted" if number % 2 else "withdrawn"
                body = {
                    **CONSENT,
                    "state": state,
                    "evidence": {"form": number},
                    "at": f"2026-05-0{number + 1}T00:00:00Z",
                }
                answer = await stage.ask("POST", "/v1/consents?wait=applied", json=body)
                assert answer.json()["current"] == {"commercial/sms": state}
            first = (await stage.ask("GET", "/v1/profiles/c-1/consents?limit=3")).json()
            rest = (await stage.ask("GET", f"/v1/profiles/c-1/consents?limit=3&cursor={first['next']}")).json()
        lines = first["items"] + rest["items"]
        assert [line["evidence"]["form"] for line in lines] == [4, 3, 2, 1, 0]
        assert rest["next"] is None
        masked = await stage.ask("GET", "/v1/profiles/c-1/consents", scopes="profiles:read")
        assert {line["evidence"] for line in masked.json()["items"]} == {None}

    on_postgres(act)


@pytest.mark.parametrize(
    ("changes", "status", "path"),
    [
        ({"purpose": "marketing"}, 400, "$.purpose"),
        ({"state": "maybe"}, 400, "$.state"),
        ({"channel": "S M S"}, 400, "$.channel"),
        ({"at": "2026-05-04T09:30:00"}, 400, "$.at"),
        ({"evidence": {"x": "\0"}}, 422, "$.evidence.x"),
        ({"profile": ""}, 400, "$.profile"),
    ],
)
def test_consents_that_cannot_be_are_refused(in_memory: Play, changes: Any, status: int, path: str) -> None:
    async def act(stage: Stage) -> None:
        slug = {400: "unreadable-request", 422: "rejected"}[status]
        document = is_problem(await stage.ask("POST", "/v1/consents", json={**CONSENT, **changes}), status, slug)
        assert document["errors"][0]["path"] == path
        assert not stage.store.tables.entries

    in_memory(act)


def test_a_suppression_stands_at_once_and_never_shows_the_address(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        written = {"channel": "sms", "address": "06 12 34 56 78", "market": "FR"}
        spoken = {"channel": "sms", "address": "+33612345678"}
        put = await stage.ask("PUT", "/v1/suppressions", json={**written, "reason": "asked by phone"})
        assert put.status_code == 200, put.text
        assert put.json()["suppressed"]
        found = await stage.ask("POST", "/v1/suppressions/find", json=spoken)
        assert found.json() == put.json()
        assert found.json()["reason"] == "asked by phone"
        address = stage.deps.hasher.address("sms", "+33612345678")
        assert await stage.store.suppressed([address]) == {address_key(address): "asked by phone"}
        listed = (await stage.ask("GET", "/v1/suppressions")).json()
        assert listed == {"items": [put.json() | {"soft_bounces": None}], "next": None}
        assert "612345678" not in put.text + found.text
        lifted = await stage.ask("DELETE", "/v1/suppressions", json=spoken)
        assert not lifted.json()["suppressed"]
        assert not (await stage.ask("GET", "/v1/suppressions")).json()["items"]
        wrong = await stage.ask("PUT", "/v1/suppressions", json={"channel": "sms", "address": "12"})
        assert is_problem(wrong, 422, "rejected")["errors"][0]["path"] == "$.address"

    on_postgres(act)


def test_suppressions_are_listed_page_by_page(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        for number in range(5):
            body = {"channel": "email", "address": f"a{number}@example.org"}
            await stage.ask("PUT", "/v1/suppressions", json=body)
        seen, cursor = [], ""
        while cursor is not None:
            page = (
                await stage.ask(
                    "GET", f"/v1/suppressions?limit=2&cursor={cursor}" if cursor else "/v1/suppressions?limit=2"
                )
            ).json()
            seen += [item["hash"] for item in page["items"]]
            cursor = page["next"]
        assert len(seen) == len(set(seen)) == 5

    on_postgres(act)


def test_pauses_are_set_listed_and_ended(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        for body in (
            {"scope": "channel", "name": "sms"},
            {"scope": "everything"},
            {"scope": "account", "name": "main"},
        ):
            put = await stage.ask("PUT", "/v1/pauses", json={**body, "reason": "incident 7"})
            assert put.status_code == 200, put.text
            assert put.json()["paused"]
        listed = (await stage.ask("GET", "/v1/pauses")).json()["items"]
        assert [(item["scope"], item["name"]) for item in listed] == [
            ("account", "main"),
            ("channel", "sms"),
            ("everything", ""),
        ]
        ended = await stage.ask("DELETE", "/v1/pauses", json={"scope": "everything"})
        assert not ended.json()["paused"]
        assert len((await stage.ask("GET", "/v1/pauses")).json()["items"]) == 2

    on_postgres(act)


@pytest.mark.parametrize(
    ("body", "hint"),
    [
        ({"scope": "channel", "name": "smss"}, "did you mean 'sms'?"),
        ({"scope": "account", "name": "mian"}, "did you mean 'main'?"),
        ({"scope": "purpose", "name": "marketing"}, "expected one of"),
        ({"scope": "journey", "name": "x"}, "none exists"),
        ({"scope": "everything", "name": "x"}, "expected no name"),
    ],
)
def test_a_pause_of_what_does_not_exist_is_refused(in_memory: Play, body: Any, hint: str) -> None:
    async def act(stage: Stage) -> None:
        document = is_problem(await stage.ask("PUT", "/v1/pauses", json=body), 422, "rejected")
        assert hint in document["errors"][0]["reason"]
        assert not stage.store.tables.stops

    in_memory(act)


def test_a_change_is_answered_although_the_cursor_cannot_be_read(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        with failing(stage, "applied"):
            answer = await stage.ask("POST", "/v1/consents?wait=applied", json=CONSENT)
        assert answer.status_code == 202
        assert [type(entry.body) for entry in stage.store.tables.entries.values()] == [ConsentEntry]

    in_memory(act)


def test_two_keys_become_one_person_and_two_again(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        async with stage.engine():
            await stage.ask("PUT", "/v1/profiles/c-1?wait=applied", json=ANNA)
            await stage.ask("PUT", "/v1/profiles/app-7?wait=applied", json={"traits": {"car": "Zoe"}})
            merged = await stage.ask("PUT", "/v1/profiles/app-7/merge?wait=applied", json={"into": "c-1"})
            assert merged.status_code == 200, merged.text
            last = await stage.ask("PATCH", "/v1/profiles/c-1?wait=applied", json={"zone": "Europe/Rome"})
            assert last.json()["current"]["merged"] == ["app-7"]
            assert last.json()["current"]["traits"]["car"] == "Zoe"
            shown = await stage.ask("GET", "/v1/profiles/app-7")
            assert shown.json()["key"] == "c-1"
            circle = await stage.ask("PUT", "/v1/profiles/c-1/merge", json={"into": "app-7"})
            is_problem(circle, 400, "unreadable-request")
            undone = await stage.ask("DELETE", "/v1/profiles/app-7/merge?wait=applied")
            assert undone.json()["current"]["key"] == "app-7"
            again = await stage.ask("DELETE", "/v1/profiles/app-7/merge")
            is_problem(again, 404, "not-found")

    on_postgres(act)


def test_erasing_one_key_stops_every_key_of_the_person_at_once(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        async with stage.engine():
            await stage.ask("PUT", "/v1/profiles/app-7/merge?wait=applied", json={"into": "c-1"})
            await stage.ask("PATCH", "/v1/profiles/c-1?wait=applied", json={"market": "FR"})
        await stage.ask("DELETE", "/v1/profiles/app-7")
        stops = {profile_key(stage.deps.hasher.stream("profile", key)) for key in ("app-7", "c-1")}
        assert stops <= set(stage.store.tables.stops)

    in_memory(act)


def test_a_suppression_in_a_market_that_does_not_exist_is_refused(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        asked = {"channel": "sms", "address": "07400 123456", "market": "UK"}
        document = is_problem(await stage.ask("PUT", "/v1/suppressions", json=asked), 422, "rejected")
        assert [wrong["path"] for wrong in document["errors"]] == ["$.market"]
        assert stage.store.tables.stops == {}

    in_memory(act)


@pytest.mark.parametrize("key", ["app-7", "web-2", "c-1"])
def test_a_stop_counts_for_every_key_of_the_person_at_once(in_memory: Play, key: str) -> None:
    async def act(stage: Stage) -> None:
        async with stage.engine():
            for other in ("app-7", "web-2"):
                await stage.ask("PUT", f"/v1/profiles/{other}/merge?wait=applied", json={"into": "c-1"})
            await stage.ask("PATCH", "/v1/profiles/c-1?wait=applied", json={"market": "FR"})
        streams = [stage.deps.hasher.stream("profile", each) for each in ("app-7", "web-2", "c-1")]
        line = {"profile": key, "purpose": "commercial", "state": "withdrawn"}
        await stage.ask("POST", "/v1/consents", json=line)
        assert set(stage.store.tables.stops) == {consent_key(stream, "commercial") for stream in streams}
        await stage.ask("POST", "/v1/consents", json=line | {"state": "granted"})
        assert stage.store.tables.stops == {}
        await stage.ask("DELETE", f"/v1/profiles/{key}")
        assert set(stage.store.tables.stops) == {profile_key(stream) for stream in streams}

    in_memory(act)


def test_a_profile_that_was_erased_and_put_again_can_be_reached_again(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        stream = stage.deps.hasher.stream("profile", "c-1")
        refused = {"channel": "sms", "address": "+33612345678", "reason": "asked by phone"}
        async with stage.engine():
            await stage.ask("PUT", "/v1/profiles/c-1?wait=applied", json=ANNA)
            await stage.ask("PUT", "/v1/suppressions", json=refused)
            await stage.ask("DELETE", "/v1/profiles/c-1?wait=applied")
            assert await stage.deps.reading.stops([profile_key(stream)])
            await stage.ask("PUT", "/v1/profiles/c-1?wait=applied", json=ANNA)
            assert not await stage.deps.reading.stops([profile_key(stream)])
        answer = await stage.ask("POST", "/v1/suppressions/find", json=refused | {"reason": ""})
        assert "asked by phone" in (await stage.ask("GET", "/v1/suppressions")).text, answer.text

    on_postgres(act)
