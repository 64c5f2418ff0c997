"""`outrider routes` and `outrider costs`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from outrider.api.costs import CostOut
from outrider.api.routes import ChangeOut, HealthOut, RouteOut
from outrider.cli import main
from outrider.cli.costs import table
from outrider.cli.routes import lines
from outrider.installation import apply_files, open_store
from outrider.settings import Settings
from outrider.store.launcher import Running
from outrider.testing.postgres import fresh_database

TOML = """
[accounts.main]
provider = "smsmode"
api_key = "env:KEY"

[[routes]]
name = "main"
channel = "sms"
account = "main"
sender = "RENTAL"
"""
AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)


@pytest.fixture
def env(postgres_server: Running, tmp_path: Path) -> Iterator[Mapping[str, str]]:
    """An empty installation."""
    with fresh_database(postgres_server) as dsn:
        yield {"OUTRIDER_HOME": str(tmp_path), "OUTRIDER_DATABASE_URL": dsn, "OUTRIDER_UNSAFE_DURABILITY": "1"}


def run(env: Mapping[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), env=env)


async def _apply(env: Mapping[str, str]) -> None:
    settings = Settings(
        home=Path(env["OUTRIDER_HOME"]), database_url=env["OUTRIDER_DATABASE_URL"], unsafe_durability=True
    )
    async with open_store(settings, env["OUTRIDER_DATABASE_URL"], connections=2) as opened:
        await apply_files(opened, {"outrider.toml": TOML})


def test_the_routes_of_the_applied_configuration_are_listed(env: Mapping[str, str]) -> None:
    before = run(env, "routes")
    assert (before.exit_code, "no configuration was applied yet" in before.stderr) == (1, True)
    asyncio.run(_apply(env))
    text = run(env, "routes").stdout
    assert text.startswith("main: sms as RENTAL by main (smsmode), weight 100, well\n")
    assert "not in ES: sender 'RENTAL' through smsmode is not registered in ES" in text
    (route,) = json.loads(run(env, "routes", "--json").stdout)
    assert (route["name"], route["weight"], route["state"]) == ("main", 100, "well")


def test_without_messages_there_are_no_costs(env: Mapping[str, str]) -> None:
    assert run(env, "costs").stdout == "nothing was handed over in this time\n"
    assert json.loads(run(env, "costs", "--by", "route", "--since", "12h", "--json").stdout) == []


@pytest.mark.parametrize("since", ["soon", "2y", "400d"])
def test_a_time_that_is_none_is_refused(since: str) -> None:
    result = run({}, "costs", "--since", since)
    assert (result.exit_code, "such as 12h or 30d" in result.stderr) == (2, True)


def test_a_route_in_words() -> None:
    health = HealthOut(40.0, 0.3, 0.1, 0.5, 0.2, 0.95)
    changes = (
        ChangeOut(AT, "weight", "100%", "50%", "refused", {}, ""),
        ChangeOut(AT, "rest", "in use", "resting", "no answer", {}, "host:1"),
        ChangeOut(AT, "rest", "on trial", "resting", "no answer", {}, "host:1"),
        ChangeOut(AT, "rest", "on trial", "in use", "a trial message got an answer", {}, "host:1"),
        ChangeOut(AT, "rest", "resting", "on trial", "why", {}, "host:1"),
    )
    route = RouteOut(
        "main", "sms", "a", "smsmode", "RENTAL", (), (), 60, 30.0, "resting", 2, health, {"ES": "why"}, changes
    )
    assert list(lines(route)) == [
        "main: sms as RENTAL by a (smsmode), weight 30 of 60, resting in 2 processes",
        "    lately: 40 attempts, 30.0% refused or broken off, 10.0% slow, 0.50 s to an answer, "
        "20.0% without a receipt (usually 5.0%)",
        "    not in ES: why",
        "    2026-03-02 09:30:00 UTC gets 50% of its weight, 100% before: refused",
        "    2026-03-02 09:30:00 UTC host:1 lets it rest: no answer",
        "    2026-03-02 09:30:00 UTC host:1 lets it rest longer, the trial message failed: no answer",
        "    2026-03-02 09:30:00 UTC host:1 uses it again: a trial message got an answer",
        "    2026-03-02 09:30:00 UTC host:1 has it on trial: why",
    ]


def test_costs_stand_in_columns_and_what_is_off_is_marked() -> None:
    made = [
        CostOut("FR", "EUR", 1200, 1300, 1310, 10, 65.0, 66.95, 1200, 3.0, True),
        CostOut("PT", None, 5, 5, 5, 0, None, None, 0, None, False),
    ]
    assert table(made) == [
        "    messages  segments  theirs    estimated      charged   drift",
        "FR      1200      1300    1310  65.0000 EUR  66.9500 EUR  +3.0 %  ← look here",
        "PT         5         5       5            -            -       -",
    ]
