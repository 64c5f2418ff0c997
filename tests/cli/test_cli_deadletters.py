"""`outrider deadletters`: list, show, replay, against a real store."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from outrider.cli.deadletters import COMMAND
from outrider.domain.work import DeadLetter, ParkedBody
from outrider.installation import Opened, apply_files, open_store
from outrider.lib.ids import new_id, write_id
from outrider.settings import read_settings
from outrider.testing import builders

EVENT = {"specversion": "1.0", "id": "e-1", "source": "/s", "type": "t", "subject": "c-1", "data": {}}
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)

Do = Callable[[Callable[[Opened], Awaitable[Any]]], Any]


@pytest.fixture
def inside(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Do:
    """An installation with a configuration; does something with its open store."""
    monkeypatch.setenv("OUTRIDER_HOME", str(tmp_path))
    monkeypatch.setenv("OUTRIDER_DATABASE_URL", database_url)
    monkeypatch.setenv("OUTRIDER_UNSAFE_DURABILITY", "1")

    def do(act: Callable[[Opened], Awaitable[Any]]) -> Any:
        async def whole() -> Any:
            async with open_store(read_settings(), database_url, connections=2) as opened:
                return await act(opened)

        return asyncio.run(whole())

    async def configure(opened: Opened) -> None:
        await apply_files(opened, {"outrider.toml": 'home_market = "FR"\n'})

    do(configure)
    return do


def deadletters(*words: str) -> Result:
    return CliRunner().invoke(COMMAND, list(words))


def bury(inside: Do, kind: str, raw: bytes, reason: str = "it broke", stream: bytes | None = None) -> str:
    """A letter in the store; its id."""
    letter = DeadLetter(new_id(NOW, 3, raw), NOW, kind, reason, raw, "$.x", stream)

    async def act(opened: Opened) -> None:
        await opened.store.bury([letter])

    inside(act)
    return write_id("dlt", letter.id)


def test_letters_are_listed_and_shown(inside: Do) -> None:
    assert deadletters("list").stdout == "no dead letters\n"
    name = bury(inside, "event", msgspec.json.encode(EVENT))
    assert deadletters("list").stdout == f"{name} 2026-05-04 12:00:00 UTC event at $.x: it broke\n"
    assert [each["id"] for each in json.loads(deadletters("list", "--json").stdout)] == [name]
    assert json.loads(deadletters("list", "--kind", "stimulus", "--json").stdout) == []
    assert json.loads(deadletters("show", name, "--json").stdout)["content"] == EVENT
    assert '"specversion": "1.0"' in deadletters("show", name).stdout


def test_an_event_is_replayed_into_the_log(inside: Do) -> None:
    name = bury(inside, "event", msgspec.json.encode(EVENT))
    replayed = deadletters("replay", name, "--json")
    assert json.loads(replayed.stdout) == {"id": name, "status": "accepted", "stimuli": 1}

    async def count(opened: Opened) -> int:
        found: int = await opened.store.pool.fetchval("select count(*) from entries")
        return found

    assert inside(count) == 1
    again = deadletters("replay", name)
    assert again.exit_code == 1
    assert "replayed already" in again.stderr
    assert deadletters("list").stdout == "no dead letters\n"
    assert "(replayed 20" in deadletters("list", "--all").stdout


def test_a_quarantined_stimulus_is_replayed(inside: Do) -> None:
    who = builders.stream("anna", 3)
    raw = msgspec.msgpack.encode(ParkedBody(entry=builders.event(who, NOW)))
    name = bury(inside, "stimulus", raw, stream=who)
    assert deadletters("replay", name).stdout == f"{name}: accepted; stimuli put back: 1\n"


def test_what_is_refused_again_says_where_and_why(inside: Do) -> None:
    name = bury(inside, "event", msgspec.json.encode({**EVENT, "subject": None}))
    refused = deadletters("replay", name)
    assert refused.exit_code == 1
    assert "$.subject" in refused.stderr
    assert name in deadletters("list").stdout


@pytest.mark.parametrize("command", ["show", "replay"])
def test_a_letter_that_does_not_exist_is_named(inside: Do, command: str) -> None:
    missing = "dlt_" + "0" * 26
    answer = deadletters(command, missing)
    assert answer.exit_code == 1
    assert "there is no" in answer.stderr
    wrong = deadletters(command, "x")
    assert wrong.exit_code == 2
    assert "expected dlt_" in wrong.stderr
