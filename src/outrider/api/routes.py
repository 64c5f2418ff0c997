"""`/v1/routes`: every way out with its weight, its health, its changes and where it may not be used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
from litestar import get

from outrider.api.deps import Deps
from outrider.api.keys import needs
from outrider.configuration import Configuration
from outrider.contracts.reading_store import Reading
from outrider.delivery.breaker import LONGEST_REST
from outrider.domain.health import Board, RouteChange, RouteHealth
from outrider.domain.route import Route

#: The kinds of changes, and the states of a breaker, in operators' words.
KINDS = {"breaker": "rest"}
WORDS = {"closed": "in use", "open": "resting", "half_open": "on trial"}
#: Changes that are shown of each route, and how far back.
MOST_CHANGES = 5
LOOK_BACK = timedelta(days=31)
#: A process that said nothing for two of the longest rests has nothing to send.
FRESH_SECONDS = 2 * LONGEST_REST


class ChangeOut(msgspec.Struct, frozen=True):
    """One change of a route: of its weight's share, or of whether one process uses it."""

    at: datetime
    #: weight (of all processes) or rest (of one).
    kind: str
    #: A share of the weight such as 50%; of a rest: in use, resting, or on trial (one message shows how it is).
    before: str
    after: str
    reason: str
    evidence: dict[str, float]
    process: str


class HealthOut(msgspec.Struct, frozen=True):
    """What was seen of a route lately; counts fade, so they are no whole numbers. Parts are null without a count."""

    attempts: float
    refused: float | None
    slow: float | None
    #: Seconds to an answer, on average.
    seconds: float | None
    #: Of the accepted messages whose receipt is due.
    missing_receipts: float | None
    #: The part that usually has one.
    usual_receipts: float


class RouteOut(msgspec.Struct, frozen=True):
    """One route."""

    name: str
    channel: str
    account: str
    provider: str | None
    sender: str
    markets: tuple[str, ...]
    purposes: tuple[str, ...]
    weight: int
    #: The configured weight times the share that health leaves it.
    effective_weight: float
    #: well, weakened (below its full weight), or resting (a process sends nothing on it for a while).
    state: str
    #: How many processes let it rest.
    resting_in: int
    health: HealthOut
    #: Country → why it may not be used there today.
    barred: dict[str, str]
    changes: tuple[ChangeOut, ...]


async def read_routes(reading: Reading, configuration: Configuration) -> list[RouteOut]:
    """All configured routes, in their order. Raises Unavailable."""
    names = [route.name for route in configuration.toml.routes]
    board, now = await reading.board()
    changes = await reading.route_changes(names, now - LOOK_BACK, MOST_CHANGES)
    resting = await reading.resting(FRESH_SECONDS)
    return show_routes(configuration, board, changes, resting, now)


def show_routes(
    configuration: Configuration,
    board: Board,
    changes: Sequence[RouteChange],
    resting: Mapping[str, int],
    now: datetime,
) -> list[RouteOut]:
    """The routes as they are shown."""
    legality = configuration.toml.legality(configuration.policy.markets.values())
    return [
        _show(
            route,
            legality.providers.get(route.account),
            board.routes.get(route.name, RouteHealth()),
            resting.get(route.name, 0),
            dict(legality.barred(route, now.date())),
            [change for change in changes if change.route == route.name],
        )
        for route in configuration.toml.routes
    ]


def _show(
    route: Route,
    provider: str | None,
    health: RouteHealth,
    resting: int,
    barred: dict[str, str],
    changes: Sequence[RouteChange],
) -> RouteOut:
    return RouteOut(
        name=route.name,
        channel=route.channel,
        account=route.account,
        provider=provider,
        sender=route.sender,
        markets=route.markets,
        purposes=tuple(map(str, route.purposes)),
        weight=route.weight,
        effective_weight=round(route.weight * health.share, 2),
        state="resting" if resting else "weakened" if health.share < 1 else "well",
        resting_in=resting,
        health=_health(health),
        barred=barred,
        changes=tuple(map(_show_change, changes)),
    )


def _show_change(one: RouteChange) -> ChangeOut:
    before, after = WORDS.get(one.before, one.before), WORDS.get(one.after, one.after)
    return ChangeOut(one.at, KINDS.get(one.kind, one.kind), before, after, one.reason, one.evidence, one.process)


def _health(health: RouteHealth) -> HealthOut:
    return HealthOut(
        attempts=round(health.tries, 1),
        refused=_part(health.refused, health.tries),
        slow=_part(health.slow, health.tries),
        seconds=_part(health.seconds, health.tries),
        missing_receipts=_part(health.missing, health.due),
        usual_receipts=round(health.usual, 3),
    )


def _part(count: float, whole: float) -> float | None:
    return round(count / whole, 3) if whole >= 0.5 else None


@get("/v1/routes", guards=[needs("messages:read")], summary="Show routes", tags=["routes"])
async def get_routes(deps: Deps) -> list[RouteOut]:
    """Every route with its weight, state, health, latest changes, and the countries it may not be used in."""
    return await read_routes(deps.reading, deps.configuration())
