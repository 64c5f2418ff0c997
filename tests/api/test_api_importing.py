"""Imports over HTTP: rows stream in, at most a thousand in a transaction, each refusal with line, path and reason."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
from api_stage import Stage, failing, is_problem

from conftest import Play
from outrider.domain.entry import ConsentEntry, ObjectEntry, ProfileEntry, RelationEntry
from outrider.domain.stops import consent_key

NDJSON, CSV = "application/x-ndjson", "text/csv; charset=utf-8"
CUSTOMERS = """key;market;traits.name;addresses.sms;consents.commercial
c-1;FR;Zoé;06 12 34 56 78;granted
c-2;GB;"Ann; or
Anna";07400 123456;withdrawn
"""


async def post(stage: Stage, content: Any, query: str = "?kind=profiles", media: str = NDJSON) -> httpx.Response:
    key = {**await stage.key("profiles:write"), "content-type": media}
    return await stage.http.post(f"/v1/import{query}", content=content, headers=key)


def lines(*rows: Any) -> bytes:
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def counts(answer: httpx.Response) -> tuple[int, int, int, int]:
    assert answer.status_code == 200, answer.text
    document = answer.json()
    return document["rows"], document["accepted"], document["duplicates"], document["rejected"]


async def bodies(stage: Stage) -> list[Any]:
    return [entry.body for entry in await stage.entries()]


def test_a_csv_of_customers_becomes_profiles_and_consents(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        answer = await post(stage, ("\ufeff" + CUSTOMERS).encode(), media=CSV)
        assert counts(answer) == (2, 2, 0, 0)
        first, granted, second, withdrawn = await bodies(stage)
        assert (first.change.key, first.change.market, first.change.traits) == ("c-1", "FR", {"name": "Zoé"})
        assert [address.value for address in first.change.addresses] == ["+33612345678"]
        assert not first.change.replace
        assert second.change.traits == {"name": "Ann; or\nAnna"}
        assert [address.value for address in second.change.addresses] == ["+447400123456"]
        assert (granted.key, granted.state, withdrawn.key, withdrawn.state) == ("c-1", "granted", "c-2", "withdrawn")
        stream = stage.deps.hasher.stream("profile", "c-2")
        assert list(stage.store.tables.stops) == [consent_key(stream, "commercial")]

    in_memory(act)


def test_an_import_never_lifts_a_withdrawal(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        line = {"profile": "c-1", "purpose": "commercial", "state": "withdrawn"}
        await stage.ask("POST", "/v1/consents", json=line)
        assert counts(await post(stage, lines({**line, "state": "granted"}), "?kind=consents")) == (1, 1, 0, 0)
        assert len(stage.store.tables.stops) == 1

    in_memory(act)


@pytest.mark.parametrize(
    ("kind", "row", "body"),
    [
        ("objects", {"kind": "booking", "key": "b-1", "traits": {"status": "open"}}, ObjectEntry),
        (
            "relations",
            {"from": {"kind": "profile", "key": "c"}, "to": {"kind": "booking", "key": "b"}, "role": "driver"},
            RelationEntry,
        ),
        ("consents", {"profile": "c", "purpose": "service", "state": "granted"}, ConsentEntry),
        ("profiles", {"key": "c", "traits": {"n": 1}}, ProfileEntry),
    ],
)
def test_every_kind_is_imported_from_json(in_memory: Play, kind: str, row: Any, body: type) -> None:
    async def act(stage: Stage) -> None:
        assert counts(await post(stage, lines(row), f"?kind={kind}")) == (1, 1, 0, 0)
        [made] = await bodies(stage)
        assert isinstance(made, body)

    in_memory(act)


@pytest.mark.parametrize(
    ("kind", "raw", "path", "reason"),
    [
        ("profiles", b"{", "$", "not JSON"),
        ("profiles", b'{"market": "FR"}', "$", "missing required field `key`"),
        ("profiles", b'{"key": "c", "market": "FX"}', "$.market", "known: DE"),
        ("profiles", b'{"key": "c", "nickname": "x"}', "$", "unknown field"),
        ("profiles", b'{"key": "c\\u0000"}', "$.key", "U+0000"),
        ("profiles", b'{"key": "c", "addresses": [{"channel": "sms", "value": "1"}]}', "$.addresses[0].value", "phone"),
        ("profiles", b'{"key": "c", "consents": [{"purpose": "x", "state": "granted"}]}', "$.consents[0].purpose",
         "one of safety"),
        ("profiles", b'\xff', "$", "not UTF-8"),
        ("profiles", b'{"key": "c", "traits": {"a": ' + b"[" * 5000, "$", "not JSON"),
        ("objects", b'{"kind": "bookin", "key": "b"}', "$", "did you mean 'booking'"),
        ("objects", b'{"kind": "booking", "key": "b", "traits": {"a": "\\u0000"}}', "$.traits.a", "U+0000"),
        ("relations", b'{"from": {"kind": "x", "key": "c"}, "to": {"kind": "booking", "key": "b"}, "role": "driver"}',
         "$.from.kind", "no kind"),
        ("consents", b'{"profile": "c\\u0000", "purpose": "service", "state": "granted"}', "$.profile", "U+0000"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_taken_is_named_and_the_others_go_on(
    in_memory: Play, kind: str, raw: bytes, path: str, reason: str
) -> None:
    async def act(stage: Stage) -> None:
        answer = await post(stage, b"\n" + raw + b"\n", f"?kind={kind}&first_line=10")
        assert counts(answer) == (1, 0, 0, 1)
        [reject] = answer.json()["rejects"]
        assert (reject["line"], reject["path"]) == (11, path), reject
        assert reason in reject["reason"], reject

    in_memory(act)


def test_declared_traits_of_a_csv_get_their_types(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        header = b"kind,key,traits.seats,traits.open,traits.price,traits.status\n"
        table = header + b"booking,b-1,4,true,9.5,7\nbooking,b-2,x,,,\n"
        answer = await post(stage, table, "?kind=objects&first_line=40", CSV)
        assert counts(answer) == (2, 1, 0, 1)
        assert answer.json()["rejects"] == [{"line": 41, "path": "$.traits.seats", "reason": "expected a whole number"}]
        [made] = await bodies(stage)
        assert made.change.traits == {"seats": 4, "open": True, "price": 9.5, "status": "7"}

    in_memory(act)


def test_a_row_is_taken_once_in_an_import_and_again_in_the_next(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        rows = lines({"key": "c-1", "traits": {"n": 1}}, {"key": "c-1", "traits": {"n": 2}})
        assert counts(await post(stage, rows, "?kind=profiles&import=one")) == (2, 2, 0, 0)
        assert counts(await post(stage, rows, "?kind=profiles&import=one")) == (2, 0, 2, 0)
        assert counts(await post(stage, rows, "?kind=profiles&import=two")) == (2, 2, 0, 0)
        assert counts(await post(stage, rows)) == (2, 2, 0, 0)
        assert len(await bodies(stage)) == 6

    in_memory(act)


def test_rows_stream_in_with_at_most_a_thousand_in_a_transaction(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        sizes = []
        append = stage.store.append

        async def counted(entries: Any, stops: Any = ()) -> Any:
            sizes.append(len(entries))
            return await append(entries, stops)

        stage.store.append = counted

        async def content() -> AsyncIterator[bytes]:
            for number in range(2500):
                yield lines({"key": f"c-{number}"})

        assert counts(await post(stage, content())) == (2500, 2500, 0, 0)
        assert sizes == [1000, 1000, 500]

    in_memory(act)


def test_consents_beside_profiles_count_into_the_thousand(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        sizes = []
        append = stage.store.append

        async def counted(entries: Any, stops: Any = ()) -> Any:
            sizes.append(len(entries))
            return await append(entries, stops)

        stage.store.append = counted
        consents = [{"purpose": "service", "channel": f"c{n}", "state": "withdrawn"} for n in range(90)]
        answer = await post(stage, lines(*({"key": f"c-{n}", "consents": consents} for n in range(25))))
        assert counts(answer) == (25, 25, 0, 0)
        assert sum(sizes) == 25 * 91
        assert max(sizes) <= 1000
        too_many = [*consents, *consents]
        [reject] = (await post(stage, lines({"key": "c", "consents": too_many}))).json()["rejects"]
        assert (reject["path"], "length <= 100" in reject["reason"]) == ("$.consents", True)

    in_memory(act)


def test_an_imported_withdrawal_stops_every_key_of_the_person(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        async with stage.engine():
            await stage.ask("PUT", "/v1/profiles/app-7/merge?wait=applied", json={"into": "c-1"})
            await stage.ask("PATCH", "/v1/profiles/c-1?wait=applied", json={"market": "FR"})
        row = {"profile": "app-7", "purpose": "commercial", "state": "withdrawn"}
        assert counts(await post(stage, lines(row), "?kind=consents")) == (1, 1, 0, 0)
        streams = [stage.deps.hasher.stream("profile", key) for key in ("app-7", "c-1")]
        assert set(stage.store.tables.stops) == {consent_key(stream, "commercial") for stream in streams}

    in_memory(act)


def test_of_very_many_rejects_the_first_thousand_are_listed(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        answer = await post(stage, b"{\n" * 1200)
        assert counts(answer) == (1200, 0, 0, 1200)
        assert [reject["line"] for reject in answer.json()["rejects"]] == list(range(1, 1001))

    in_memory(act)


@pytest.mark.parametrize(
    ("query", "media", "content", "status", "path"),
    [
        ("", NDJSON, b"", 400, "kind"),
        ("?kind=profile", NDJSON, b"", 400, "kind"),
        ("?kind=profiles&import=a%20b", NDJSON, b"", 400, "import"),
        ("?kind=profiles&first_line=0", NDJSON, b"", 400, "first_line"),
        ("?kind=profiles", "application/json", b"{}", 415, None),
        ("?kind=profiles", CSV, b"key,colour\n", 400, "colour"),
        ("?kind=profiles", CSV, b"\xff\n", 400, "$"),
        ("?kind=profiles", CSV, b'key\n"' + b"x" * 300_000, 400, "$"),
    ],
)
def test_a_request_that_cannot_be_read_as_a_whole_is_refused(
    in_memory: Play, query: str, media: str, content: bytes, status: int, path: str | None
) -> None:
    async def act(stage: Stage) -> None:
        slug = {400: "unreadable-request", 415: "unsupported-content-type"}[status]
        document = is_problem(await post(stage, content, query, media), status, slug)
        assert [wrong["path"] for wrong in document.get("errors", [])] == ([path] if path else [])

    in_memory(act)


def test_the_scope_is_needed_and_an_unconfirmed_part_is_said(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        key = {**await stage.key("events:write"), "content-type": NDJSON}
        is_problem(await stage.http.post("/v1/import?kind=profiles", content=b"", headers=key), 403, "forbidden")
        with failing(stage, "append"):
            is_problem(await post(stage, lines({"key": "c"})), 503, "unavailable")
        assert counts(await post(stage, b"")) == (0, 0, 0, 0)

    in_memory(act)
