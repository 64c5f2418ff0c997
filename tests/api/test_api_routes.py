"""`/v1/routes` and `/v1/costs` on PostgreSQL."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from api_stage import Stage, is_problem

from conftest import Play
from outrider.domain.attempt import Accepted
from outrider.domain.health import RouteChange, RouteHealth
from outrider.domain.message import Message, Status
from outrider.domain.outbox import Done, Next
from outrider.domain.purpose import Purpose
from outrider.lib.ids import new_id
from outrider.testing import builders


async def health(stage: Stage) -> None:
    """The board after a bad time on the route `main`, and two processes that let it rest."""
    board, now = await stage.store.board()
    main = RouteHealth(0.5, 40.0, 12.0, 4.0, 20.0, 30.0, 6.0, 0.95, now)
    change = RouteChange(now, "main", "weight", "100%", "50%", "12 of 40 attempts were refused", {"tries": 40.0})
    assert await stage.store.save_board(builders.changed(board, routes={"main": main}), [change])
    opened = [RouteChange(now, "main", "breaker", "closed", "open", "no answer", process=name) for name in ("p", "q")]
    for name in ("p", "q"):
        await stage.store.open_lease(name, 600)
    await stage.store.note_changes(opened)


def test_a_route_is_shown_with_weight_state_health_changes_and_closed_countries(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        (before,) = (await stage.ask("GET", "/v1/routes")).json()
        assert (before["state"], before["effective_weight"], before["changes"]) == ("well", 100.0, [])
        assert before["health"]["refused"] is None
        await health(stage)
        (route,) = (await stage.ask("GET", "/v1/routes", scopes="messages:read")).json()
        assert (route["name"], route["provider"], route["sender"]) == ("main", "twilio", "AzurDrive")
        assert (route["weight"], route["effective_weight"]) == (100, 50.0)
        assert (route["state"], route["resting_in"]) == ("resting", 2)
        assert route["health"] == {
            "attempts": 40.0,
            "refused": 0.3,
            "slow": 0.1,
            "seconds": 0.5,
            "missing_receipts": 0.2,
            "usual_receipts": 0.95,
        }
        assert set(route["barred"]) == {"ES", "IT", "US"}
        assert "is not registered in ES" in route["barred"]["ES"]
        assert sorted(change["kind"] for change in route["changes"]) == ["rest", "rest", "weight"]
        assert {(c["before"], c["after"]) for c in route["changes"] if c["kind"] == "rest"} == {("in use", "resting")}
        weight = next(change for change in route["changes"] if change["kind"] == "weight")
        assert (weight["before"], weight["after"], weight["evidence"]) == ("100%", "50%", {"tries": 40.0})

    on_postgres(act)


class Sent:
    """Accepted messages, as delivery would have left them."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.now = stage.deps.clock.now()

    async def send(self, who: bytes, name: str, accepted: Accepted, days_ago: float = 0, **changes: Any) -> None:
        store = self.stage.store
        lease = await store.lease("past", 3600, 32)
        at = self.now - timedelta(days=days_ago)
        fields = {key: changes.pop(key) for key in ("market", "purpose", "template") if key in changes}
        made: Message = builders.message(who, at, name, not_after=self.now + timedelta(days=1), **fields)
        made = builders.changed(made, id=new_id(at, who[0], builders.digest("m", name)))
        person = builders.profile(who, self.now)
        await store.save(
            builders.batch(lease, self.now, profiles=(person,), messages=(made,), decisions=(builders.decided(made),))
        )
        fence = await store.open_lease("worker", 3600)
        intent = builders.intent(made, **changes)
        async with store.claim(100) as claim:
            assert await claim.commit(fence, [intent], []) == []
        done = Done(made.id, made.stream, 1, intent.account, accepted, Next(Status.ACCEPTED), False)
        await store.finish(fence, [done])


async def a_month(stage: Stage) -> None:
    sent, who = Sent(stage), builders.stream("anna", 1)
    await sent.send(who, "a", Accepted("p-a", 1, 0.05, "EUR"))
    await sent.send(who, "b", Accepted("p-b", 2, 0.1, "EUR"), segments=1)
    await sent.send(who, "c", Accepted("p-c"), market="DE", purpose=Purpose.LEGAL, estimate=0.08, route="sms/other")
    await sent.send(who, "d", Accepted("p-d", 1, 0.009, "USD"), market="DE", template="offer")
    await sent.send(who, "e", Accepted("p-e"), market="PT", estimate=None, currency=None)


def test_costs_are_summed_by_market_and_currency_with_their_drift(on_postgres: Play) -> None:
    async def act(stage: Stage) -> None:
        await a_month(stage)
        lines = (await stage.ask("GET", "/v1/costs", scopes="messages:read")).json()
        assert [(line["key"], line["currency"], line["messages"]) for line in lines] == [
            ("DE", "EUR", 1),
            ("DE", "USD", 1),
            ("FR", "EUR", 2),
            ("PT", None, 1),
        ]
        assert lines[2] == {
            "key": "FR",
            "currency": "EUR",
            "messages": 2,
            "segments_estimated": 2,
            "segments_told": 3,
            "recounted": 1,
            "estimated": 0.1,
            "told": 0.15,
            "priced": 2,
            "drift": 50.0,
            "off": True,
        }
        assert (lines[0]["told"], lines[0]["drift"], lines[0]["off"]) == (None, None, False)
        assert (lines[1]["told"], lines[1]["drift"]) == (0.009, None), "an estimate in euros says nothing of dollars"
        assert lines[1]["estimated"] is None, "nor is it one in dollars"

    on_postgres(act)


@pytest.mark.parametrize(
    ("by", "keys"),
    [
        ("route", ["sms/main", "sms/main", "sms/main", "sms/other"]),
        ("purpose", ["legal", "service", "service", "service"]),
        ("template", ["a", "b", "c", "e", "offer"]),
    ],
)
def test_costs_are_summed_by_what_is_asked(on_postgres: Play, by: str, keys: list[str]) -> None:
    async def act(stage: Stage) -> None:
        await a_month(stage)
        assert [line["key"] for line in (await stage.ask("GET", f"/v1/costs?by={by}")).json()] == keys
        future = (stage.deps.clock.now() + timedelta(minutes=1)).isoformat().replace("+00:00", "Z")
        assert (await stage.ask("GET", f"/v1/costs?by={by}&since={future}")).json() == []

    on_postgres(act)


@pytest.mark.parametrize(
    ("query", "status", "slug"),
    [("by=shoe", 400, "unreadable-request"), ("since=2026-01-01T00:00:00", 400, "unreadable-request")],
)
def test_what_cannot_be_asked_is_refused(on_postgres: Play, query: str, status: int, slug: str) -> None:
    async def act(stage: Stage) -> None:
        is_problem(await stage.ask("GET", f"/v1/costs?{query}"), status, slug)

    on_postgres(act)


@pytest.mark.parametrize("path", ["/v1/routes", "/v1/costs"])
def test_both_need_the_right_to_read_messages(on_postgres: Play, path: str) -> None:
    async def act(stage: Stage) -> None:
        is_problem(await stage.ask("GET", path, scopes="events:write"), 403, "forbidden")

    on_postgres(act)
