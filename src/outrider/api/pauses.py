"""`/v1/pauses`: hold back a journey, a channel, a purpose, an account or everything."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from litestar import Router, delete, get, put
from litestar.params import JSONBody
from msgspec import Meta

from outrider.api.deps import ApiDeps, Deps
from outrider.api.keys import needs
from outrider.api.paging import Cursor, Limit, Page, page_of, read_cursor
from outrider.api.problems import rejected
from outrider.api.writing import lift, stand
from outrider.contracts.reading_store import StandingStop
from outrider.contracts.surroundings import suggest
from outrider.domain.entry import Stop
from outrider.domain.purpose import Purpose
from outrider.domain.stops import PAUSE_SCOPES, pause_key


class PauseAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is paused: a scope, and the name of the one thing in it; no name for everything."""

    scope: Literal["journey", "channel", "purpose", "account", "everything"]
    name: Annotated[str, Meta(max_length=200, examples=["rental-handover"])] = ""


class PauseIn(PauseAsked, frozen=True, forbid_unknown_fields=True):
    """What to pause, and why."""

    reason: Annotated[str, Meta(min_length=1, max_length=200)] = "paused by an operator"


class PauseOut(msgspec.Struct, frozen=True):
    """Whether something is paused."""

    scope: str
    name: str
    paused: bool
    reason: str | None = None
    since: datetime | None = None


@put("/", guards=[needs("operations:write")], summary="Pause", status_code=200)
async def put_pause(data: JSONBody[PauseIn], deps: Deps) -> PauseOut:
    """Messages of this scope wait in the outbox; it acts within five seconds, calls under way end."""
    _check(deps, data)
    if "\0" in data.reason:
        raise rejected("$.reason", "the character U+0000 is not allowed")
    await stand(deps, [Stop(pause_key(data.scope, data.name), data.scope, data.reason)])
    return await _state(deps, data)


@delete("/", guards=[needs("operations:write")], summary="End a pause", status_code=200)
async def delete_pause(data: JSONBody[PauseAsked], deps: Deps) -> PauseOut:
    """Messages of this scope go on within five seconds. The name may be one that no longer exists."""
    if "\0" in data.name:
        raise rejected("$.name", "the character U+0000 is not allowed")
    await lift(deps, [pause_key(data.scope, data.name)])
    return await _state(deps, data)


@get("/", guards=[needs("messages:read")], summary="List pauses")
async def get_pauses(deps: Deps, limit: Limit = 50, cursor: Cursor = None) -> Page[PauseOut]:
    """What is paused now."""
    after = "" if cursor is None else read_cursor(cursor, str)
    lines = await deps.reading.stops_of(sorted(PAUSE_SCOPES), after.replace("\0", ""), limit + 1)
    return page_of(lines, limit, _show, lambda line: line.stop.key)


def _check(deps: ApiDeps, data: PauseAsked) -> None:
    """A pause of something that does not exist would hold nothing back: refuse it. Raises Problem (422)."""
    configuration = deps.configuration()
    known = {
        "journey": list(configuration.journeys),
        "channel": sorted({route.channel for route in configuration.toml.routes}),
        "purpose": [str(purpose) for purpose in Purpose],
        "account": [account.name for account in configuration.toml.accounts],
        "everything": [""],
    }[data.scope]
    if data.name not in known:
        hint = suggest(data.name, known) or f"expected one of: {', '.join(known) or 'none exists'}"
        if data.scope == "everything":
            hint = "expected no name"
        raise rejected("$.name", f"there is no {data.scope} '{data.name[:40]}'; {hint}")


async def _state(deps: ApiDeps, data: PauseAsked) -> PauseOut:
    found = await deps.reading.stops([pause_key(data.scope, data.name)])
    return _show(found[0]) if found else PauseOut(data.scope, data.name, False)


def _show(line: StandingStop) -> PauseOut:
    stop = line.stop
    return PauseOut(stop.scope, stop.key.partition(":")[2], True, stop.reason, line.at)


pauses = Router("/v1/pauses", route_handlers=[put_pause, delete_pause, get_pauses], tags=["pauses"])
