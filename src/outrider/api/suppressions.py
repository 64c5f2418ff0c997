"""`/v1/suppressions`: addresses that are not written to. Addresses stand in bodies, never in URLs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Router, delete, get, post, put
from litestar.params import JSONBody
from msgspec import Meta

from outrider.api.deps import ApiDeps, Deps
from outrider.api.keys import needs
from outrider.api.paging import Cursor, Limit, Page, page_of, read_cursor
from outrider.api.people import Channel, read_address
from outrider.api.problems import rejected
from outrider.api.writing import lift, stand
from outrider.contracts.reading_store import StandingStop
from outrider.domain.entry import Stop
from outrider.domain.stops import OPT_OUT_PURPOSES, address_key, opt_out_key

SCOPE = "address"
SCOPES = (SCOPE, "opt_out")


class AddressAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One address on one channel; national numbers are read in `market`, or else in the home market."""

    channel: Channel
    address: Annotated[str, Meta(min_length=1, max_length=512, examples=["+33612345678"])]
    market: str | None = None


class SuppressionIn(AddressAsked, frozen=True, forbid_unknown_fields=True):
    """An address that is not to be written to, and why."""

    reason: Annotated[str, Meta(min_length=1, max_length=200)] = "set by an operator"


class LiftIn(AddressAsked, frozen=True, forbid_unknown_fields=True):
    """An address that may be written to again."""

    #: Lift the STOP, too, that the person wrote from it: only when they ask to hear from us again.
    opt_out: bool = False


class SuppressionOut(msgspec.Struct, frozen=True):
    """Whether an address is suppressed."""

    suppressed: bool
    #: The keyed hash under which it is known; the list holds nothing else of it.
    hash: str
    reason: str | None = None
    since: datetime | None = None
    #: Purposes that are suppressed; none named: every purpose.
    purposes: tuple[str, ...] = ()
    #: Days on which mail to it came back for passing reasons and that may still count; null in lists.
    soft_bounces: int | None = None


@put("/", guards=[needs("profiles:write")], summary="Suppress an address", status_code=200)
async def put_suppression(data: JSONBody[SuppressionIn], deps: Deps) -> SuppressionOut:
    """Nothing more goes to this address from the answer on, whatever the backlog and the purpose."""
    if "\0" in data.reason:
        raise rejected("$.reason", "the character U+0000 is not allowed")
    hashed = _hash(deps, data)
    await stand(deps, [Stop(address_key(hashed), SCOPE, data.reason)])
    return await _state(deps, hashed)


@delete("/", guards=[needs("profiles:write")], summary="Lift a suppression", status_code=200)
async def delete_suppression(data: JSONBody[LiftIn], deps: Deps) -> SuppressionOut:
    """The address may be written to again. A STOP the person wrote stays, unless `opt_out` says to lift it."""
    hashed = _hash(deps, data)
    await lift(deps, [address_key(hashed), opt_out_key(hashed)] if data.opt_out else [address_key(hashed)])
    return await _state(deps, hashed)


@post("/find", guards=[needs("profiles:read")], summary="Ask about an address", status_code=200)
async def find_suppression(data: JSONBody[AddressAsked], deps: Deps) -> SuppressionOut:
    """Whether an address is suppressed. A POST, since an address must not stand in a URL and GET has no body."""
    return await _state(deps, _hash(deps, data))


@get("/", guards=[needs("profiles:read")], summary="List suppressions")
async def get_suppressions(deps: Deps, limit: Limit = 50, cursor: Cursor = None) -> Page[SuppressionOut]:
    """Every suppressed address by its keyed hash; the address itself cannot be had from it."""
    after = "" if cursor is None else read_cursor(cursor, str)
    lines = await deps.reading.stops_of(SCOPES, after.replace("\0", ""), limit + 1)
    return page_of(lines, limit, _show, lambda line: line.stop.key)


def _hash(deps: ApiDeps, data: AddressAsked) -> bytes:
    markets = deps.configuration().policy.markets
    if data.market and data.market.upper() not in markets:
        raise rejected("$.market", f"there is no market '{data.market[:20]}'; known: {', '.join(sorted(markets))}")
    address = read_address(data.channel, data.address, deps.configuration(), data.market)
    if isinstance(address, str):
        raise rejected("$.address", address)
    return deps.hasher.address(address.channel, address.value)


async def _state(deps: ApiDeps, hashed: bytes) -> SuppressionOut:
    found = await deps.reading.stops([address_key(hashed), opt_out_key(hashed)])
    found.sort(key=lambda line: SCOPES.index(line.stop.scope))
    shown = _show(found[0]) if found else SuppressionOut(False, hashed.hex())
    return msgspec.structs.replace(shown, soft_bounces=await deps.reading.soft_bounces(hashed))


def _show(line: StandingStop) -> SuppressionOut:
    purposes = tuple(sorted(OPT_OUT_PURPOSES)) if line.stop.scope == "opt_out" else ()
    return SuppressionOut(True, line.stop.key.partition(":")[2], line.stop.reason, line.at, purposes)


suppressions = Router(
    "/v1/suppressions",
    route_handlers=[put_suppression, delete_suppression, find_suppression, get_suppressions],
    tags=["suppressions"],
)
