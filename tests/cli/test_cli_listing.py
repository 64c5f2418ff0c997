"""`outrider messages` and `outrider decisions`: what is listed, page by page, and what nobody may see."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result

from outrider.api.messages import Statuses
from outrider.cli import main
from outrider.cli._listing import in_columns, with_notes
from outrider.cli.messages import STATUSES
from outrider.domain.decision import Verdict
from outrider.domain.message import Message, Status
from outrider.domain.profile import Address, Identity, Profile
from outrider.domain.work import Decided
from outrider.installation import Opened, open_store
from outrider.lib.ids import new_id, write_id
from outrider.orchestration.record import pack
from outrider.settings import Settings
from outrider.store.launcher import Running
from outrider.testing import builders
from outrider.testing.postgres import fresh_database

PHONE = "+33612345678"


class Day:
    """What an engine would have written: id by a short name."""

    def __init__(self, opened: Opened) -> None:
        self.opened = opened
        self.now: datetime = opened.clock.now()
        self.ids: dict[str, bytes] = {}

    async def write(self) -> dict[str, bytes]:
        anna, ben = (self.opened.hasher.stream("profile", key) for key in ("c-1", "c-2"))
        made = (
            self._message("failed", anna, 50, status=Status.FAILED, channel="push"),
            self._message("held", anna, 40, status=Status.HELD, template="offer"),
            self._message("british", ben, 30, market="GB"),
        )
        gone = self._message("dropped", ben, 20, template="offer")
        people = tuple(
            Profile(stream, Identity(key, {}, (Address("sms", PHONE),)), market="FR", created_at=self.now)
            for stream, key in ((anna, "c-1"), (ben, "c-2"))
        )
        held = {"verdict": Verdict.HOLD, "gate": "quiet_hours", "reason": "It is night in Paris."}
        drop = {"verdict": Verdict.DROP, "gate": "consent", "reason": "The person withdrew.", "channel": ""}
        stories = (_decided(made[0]), _decided(made[1], **held), _decided(made[2]), _decided(gone, **drop))
        store = self.opened.store
        lease = await store.lease("day", 3600, 32)
        await store.save(builders.batch(lease, self.now, profiles=people, messages=made, decisions=stories))
        await store.pool.execute("update messages set reason = 'dead_address' where id = $1", self.ids["failed"])
        return self.ids

    def _message(self, name: str, who: bytes, minutes_ago: float, **changes: Any) -> Message:
        at = self.now - timedelta(minutes=minutes_ago)
        self.ids[name] = new_id(at, who[0], name.encode())
        return builders.message(who, at, **{"id": self.ids[name], **changes})


def _decided(about: Message, **changes: Any) -> Decided:
    made = builders.changed(builders.decided(about).decision, **changes)
    return Decided(made, pack(made, "1.0", "2026a", "ab" * 32))


@pytest.fixture(scope="module")
def world(postgres_server: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Any]]:
    """Environment of the command, and ids by name."""
    home = tmp_path_factory.mktemp("listing")
    with fresh_database(postgres_server) as dsn:

        async def write() -> dict[str, bytes]:
            async with open_store(settings, dsn, connections=2) as opened:
                return await Day(opened).write()

        settings = Settings(home=home, database_url=dsn, unsafe_durability=True)
        ids = asyncio.run(write())
        yield {"OUTRIDER_HOME": str(home), "OUTRIDER_DATABASE_URL": dsn, "OUTRIDER_UNSAFE_DURABILITY": "1"}, ids


def run(world: tuple[Mapping[str, str], Any], *arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), env=world[0])


def names(world: tuple[Any, Mapping[str, bytes]], result: Result, prefix: str = "msg") -> list[str]:
    """What a JSON page lists, by short name."""
    known = {write_id(prefix, identifier): name for name, identifier in world[1].items()}
    return [known[item["id"]] for item in json.loads(result.stdout)["items"]]


def test_messages_are_listed_newest_first_with_what_there_is_to_say(world: Any) -> None:
    head, *lines = run(world, "messages").stdout.splitlines()
    assert head.split("  ")[0] == "created (UTC)"
    assert [line.split()[2] for line in lines if not line.startswith(" ")] == ["queued", "held", "failed"]
    assert lines[0].endswith(f"  sms      GB      hello     {write_id('msg', world[1]['british'])}")
    assert lines[2].startswith("    decided again at 20")
    assert lines[4] == "    the app is gone from the device"


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ((), ["british", "held", "failed"]),
        (("--profile", "c-1"), ["held", "failed"]),
        (("--profile", "c-1", "--template", "hello"), ["failed"]),
        (("--market", "GB"), ["british"]),
        (("--channel", "push"), ["failed"]),
        (("--status", "held"), ["held"]),
        (("--journey", "nowhere"), []),
        (("--since", "35m"), ["british"]),
    ],
)
def test_messages_are_filtered(world: Any, filters: tuple[str, ...], found: list[str]) -> None:
    assert names(world, run(world, "messages", "--json", *filters)) == found


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ((), ["dropped", "british", "held", "failed"]),
        (("--profile", "c-2"), ["dropped", "british"]),
        (("--verdict", "hold"), ["held"]),
        (("--gate", "consent"), ["dropped"]),
        (("--profile", "c-2", "--gate", "quiet_hours"), []),
        (("--template", "offer"), ["dropped", "held"]),
        (("--profile", "c-1", "--template", "offer"), ["held"]),
        (("--journey", "nowhere"), []),
    ],
)
def test_decisions_are_filtered(world: Any, filters: tuple[str, ...], found: list[str]) -> None:
    assert names(world, run(world, "decisions", "--json", *filters), "dec") == found


def test_what_was_held_or_dropped_is_listed_with_gate_and_reason(world: Any) -> None:
    _, *lines = run(world, "decisions").stdout.splitlines()
    assert lines[0].split()[2:] == ["drop", "consent", "-", "offer", write_id("dec", world[1]["dropped"])]
    assert lines[1] == "    The person withdrew."
    assert lines[2].split()[2:4] == ["send", "-"]
    assert lines[4] == "    It is night in Paris."


@pytest.mark.parametrize(("command", "count"), [("messages", 3), ("decisions", 4)])
def test_pages_follow_each_other_to_the_end(world: Any, command: str, count: int) -> None:
    lines: list[str] = []
    cursor: list[str] = []
    for _ in range(count):
        told = run(world, command, "--limit", "1", *cursor).stdout.splitlines()
        lines.append(told[1])
        cursor = told[-1].removeprefix("more with ").split()
    assert not told[-1].startswith("more with")
    whole = run(world, command).stdout.splitlines()[1:]
    assert [line.split() for line in lines] == [line.split() for line in whole if not line.startswith(" ")]


@pytest.mark.parametrize("command", ["messages", "decisions"])
def test_nothing_personal_is_listed(world: Any, command: str) -> None:
    text = run(world, command).stdout + run(world, command, "--json").stdout
    assert PHONE not in text
    assert "612345678" not in text
    assert "Zoé" not in text
    assert json.loads(run(world, command, "--json").stdout)["items"][0]["profile"] is None


@pytest.mark.parametrize("command", ["messages", "decisions"])
def test_a_page_without_anything_says_so(world: Any, command: str) -> None:
    assert run(world, command, "--template", "unheard").stdout == f"no {command} in this time\n"


@pytest.mark.parametrize("command", ["messages", "decisions"])
@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (("--cursor", "nonsense"), 1, "cursor: expected the `next` of a page, unchanged"),
        (("--profile", ""), 1, "profile: expected 1 to 512 characters"),
        (("--since", "999999999w"), 2, "expected a duration of at most a year, such as 12h or 30d"),
        (("--limit", "0"), 2, "1<=x<=200"),
    ],
)
def test_wrong_arguments_are_refused_with_what_was_expected(
    world: Any, command: str, arguments: tuple[str, ...], status: int, words: str
) -> None:
    result = run(world, command, *arguments)
    assert (result.exit_code, words in result.stderr) == (status, True), result.stderr


def test_the_statuses_to_choose_from_are_all_there_are() -> None:
    assert set(STATUSES) == set(Status) == set(Statuses.__args__)  # type: ignore[attr-defined]


def test_columns_are_as_wide_as_their_longest_cell() -> None:
    assert in_columns([("a", "bb"), ("ccc", "d")], right=(1,)) == ["a    bb", "ccc   d"]
    assert with_notes(("x",), [("1",), ("2",)], ["", "because"]) == ["x", "1", "2", "    because"]
