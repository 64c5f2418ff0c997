"""`/v1/decisions`: every considered message, also those that were not sent."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from litestar import Request, Router, get
from litestar.params import FromPath, FromQuery, QueryParameter
from msgspec import Meta

from outrider.api.deps import Deps
from outrider.api.keys import needs
from outrider.api.messages import Id, Word
from outrider.api.paging import Cursor, Limit, Page, Since, Until, id_range, page_of, path_id, read_cursor
from outrider.api.person import person_streams
from outrider.api.problems import NOT_FOUND, Problem
from outrider.api.shown import DecisionDetail, DecisionOut, explain_decision, show_decision
from outrider.contracts.reading_store import DecisionFilter

Asked = Request[Any, Any, Any]
Place = tuple[Id, Annotated[int, Meta(ge=0, le=32_767)]]


@get("/", guards=[needs("messages:read")], summary="List decisions")
async def get_decisions(
    deps: Deps,
    request: Asked,
    profile: Annotated[str | None, QueryParameter(description="A profile's key, or one merged with it.")] = None,
    verdict: FromQuery[Literal["send", "hold", "drop"] | None] = None,
    gate: Word = None,
    journey: Word = None,
    template: Word = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[DecisionOut]:
    """Decisions, newest first; `verdict=drop` and `verdict=hold` show what was not sent."""
    first, end = id_range(deps.clock.now(), since, until)
    asked = DecisionFilter(
        since=first,
        before=(end, 0) if cursor is None else read_cursor(cursor, Place),  # type: ignore[arg-type]
        most=limit + 1,
        streams=None if profile is None else await person_streams(deps.reading, deps.hasher, profile),
        verdict=verdict,
        gate=gate,
        journey=journey,
        template=template,
    )
    lines = await deps.reading.decisions(asked)
    pii = request.state.grant.pii
    return page_of(lines, limit, lambda line: show_decision(line, pii), lambda line: (line.id, line.number))


@get("/{decision_id:str}", guards=[needs("messages:read")], summary="Show a decision")
async def get_decision(decision_id: FromPath[str], deps: Deps, request: Asked) -> list[DecisionDetail]:
    """All decisions on one candidate, first to last, explained. A message has the id of its decision."""
    lines = await deps.reading.decision(path_id(decision_id, "dec", "msg"))
    if not lines:
        raise Problem(NOT_FOUND, "there is no such decision")
    return [explain_decision(line, request.state.grant.pii) for line in lines]


decisions = Router("/v1/decisions", route_handlers=[get_decisions, get_decision], tags=["decisions"])
