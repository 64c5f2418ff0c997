"""Between the intent and its call: what may still keep a message from being sent, and loses none."""

from __future__ import annotations

from datetime import timedelta

import pytest
from delivery_stage import Stage, settle
from structlog.testing import capture_logs

from outrider.contracts.http import Broken, Response
from outrider.delivery.legality import Legality
from outrider.domain.attempt import Reason
from outrider.domain.entry import Stop
from outrider.domain.message import Status
from outrider.domain.registration import Registration, RegistrationStatus
from outrider.domain.stops import address_key, pause_key
from outrider.testing.memory_subject import drive


def when_durable(stage, act):
    """Do something once, right after the first intents were committed."""
    done = []

    def hook(method, moment):
        if (method, moment) == ("commit", "after") and not done:
            done.append(True)
            act()
        stage._hook(method, moment)

    stage.world.store.hook = hook


def attempts(stage):
    return [(str(one.state), one.route, one.reason) for one in stage.world.tables.attempts.values()]


def test_a_stop_that_was_committed_while_the_intent_was_written_is_obeyed():
    stage = Stage(2)
    victim, other = stage.world.messages()
    stop = Stop(address_key(victim.address), "address", "they wrote STOP")
    when_durable(stage, lambda: drive(stage.world.store.append([], [stop])))
    stage.go(settle)
    assert stage.wire.calls == 1
    assert [stage.world.tables.messages[one.id].status for one in (victim, other)] == [
        Status.CANCELED,
        Status.ACCEPTED,
    ]
    assert stage.world.reason(victim) == "address stop: they wrote STOP"
    assert ("refused", "first", Reason.NOT_BEGUN) in attempts(stage)


def test_a_pause_that_was_committed_while_the_intent_was_written_delays_the_message():
    stage = Stage()
    (message,) = stage.world.messages()
    pause = Stop(pause_key("everything", ""), "everything", "an operator stopped it")
    when_durable(stage, lambda: drive(stage.world.store.append([], [pause])))
    later = stage.world.clock.now() + timedelta(seconds=5)
    outbox = stage.world.tables.outbox
    stage.go(lambda stage: stage.until(lambda: message.id in outbox and outbox.at(message.id) == later))
    assert stage.wire.calls == 0


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_store_that_cannot_say_what_was_stopped_lets_nothing_go_and_loses_nothing(moment):
    stage = Stage(3)
    stage.faults["newly_stopped", moment] = 1
    stage.go(settle)
    assert stage.states() == {"refused": 3, "accepted": 3}
    assert stage.wire.calls == 3


def test_a_route_that_went_away_under_an_intent_loses_no_message():
    stage = Stage(2)
    left = stage.world.desk.routes[1:]
    when_durable(stage, lambda: stage.world.desk.replace_routes(left))
    stage.go(settle)
    assert stage.states() == {"refused": 2, "accepted": 2}
    assert {route for state, route, _ in attempts(stage) if state == "accepted"} == {"second"}


def test_a_sender_that_was_refused_under_an_intent_is_not_used_and_loses_no_message():
    stage = Stage(2)
    desk = stage.world.desk
    sender = desk.by_name["first"].sender
    refused = Registration("FR", sender, "smsmode", RegistrationStatus.REFUSED)
    law = Legality((refused,), {desk.by_name["first"].account: "smsmode"}, rules={})
    when_durable(stage, lambda: setattr(desk, "legality", law))
    stage.go(settle)
    assert stage.states() == {"refused": 2, "accepted": 2}
    assert {route for state, route, _ in attempts(stage) if state == "accepted"} == {"second"}


def test_a_message_whose_window_ended_while_the_intent_was_written_is_not_sent():
    stage = Stage()
    (message,) = stage.world.messages()
    past_the_end = message.not_after + timedelta(seconds=1)
    stage.worker.lease.seconds = 1e6

    def pass_time():
        stage.world.clock.at = past_the_end

    when_durable(stage, pass_time)
    stage.go(lambda stage: stage.until(lambda: message.id not in stage.world.tables.outbox and stage.states()))
    assert stage.wire.calls == 0
    assert attempts(stage) == [("refused", "first", Reason.NOT_BEGUN)]


def test_what_we_did_not_begin_goes_the_same_way_again():
    """Else trouble of ours would send messages over a route that is kept for failover."""
    stage = Stage(4)
    stage.faults["newly_stopped", "after"] = 1
    stage.go(settle)
    assert {route for _, route, _ in attempts(stage)} == {"first"}


def test_the_next_look_waits_by_the_time_of_the_database():
    """A machine whose clock runs ahead of the database's would else look again and again."""
    stage = Stage(0)
    worker, now = stage.worker, stage.world.clock.now()
    ahead = now + timedelta(hours=1)
    worker._known_time = (now, stage.world.clock.monotonic())
    worker.clock = type("Ahead", (), {"now": lambda self: ahead, "monotonic": stage.world.clock.monotonic})()

    async def due():
        return now + timedelta(seconds=0.2)

    stage.world.store.next_due = due
    assert drive(worker._idle_seconds()) == pytest.approx(0.2)


@pytest.mark.parametrize("outcome", ["refused", "broke off", "nobody foresaw"])
def test_no_words_about_a_call_name_the_person(outcome, caplog):
    """Attempts, messages and changes of routes keep them in clear for a year, and logs for who knows how long."""
    stage = Stage()
    words = "no way to +33600000000, nor 33600000000"
    answers = {
        "refused": Response(403, {}, b'{"title": "%s"}' % words.encode()),
        "broke off": Broken(words),
        "nobody foresaw": ValueError(words),
    }
    stage.wire.told = lambda number: answers[outcome]
    with capture_logs() as logs:
        stage.go(settle)
    (message,) = stage.world.messages()
    kept = [one.detail for one in stage.world.tables.attempts.values()] + [stage.world.reason(message)]
    assert message.content.address == "+33600000000"
    assert "600000000" not in f"{kept} {logs} {caplog.text} {stage.world.desk.changes}"
    assert "no way to •••, nor •••" in kept[0]
