"""`/schemas/NAME.json`: what editors load, without a key."""

from __future__ import annotations

import pytest
from api_stage import Stage, is_problem

from conftest import Play
from outrider.configuration.schemas import FILES, pretty, schemas
from outrider.plugged import shipped


def test_every_schema_is_served_without_a_key(in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        made = schemas(shipped())
        for name in FILES:
            answer = await stage.http.get(f"/schemas/{name}.json")
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("application/schema+json")
            assert answer.text == pretty(made[name])

    in_memory(act)


@pytest.mark.parametrize("name", ["nothing.json", "journey", "journey.yaml", "..%2fjourney.json", "journey.json.json"])
def test_any_other_name_is_not_found(name: str, in_memory: Play) -> None:
    async def act(stage: Stage) -> None:
        is_problem(await stage.http.get(f"/schemas/{name}"), 404, "not-found")

    in_memory(act)
