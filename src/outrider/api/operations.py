"""`/healthz`, `/readyz`, `/metrics`."""

from __future__ import annotations

import msgspec
from litestar import MediaType, Response, get

from outrider.api.deps import Deps
from outrider.api.keys import needs
from outrider.contracts.reading_store import Check

#: Prometheus' text format.
METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Health(msgspec.Struct, frozen=True):
    """The process is alive."""

    status: str


class Readiness(msgspec.Struct, frozen=True):
    """Whether work is done, and what says so."""

    ready: bool
    checks: list[Check]


@get("/healthz", tags=["operations"], summary="Is the process alive", media_type=MediaType.JSON)
async def get_health() -> Health:
    """Answers as long as the process does; asks nothing of the database."""
    return Health("ok")


@get("/readyz", tags=["operations"], summary="Is the installation ready")
async def get_readiness(deps: Deps) -> Response[Readiness]:
    """200 when the database answers, its tables are current, and engine and delivery hold fresh leases; else 503."""
    checks = await deps.reading.checks()
    ready = all(check.ok for check in checks)
    return Response(Readiness(ready, checks), status_code=200 if ready else 503)


@get("/metrics", guards=[needs("metrics:read")], tags=["operations"], summary="Counters and gauges for Prometheus")
async def get_metrics(deps: Deps) -> Response[bytes]:
    """Counters of this process, and what waits in the database."""
    return Response(deps.metrics.render(await deps.reading.backlog()), media_type=METRICS_TYPE)
