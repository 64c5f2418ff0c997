"""PostgreSQL passes the store suites."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from outrider.domain.outbox import Ceiling
from outrider.store.launcher import Running
from outrider.testing.postgres import fresh_database, template_database
from outrider.testing.postgres_subject import PostgresSubject, prepare
from outrider.testing.store_subject import StoreFactory, Subject
from outrider.testing.store_suite import AnswerSuite, DeliveryStoreSuite, EngineStoreSuite, LogSuite, RouteSuite


@pytest.fixture(scope="session")
def store_template(postgres_server: Running) -> str:
    return template_database(postgres_server, prepare)


class OnPostgres:
    @pytest.fixture
    def store_factory(self, postgres_server: Running, store_template: str) -> Iterator[StoreFactory]:
        with fresh_database(postgres_server, store_template) as url:
            made: list[PostgresSubject] = []

            def make(ceiling: Ceiling) -> Subject:
                made.append(PostgresSubject(url, ceiling))
                return made[-1]

            factory: Callable[[Ceiling], Subject] = make
            yield factory
            for subject in made:
                subject.close()


class TestPostgresLog(OnPostgres, LogSuite):
    pass


class TestPostgresAnswers(OnPostgres, AnswerSuite):
    pass


class TestPostgresEngineStore(OnPostgres, EngineStoreSuite):
    pass


class TestPostgresDeliveryStore(OnPostgres, DeliveryStoreSuite):
    pass


class TestPostgresRouteStore(OnPostgres, RouteSuite):
    pass
