"""`/v1/profiles/{key}/timeline`: everything that happened to one profile, newest first."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, get
from litestar.params import FromPath
from msgspec import Meta

from outrider.api.deps import Deps
from outrider.api.keys import needs
from outrider.api.paging import AFTER_ALL, Cursor, Limit, Page, Since, id_range, page_of, read_cursor
from outrider.api.person import person_streams
from outrider.api.shown import show_attempt, show_decision, show_message, show_receipt
from outrider.contracts.reading_store import AttemptLine, DecisionLine, Happening, MessageLine, Moment
from outrider.domain.entry import Entry, EventEntry, kind_of
from outrider.lib.ids import EPOCH, time_of_id, write_id


class MomentIn(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The form of this page's cursor."""

    at: Annotated[datetime, Meta(tz=True)]
    rank: Annotated[int, Meta(ge=0, le=9)]
    reference: Annotated[bytes, Meta(max_length=64)]


class TimelineItem(msgspec.Struct, frozen=True):
    """One thing that happened. `data` has the form it has on its own page; entries show theirs with `pii:read` only."""

    at: datetime
    #: event, profile, consent, relation, reply, receipt and other entries of the log; decision, message, attempt.
    kind: str
    #: Its id: of the message or decision, or the position in the log.
    id: str
    #: A few words: the event's type, the decision's verdict and gate, the status.
    summary: str
    data: Any = None


@get("/v1/profiles/{key:str}/timeline", guards=[needs("messages:read")], tags=["profiles"], summary="Show the timeline")
async def get_timeline(
    key: FromPath[str],
    deps: Deps,
    request: Request[Any, Any, Any],
    since: Since = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Page[TimelineItem]:
    """Entries of the log, decisions, messages, attempts and receipts of a person, under every key, newest first."""
    now = deps.clock.now()
    first, _ = id_range(now, since, None)
    before = Moment(now, 9, AFTER_ALL) if cursor is None else _moment(read_cursor(cursor, MomentIn))
    streams = await person_streams(deps.reading, deps.hasher, key, "key")
    lines = await deps.reading.timeline(streams, max(time_of_id(first), EPOCH), before, limit + 1)
    pii = request.state.grant.pii
    return page_of(lines, limit, lambda line: _item(*line, pii), lambda line: line[0])


def _moment(given: MomentIn) -> Moment:
    return Moment(given.at, given.rank, given.reference)


def _item(moment: Moment, what: Happening, pii: bool) -> TimelineItem:
    if isinstance(what, Entry):
        return _entry_item(what, pii)
    if isinstance(what, DecisionLine):
        summary = f"{what.verdict} by {what.gate}" if what.gate else what.verdict
        return TimelineItem(moment.at, "decision", write_id("dec", what.id), summary, show_decision(what, pii))
    if isinstance(what, MessageLine):
        summary = f"{what.template} by {what.channel}: {what.status}"
        return TimelineItem(moment.at, "message", write_id("msg", what.id), summary, show_message(what, pii))
    name = write_id("msg", what.message)
    if isinstance(what, AttemptLine):
        summary = f"attempt {what.number} on {what.route}: {what.state}"
        return TimelineItem(moment.at, "attempt", name, summary, show_attempt(what, pii))
    return TimelineItem(moment.at, "receipt", name, what.status, show_receipt(what, pii))


def _entry_item(entry: Entry, pii: bool) -> TimelineItem:
    body = entry.body
    kind = kind_of(body)
    summary = body.event.type if isinstance(body, EventEntry) else kind.replace("_", " ")
    data = msgspec.to_builtins(body, builtin_types=(datetime,)) if pii else None
    return TimelineItem(entry.at, kind, str(entry.position), summary, data)
