"""The OpenAPI document names every route, no route answers bad input with 500, and the docs need no other server."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from api_stage import TOKEN, Stage, cloud_event, is_problem
from structlog.testing import capture_logs

from conftest import Play
from outrider.api.app import build_api
from outrider.api.problems import KINDS

METHODS = ("get", "put", "post", "patch", "delete")
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "api.md"

ROUTES = {
    "/healthz": {"get"},
    "/readyz": {"get"},
    "/metrics": {"get"},
    "/problems/{slug}": {"get"},
    "/v1/acknowledgements": {"post"},
    "/schemas/{name}": {"get"},
    "/v1/callbacks/{account}/{token}": {"get", "post"},
    "/v1/consents": {"post"},
    "/v1/deadletters": {"get"},
    "/v1/deadletters/{letter_id}": {"get"},
    "/v1/deadletters/{letter_id}/replay": {"post"},
    "/v1/decisions": {"get"},
    "/v1/decisions/{decision_id}": {"get"},
    "/v1/events": {"post"},
    "/v1/import": {"post"},
    "/v1/messages": {"get", "post"},
    "/v1/messages/{message_id}": {"get"},
    "/v1/objects/{kind}/{key}": {"get", "put", "patch", "delete"},
    "/v1/pauses": {"get", "put", "delete"},
    "/v1/profiles/{key}": {"get", "put", "patch", "delete"},
    "/v1/profiles/{key}/merge": {"put", "delete"},
    "/v1/profiles/{key}/consents": {"get"},
    "/v1/profiles/{key}/timeline": {"get"},
    "/v1/relations": {"put", "delete"},
    "/v1/costs": {"get"},
    "/v1/routes": {"get"},
    "/v1/suppressions": {"get", "put", "delete"},
    "/v1/suppressions/find": {"post"},
    "/v1/unsubscribe/{token}": {"get", "post"},
}

#: Bodies that fit nowhere, as (content type, bytes).
BODIES = [
    ("application/json", b""),
    ("application/json", b"{"),
    ("application/json", b"\xff\xfe"),
    ("application/json", b"[]"),
    ("application/json", b'"text"'),
    ("application/json", b'{"unknown": 1}'),
    (
        "application/json",
        b'{"traits": {"a": "\\u0000"}, "profile": "\\u0000", "scope": "everything", "name": "\\u0000"}',
    ),
    ("application/json", b'{"traits": {"n": 99999999999999999999999999}}'),
    ("application/json", b"[" * 4000),
    ("application/cloudevents+json", b"null"),
    ("text/plain", b"{}"),
    ("multipart/form-data", b"x"),
    ("", b"{}"),
]
PARTS = ["x", "%00", "..%2f", "%ff", "msg_00000000000000000000000000", "x" * 600]
QUERIES = ["", "?limit=-1", "?cursor=%00", "?since=0", "?wait=later", "?profile=%00", "?limit=1&limit=2", "?status=%ff"]


async def document(stage: Stage) -> dict[str, Any]:
    answer = await stage.http.get("/openapi.json")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_document_names_every_route(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        spec = await document(stage)
        assert spec["openapi"].startswith("3.1")
        found = {path: set(item) & set(METHODS) for path, item in spec["paths"].items()}
        assert found == ROUTES

    in_memory(act)


def test_every_operation_is_described_and_every_reference_leads_somewhere(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        spec = await document(stage)
        text = msgspec.json.encode(spec).decode()
        for name in set(re.findall(r'"#/components/schemas/([^"]+)"', text)):
            assert name in spec["components"]["schemas"], name
        ids = []
        for path, item in spec["paths"].items():
            for method in set(item) & set(METHODS):
                operation = item[method]
                ids.append(operation["operationId"])
                assert operation["summary"], path
                assert operation["description"], path
                assert operation["tags"], path
                problems = [
                    each for status, each in operation["responses"].items() if status >= "400" and path != "/readyz"
                ]
                assert all("application/problem+json" in each["content"] for each in problems), path
        assert len(ids) == len(set(ids))

    in_memory(act)


def test_the_hot_routes_are_described_with_schemas_and_examples(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        spec = await document(stage)
        body = spec["paths"]["/v1/events"]["post"]["requestBody"]["content"]
        example = body["application/cloudevents+json"]["example"]
        key = await stage.key("events:write")
        for kind, content in (
            ("application/cloudevents+json", example),
            ("application/cloudevents-batch+json", [example]),
        ):
            answer = await stage.http.post(
                "/v1/events", content=msgspec.json.encode(content), headers={**key, "content-type": kind}
            )
            assert answer.status_code == 202, answer.text
        schema = spec["components"]["schemas"]["EventResult"]["properties"]
        assert set(schema) == {"id", "status", "position", "reason", "path", "notes"}

    in_memory(act)


def filled(path: str, part: str) -> str:
    path = path.replace("{account}", "backup").replace("{token}", TOKEN)
    return re.sub(r"\{\w+\}", part, path)


@pytest.mark.parametrize("path", sorted(ROUTES))
def test_bad_input_is_answered_with_a_problem_and_never_with_500(on_postgres: Play, path: str) -> None:
    async def act(stage: Stage) -> None:
        key = await stage.key("*")
        for method in METHODS:
            for part in PARTS if "{" in path else PARTS[:1]:
                for query in QUERIES:
                    answer = await stage.http.request(method, filled(path, part) + query, headers=key)
                    check(answer, method, path)
            for kind, content in BODIES:
                headers = {**key, "content-type": kind} if kind else key
                answer = await stage.http.request(method, filled(path, "x"), content=content, headers=headers)
                check(answer, method, path)

    def check(answer: Any, method: str, path: str) -> None:
        words = f"{method} {answer.request.url}: {answer.status_code} {answer.text[:300]}"
        assert answer.status_code < 500 or path == "/readyz", words
        if answer.status_code >= 400 and path != "/readyz":
            slug = answer.json()["type"].removeprefix("/problems/")
            is_problem(answer, KINDS[slug].status, slug)
        if method not in ROUTES[path] and "x" * 600 not in str(answer.request.url):
            assert answer.status_code in (404, 405), words
        if answer.status_code == 405:
            assert answer.headers["allow"]

    on_postgres(act)


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v2/events", "/v1/events/", "/v1/messagesx", "/_openapi", "/_openapi/openapi.json", "/schema"]
)
def test_paths_that_do_not_exist_are_404(in_memory: Play, path: str) -> None:
    async def act(stage: Stage) -> None:
        is_problem(await stage.ask("GET", path), 404, "not-found")

    in_memory(act)


def test_bodies_are_bounded_and_must_say_that_they_are_json(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        large = {"traits": {"x": "y" * 1024 * 1024}}
        is_problem(await stage.ask("PUT", "/v1/profiles/c-1", json=large), 413, "too-large")
        key = await stage.key("*")
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            answer = await stage.http.put("/v1/profiles/c-1", content=b"{}", headers={**key, "content-type": kind})
            assert "application/json" in is_problem(answer, 415, "unsupported-content-type")["detail"]
        merge = {**key, "content-type": "application/merge-patch+json; charset=utf-8"}
        assert (await stage.http.patch("/v1/profiles/c-1", content=b"{}", headers=merge)).status_code == 202

    in_memory(act)


def test_an_error_of_ours_shows_an_id_and_nothing_else(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        def broken() -> Any:
            secret = "+33612345678"
            raise RuntimeError(f"secret {secret}")

        stage.deps.configuration = broken
        key = await stage.key("*")
        cloud = {**key, "content-type": "application/cloudevents+json"}
        with capture_logs() as logs:
            answers = (
                await stage.http.put("/v1/profiles/c-1", json={}, headers=key),
                await stage.http.post("/v1/events", content=msgspec.json.encode(cloud_event()), headers=cloud),
            )
        for answer in answers:
            shown = is_problem(answer, 500, "internal")
            assert set(shown) == {"type", "title", "status", "instance"}
            (logged,) = [each for each in logs if each.get("error_id") == shown["instance"]]
            assert any(place.endswith(" broken") for place in logged["trace"])
            assert "612345678" not in f"{logs}{answer.text}"

    in_memory(act)


def test_every_problem_type_explains_itself(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        for slug, kind in KINDS.items():
            answer = (await stage.http.get(f"/problems/{slug}")).json()
            assert answer == {
                "type": f"/problems/{slug}",
                "title": kind.title,
                "status": kind.status,
                "advice": kind.advice,
            }

    in_memory(act)


def test_the_docs_page_needs_nothing_from_elsewhere(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        page = await stage.http.get("/docs")
        assert page.headers["content-type"].startswith("text/html")
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"https?://|//[a-z]", page.text.replace("// ", ""))
        assert not re.search(r"\son[a-z]+=|javascript:|style=", page.text)
        assert 'fetch("/openapi.json")' in page.text
        for word in ('lang="en"', "prefers-color-scheme: dark", "<label", "focus-visible", "<noscript>"):
            assert word in page.text

    in_memory(act)


def test_health_needs_no_key_and_readiness_says_what_is_missing(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        assert (await stage.http.get("/healthz")).json() == {"status": "ok"}
        waiting = await stage.http.get("/readyz")
        assert waiting.status_code == 503
        assert {check["name"]: check["ok"] for check in waiting.json()["checks"]} == {
            "database": True,
            "migrations": True,
            "engine": False,
            "delivery": False,
        }
        await stage.store.lease("engine", 3600, 32)
        await stage.store.open_lease("worker", 3600)
        ready = await stage.http.get("/readyz")
        assert (ready.status_code, ready.json()["ready"]) == (200, True)
        await stage.store.pool.execute("delete from schema_migrations where number = 1")
        behind = await stage.http.get("/readyz")
        assert "0001_init.sql" in str(behind.json())
        await stage.store.pool.close()
        gone = await stage.http.get("/readyz")
        assert gone.status_code == 503
        assert [check["name"] for check in gone.json()["checks"]] == ["database"]
        assert (await stage.http.get("/healthz")).status_code == 200

    on_postgres(act)


def test_metrics_show_counters_and_what_waits(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        key = await stage.key("events:write")
        headers = {**key, "content-type": "application/cloudevents+json"}
        await stage.http.post("/v1/events", content=msgspec.json.encode(cloud_event()), headers=headers)
        answer = await stage.ask("GET", "/metrics", scopes="metrics:read")
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        lines = answer.text.splitlines()
        assert 'outrider_events_total{result="accepted"} 1.0' in lines
        assert 'outrider_backlog{what="log_entries"} 1.0' in lines
        assert 'outrider_backlog{what="outbox_due"} 0.0' in lines

    on_postgres(act)


def test_every_example_of_the_reference_page_names_a_route_and_every_route_has_one(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        spec = await document(stage)
        named = set()
        for block in re.findall(r"```(?:sh|bash)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
            for command in re.sub(r"\\\n\s*", " ", block).splitlines():
                if not command.startswith("curl"):
                    continue
                url = re.search(r"\$OUTRIDER(/[^\s'\"?]*)", command)
                assert url, command
                method = re.search(r"-X (\w+)", command)
                default = "POST" if " -d " in command or "--data" in command else "GET"
                named.add((match(spec, url[1], command), (method[1] if method else default).lower()))
        routes = {(path, method) for path, methods in ROUTES.items() for method in methods}
        assert named >= routes - {("/v1/callbacks/{account}/{token}", "get")}
        assert named <= routes

    def match(spec: dict[str, Any], url: str, command: str) -> str:
        paths = sorted(spec["paths"], key=lambda path: path.count("{"))
        found = [path for path in paths if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), url)]
        assert found, f"no route for: {command}"
        return found[0]

    in_memory(act)


def test_every_application_is_its_own(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        assert build_api(stage.deps) is not build_api(stage.deps)

    in_memory(act)
