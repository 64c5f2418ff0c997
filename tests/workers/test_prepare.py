"""From a claimed message to its intent, and from an outcome to what follows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from worker_stage import World

from outrider.delivery.breaker import FIRST_REST
from outrider.domain.attempt import Accepted, AttemptState, Reason, Refused, Unknown
from outrider.domain.message import Status
from outrider.domain.outbox import Due, Intent, Past, Verdictless
from outrider.domain.purpose import Purpose
from outrider.domain.route import Route
from outrider.lib.ids import read_id
from outrider.receipts.acknowledgment import Acknowledgments
from outrider.testing.builders import changed
from outrider.workers.conclude import conclude, forgo, not_begun
from outrider.workers.desk import CannotRender
from outrider.workers.outbound import echo, outbound
from outrider.workers.prepare import LONGEST_REST, REST, prepare


@pytest.fixture
def world():
    made = World()
    made.feed(made.booking())
    return made


def due(world, *past, **changes):
    return Due(changed(world.one("confirm"), **changes), past)


def end(world):
    """The last instant of the window: the evening, when quiet hours begin."""
    return world.one("confirm").not_after


def prepared(world, one=None, **desk):
    for name, value in desk.items():
        setattr(world.desk, name, value)
    return prepare(one or due(world), world.desk, world.clock.now(), world.clock.monotonic())


def test_an_intent_carries_everything_a_call_needs(world):
    intent = prepared(world)
    assert (intent.number, intent.route, intent.account, intent.label) == (1, "first", "first", "")
    assert (intent.body.text, intent.segments, intent.estimate, intent.currency) == (
        "Hello Zoé, it is booked.",
        1,
        0.05,
        "EUR",
    )
    sent = outbound(intent, world.desk, world.clock.now())
    name, _, number = sent.attempt.partition(".")
    assert (read_id("msg", name), number) == (intent.message.id, "1")
    token = world.desk.accounts["first"].token
    assert sent.callback_url == f"https://x/v1/callbacks/first/{token}?attempt={sent.attempt}"
    assert (sent.to, sent.sender, sent.validity) == ("+33612345678", "RENTAL", 41_399)
    assert sent.attempt == echo(intent.message.id, 1)


@pytest.mark.parametrize("receipts", [True, False])
def test_only_a_message_nobody_will_report_carries_an_acknowledgment(world, monkeypatch, receipts):
    intent = prepared(world, acknowledgments=Acknowledgments(b"k" * 32))
    provider = type(world.desk.accounts["first"].provider)
    monkeypatch.setattr(provider, "abilities", changed(provider.abilities, receipts=receipts))
    sent = outbound(intent, world.desk, world.clock.now())
    assert sent.expires_at == intent.message.not_after
    assert (sent.acknowledge_url, len(sent.acknowledgment)) == (
        ("", 0) if receipts else ("https://x/v1/acknowledgements", 52)
    )
    if not receipts:
        read = world.desk.acknowledgments.read(sent.acknowledgment, intent.message.not_after)
        assert read == (intent.message.id, 1)


def test_a_desk_without_a_key_asks_for_no_acknowledgment(world, monkeypatch):
    provider = type(world.desk.accounts["first"].provider)
    monkeypatch.setattr(provider, "abilities", changed(provider.abilities, receipts=False))
    sent = outbound(prepared(world), world.desk, world.clock.now())
    assert (sent.acknowledge_url, sent.acknowledgment) == ("", "")


def test_a_message_that_is_worthless_in_less_than_a_second_is_valid_for_one(world):
    assert outbound(prepared(world), world.desk, world.clock.now() + timedelta(days=2)).validity == 1


@pytest.mark.parametrize(
    ("shift", "what"),
    [(timedelta(0), Intent), (timedelta(microseconds=1), "stale"), (timedelta(days=-1), "retry")],
)
def test_outside_its_window_a_message_goes_back(world, shift, what):
    one = due(world)
    world.clock.at = end(world) + shift
    found = prepared(world, one)
    assert isinstance(found, Intent) if what is Intent else found.what == what
    if what == "retry":
        assert found.at == one.message.not_before


def test_without_a_route_it_is_closed_as_failed_or_in_doubt(world):
    found = prepared(world, due(world, channel="push"))
    assert (found.what, found.status) == ("closed", Status.FAILED)
    assert found.reason == "no route for push to FR (transactional)"
    doubted = Past(1, "first", AttemptState.UNRESOLVED, world.clock.now())
    assert prepared(world, due(world, doubted, channel="push")).status is Status.UNKNOWN


def test_while_every_route_rests_it_waits(world):
    for breaker in world.desk.breakers.values():
        for _ in range(5):
            breaker.learn(Unknown("reset"), world.clock.monotonic())
    first = world.clock.now() + timedelta(seconds=FIRST_REST)
    waits = Verdictless(world.one("confirm"), "retry", at=first, reason="every route that fits rests")
    assert prepared(world) == waits
    world.clock.at = first - timedelta(seconds=0.5)
    assert prepared(world).at == world.clock.now() + REST
    for breaker in world.desk.breakers.values():
        breaker._until += 200.0
    assert prepared(world).at == world.clock.now() + LONGEST_REST


def test_the_probe_of_a_resting_route_is_one_message_until_it_is_answered_or_given_up(world):
    world.desk.replace_routes(world.desk.routes[:1])
    for _ in range(5):
        world.desk.breakers["first"].learn(Unknown("reset"), world.clock.monotonic())
    world.clock.at += timedelta(seconds=15)
    probe = prepared(world)
    assert isinstance(probe, Intent)
    assert prepared(world).what == "retry"
    forgo(probe, world.desk)
    assert isinstance(prepared(world), Intent)


@pytest.mark.parametrize(
    ("allowed", "sandbox", "goes"),
    [
        (None, False, True),
        ((), True, True),
        ((), False, False),
        (("+33612345678",), False, True),
        (("+336*",), False, True),
        (("+44*", "+49*"), False, False),
    ],
)
def test_outside_production_only_allowed_addresses_are_written_to(world, allowed, sandbox, goes):
    for name, account in world.desk.accounts.items():
        world.desk.accounts[name] = changed(account, sandbox=sandbox)
    found = prepared(world, allowed=allowed)
    assert isinstance(found, Intent) is goes
    assert goes or (found.status, "allow-list" in found.reason) == (Status.FAILED, True)


def test_a_template_that_cannot_be_rendered_closes_the_message_with_the_reason(world):
    def broken(message):
        raise CannotRender("sms.fr.j2:1: no such value")

    found = prepared(world, render=broken)
    assert (found.status, found.reason) == (
        Status.FAILED,
        "the template cannot be rendered: sms.fr.j2:1: no such value",
    )


def test_the_shift_tables_of_the_route_reach_the_template(world):
    seen = []

    def watching(message, tables=frozenset()):
        seen.append(tables)
        raise CannotRender("seen")

    for tables in ((), ("es", "pt")):
        world.desk.replace_routes((Route("only", "sms", "first", "ME", shift_tables=tables),))
        prepared(world, render=watching)
    assert seen == [frozenset(), frozenset({"es", "pt"})]


@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_throttle_delays_all_but_safety_security_and_legal(world, purpose):
    world.desk.replace_routes((Route("slow", "sms", "first", "ME", per_second=1.0),))
    assert isinstance(prepared(world), Intent)
    found = prepared(world, due(world, purpose=purpose))
    if purpose in (Purpose.SAFETY, Purpose.SECURITY, Purpose.LEGAL):
        assert isinstance(found, Intent)
    else:
        assert found.reason == "route slow is full"
        assert world.clock.now() < found.at <= world.clock.now() + timedelta(seconds=1)


def test_replacing_routes_keeps_what_is_known_of_their_health(world):
    for _ in range(5):
        world.desk.breakers["first"].learn(Unknown("reset"), world.clock.monotonic())
    world.desk.replace_routes((*world.desk.routes, Route("third", "sms", "first", "ME")))
    assert world.desk.breakers["first"].is_open(world.clock.monotonic())
    assert not world.desk.breakers["third"].is_open(world.clock.monotonic())


def test_history_that_ends_a_message_closes_it(world):
    refused = Past(1, "first", AttemptState.REFUSED, world.clock.now(), Reason.INVALID_NUMBER)
    assert prepared(world, due(world, refused)).status is Status.FAILED
    doubted = Past(1, "first", AttemptState.UNKNOWN, world.clock.now())
    assert prepared(world, due(world, doubted)).status is Status.UNKNOWN


@pytest.mark.parametrize(
    ("outcome", "status", "retry", "check"),
    [
        (Accepted("p"), Status.ACCEPTED, False, False),
        (Unknown("reset"), Status.UNKNOWN, False, True),
        (Refused(Reason.THROTTLED, "429", 5.0), Status.QUEUED, True, False),
        (Refused(Reason.INSUFFICIENT_CREDIT), Status.QUEUED, True, False),
        (Refused(Reason.INVALID_NUMBER), Status.FAILED, False, False),
        (Refused(Reason.THROTTLED, "429", 1e30), Status.QUEUED, True, False),
    ],
)
def test_what_follows_an_outcome(world, outcome, status, retry, check):
    done = conclude(prepared(world), (), outcome, world.desk, world.clock.now(), world.clock.monotonic())
    assert (done.next.status, done.next.retry_at is not None, done.next.check_at is not None) == (status, retry, check)
    assert (done.outcome, done.number, done.awaited) == (outcome, 1, False)
    if check:
        assert done.next.give_up_at == world.clock.now() + timedelta(minutes=2)


def test_a_retry_behind_the_window_goes_back_to_the_engine_when_the_window_is_over(world):
    outcome = Refused(Reason.INSUFFICIENT_CREDIT)
    world.clock.at = end(world)
    first = conclude(prepared(world), (), outcome, world.desk, world.clock.now(), 0.0)
    assert first.next.retry_at == end(world), "the other route may take it at once"
    late = end(world) + timedelta(microseconds=1)
    for retry_after in (60.0, 1e30):
        outcome = Refused(Reason.THROTTLED, "429", retry_after)
        past = Past(1, "second", AttemptState.REFUSED, world.clock.now(), Reason.THROTTLED)
        intent = prepared(world, due(world, past))
        following = conclude(intent, (past,), outcome, world.desk, world.clock.now(), 0.0).next
        assert (following.status, following.retry_at) == (Status.QUEUED, late)


def test_a_retry_that_is_due_is_made_also_when_the_one_after_it_would_come_too_late(world):
    world.clock.at = end(world)
    now = world.clock.now()
    tries = [
        Past(n, name, AttemptState.REFUSED, now, Reason.THROTTLED) for n, name in enumerate(("first", "second"), 1)
    ]
    assert isinstance(prepared(world, due(world, *tries)), Intent)


def test_an_intent_that_was_not_begun_is_provably_not_sent_and_due_at_once(world):
    done = not_begun(prepared(world), world.clock.now(), "why")
    assert done.outcome == Refused(Reason.NOT_BEGUN, "why")
    assert (done.next.status, done.next.retry_at) == (Status.QUEUED, world.clock.now())
