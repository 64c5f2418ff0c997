"""Messages, decisions and timelines: what they show, to whom, page by page, on PostgreSQL."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from api_stage import Stage, aware, cloud_event, is_problem

from conftest import Play
from outrider.api.shown import masked
from outrider.domain.attempt import Accepted
from outrider.domain.decision import GateResult, GateVerdict, Judgment, Verdict
from outrider.domain.message import Content, Message, Rendition, Status
from outrider.domain.outbox import Done, Next
from outrider.domain.profile import Address, Identity, Profile, Share
from outrider.domain.receipt import Receipt, ReceiptStatus, Reported
from outrider.domain.work import Decided
from outrider.lib.ids import new_id, write_id
from outrider.orchestration.record import pack
from outrider.testing import builders

PHONE = "+33612345678"
BODY = "Bonjour Anna, your car waits at bay 7."


class Past:
    """Writes what an engine and delivery would have written."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.store = stage.store
        self.now: datetime = stage.deps.clock.now()
        self.lease: Any = None

    def stream(self, key: str) -> bytes:
        return self.stage.deps.hasher.stream("profile", key)

    async def save(self, **fields: Any) -> None:
        if self.lease is None:
            self.lease = await self.store.lease("past", 3600, 32)
        await self.store.save(builders.batch(self.lease, self.now, **fields))

    async def person(self, key: str) -> bytes:
        identity = Identity(key, {"name": "Anna"}, (Address("sms", PHONE),))
        await self.save(profiles=(Profile(self.stream(key), identity, market="FR", created_at=self.now),))
        return self.stream(key)

    def message(self, who: bytes, seconds_ago: float, name: str = "hello", **changes: Any) -> Message:
        at = self.now - timedelta(seconds=seconds_ago)
        content = Content(PHONE, "fr", {"name": "Anna"})
        identifier = new_id(at, who[0], f"{name}{seconds_ago}".encode())
        return builders.message(who, at, name, id=identifier, content=content, **changes)

    def decision(self, about: Message, number: int = 0, verdict: Verdict = Verdict.SEND) -> Decided:
        judgment = {
            Verdict.SEND: Judgment(GateVerdict.PASS, "", "0 of 3 used"),
            Verdict.HOLD: Judgment(GateVerdict.HOLD, "It is night in Paris.", until=self.now + timedelta(hours=8)),
            Verdict.DROP: Judgment(GateVerdict.DROP, "The person withdrew.", otherwise="the person had not withdrawn"),
        }[verdict]
        stopped = "" if verdict is Verdict.SEND else "quiet_hours"
        made = builders.changed(
            builders.decided(about, number).decision,
            verdict=verdict,
            gate=stopped,
            reason=judgment.reason,
            until=judgment.until,
            results=(GateResult(stopped or "frequency_cap", "sms", judgment),),
        )
        return Decided(made, pack(made, "1.0", "2026a", "ab" * 32))

    async def send(self, *messages: Message) -> None:
        """Decide, save, hand over, accept and report as delivered."""
        decisions = tuple(self.decision(each) for each in messages)
        await self.save(messages=messages, decisions=decisions)
        fence = await self.store.open_lease("worker", 3600)
        intents = [builders.intent(each, account="main", body=Rendition(BODY)) for each in messages]
        async with self.store.claim(1000) as claim:
            assert await claim.commit(fence, intents, []) == []
        accepted = Accepted("p-1", 1, 0.04, "EUR")
        await self.store.finish(
            fence, [Done(each.id, each.stream, 1, "main", accepted, Next(Status.ACCEPTED), False) for each in messages]
        )
        receipt = Receipt("p-1", ReceiptStatus.DELIVERED, detail=f"delivered to {PHONE}")
        await self.store.report([Reported("main", receipt, self.now, (each.id, 1)) for each in messages])


async def pages(stage: Stage, path: str, between: Any = None) -> list[Any]:
    """Every item of a list, page by page; `between` runs after each page."""
    items: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        joint = "&" if "?" in path else "?"
        page = (await stage.ask("GET", path + (f"{joint}cursor={cursor}" if cursor else ""))).json()
        items += page["items"]
        cursor = page["next"]
        if between:
            await between()
    return items


