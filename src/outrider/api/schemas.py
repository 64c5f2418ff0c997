"""`/schemas/{name}.json`: the JSON Schemas of the company folder's files, for editors; without a key."""

from __future__ import annotations

from litestar import Response, get
from litestar.params import FromPath

from outrider.api.deps import Deps
from outrider.api.problems import NOT_FOUND, Problem
from outrider.configuration.schemas import pretty

#: JSON Schema 2020-12, section 10.1 of the core.
MEDIA_TYPE = "application/schema+json"


@get("/schemas/{name:str}", tags=["operations"], summary="The JSON Schema of one sort of configuration file")
async def get_schema(deps: Deps, name: FromPath[str]) -> Response[str]:
    """`outrider.json`, `object.json`, `source.json`, `journey.json`, `template.json`, `push.json` or `market.json`."""
    schema = deps.schemas().get(name.removesuffix(".json")) if name.endswith(".json") else None
    if schema is None:
        raise Problem(NOT_FOUND)
    return Response(pretty(schema), media_type=MEDIA_TYPE)
