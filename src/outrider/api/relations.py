"""`/v1/relations`: who stands to what, in which role, from when to when."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Response, Router, delete, put
from litestar.di import Provide
from litestar.params import JSONBody
from msgspec import Meta

from outrider.api.deps import ApiDeps, Deps
from outrider.api.keys import needs
from outrider.api.problems import REJECTED, Problem, Wrong
from outrider.api.writing import LONGEST_KEY, Seconds, Written, wait_seconds, write
from outrider.contracts.surroundings import suggest
from outrider.domain.entry import Entry, RelationEntry
from outrider.domain.profile import Relation
from outrider.ingest.mapping import PROFILE

Aware = Annotated[datetime, Meta(tz=True)]


class Entity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One end of a relation."""

    kind: Annotated[str, Meta(description="`profile` or a declared kind.", examples=["profile"])]
    key: Annotated[str, Meta(min_length=1, max_length=LONGEST_KEY, examples=["c-1042"])]


class RelationIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """A relation; it holds from `valid_from` until just before `valid_to`, without bounds where they are missing."""

    from_: Entity
    to: Entity
    role: Annotated[str, Meta(min_length=1, max_length=100, examples=["driver"])]
    valid_from: Aware | None = None
    valid_to: Aware | None = None


@put("/", status_code=202, guards=[needs("profiles:write")], summary="Set a relation")
async def put_relation(data: JSONBody[RelationIn], deps: Deps, seconds: Seconds) -> Response[Written]:
    """Set a relation. One with the same ends, role and `valid_from` gets the new `valid_to`."""
    return await _change(deps, seconds, data, end=False)


@delete("/", status_code=202, guards=[needs("profiles:write")], summary="End a relation")
async def delete_relation(data: JSONBody[RelationIn], deps: Deps, seconds: Seconds) -> Response[Written]:
    """End every relation of this role between the two entities."""
    return await _change(deps, seconds, data, end=True)


async def _change(deps: ApiDeps, seconds: float, data: RelationIn, *, end: bool) -> Response[Written]:
    relation = relation_of(deps, data)
    stream = deps.hasher.stream(data.from_.kind, data.from_.key)
    entry = Entry(stream, RelationEntry(relation, delete=end), deps.clock.now())
    return await write(deps, seconds, entry, lambda: _current(deps, data))


def relation_of(deps: ApiDeps, data: RelationIn) -> Relation:
    """The relation a request means. Raises Problem (422) with every place that is wrong."""
    if wrong := [*_wrong_ends(deps, data), *_wrong_times(data)]:
        raise Problem(REJECTED, errors=wrong)
    return Relation(
        data.from_.kind, data.from_.key, data.to.kind, data.to.key, data.role, data.valid_from, data.valid_to
    )


async def _current(deps: ApiDeps, data: RelationIn) -> list[dict[str, Any]]:
    """The stored relations of the role between the two."""
    start, end = (deps.hasher.stream(each.kind, each.key) for each in (data.from_, data.to))
    found = await deps.reading.relations(start, end, data.role)
    return [
        msgspec.to_builtins(msgspec.structs.replace(data, valid_from=each.valid_from, valid_to=each.valid_to))
        for each in found
    ]


def _wrong_ends(deps: ApiDeps, data: RelationIn) -> list[Wrong]:
    kinds = deps.configuration().kinds
    known = {PROFILE, *kinds}
    wrong = []
    for name, end in (("from", data.from_), ("to", data.to)):
        if end.kind not in known:
            hint = suggest(end.kind, known) or f"known: {', '.join(sorted(known))}"
            wrong.append(Wrong(f"$.{name}.kind", f"no kind '{end.kind[:40]}' is declared; {hint}"))
        if "\0" in end.key:
            wrong.append(Wrong(f"$.{name}.key", "the character U+0000 is not allowed"))
    roles = [role for end in (data.from_, data.to) if end.kind in kinds for role in kinds[end.kind].roles]
    if roles and data.role not in roles:
        hint = suggest(data.role, roles) or f"declared: {', '.join(roles)}"
        wrong.append(Wrong("$.role", f"no such role is declared for these kinds; {hint}"))
    elif "\0" in data.role:
        wrong.append(Wrong("$.role", "the character U+0000 is not allowed"))
    return wrong


def _wrong_times(data: RelationIn) -> list[Wrong]:
    if data.valid_from and data.valid_to and data.valid_from >= data.valid_to:
        return [Wrong("$.valid_to", "expected a time after valid_from")]
    return []


relations = Router(
    "/v1/relations",
    route_handlers=[put_relation, delete_relation],
    dependencies={"seconds": Provide(wait_seconds)},
    tags=["relations"],
)
