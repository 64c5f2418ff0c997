"""The delivery loop on a real event loop: bounded, and no outcome is ever lost."""

from __future__ import annotations

import asyncio

import pytest
from delivery_stage import ACCEPTED, Stage, settle
from worker_stage import World

from outrider import wiring
from outrider.contracts.http import Broken, NotSent, Response
from outrider.domain.attempt import AttemptState, Reason
from outrider.domain.message import Status
from outrider.testing import builders
from outrider.testing.memory_subject import drive
from outrider.workers import deliver, outcomes


@pytest.fixture
def fast(monkeypatch):
    """Another go after a failed write comes at once."""
    monkeypatch.setattr(outcomes, "AGAIN_SECONDS", 0.0)


def test_messages_are_sent_and_accepted_and_counted():
    stage = Stage(20).go(settle)
    assert stage.states() == {"accepted": 20}
    assert (stage.worker.counters.intents, stage.worker.counters.accepted) == (20, 20)
    assert stage.world.tables.delivery_leases.keys() == {stage.world.fence}, "its own lease is closed"


def test_no_more_calls_are_under_way_than_allowed(monkeypatch):
    monkeypatch.setattr(deliver, "IN_FLIGHT", 8)
    monkeypatch.setattr(deliver, "BATCH", 4)
    stage = Stage(60)

    async def act(stage):
        stage.wire.answers.clear()
        await stage.until(lambda: stage.wire.open == 8)
        stage.wire.answers.set()
        await settle(stage)

    stage.go(act)
    assert stage.wire.most == 8
    assert stage.states() == {"accepted": 60}


@pytest.mark.parametrize(
    ("answer", "state", "reason", "status"),
    [
        (NotSent("connection refused"), AttemptState.REFUSED, Reason.NOT_CONNECTED, None),
        (Broken("reset by peer"), AttemptState.UNKNOWN, None, Status.UNKNOWN),
        (ZeroDivisionError("a defect"), AttemptState.UNKNOWN, None, Status.UNKNOWN),
        (Response(500, {}, b"<html>"), AttemptState.UNKNOWN, None, Status.UNKNOWN),
        (Response(201, {}, b"not json"), AttemptState.UNKNOWN, None, Status.UNKNOWN),
    ],
)
def test_what_a_call_may_end_in(answer, state, reason, status):
    stage = Stage()
    stage.wire.told = lambda number: answer if number == 1 else Response(201, {}, ACCEPTED % number)
    stage.go(settle)
    first = stage.world.tables.attempts[stage.world.one("confirm").id, 1]
    assert (first.state, first.reason) == (state, reason)
    assert stage.world.one("confirm").status is (status or Status.ACCEPTED)


def test_a_refusal_fails_over_to_the_next_route_and_is_counted():
    stage = Stage(3)
    stage.wire.told = lambda number: NotSent("refused") if number <= 3 else Response(201, {}, ACCEPTED % number)
    stage.go(settle)
    assert stage.worker.counters.failovers == 3
    assert {one.route for one in stage.world.tables.attempts.values()} == {"first", "second"}
    assert stage.states() == {"refused": 3, "accepted": 3}


class Stubborn:
    """A provider whose named method raises."""

    def __init__(self, inner, method, error):
        self._inner, self._method, self._error = inner, method, error

    def __getattr__(self, name):
        def fail(*_):
            raise self._error

        return fail if name == self._method else getattr(self._inner, name)


@pytest.mark.parametrize(
    ("method", "error", "state"),
    [
        ("request", ValueError("no such sender"), "refused"),
        ("request", KeyError("x"), "refused"),
        ("outcome", KeyError("x"), "unknown"),
    ],
)
def test_a_provider_that_raises_gives_an_outcome_all_the_same(method, error, state):
    stage = Stage()
    for name, account in stage.world.desk.accounts.items():
        provider = Stubborn(account.provider, method, error)
        stage.world.desk.accounts[name] = type(account)(name, provider, account.token)
    stage.go(settle)
    assert stage.states() == {state: 1}
    assert stage.wire.calls == (method == "outcome")


def test_an_account_that_went_away_under_an_intent_sends_nothing():
    stage = Stage()

    def removed(method, moment):
        if (method, moment) == ("commit", "after"):
            stage.world.desk.accounts.pop("first", None)
        stage._hook(method, moment)

    stage.world.store.hook = removed
    stage.go(settle)
    assert stage.states() == {"refused": 2, "accepted": 1}, "its route has a second chance, then the other's turn comes"
    assert stage.wire.calls == 1


@pytest.mark.usefixtures("fast")
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("times", [1, 3])
def test_an_outcome_that_the_store_does_not_take_is_written_again(moment, times):
    stage = Stage(5)
    stage.faults["finish", moment] = times
    stage.go(settle)
    assert stage.states() == {"accepted": 5}
    assert stage.wire.calls == 5, "nothing is sent again"


@pytest.mark.usefixtures("fast")
def test_one_outcome_that_no_column_holds_keeps_back_no_other():
    stage = Stage(5)
    plain = stage.world.store.finish

    async def choosy(fence, done):
        if any("\0" in getattr(one.outcome, "detail", "") for one in done):
            raise RuntimeError("invalid byte sequence for encoding: 0x00")
        await plain(fence, done)

    stage.world.store.finish = choosy
    stage.wire.told = lambda number: Broken("odd\0words") if number == 2 else Response(201, {}, ACCEPTED % number)
    stage.go(settle)
    assert stage.states() == {"accepted": 4, "unknown": 1}
    assert [one.detail for one in stage.world.tables.attempts.values() if one.detail] == ["oddwords"]


