"""`/openapi.json` and `/docs`: one document for all routes, and a page that shows it without any other server."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import msgspec
from litestar import MediaType, Request, Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from outrider.api.acknowledgements import PATH
from outrider.api.hot_paths import HOT_PATHS, HOT_SCHEMAS
from outrider.api.problems import KINDS, MEDIA_TYPE, ProblemDocument

DESCRIPTION = (
    "Events in, messages out, every decision explained. All requests carry `Authorization: Bearer ork_…`; all errors "
    "are problem documents (RFC 9457)."
)
PROBLEM_REF = {"$ref": "#/components/schemas/ProblemDocument"}
#: Without a key.
OPEN = (
    *("/healthz", "/readyz", "/problems/{slug}", "/schemas/{name}"),
    *("/v1/callbacks/{account}/{token}", "/v1/unsubscribe/{token}", PATH),
)


def openapi_config() -> OpenAPIConfig:
    """What the framework needs to describe its own routes; its own pages are closed."""

    def closed(*_: Any) -> None:
        raise NotFoundException

    return OpenAPIConfig(
        title="Outrider",
        version=version("outrider"),
        description=DESCRIPTION,
        use_handler_docstrings=True,
        render_plugins=[JsonRenderPlugin()],
        openapi_router=Router("/_openapi", route_handlers=[], guards=[closed], include_in_schema=False),
        components=Components(
            security_schemes={
                "key": SecurityScheme(type="http", scheme="bearer", description="An API key, ork_ and 49 characters.")
            }
        ),
        security=[{"key": []}],
    )


def document(framework: dict[str, Any]) -> dict[str, Any]:
    """The whole document: the framework's routes and the hot ones, each with its problem answers."""
    schemas = {**framework["components"]["schemas"], **HOT_SCHEMAS, **_problem_schemas()}
    paths = {**HOT_PATHS, **framework["paths"]}
    for path, item in paths.items():
        for operation in (each for each in item.values() if isinstance(each, dict)):
            _add_problems(path, operation)
    components = {**framework["components"], "schemas": schemas}
    return {**framework, "paths": dict(sorted(paths.items())), "components": components}


def _problem_schemas() -> dict[str, Any]:
    _, schemas = msgspec.json.schema_components([ProblemDocument], ref_template="#/components/schemas/{name}")
    return dict(schemas)


def _add_problems(path: str, operation: dict[str, Any]) -> None:
    statuses = {400, 404, 405, 413, 415, 422, 500, 503}
    if path in OPEN:
        operation["security"] = []
    else:
        statuses |= {401, 403}
    if path == PATH:
        statuses |= {403, 429}
    for kind in KINDS.values():
        if kind.status in statuses:
            content = {MEDIA_TYPE: {"schema": PROBLEM_REF}}
            operation["responses"][str(kind.status)] = {"description": kind.title, "content": content}


@get("/openapi.json", include_in_schema=False, media_type=MediaType.JSON)
async def get_openapi(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The OpenAPI document, made once."""
    app = request.app
    if "openapi" not in app.state:
        app.state.openapi = msgspec.json.encode(document(app.openapi_schema.to_schema()))
    return Response(app.state.openapi, media_type=MediaType.JSON)


@get("/docs", include_in_schema=False, media_type=MediaType.HTML)
async def get_docs() -> Response[bytes]:
    """A page that draws the OpenAPI document; its style and script are in it, and nothing else may run."""
    page, policy = _page()
    return Response(page, media_type=MediaType.HTML, headers={"content-security-policy": policy})


@functools.cache
def _page() -> tuple[bytes, str]:
    text = files("outrider.api").joinpath("docs.html").read_text(encoding="utf-8")
    hashes = {tag: _hash(text, tag) for tag in ("style", "script")}
    policy = (
        f"default-src 'none'; connect-src 'self'; style-src '{hashes['style']}'; script-src '{hashes['script']}'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return text.encode(), policy


def _hash(text: str, tag: str) -> str:
    """The hash that lets one inline element run (Content Security Policy 3, section 2.3.1)."""
    found = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
    assert found is not None, f"docs.html has no {tag}"
    return f"sha256-{base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()}"
