"""`/v1/profiles/{key}`: people and organizations."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, delete, get, patch, put
from litestar.di import Provide
from litestar.params import FromPath, JSONBody

from outrider.api.deps import ApiDeps, Deps
from outrider.api.identities import standing_for, streams_of_person
from outrider.api.keys import needs
from outrider.api.people import MergeIn, ProfileIn, ProfileOut, profile_change, show_profile
from outrider.api.problems import NOT_FOUND, UNREADABLE, Problem, Wrong
from outrider.api.writing import Seconds, Written, check_key, wait_seconds, write
from outrider.domain.entry import Entry, ForgetEntry, MergeEntry, ProfileEntry, Stop
from outrider.domain.stops import profile_key
from outrider.ingest.mapping import PROFILE

Asked = Request[Any, Any, Any]


@get("/{key:str}", guards=[needs("profiles:read")], summary="Show a profile")
async def get_profile(key: FromPath[str], deps: Deps, request: Asked) -> ProfileOut:
    """The profile as the engine has it; addresses and sealed traits in clear only with the scope `pii:read`."""
    found = await _find(deps, key, pii=request.state.grant.pii)
    if found is None:
        raise Problem(NOT_FOUND, "there is no such profile")
    return found


@put("/{key:str}", status_code=202, guards=[needs("profiles:write")], summary="Set a profile")
async def put_profile(
    key: FromPath[str], data: JSONBody[ProfileIn], deps: Deps, request: Asked, seconds: Seconds
) -> Response[Written]:
    """Make or replace a profile: what is not named is forgotten."""
    return await _change(deps, request, seconds, key, data, replace=True)


@patch("/{key:str}", status_code=202, guards=[needs("profiles:write")], summary="Change a profile")
async def patch_profile(
    key: FromPath[str], data: JSONBody[ProfileIn], deps: Deps, request: Asked, seconds: Seconds
) -> Response[Written]:
    """Change what is named and keep the rest; a profile nobody knew is made."""
    return await _change(deps, request, seconds, key, data, replace=False)


@delete("/{key:str}", status_code=202, guards=[needs("profiles:write")], summary="Erase a profile")
async def delete_profile(key: FromPath[str], deps: Deps, request: Asked, seconds: Seconds) -> Response[Written]:
    """End its journeys, cancel what waits and erase its personal data. Nothing more is sent from the answer on."""
    entry = Entry(deps.hasher.stream(PROFILE, check_key("key", key)), ForgetEntry(key), deps.clock.now())
    streams = await streams_of_person(deps, key)
    stops = [Stop(profile_key(stream), "profile", "the profile was deleted") for stream in streams]
    return await write(deps, seconds, entry, lambda: _find(deps, key, pii=request.state.grant.pii), stops)


@put("/{key:str}/merge", status_code=202, guards=[needs("profiles:write")], summary="Merge a profile into another")
async def merge_profile(
    key: FromPath[str], data: JSONBody[MergeIn], deps: Deps, request: Asked, seconds: Seconds
) -> Response[Written]:
    """The two keys are one person from now on: what comes under this key goes to the other profile.

    The other keeps what it knows and gets what only this one knows; running journeys move along; consents withdrawn
    under either key stay withdrawn.
    """
    into = check_key("into", data.into)
    last = (await standing_for(deps, into))[-1:]
    if into == key or any(each.key == key for each in last):
        raise Problem(UNREADABLE, errors=[Wrong("into", "expected another profile, not one that is merged into this")])
    return await _merge(deps, request, seconds, MergeEntry(key, into))


@delete("/{key:str}/merge", status_code=202, guards=[needs("profiles:write")], summary="Undo a merge")
async def unmerge_profile(key: FromPath[str], deps: Deps, request: Asked, seconds: Seconds) -> Response[Written]:
    """The two keys are two persons after all: what came from this key, and under it since, comes back to it.

    Facts and consents leave the other profile, and journeys that still run go on here. What the other profile was told
    itself stays there, as do messages, ledger lines and journeys that ended; withdrawn consents stay withdrawn.
    """
    profile = await deps.reading.profile(deps.hasher.stream(PROFILE, check_key("key", key)))
    if profile is None or not profile.identity.merged_into:
        raise Problem(NOT_FOUND, "this profile is not merged into another")
    return await _merge(deps, request, seconds, MergeEntry(key, profile.identity.merged_into, undo=True))


async def _merge(deps: ApiDeps, request: Asked, seconds: float, body: MergeEntry) -> Response[Written]:
    entry = Entry(deps.hasher.stream(PROFILE, check_key("key", body.key)), body, deps.clock.now())
    return await write(deps, seconds, entry, lambda: _find(deps, body.key, pii=request.state.grant.pii))


async def _change(
    deps: ApiDeps, request: Asked, seconds: float, key: str, data: ProfileIn, *, replace: bool
) -> Response[Written]:
    stream = deps.hasher.stream(PROFILE, check_key("key", key))
    market = None if replace else await _market_for(deps, stream, data)
    change = profile_change(key, data, deps.configuration(), market, replace=replace)
    entry = Entry(stream, ProfileEntry(change), deps.clock.now())
    return await write(deps, seconds, entry, lambda: _find(deps, key, pii=request.state.grant.pii))


async def _market_for(deps: ApiDeps, stream: bytes, data: ProfileIn) -> str | None:
    """The profile's own market, when a national number needs it."""
    if data.market or all(each.value.lstrip().startswith("+") for each in data.addresses or ()):
        return None
    profile = await deps.reading.profile(stream)
    return profile.market if profile else None


async def _find(deps: ApiDeps, key: str, *, pii: bool) -> ProfileOut | None:
    found = await standing_for(deps, key)
    return show_profile(found[-1], pii) if found else None


profiles = Router(
    "/v1/profiles",
    route_handlers=[get_profile, put_profile, patch_profile, delete_profile, merge_profile, unmerge_profile],
    dependencies={"seconds": Provide(wait_seconds)},
    tags=["profiles"],
)
