"""`/v1/objects/{kind}/{key}`: vehicles, licenses, bookings and every other declared kind."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, Response, Router, delete, get, patch, put
from litestar.di import Provide
from litestar.params import FromPath, JSONBody

from outrider.api.deps import ApiDeps, Deps
from outrider.api.keys import needs
from outrider.api.masking import mask_traits
from outrider.api.people import wrong_traits
from outrider.api.problems import NOT_FOUND, REJECTED, Problem
from outrider.api.writing import Seconds, Written, check_key, wait_seconds, write
from outrider.contracts.surroundings import suggest
from outrider.domain.entry import Entry, ObjectChange, ObjectEntry
from outrider.ingest.mapping import PROFILE

Asked = Request[Any, Any, Any]


class ObjectIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What PUT sets and PATCH changes. In PATCH a trait set to null is removed."""

    traits: dict[str, Any] = {}


class ObjectOut(msgspec.Struct, frozen=True):
    """An object in its newest version. Without the scope `pii:read` the values of its traits are masked."""

    kind: str
    key: str
    version: int
    traits: dict[str, Any]


@get("/{kind:str}/{key:str}", guards=[needs("profiles:read")], summary="Show an object")
async def get_object(kind: FromPath[str], key: FromPath[str], deps: Deps, request: Asked) -> ObjectOut:
    """The newest version of an object."""
    check_kind(deps, kind)
    found = await _find(deps, kind, key, pii=request.state.grant.pii)
    if found is None:
        raise Problem(NOT_FOUND, f"there is no such {kind}")
    return found


@put("/{kind:str}/{key:str}", status_code=202, guards=[needs("profiles:write")], summary="Set an object")
async def put_object(
    kind: FromPath[str], key: FromPath[str], data: JSONBody[ObjectIn], deps: Deps, request: Asked, seconds: Seconds
) -> Response[Written]:
    """Make or replace an object: traits that are not named are forgotten."""
    return await _change(deps, request, seconds, ObjectChange(kind, key, data.traits, replace=True))


@patch("/{kind:str}/{key:str}", status_code=202, guards=[needs("profiles:write")], summary="Change an object")
async def patch_object(
    kind: FromPath[str], key: FromPath[str], data: JSONBody[ObjectIn], deps: Deps, request: Asked, seconds: Seconds
) -> Response[Written]:
    """Change the named traits and keep the rest; an object nobody knew is made."""
    return await _change(deps, request, seconds, ObjectChange(kind, key, data.traits))


@delete("/{kind:str}/{key:str}", status_code=202, guards=[needs("profiles:write")], summary="Delete an object")
async def delete_object(
    kind: FromPath[str], key: FromPath[str], deps: Deps, request: Asked, seconds: Seconds
) -> Response[Written]:
    """End an object; decisions that read it keep the version they read."""
    return await _change(deps, request, seconds, ObjectChange(kind, key, delete=True))


async def _change(deps: ApiDeps, request: Asked, seconds: float, change: ObjectChange) -> Response[Written]:
    check_kind(deps, change.kind)
    if wrong := wrong_traits(change.traits):
        raise Problem(REJECTED, errors=wrong)
    stream = deps.hasher.stream(change.kind, check_key("key", change.key))
    pii = request.state.grant.pii
    entry = Entry(stream, ObjectEntry(change), deps.clock.now())
    return await write(deps, seconds, entry, lambda: _find(deps, change.kind, change.key, pii=pii))


def check_kind(deps: ApiDeps, kind: str) -> None:
    """Raises Problem (404) for a kind that is not declared."""
    declared = [name for name in deps.configuration().kinds if name != PROFILE]
    if kind not in declared:
        hint = suggest(kind, declared) or f"declared: {', '.join(declared) or 'none'}"
        raise Problem(NOT_FOUND, f"no kind '{kind[:40]}' is declared; {hint}")


async def _find(deps: ApiDeps, kind: str, key: str, *, pii: bool) -> ObjectOut | None:
    found = await deps.reading.object(deps.hasher.stream(kind, check_key("key", key)))
    if found is None:
        return None
    return ObjectOut(found.kind, found.key, found.version, found.traits if pii else mask_traits(found.traits))


objects = Router(
    "/v1/objects",
    route_handlers=[get_object, put_object, patch_object, delete_object],
    dependencies={"seconds": Provide(wait_seconds)},
    tags=["objects"],
)
