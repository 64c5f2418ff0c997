"""`/v1/consents`: new lines of the consent ledger, and the ledger of one profile."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.di import Provide
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from outrider.api.deps import ApiDeps, Deps
from outrider.api.identities import streams_of_person
from outrider.api.keys import needs
from outrider.api.paging import Cursor, Limit, Page, page_of, read_cursor
from outrider.api.people import wrong_traits
from outrider.api.problems import REJECTED, Problem, Wrong
from outrider.api.wording import CHANNEL
from outrider.api.writing import LONGEST_KEY, Seconds, Written, check_key, lift, wait_seconds, write
from outrider.contracts.reading_store import LedgerLine
from outrider.domain.entry import ConsentEntry, Entry, Stop
from outrider.domain.profile import ConsentState
from outrider.domain.purpose import Purpose
from outrider.domain.stops import consent_key
from outrider.ingest.mapping import PROFILE

#: The largest line number (PostgreSQL's bigint).
NEWEST = 2**63 - 1


class ConsentIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of the ledger."""

    profile: Annotated[str, Meta(min_length=1, max_length=LONGEST_KEY, examples=["c-1042"])]
    purpose: Purpose
    state: ConsentState
    #: Empty: for every channel.
    channel: Annotated[str, Meta(pattern=f"{CHANNEL}|^$", examples=["sms"])] = ""
    source: Annotated[str, Meta(max_length=200, description="Where it was given.", examples=["app/settings"])] = ""
    #: What proves it: wording version, form, time stamp.
    evidence: dict[str, Any] = {}
    #: When it was given, where that is not now.
    at: Annotated[datetime, Meta(tz=True)] | None = None


class LedgerOut(msgspec.Struct, frozen=True):
    """One line of the ledger as kept; its evidence is shown with the scope `pii:read` only."""

    number: int
    purpose: str
    channel: str
    state: str
    at: datetime
    source: str
    evidence: dict[str, Any] | None


@post(
    "/v1/consents",
    status_code=202,
    guards=[needs("profiles:write")],
    dependencies={"seconds": Provide(wait_seconds)},
    tags=["consents"],
    summary="Record a consent or its withdrawal",
)
async def post_consent(data: JSONBody[ConsentIn], deps: Deps, seconds: Seconds) -> Response[Written]:
    """Add a line to the ledger. A withdrawal stops delivery from the answer on, whatever the backlog."""
    check_line(data)
    stream = deps.hasher.stream(PROFILE, data.profile)
    stops = await stops_of_consent(deps, data)
    if data.state is not ConsentState.WITHDRAWN:
        # Before the append: a withdrawal that comes meanwhile keeps its stop. Rather silent than unlawful.
        await lift(deps, [stop.key for stop in stops])
        stops = []
    entry = Entry(stream, line_of(data), deps.clock.now())
    return await write(deps, seconds, entry, lambda: _current(deps, stream), stops)


async def stops_of_consent(deps: ApiDeps, data: ConsentIn) -> list[Stop]:
    """The stops that a withdrawal puts and a grant lifts: one for each key of the person. Raises Unavailable."""
    reason = f"consent to {data.purpose} was withdrawn"
    streams = await streams_of_person(deps, data.profile)
    return [Stop(consent_key(stream, data.purpose, data.channel), "consent", reason) for stream in streams]


def check_line(data: ConsentIn) -> None:
    """Raises Problem (422) for a line that no ledger can keep."""
    wrong = wrong_traits(data.evidence, "$.evidence")
    wrong += [
        Wrong(f"$.{name}", "the character U+0000 is not allowed")
        for name in ("profile", "source")
        if "\0" in getattr(data, name)
    ]
    if wrong:
        raise Problem(REJECTED, errors=wrong)


def line_of(data: ConsentIn) -> ConsentEntry:
    """The line as an entry holds it."""
    return ConsentEntry(
        key=data.profile,
        purpose=str(data.purpose),
        state=str(data.state),
        channel=data.channel,
        source=data.source,
        evidence=data.evidence,
        at=data.at,
    )


async def _current(deps: ApiDeps, stream: bytes) -> dict[str, str]:
    profile = await deps.reading.profile(stream)
    return {name: str(state) for name, state in profile.consents.items()} if profile else {}


@get("/v1/profiles/{key:str}/consents", guards=[needs("profiles:read")], tags=["consents"], summary="Show the ledger")
async def get_consents(
    key: FromPath[str], deps: Deps, request: Request[Any, Any, Any], limit: Limit = 50, cursor: Cursor = None
) -> Page[LedgerOut]:
    """Every consent and withdrawal of a profile, newest first."""
    stream = deps.hasher.stream(PROFILE, check_key("key", key))
    before = NEWEST if cursor is None else read_cursor(cursor, Annotated[int, Meta(ge=0, le=NEWEST)])  # type: ignore[arg-type]
    lines = await deps.reading.consents(stream, before, limit + 1)
    pii = request.state.grant.pii
    return page_of(lines, limit, lambda line: _show(line, pii), lambda line: line.number)


def _show(line: LedgerLine, pii: bool) -> LedgerOut:
    evidence = line.evidence if pii else None
    return LedgerOut(line.number, line.purpose, line.channel, line.state, line.at, line.source, evidence)
