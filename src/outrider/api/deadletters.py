"""`/v1/deadletters`: what could not be read or handled, with its reason, to be looked at and replayed."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Router, get, post
from litestar.params import FromPath, FromQuery, QueryParameter

from outrider.api.deps import Deps
from outrider.api.keys import needs
from outrider.api.masking import mask_text
from outrider.api.messages import Id
from outrider.api.paging import AFTER_ALL, Cursor, Limit, Page, page_of, path_id, read_cursor
from outrider.api.problems import NOT_FOUND, Problem
from outrider.api.replaying import Replayed, replay
from outrider.domain.work import DeadLetter
from outrider.lib.ids import write_id

Asked = Request[Any, Any, Any]
PREFIX = "dlt"


class LetterOut(msgspec.Struct, frozen=True, kw_only=True):
    """One dead letter."""

    id: str
    at: datetime
    #: event: a rejected event. stimulus: one that broke the engine; its stream waits. callback: of a provider.
    kind: str
    reason: str
    #: A path into the body, the position in the log, or the account.
    place: str
    stream: str | None
    replayed_at: datetime | None


class LetterDetail(LetterOut, frozen=True, kw_only=True):
    """One dead letter with what it holds."""

    #: JSON as it is, MessagePack as JSON, other bytes in base64; null for readers without `pii:read`.
    content: Any


@get("/", guards=[needs("messages:read")], summary="List dead letters")
async def get_letters(
    deps: Deps,
    request: Asked,
    kind: FromQuery[Literal["event", "stimulus", "callback"] | None] = None,
    replayed: Annotated[bool, QueryParameter(description="Also those that were replayed.")] = False,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[LetterOut]:
    """Dead letters, newest first."""
    before = AFTER_ALL if cursor is None else read_cursor(cursor, Id)
    lines = await deps.letters.list_letters(kind=kind, replayed=replayed, before=before, most=limit + 1)
    pii = request.state.grant.pii
    return page_of(lines, limit, lambda line: LetterOut(**letter_fields(line, pii)), lambda line: line.id)


@get("/{letter_id:str}", guards=[needs("messages:read")], summary="Show a dead letter")
async def get_letter(letter_id: FromPath[str], deps: Deps, request: Asked) -> LetterDetail:
    """A dead letter with what it holds."""
    letter = await deps.letters.show_letter(path_id(letter_id, PREFIX))
    if letter is None:
        raise Problem(NOT_FOUND, "there is no such dead letter")
    pii = request.state.grant.pii
    return LetterDetail(**letter_fields(letter, pii), content=letter_content(letter) if pii else None)


@post("/{letter_id:str}/replay", status_code=200, guards=[needs("operations:write")], summary="Replay a dead letter")
async def post_replay(letter_id: FromPath[str], deps: Deps) -> Replayed:
    """Take it again under the present configuration: 409 when it was replayed, 422 when it is refused again."""
    return await replay(deps, path_id(letter_id, PREFIX))


def letter_fields(letter: DeadLetter, pii: bool) -> dict[str, Any]:
    """A letter without its content."""
    return {
        "id": write_id(PREFIX, letter.id),
        "at": letter.at,
        "kind": letter.kind,
        "reason": letter.reason if pii else mask_text(letter.reason) or "",
        "place": letter.place,
        "stream": write_id("str", letter.stream) if letter.stream else None,
        "replayed_at": letter.replayed_at,
    }


def letter_content(letter: DeadLetter) -> Any:
    """What a letter holds, as JSON can show it."""
    decode = msgspec.json.decode if letter.kind == "event" else msgspec.msgpack.decode
    try:
        return _plain(decode(letter.raw))
    except (ValueError, RecursionError):
        return {"base64": base64.b64encode(letter.raw).decode()}


def _plain(value: Any) -> Any:
    """Bytes inside as text where they are text."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {str(_plain(key)): _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


deadletters = Router("/v1/deadletters", route_handlers=[get_letters, get_letter, post_replay], tags=["operations"])