def test_a_message_is_shown_with_all_that_led_to_it_and_came_of_it(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        past = Past(stage)
        sent = past.message(await past.person("c-1"), 5)
        await past.send(sent)
        name = write_id("msg", sent.id)
        shown = (await stage.ask("GET", f"/v1/messages/{name}")).json()
        assert (shown["id"], shown["profile"], shown["status"]) == (name, "c-1", "delivered")
        assert (shown["address"], shown["values"]) == (PHONE, {"name": "Anna"})
        (decision,) = shown["decisions"]
        assert decision["explanation"][0].startswith("Send by sms")
        assert any("was delivered" in sentence for sentence in decision["explanation"])
        assert decision["gates"][0]["margin"] == "0 of 3 used"
        (attempt,) = shown["attempt_list"]
        assert (attempt["body"], attempt["estimate"], attempt["price"], attempt["currency"]) == (
            {"text": BODY},
            0.05,
            0.04,
            "EUR",
        )
        (receipt,) = shown["receipts"]
        assert receipt["status"] == "delivered"
        assert (await stage.ask("GET", f"/v1/messages/{name.replace('msg', 'dec')}")).json() == shown

    on_postgres(act)


def test_a_message_names_its_whole_escalation_and_nothing_else_of_that_instant(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        past = Past(stage)
        who, other = await past.person("c-1"), await past.person("c-2")
        push = past.message(who, 9, "push", channel="push", status=Status.HELD)
        sms = past.message(who, 9, "sms", root=push.id)
        alone = past.message(who, 9, "alone")
        stranger = builders.changed(past.message(other, 9, "stranger"), id=push.id[:7] + bytes(9))
        gone = past.message(who, 9, "gone", channel="email")
        third = past.decision(gone, verdict=Verdict.DROP)
        made = [push, sms, alone, stranger]
        decided = [
            *(past.decision(each) for each in (push, alone, stranger)),
            following(past.decision(sms), push, 1, "push failed"),
            following(third, push, 2, "sms failed"),
        ]
        await past.save(messages=made, decisions=tuple(decided))
        shown = (await stage.ask("GET", f"/v1/messages/{write_id('msg', sms.id)}")).json()
        assert [(one["id"], one["status"], one["verdict"], one["fallback"]) for one in shown["escalation"]] == [
            (write_id("msg", push.id), "held", "send", ""),
            (write_id("msg", sms.id), "queued", "send", "push failed"),
            (write_id("dec", gone.id), None, "drop", "sms failed"),
        ]
        first = (await stage.ask("GET", f"/v1/messages/{write_id('msg', push.id)}")).json()
        assert first["escalation"] == shown["escalation"]
        lonely = (await stage.ask("GET", f"/v1/messages/{write_id('msg', alone.id)}")).json()
        assert lonely["escalation"] == []

    on_postgres(act)


def following(decided: Decided, first: Message, rung: int, why: str) -> Decided:
    """A decision on a fallback."""
    candidate = builders.changed(decided.decision.candidate, root=first.id, rung=rung, fallback=why)
    made = builders.changed(decided.decision, candidate=candidate)
    return Decided(made, pack(made, "1.0", "2026a", "ab" * 32))


def test_words_of_providers_and_contents_are_masked_for_the_command_line(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        past = Past(stage)
        sent = past.message(await past.person("c-1"), 5)
        await past.send(sent)
        view = await stage.deps.reading.message(sent.id)
        assert view is not None
        assert PHONE in str(view)
        assert PHONE not in str(masked(view))
        assert BODY not in str(masked(view))
        assert masked(view).receipts[0].detail == "delivered to +336••••••78"

    on_postgres(act)


@pytest.mark.parametrize("key", ["c-1", "app-7", "old-3"])
def test_every_key_of_a_person_shows_the_whole_person(on_postgres: Play, key: str) -> None:
    async def act(stage: Stage) -> None:
        past = Past(stage)
        identities = (
            Identity("c-1", merged={"app-7": Share()}),
            Identity("app-7", merged_into="c-1", merged={"old-3": Share()}),
            Identity("old-3", merged_into="app-7"),
            Identity("c-2"),
        )
        people = [Profile(past.stream(each.key), each, market="FR", created_at=past.now) for each in identities]
        messages = tuple(past.message(each.stream, 9, f"to-{each.key}") for each in people)
        dropped = past.decision(past.message(past.stream("app-7"), 8, "no"), verdict=Verdict.DROP)
        decisions = (*(past.decision(each) for each in messages), dropped)
        await past.save(profiles=tuple(people), messages=messages, decisions=decisions)
        await stage.store.append([builders.event(past.stream("old-3"), past.now)])
        mine = {"to-c-1", "to-app-7", "to-old-3"}
        assert {item["template"] for item in await pages(stage, f"/v1/messages?limit=2&profile={key}")} == mine
        assert {item["template"] for item in await pages(stage, f"/v1/decisions?profile={key}")} == {*mine, "no"}
        kinds = Counter(item["kind"] for item in await pages(stage, f"/v1/profiles/{key}/timeline?limit=3"))
        assert kinds == {"message": 3, "decision": 4, "event": 1}

    on_postgres(act)


def test_readers_without_pii_see_no_address_name_or_text(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        past = Past(stage)
        sent = past.message(await past.person("customer-anna"), 5)
        await past.send(sent)
        entry = builders.event(past.stream("customer-anna"), past.now)
        await stage.store.append([entry])
        for path in (
            f"/v1/messages/{write_id('msg', sent.id)}",
            "/v1/messages",
            "/v1/decisions",
            f"/v1/decisions/{write_id('dec', sent.id)}",
            "/v1/profiles/customer-anna/timeline",
        ):
            masked = await stage.ask("GET", path, scopes="messages:read")
            assert masked.status_code == 200, masked.text
            assert masked.headers["cache-control"] == "no-store"
            for secret in (PHONE, "12345", "Anna", "bay 7", "customer-anna"):
                assert secret not in masked.text, path
            clear = await stage.ask("GET", path, scopes="messages:read pii:read")
            assert "customer-anna" in clear.text, path
        message = (await stage.ask("GET", f"/v1/messages/{write_id('msg', sent.id)}", scopes="messages:read")).json()
        assert message["address"] == "+336••••••78"
        assert message["receipts"][0]["detail"] == "delivered to +336••••••78"

    on_postgres(act)


def test_pages_stay_the_same_while_messages_keep_coming(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        past = Past(stage)
        who = await past.person("c-1")
        sent = [past.message(who, 60 - n) for n in range(7)]
        await past.send(*sent)
        later = iter(range(100))

        async def another() -> None:
            newer = past.message(who, -1 - next(later), "newer")
            await past.save(messages=(newer,), decisions=(past.decision(newer),))

        expected = [write_id("msg", each.id) for each in reversed(sent)]
        for path in ("/v1/messages?limit=3", "/v1/messages?limit=3&profile=c-1"):
            until = (past.now + timedelta(milliseconds=500)).isoformat().replace("+00:00", "Z")
            items = await pages(stage, f"{path}&until={until}", another)
            assert [item["id"] for item in items] == expected
        assert len(await pages(stage, "/v1/messages?limit=2")) > len(expected)

    on_postgres(act)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("profile=c-1", {"a", "b"}),
        ("profile=c-2", {"c"}),
        ("profile=nobody", set()),
        ("template=b", {"b"}),
        ("journey=onboarding", {"c"}),
        ("channel=voice", {"b"}),
        ("market=GB", {"c"}),
        ("profile=c-1&market=GB", set()),
        ("status=queued", {"b", "c"}),
        ("status=delivered&channel=sms", {"a"}),
        ("status=failed", set()),
    ],
)
def test_messages_are_filtered(on_postgres: Play, query: str, names: set[str]) -> None:
    async def act(stage: Stage) -> None:
        past = Past(stage)
        one, two = await past.person("c-1"), await past.person("c-2")
        await past.send(past.message(one, 9, "a"))
        waiting = (
            past.message(one, 8, "b", channel="voice"),
            past.message(two, 7, "c", journey="onboarding", market="GB"),
        )
        await past.save(messages=waiting, decisions=tuple(past.decision(each) for each in waiting))
        items = await pages(stage, f"/v1/messages?limit=1&{query}")
        assert {item["template"] for item in items} == names

    on_postgres(act)


def test_messages_are_bounded_in_time(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        past = Past(stage)
        who = await past.person("c-1")
        messages = [past.message(who, seconds) for seconds in (30, 20, 10)]
        await past.save(messages=tuple(messages), decisions=tuple(past.decision(each) for each in messages))

        def at(seconds: float) -> str:
            return (past.now - timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")

        items = await pages(stage, f"/v1/messages?since={at(25)}&until={at(15)}")
        assert [item["id"] for item in items] == [write_id("msg", messages[1].id)]
        assert await pages(stage, f"/v1/messages?until={at(40)}") == []

    on_postgres(act)


def test_decisions_show_also_what_was_not_sent(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        past = Past(stage)
        who = await past.person("c-1")
        dropped, held = past.message(who, 9, "dropped"), past.message(who, 8, "held")
        await past.save(
            messages=(held,),
            decisions=(
                past.decision(dropped, verdict=Verdict.DROP),
                past.decision(held, verdict=Verdict.HOLD),
                past.decision(held, 1),
            ),
        )
        for scope in ("", "&profile=c-1"):
            items = await pages(stage, f"/v1/decisions?limit=1{scope}")
            found = [(item["template"], item["number"], item["verdict"]) for item in items]
            assert found == [("held", 1, "send"), ("held", 0, "hold"), ("dropped", 0, "drop")]
            (drop,) = await pages(stage, f"/v1/decisions?verdict=drop{scope}")
            assert (drop["gate"], drop["reason"]) == ("quiet_hours", "The person withdrew.")
            assert await pages(stage, f"/v1/decisions?journey=other{scope}") == []
            assert len(await pages(stage, f"/v1/decisions?gate=quiet_hours{scope}")) == 2
            assert await pages(stage, f"/v1/decisions?template=held&gate=consent{scope}") == []
        both = (await stage.ask("GET", f"/v1/decisions/{write_id('dec', held.id)}")).json()
        assert [each["number"] for each in both] == [0, 1]
        single = (await stage.ask("GET", f"/v1/decisions/{write_id('msg', dropped.id)}")).json()
        assert any("if the person had not withdrawn" in sentence for sentence in single[0]["explanation"])

    on_postgres(act)


def test_a_timeline_has_everything_in_time_order_whatever_the_page_size(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        key = await stage.key("events:write")
        past = Past(stage)
        who = await past.person("c-1")
        await past.send(*(past.message(who, 60 - n) for n in range(3)))
        await past.save(decisions=(past.decision(past.message(who, 50, "no"), verdict=Verdict.DROP),))
        for number in (1, 2):
            body = msgspec.json.encode(cloud_event(number, subject="c-1"))
            headers = {**key, "content-type": "application/cloudevents+json"}
            assert (await stage.http.post("/v1/events", content=body, headers=headers)).status_code == 202
        await stage.ask("POST", "/v1/consents", json={"profile": "c-1", "purpose": "service", "state": "granted"})
        whole = await pages(stage, "/v1/profiles/c-1/timeline?limit=200")
        kinds = [item["kind"] for item in whole]
        assert {kind: kinds.count(kind) for kind in kinds} == {
            "consent": 1,
            "event": 2,
            "decision": 4,
            "message": 3,
            "attempt": 3,
            "receipt": 3,
        }
        times = [aware(item["at"]) for item in whole]
        assert times == sorted(times, reverse=True)
        for limit in (1, 2, 5):
            assert await pages(stage, f"/v1/profiles/c-1/timeline?limit={limit}") == whole
        since = (past.now - timedelta(seconds=30)).isoformat().replace("+00:00", "Z")
        recent = await pages(stage, f"/v1/profiles/c-1/timeline?since={since}")
        assert "message" not in {item["kind"] for item in recent}
        assert "event" in {item["kind"] for item in recent}
        assert await pages(stage, "/v1/profiles/nobody/timeline") == []

    on_postgres(act)


def test_an_erased_person_leaves_pages_without_personal_data(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        past = Past(stage)
        sent = past.message(await past.person("c-1"), 5)
        await past.send(sent)
        async with stage.engine() as engine:
            await stage.store.release(past.lease)
            engine.wakes.log.ring()
            erased = await stage.ask("DELETE", "/v1/profiles/c-1?wait=applied")
            assert erased.json()["applied"]
        shown = (await stage.ask("GET", f"/v1/messages/{write_id('msg', sent.id)}")).json()
        assert (shown["profile"], shown["address"], shown["values"]) == (None, None, None)
        assert shown["attempt_list"][0]["body"] is None
        assert shown["decisions"][0]["explanation"]
        assert (await stage.ask("GET", "/v1/profiles/c-1/timeline")).status_code == 200

    on_postgres(act)


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/decisions", "/v1/profiles/c-1/timeline", "/v1/deadletters"])
@pytest.mark.parametrize("cursor", ["x", "AAAA", "gA", "____", "kw", "é", "x" * 300])
def test_a_cursor_that_is_none_is_refused(in_memory: Play, path: str, cursor: str) -> None:
    async def act(stage: Stage) -> None:
        document = is_problem(await stage.ask("GET", f"{path}?cursor={cursor}"), 400, "unreadable-request")
        assert document["errors"][0]["path"] == "cursor"

    in_memory(act)


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/v1/messages?limit=0", "limit"),
        ("/v1/messages?limit=201", "limit"),
        ("/v1/messages?limit=many", "limit"),
        ("/v1/messages?since=yesterday", "since"),
        ("/v1/messages?since=2026-05-04T09:30:00", "since"),
        ("/v1/messages?until=9999-01-01T00:00:00Z", "until"),
        ("/v1/messages?status=lost", "status"),
        ("/v1/decisions?verdict=maybe", "verdict"),
        ("/v1/messages/msg_1", "id"),
        ("/v1/messages/key_00000000000000000000000000", "id"),
        ("/v1/decisions/dec_UUUUUUUUUUUUUUUUUUUUUUUUUU", "id"),
        ("/v1/deadletters/x", "id"),
        ("/v1/messages?profile=", "profile"),
        ("/v1/messages?journey=a%00b", "journey"),
    ],
)
def test_parameters_that_cannot_be_read_are_named(in_memory: Play, path: str, parameter: str) -> None:
    async def act(stage: Stage) -> None:
        document = is_problem(await stage.ask("GET", path), 400, "unreadable-request")
        assert [each["path"] for each in document["errors"]] == [parameter]

    in_memory(act)


def test_what_is_not_there_is_404(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        for path in (
            "/v1/messages/msg_01JD6QZX5N8V4T2R9K3M7P0AWC",
            "/v1/decisions/dec_01JD6QZX5N8V4T2R9K3M7P0AWC",
            "/v1/deadletters/dlt_01JD6QZX5N8V4T2R9K3M7P0AWC",
            "/v1/profiles/nobody",
            "/v1/objects/booking/none",
        ):
            is_problem(await stage.ask("GET", path), 404, "not-found")

    on_postgres(act)


def test_a_database_that_is_gone_is_503_on_every_page(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        key = await stage.key("*")
        assert (await stage.http.get("/v1/messages", headers=key)).status_code == 200
        await stage.store.pool.close()
        for path in (
            "messages",
            "decisions",
            "deadletters",
            "suppressions",
            "pauses",
            "profiles/c-1",
            "profiles/c-1/timeline",
        ):
            answer = await stage.http.get(f"/v1/{path}", headers=key)
            is_problem(answer, 503, "unavailable")
            assert answer.headers["retry-after"] == "1"
        lifted = await stage.http.request("DELETE", "/v1/pauses", json={"scope": "everything"}, headers=key)
        is_problem(lifted, 503, "unavailable")

    on_postgres(act)
