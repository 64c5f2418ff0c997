"""Dead letters: listed, shown, and replayed in each of their three ways."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from api_stage import TOKEN, Stage, booking_event, cloud_event, is_problem

from conftest import Play
from outrider.contracts.reading_store import CannotReplay
from outrider.domain.entry import Entry, EventEntry
from outrider.domain.work import DeadLetter, Fenced, Parked, ParkedBody, Timer
from outrider.lib.ids import new_id, write_id
from outrider.testing import builders

ONE = {"content-type": "application/cloudevents+json"}


async def letters(stage: Stage, query: str = "") -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await stage.ask("GET", f"/v1/deadletters{query}")).json()["items"]
    return items


async def reject(stage: Stage, event: dict[str, Any]) -> dict[str, Any]:
    """Post an event that is refused; its letter."""
    key = await stage.key("events:write")
    answer = await stage.http.post("/v1/events", content=msgspec.json.encode(event), headers={**key, **ONE})
    is_problem(answer, 422, "rejected")
    return (await letters(stage))[0]


def test_letters_are_listed_newest_first_by_kind_and_page(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        for number in range(3):
            await reject(stage, cloud_event(number, specversion="2"))
        await stage.http.post(f"/v1/callbacks/backup/{TOKEN}", content=b"?")
        every = await letters(stage)
        assert [letter["kind"] for letter in every] == ["callback", "event", "event", "event"]
        assert every[0]["place"] == "backup"
        assert [letter["id"] for letter in await letters(stage, "?kind=event")] == [each["id"] for each in every[1:]]
        assert await letters(stage, "?kind=stimulus") == []
        first = (await stage.ask("GET", "/v1/deadletters?limit=3")).json()
        rest = (await stage.ask("GET", f"/v1/deadletters?limit=3&cursor={first['next']}")).json()
        assert [*first["items"], *rest["items"]] == every

    on_postgres(act)


def test_what_a_letter_holds_is_shown_to_readers_with_pii_only(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        event = booking_event(1, id=None, name="Anna")
        path = f"/v1/deadletters/{(await reject(stage, event))['id']}"
        assert (await stage.ask("GET", path)).json()["content"] == event
        masked = await stage.ask("GET", path, scopes="messages:read")
        assert masked.json()["content"] is None
        assert "Anna" not in masked.text

    on_postgres(act)


def test_an_event_is_replayed_under_the_present_configuration(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        letter = await reject(stage, booking_event(1, id=None))
        path = f"/v1/deadletters/{letter['id']}/replay"
        again = is_problem(await stage.ask("POST", path), 422, "rejected")
        assert again["errors"][0]["path"] == "$.data.customer.id"
        assert len(await letters(stage)) == 1, "a refused replay makes no further letter"
        company = stage.deps.configuration()
        mapper = type(company.mapper)((), {}, "FR")
        stage.deps.configuration = lambda: msgspec.structs.replace(company, mapper=mapper)
        is_problem(await stage.ask("POST", path), 422, "rejected")
        raw = msgspec.json.encode(booking_event(1))
        now = stage.deps.clock.now()
        good = DeadLetter(new_id(now, 0), now, "event", "unknown then", raw)
        stage.deps.configuration = lambda: company
        await stage.store.bury([good])
        path = f"/v1/deadletters/{write_id('dlt', good.id)}/replay"
        assert (await stage.ask("POST", path)).json() == {"status": "accepted", "stimuli": 1}
        (entry,) = await stage.entries()
        assert isinstance(entry.body, EventEntry)
        is_problem(await stage.ask("POST", path), 409, "conflict")
        assert [each["id"] for each in await letters(stage)] == [letter["id"]]
        assert len(await letters(stage, "?replayed=true")) == 2

    on_postgres(act)


def test_an_event_that_came_again_meanwhile_is_a_duplicate(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        now = stage.deps.clock.now()
        raw = msgspec.json.encode(cloud_event(1))
        await stage.store.bury([DeadLetter(new_id(now, 0), now, "event", "then", raw)])
        key = await stage.key("events:write")
        await stage.http.post("/v1/events", content=raw, headers={**key, **ONE})
        (letter,) = await letters(stage)
        assert (await stage.ask("POST", f"/v1/deadletters/{letter['id']}/replay")).json()["status"] == "duplicate"
        assert len(await stage.entries()) == 1

    on_postgres(act)


def test_a_reply_is_replayed_once_its_sender_is_known(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        reply = {"messageId": "m-1", "from": "33612345678", "body": {"text": "Hi"}, "recipient": {"to": "36180"}}
        assert (await stage.http.post(f"/v1/callbacks/backup/{TOKEN}", json=reply)).status_code == 200
        (letter,) = await letters(stage)
        path = f"/v1/deadletters/{letter['id']}/replay"
        is_problem(await stage.ask("POST", path), 422, "rejected")
        async with stage.engine():
            body = {"addresses": [{"channel": "sms", "value": "+33612345678"}]}
            await stage.ask("PUT", "/v1/profiles/c-1?wait=applied", json=body)
        assert (await stage.ask("POST", path)).json()["status"] == "accepted"
        assert [entry.body.text for entry in await stage.entries() if hasattr(entry.body, "text")] == ["Hi"]

    on_postgres(act)


class Quarantine:
    """A stream blocked by a poison entry, with what waits behind it."""

    def __init__(self, stage: Stage, name: str = "anna") -> None:
        self.stage = stage
        self.now = stage.deps.clock.now()
        self.who = builders.stream(name, 3)
        self.timer = Timer(b"o" * 16, "wait", self.now - timedelta(minutes=1), self.who, 3)
        self.poison = builders.event(self.who, self.now, f"{name} poison")
        self.behind = [builders.event(self.who, self.now, f"{name} {n}") for n in range(3)]
        self.letter = DeadLetter(
            new_id(self.now, self.who[0], name.encode()),
            self.now,
            "stimulus",
            "ValueError: poison",
            msgspec.msgpack.encode(ParkedBody(entry=self.poison)),
            place="7",
            stream=self.who,
        )

    async def make(self) -> None:
        store = self.stage.store
        await store.append([self.poison, *self.behind])
        lease = await store.lease("engine", 3600, 32)
        work = await store.take(lease, 100)
        await store.save(builders.batch(lease, work.now, dead_letters=(self.letter,)))
        parked = [Parked(each) for each in (*work.entries[1:3], self.timer, *work.entries[3:])]
        await store.save(builders.batch(lease, work.now, cursors=work.cursors, parked=tuple(parked)))
        self.lease = lease


def test_a_quarantined_stimulus_goes_back_with_all_that_waited_in_order(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        case = Quarantine(stage)
        await case.make()
        work = await stage.store.take(case.lease, 100)
        assert work.blocked == {case.who}
        assert not work.entries
        rung: list[bool] = []
        stage.wakes.log.pass_on = lambda: rung.append(True)
        name = write_id("dlt", case.letter.id)
        replayed = await stage.ask("POST", f"/v1/deadletters/{name}/replay")
        assert replayed.json() == {"status": "accepted", "stimuli": 5}
        assert rung
        work = await stage.store.take(case.lease, 100)
        assert work.blocked == frozenset()
        found = [entry.body.event.id for entry in work.entries if isinstance(entry.body, EventEntry)]
        assert found == ["anna poison", "anna 0", "anna 1", "anna 2"]
        assert list(work.timers) == [case.timer]
        assert await stage.store.parked(case.who, 10) == []
        is_problem(await stage.ask("POST", f"/v1/deadletters/{name}/replay"), 409, "conflict")
        assert len((await stage.store.take(case.lease, 100)).entries) == 4

    on_postgres(act)


def test_a_quarantined_timer_goes_back_among_the_timers(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        case = Quarantine(stage)
        case.letter = builders.changed(case.letter, raw=msgspec.msgpack.encode(ParkedBody(timer=case.timer)))
        lease = await stage.store.lease("engine", 3600, 32)
        await stage.store.save(builders.batch(lease, case.now, dead_letters=(case.letter,)))
        assert await stage.deps.letters.replay_letter(case.letter.id) == 1
        assert list((await stage.store.take(lease, 10)).timers) == [case.timer]

    on_postgres(act)


def test_only_the_letter_that_blocks_a_stream_is_replayed_first(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        case = Quarantine(stage)
        await case.make()
        second = builders.changed(case.letter, id=new_id(case.now, case.who[0], b"second"))
        await stage.store.bury([second, builders.changed(second, id=b"e" * 16, kind="event")])
        with pytest.raises(CannotReplay, match="another letter"):
            await stage.deps.letters.replay_letter(second.id)
        with pytest.raises(CannotReplay, match="no quarantined stimulus"):
            await stage.deps.letters.replay_letter(b"e" * 16)
        with pytest.raises(CannotReplay, match="no such"):
            await stage.deps.letters.replay_letter(b"n" * 16)
        assert len(await stage.store.parked(case.who, 10)) == 4

    on_postgres(act)


def test_a_replay_that_meets_an_engine_neither_loses_nor_strands_a_stimulus(on_postgres: Play) -> None:
    """The engine parks while the letter is replayed: either it was before, or it is told to take its batch anew."""

    async def act(stage: Stage) -> None:
        case = Quarantine(stage)
        await case.make()
        late = builders.event(case.who, case.now, "late")
        await stage.store.append([late])
        work = await stage.store.take(case.lease, 100)
        park = builders.batch(
            case.lease, work.now, cursors=work.cursors, parked=tuple(Parked(entry) for entry in work.entries)
        )
        results = await asyncio.gather(
            stage.store.save(park), stage.deps.letters.replay_letter(case.letter.id), return_exceptions=True
        )
        assert not isinstance(results[1], BaseException)
        assert results[0] is None or isinstance(results[0], Fenced)
        lease = await stage.store.lease("engine", 3600, 32)
        after: tuple[Entry, ...] = (await stage.store.take(lease, 100)).entries
        names = [entry.body.event.id for entry in after if isinstance(entry.body, EventEntry)]
        assert sorted(names) == ["anna 0", "anna 1", "anna 2", "anna poison", "late"]
        assert [name for name in names if name != "late"] == ["anna poison", "anna 0", "anna 1", "anna 2"]
        assert await stage.store.parked(case.who, 10) == []

    on_postgres(act)
