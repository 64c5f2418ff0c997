"""Pages: opaque cursors, bounded sizes, bounded times."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from litestar.params import QueryParameter

from outrider.api.problems import UNREADABLE as UNREADABLE_KIND
from outrider.api.problems import Problem, Wrong, unknown_parameter
from outrider.lib.ids import BadId, first_id_at, read_id

T = TypeVar("T")
Line = TypeVar("Line")

#: Beyond the largest id there is.
AFTER_ALL = b"\xff" * 16
#: How far back a page looks when it is not told.
LOOK_BACK = timedelta(days=31)

Limit = Annotated[int, QueryParameter(ge=1, le=200, description="Most items in the answer.")]
Cursor = Annotated[str | None, QueryParameter(max_length=200, description="`next` of the page before.")]
Since = Annotated[
    datetime | None, QueryParameter(description="Not earlier than this (RFC 3339); 31 days ago unless given.")
]
Until = Annotated[datetime | None, QueryParameter(description="Earlier than this (RFC 3339).")]


class Page(msgspec.Struct, Generic[T], frozen=True):
    """Items in order, and the cursor of the next page; null on the last one."""

    items: list[T]
    next: str | None = None


def write_cursor(place: Any) -> str:
    """A place in an order as an opaque text."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(place)).rstrip(b"=").decode()


def read_cursor(text: str, kind: type[T]) -> T:
    """The place behind a cursor. Raises Problem (400)."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return msgspec.msgpack.decode(raw, type=kind)
    except (binascii.Error, ValueError, UnicodeError) as error:
        raise unknown_parameter("cursor", "expected the `next` of a page, unchanged") from error


def page_of(lines: Sequence[Line], limit: int, shown: Callable[[Line], T], place: Callable[[Line], Any]) -> Page[T]:
    """The first `limit` lines; the one beyond, when there is one, says that there is a next page."""
    cursor = write_cursor(place(lines[limit - 1])) if len(lines) > limit else None
    return Page([shown(line) for line in lines[:limit]], cursor)


def id_range(now: datetime, since: datetime | None, until: datetime | None) -> tuple[bytes, bytes]:
    """The ids of a span of time: from, and up to but not including. Raises Problem (400)."""
    for name, at in (("since", since), ("until", until)):
        if at is not None and (at.tzinfo is None or not 1970 <= at.year <= 9000):
            raise unknown_parameter(name, "expected an RFC 3339 time with a zone, such as 2026-05-04T09:30:00Z")
    start = since or min(now, until or now) - LOOK_BACK
    return first_id_at(start), first_id_at(until) if until else AFTER_ALL


def path_id(text: str, *prefixes: str) -> bytes:
    """The id in a path. Raises Problem (400) for what is none."""
    prefix = text.partition("_")[0]
    try:
        return read_id(prefix if prefix in prefixes else prefixes[0], text)
    except BadId as error:
        raise Problem(UNREADABLE_KIND, errors=[Wrong("id", str(error))]) from error
