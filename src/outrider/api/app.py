"""One ASGI application: hot routes first, everything else to the framework."""

from __future__ import annotations

from typing import Any

from litestar import Litestar, Request
from litestar.datastructures import State
from litestar.di import Provide

from outrider.api.acknowledgements import PATH, acknowledgements_route
from outrider.api.asgi import Receive, Route, Scope, Send
from outrider.api.callbacks import PREFIX, callbacks_route
from outrider.api.consents import get_consents, post_consent
from outrider.api.costs import get_costs
from outrider.api.deadletters import deadletters
from outrider.api.decisions import decisions
from outrider.api.deps import ApiDeps
from outrider.api.documentation import get_docs, get_openapi, openapi_config
from outrider.api.events import events_route
from outrider.api.importing import PATH as IMPORT
from outrider.api.importing import import_route
from outrider.api.messages import messages
from outrider.api.objects import objects
from outrider.api.operations import get_health, get_metrics, get_readiness
from outrider.api.pauses import pauses
from outrider.api.problems import MEDIA, Problem, answer_problem, show_problem
from outrider.api.profiles import profiles
from outrider.api.relations import relations
from outrider.api.routes import get_routes
from outrider.api.schemas import get_schema
from outrider.api.suppressions import suppressions
from outrider.api.timeline import get_timeline
from outrider.api.unsubscribe import UNSUBSCRIBE, unsubscribe_route

#: Largest body of the routes that are not hot.
LARGEST = 1024 * 1024
JSON_TYPES = ("application/json", "application/merge-patch+json")


def build_api(deps: ApiDeps) -> Route:
    """The ASGI application over these parts."""
    framework = build_framework(deps)
    events = events_route(deps)
    callbacks = callbacks_route(deps)
    acknowledgements = acknowledgements_route(deps)
    imports = import_route(deps)
    unsubscribe = unsubscribe_route(deps)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"]
            if path == "/v1/events":
                return await events(scope, receive, send)
            if path == PATH:
                return await acknowledgements(scope, receive, send)
            if path == IMPORT:
                return await imports(scope, receive, send)
            if path.startswith(PREFIX):
                return await callbacks(scope, receive, send)
            if path.startswith(UNSUBSCRIBE):
                return await unsubscribe(scope, receive, send)
        return await framework(scope, receive, send)  # type: ignore[arg-type]

    return app


def build_framework(deps: ApiDeps) -> Litestar:
    """The routes that are not hot."""

    def provide_deps() -> ApiDeps:
        return deps

    return Litestar(
        route_handlers=[
            *(profiles, objects, relations, suppressions, pauses, messages, decisions, deadletters),
            *(post_consent, get_consents, get_timeline, get_health, get_readiness, get_metrics),
            *(get_routes, get_costs),
            *(get_openapi, get_docs, get_schema, show_problem),
        ],
        dependencies={"deps": Provide(provide_deps, sync_to_thread=False)},
        exception_handlers={Exception: answer_problem},
        before_request=_check_content_type,
        openapi_config=openapi_config(),
        request_max_body_size=LARGEST,
        response_headers={"cache-control": "no-store", "x-content-type-options": "nosniff"},
        state=State({"verifier": deps.keys}),
        logging_config=None,
        debug=False,
    )


async def _check_content_type(request: Request[Any, Any, Any]) -> None:
    """A body must be JSON and say so: what a browser form can send without asking is refused."""
    has_body = "transfer-encoding" in request.headers or request.headers.get("content-length", "0") != "0"
    if request.method == "GET" or not has_body:
        return
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in JSON_TYPES:
        raise Problem(MEDIA, f"expected {JSON_TYPES[0]}; got {kind[:80] or 'no content type'}")
