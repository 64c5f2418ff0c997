"""`/v1/costs`: what was handed over, what it should have cost, and what providers charge."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec
from litestar import get
from litestar.params import QueryParameter

from outrider.analytics.costs import drift, is_off
from outrider.api.deps import Deps
from outrider.api.keys import needs
from outrider.api.paging import id_range
from outrider.contracts.reading_store import CostLine

#: How far back costs look when nothing is said.
LOOK_BACK = timedelta(days=30)

By = Annotated[Literal["market", "route", "template", "purpose"], QueryParameter(description="What to sum up by.")]
Since = Annotated[
    datetime | None, QueryParameter(description="Handed over since then (RFC 3339); 30 days ago unless given.")
]


class CostOut(msgspec.Struct, frozen=True):
    """The costs of one market, route, template or purpose in one currency."""

    key: str
    currency: str | None
    messages: int
    segments_estimated: int
    segments_told: int
    #: Messages whose provider counted other segments than we.
    recounted: int
    estimated: float | None
    told: float | None
    #: Messages whose provider told a price.
    priced: int
    #: Percent, over the messages with an estimate and a price.
    drift: float | None
    #: The drift is more than 2 % either way, or counts differ.
    off: bool


def show_cost(line: CostLine) -> CostOut:
    """One line as it is shown; money to a hundredth of a cent."""
    found = drift(line)
    return CostOut(
        key=line.key,
        currency=line.currency,
        messages=line.messages,
        segments_estimated=line.counted,
        segments_told=line.segments,
        recounted=line.recounted,
        estimated=_money(line.estimated),
        told=_money(line.told),
        priced=line.priced,
        drift=None if found is None else round(100 * found, 2),
        off=is_off(line),
    )


def _money(amount: float | None) -> float | None:
    return None if amount is None else round(amount, 4)


@get("/v1/costs", guards=[needs("messages:read")], summary="Show costs", tags=["routes"])
async def get_costs(deps: Deps, by: By = "market", since: Since = None) -> list[CostOut]:
    """Accepted messages with their segments and costs, estimated and as told, and the drift between the two."""
    now = deps.clock.now()
    id_range(now, since, None)
    return [show_cost(line) for line in await deps.reading.costs(since or now - LOOK_BACK, by)]
