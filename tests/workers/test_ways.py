"""Routes in preparation: legality, weights of health, retry budget, pace, prices."""

from __future__ import annotations

import dataclasses
from dataclasses import replace as replaced
from datetime import date, timedelta

import pytest
from worker_stage import World

from outrider.delivery.budget import RetryRules
from outrider.delivery.legality import Legality
from outrider.domain.attempt import Accepted, AttemptState, Reason, Refused, Unknown
from outrider.domain.message import Status
from outrider.domain.outbox import Due, Intent, Past
from outrider.domain.policy import Price, price_of
from outrider.domain.purpose import Lane, Purpose
from outrider.domain.registration import Registration, RegistrationStatus, sender_rules
from outrider.domain.route import Route
from outrider.lib.discover import plugins
from outrider.testing.builders import changed
from outrider.workers.conclude import conclude
from outrider.workers.desk import Account
from outrider.workers.outbound import outbound
from outrider.workers.prepare import prepare


@pytest.fixture
def world():
    made = World()
    made.feed(made.booking())
    return made


def due(world, *past, **changes):
    return Due(changed(world.one("confirm"), **changes), past)


def prepared(world, one):
    return prepare(one, world.desk, world.clock.now(), world.clock.monotonic())


def law(*rows):
    """The law of today: the world's clock stands before some of it."""
    rules = sender_rules(plugins("outrider.markets", "MARKET").values())["sms"]
    today = {code: changed(row, valid_from=date.min) for code, row in rules.items()}
    return Legality(rows, {"first": "smsmode", "second": "twilio"}, rules={"sms": today})


def registered(provider, **changes):
    return Registration("ES", "RENTAL", provider, RegistrationStatus.REGISTERED, "no. 17", **changes)


def test_a_message_none_of_whose_routes_is_legal_fails_with_each_reason(world):
    world.desk.legality = law(registered("twilio", expires=date(2020, 1, 1)))
    spanish = changed(world.one("confirm").content, address="+34612345678")
    found = prepared(world, due(world, content=spanish))
    assert (found.what, found.status) == ("closed", Status.FAILED)
    assert found.reason == (
        "no route may be used in ES: "
        "first: sender 'RENTAL' through smsmode is not registered in ES (the CNMC alias registry demands it); "
        "second: the registration of sender 'RENTAL' through twilio in ES ended on 2020-01-01"
    )
    doubted = Past(1, "first", AttemptState.UNRESOLVED, world.clock.now())
    assert prepared(world, due(world, doubted, content=spanish)).status is Status.UNKNOWN


def test_the_country_of_the_number_decides_which_routes_are_legal(world):
    world.desk.legality = law(registered("twilio"))
    content = world.one("confirm").content
    assert prepared(world, due(world)).route == "first"
    assert prepared(world, due(world, content=changed(content, address="+34612345678"))).route == "second"


def test_a_refusal_is_followed_by_legal_routes_only(world):
    world.desk.legality = law(registered("smsmode"))
    one = due(world, content=changed(world.one("confirm").content, address="+34612345678"))
    done = conclude(prepared(world, one), (), Refused(Reason.UNROUTABLE), world.desk, world.clock.now(), 0.0)
    assert (done.next.status, done.next.retry_at) == (Status.FAILED, None)


def test_the_weights_of_health_decide_and_give_the_same_route_to_the_same_message(world):
    one = due(world)
    assert prepared(world, one).route == "first"
    world.desk.weights = {"first": 0.0, "second": 5.0}
    assert {prepared(world, one).route for _ in range(5)} == {"second"}


def test_a_change_of_a_breaker_is_noted_with_its_reason(world):
    intent = prepared(world, due(world))
    for _ in range(6):
        conclude(intent, (), Unknown("reset"), world.desk, world.clock.now(), 0.0)
    [change] = world.desk.changes
    assert (change.route, change.kind, change.before, change.after) == ("first", "breaker", "closed", "open")
    assert change.reason == "5 of the last 5 calls failed, the last with: reset"
    assert change.at == world.clock.now()


def refused(world, number=1):
    return Past(number, "second", AttemptState.REFUSED, world.clock.now(), Reason.UNAVAILABLE)


@pytest.mark.parametrize("purpose", list(Purpose))
def test_further_attempts_stay_within_the_budget_of_their_route(world, purpose):
    world.desk.retries = RetryRules(per_minute=2.0)
    world.desk.replace_routes(world.desk.routes)
    one = due(world, refused(world), purpose=purpose)
    assert [type(prepared(world, one)) for _ in range(2)] == [Intent, Intent]
    found = prepared(world, one)
    if purpose in (Purpose.SAFETY, Purpose.SECURITY):
        assert isinstance(found, Intent)
        return
    assert (found.what, found.reason) == ("retry", "the retry budget of route first is spent")
    wait = found.at - world.clock.now()
    assert timedelta(seconds=30) <= wait <= timedelta(seconds=150)
    for _ in range(5):
        assert isinstance(prepared(world, due(world)), Intent), "first attempts are never held back"
    assert isinstance(prepared(world, one), Intent), "and pay for one more"