@pytest.mark.parametrize(
    ("method", "moment"),
    [("claim", "before"), ("claim", "after"), ("open_lease", "before"), ("open_lease", "after"), ("commit", "before")],
)
def test_a_store_that_breaks_before_the_intent_ends_no_worker_and_sends_nothing_twice(method, moment):
    stage = Stage(3)
    stage.faults[method, moment] = 2
    stage.go(settle)
    assert stage.states() == {"accepted": 3}
    assert stage.wire.calls == 3


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_store_that_breaks_while_there_is_nothing_to_do_ends_no_worker(moment):
    stage = Stage(0)
    stage.faults["next_due", moment] = 2
    stage.go(lambda stage: stage.until(lambda: stage.seen["next_due", "after"] >= 2))
    assert stage.faults["next_due", moment] == 0


def test_an_intent_whose_commit_was_not_confirmed_is_never_sent_and_left_to_the_rescue():
    stage = Stage(2)
    stage.faults["commit", "after"] = 1
    stage.go(lambda stage: stage.until(lambda: stage.seen["open_lease", "after"] == 2))
    assert stage.wire.calls == 0
    assert stage.states() == {"intent": 2}
    stage.world.clock.at += deliver.timedelta(seconds=60)
    assert drive(stage.world.store.rescue(15.0, builders.RESOLVE_WITHIN)) == 2


def test_a_message_that_cannot_be_prepared_is_set_back_and_the_others_go_on():
    stage = Stage(3)
    render, victim = stage.world.desk.render, stage.world.messages()[1].id

    def breaking(message):
        if message.id == victim:
            raise KeyError("a defect")
        return render(message)

    stage.world.desk.render = breaking
    stage.go(lambda stage: stage.until(lambda: stage.states()["accepted"] == 2))
    row = stage.world.tables.messages[victim]
    assert row.status is Status.QUEUED
    assert stage.world.tables.outbox.at(victim) == stage.world.clock.now() + deliver.STUMBLED


def test_a_configuration_that_cannot_be_loaded_sets_back_only_its_own_messages():
    stage = Stage(2)
    victim = stage.world.messages()[0]
    row = stage.world.tables.messages[victim.id]
    row.message = type(victim)(**{**{f: getattr(victim, f) for f in victim.__struct_fields__}, "config": 99})
    stage.go(lambda stage: stage.until(lambda: stage.states()["accepted"] == 1))
    assert row.status is Status.QUEUED


def test_stopping_waits_for_the_answers_under_way():
    stage = Stage(3)

    async def act(stage):
        stage.wire.answers.clear()
        await stage.until(lambda: stage.wire.open == 3)
        stage.worker.stop()

    stage.go(act)
    assert stage.states() == {"accepted": 3}


def test_close_to_the_end_of_its_lease_nothing_is_sent():
    stage = Stage()
    stage.worker.lease.seconds = 5.0
    stage.go(lambda stage: stage.until(lambda: stage.states()["refused"] >= 1))
    assert stage.wire.calls == 0


def test_a_call_whose_lease_was_lost_and_rescued_changes_no_doubt_but_an_acceptance_ends_it():
    stage = Stage(2)

    async def act(stage):
        stage.wire.answers.clear()
        stage.wire.told = lambda number: Broken("late") if number == 1 else Response(201, {}, ACCEPTED % number)
        await stage.until(lambda: stage.wire.open == 2)
        stage.world.clock.at += deliver.timedelta(seconds=200)
        await stage.world.store.rescue(
            15.0, {one: rules.resolve_within for one, rules in stage.world.desk.purposes.items()}
        )
        assert stage.states() == {"unknown": 2}
        assert await stage.worker._renew_lease() is False
        stage.wire.answers.set()
        await stage.until(lambda: stage.states()["accepted"] == 1)

    stage.go(act)
    assert stage.states() == {"accepted": 1, "unknown": 1}
    assert len(stage.world.tables.doubts) == 1


def test_a_lease_that_is_over_is_followed_by_a_new_one():
    stage = Stage(2)

    async def act(stage):
        await settle(stage)
        stage.world.clock.at += deliver.timedelta(seconds=100)
        stage.world.feed(stage.world.booking(key="late", customer="late"))
        stage.wakes.outbox.ring()
        await settle(stage)

    stage.go(act)
    assert stage.states() == {"accepted": 3}
    assert stage.seen["open_lease", "after"] == 2


def test_the_floor_stays_below_an_attempt_begun_while_its_predecessor_was_written():
    stage = Stage()
    worker = stage.worker
    (message,) = stage.world.messages()
    first, second = (builders.intent(message, number) for number in (1, 2))
    worker.lease.open[message.id] = second
    asyncio.run(worker.outcomes.finish([builders.accepted(first)]))
    assert worker.lease.open == {message.id: second}
    asyncio.run(worker.outcomes.finish([builders.accepted(second)]))
    assert worker.lease.open == {}


def test_wiring_gives_the_worker_what_it_renders_with():
    world = World()
    world.feed(world.booking())
    text = wiring.renderer(world.library)(world.one("confirm"))
    assert (text.body.text, text.segments) == ("Hello Zoé, it is booked.", 1)
