"""`/v1/messages`: what was made of candidates that may be sent."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from litestar import Request, Router, get
from litestar.params import FromPath, FromQuery, QueryParameter
from msgspec import Meta

from outrider.api.deps import Deps
from outrider.api.keys import needs
from outrider.api.paging import Cursor, Limit, Page, Since, Until, id_range, page_of, path_id, read_cursor
from outrider.api.person import person_streams
from outrider.api.problems import NOT_FOUND, Problem
from outrider.api.sending import post_message
from outrider.api.shown import MessageDetail, MessageOut, show_message, show_view
from outrider.contracts.reading_store import MessageFilter

Asked = Request[Any, Any, Any]
Statuses = Literal[
    "held", "queued", "sending", "unknown", "accepted", "delivered", "undelivered", "failed", "canceled", "expired"
]
Word = Annotated[str | None, QueryParameter(max_length=200, pattern=r"^[^\x00]*$")]
Id = Annotated[bytes, Meta(min_length=16, max_length=16)]


@get("/", guards=[needs("messages:read")], summary="List messages")
async def get_messages(
    deps: Deps,
    request: Asked,
    profile: Annotated[str | None, QueryParameter(description="A profile's key, or one merged with it.")] = None,
    status: FromQuery[Statuses | None] = None,
    journey: Word = None,
    template: Word = None,
    channel: Word = None,
    market: Word = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[MessageOut]:
    """Messages, newest first. A page stays the same however many messages come meanwhile."""
    first, end = id_range(deps.clock.now(), since, until)
    asked = MessageFilter(
        since=first,
        before=end if cursor is None else read_cursor(cursor, Id),
        most=limit + 1,
        streams=None if profile is None else await person_streams(deps.reading, deps.hasher, profile),
        status=status,
        journey=journey,
        template=template,
        channel=channel,
        market=market,
    )
    lines = await deps.reading.messages(asked)
    pii = request.state.grant.pii
    return page_of(lines, limit, lambda line: show_message(line, pii), lambda line: line.id)


@get("/{message_id:str}", guards=[needs("messages:read")], summary="Show a message")
async def get_message(message_id: FromPath[str], deps: Deps, request: Asked) -> MessageDetail:
    """A message with its decisions explained gate by gate, its attempts, receipts, content and cost."""
    view = await deps.reading.message(path_id(message_id, "msg", "dec"))
    if view is None:
        raise Problem(NOT_FOUND, "there is no such message")
    beside = await deps.reading.beside(view.message.id, view.message.stream)
    return show_view(view, beside, request.state.grant.pii)


messages = Router("/v1/messages", route_handlers=[get_messages, get_message, post_message], tags=["messages"])