def test_a_message_that_waits_for_its_pace_costs_no_budget(world):
    world.desk.replace_routes((Route("slow", "sms", "first", "ME", per_second=1.0),))
    assert isinstance(prepared(world, due(world)), Intent)
    budget, ticks = world.desk.budgets["slow"], world.clock.monotonic()
    before = budget.wait(ticks), budget._tokens
    past = Past(1, "gone", AttemptState.REFUSED, world.clock.now(), Reason.THROTTLED)
    assert prepared(world, due(world, past)).reason == "route slow is full"
    assert (budget.wait(ticks), budget._tokens) == before


def test_a_429_slows_the_route_and_only_it(world):
    world.desk.replace_routes(tuple(changed(route, per_second=10.0) for route in world.desk.routes))
    intent = prepared(world, due(world))
    conclude(intent, (), Refused(Reason.THROTTLED, "429"), world.desk, world.clock.now(), 5.0)
    assert [pace.per_second for pace in world.desk.paces.values()] == [5.0, 10.0]
    world.desk.replace_routes(world.desk.routes)
    assert world.desk.paces["first"].per_second == 5.0, "a new configuration does not speed it up"
    world.desk.replace_routes(world.desk.routes[1:])
    conclude(intent, (), Refused(Reason.THROTTLED, "429"), world.desk, world.clock.now(), 9.0)
    conclude(intent, (), Accepted("p"), world.desk, world.clock.now(), 9.0)


NEWEST = Price("smsmode", "sms", 0.07, "USD", date(2026, 1, 1), "list")
PRICES = (
    NEWEST,
    changed(NEWEST, amount=0.06, valid_from=date(2025, 1, 1)),
    changed(NEWEST, valid_from=date(2030, 1, 1)),
)


def test_a_route_without_a_price_is_priced_by_the_pack_of_the_country(world):
    market = changed(world.library.current.policy.markets["FR"], prices=PRICES)
    world.desk.markets = {"FR": market}
    world.desk.weights = {"first": 0.0, "second": 1.0}
    world.desk.replace_routes(world.desk.routes)
    for _ in range(2):
        intent = prepared(world, due(world))
        assert (intent.route, intent.estimate, intent.currency) == ("second", 0.07, "USD")
    world.desk.weights = {}
    assert (prepared(world, due(world)).estimate, prepared(world, due(world)).currency) == (0.05, "EUR")


def test_a_price_nobody_knows_is_none(world):
    account = world.desk.accounts["second"]
    assert isinstance(account, Account)
    desk = replaced(world.desk, markets={}, accounts=world.desk.accounts)
    route = desk.by_name["second"]
    assert desk.price(route, "FR", date(2026, 3, 1)) == (None, "EUR")
    market = changed(world.library.current.policy.markets["FR"], prices=PRICES)
    assert replaced(desk, markets={"FR": market}).price(route, "FR", date(2024, 1, 1)) == (None, "EUR")
    assert replaced(desk, markets={"FR": market}, accounts={}).price(route, "FR", date(2026, 3, 1)) == (None, "EUR")


@pytest.mark.parametrize(
    ("on", "amount"),
    [(date(2024, 12, 31), None), (date(2025, 1, 1), 0.06), (date(2026, 6, 1), 0.07), (date(2031, 1, 1), 0.07)],
)
def test_the_newest_price_that_holds_counts(world, on, amount):
    market = changed(world.library.current.policy.markets["FR"], prices=PRICES)
    found = price_of(market, "smsmode", "sms", on)
    assert (found and found.amount) == amount
    assert price_of(market, "twilio", "sms", on) is None


def test_links_lead_where_the_configuration_applied_last_says(world):
    """A new public address counts for what is sent from now on, as every other rule of the desk does."""
    world.desk.follow(dataclasses.replace(world.desk, public_url="https://moved.test"))
    sent = prepared(world, due(world))
    assert outbound(sent, world.desk, world.clock.now()).callback_url.startswith("https://moved.test/v1/callbacks/")


def test_a_backlog_on_a_slow_route_asks_for_its_places_about_once_each(world):
    """All at the next place would be a hundred questions for each message that goes."""
    world.desk.replace_routes((Route("slow", "sms", "first", "ME", per_second=10.0),))
    waiting = [(world.clock.now(), number) for number in range(300)]
    start, asked, sent = world.clock.now(), 0, []
    while waiting:
        waiting.sort()
        at, number = waiting.pop(0)
        world.clock.at = max(world.clock.at, at)
        asked += 1
        found = prepared(world, due(world, id=number.to_bytes(16, "big")))
        if isinstance(found, Intent):
            sent.append(world.clock.now())
        else:
            waiting.append((found.at, number))
    assert asked < 4 * 300
    assert sent[-1] - start < timedelta(seconds=40), "and the route is used nearly as fast as it may be"


def test_an_express_message_does_not_stand_behind_places_promised_to_bulk_ones(world):
    world.desk.replace_routes((Route("slow", "sms", "first", "ME", per_second=10.0),))
    for number in range(60):
        prepared(world, due(world, id=number.to_bytes(16, "big"), lane=Lane.BULK))
    found = prepared(world, due(world, lane=Lane.EXPRESS))
    assert found.at - world.clock.now() <= timedelta(seconds=0.1)
