"""Fixtures every test may ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

# No test is timed: on a busy machine a deadline for an example, or for drawing it, would fail at random.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

pytest.register_assert_rewrite("outrider.testing")

from outrider.store.launcher import Running  # noqa: E402  (after the rewriting is asked for)
from outrider.testing.postgres import embedded_server, fresh_database  # noqa: E402


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Running]:
    """One PostgreSQL for the whole session (of this worker, when tests run in parallel)."""
    with embedded_server() as running:
        yield running


@pytest.fixture
def database_url(postgres_server: Running) -> Iterator[str]:
    """The connection URL of an empty database of this test's own."""
    with fresh_database(postgres_server) as url:
        yield url
