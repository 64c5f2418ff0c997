"""A channel that fails for good gives way to the next one at once; a dead token leaves its profile."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worker_stage import ALARM, World

from outrider.domain.attempt import Accepted, Outcome, Reason, Refused, Unknown
from outrider.domain.decision import Verdict
from outrider.domain.entry import DeadAddressEntry, MergeEntry, OutcomeEntry, ProfileChange, ProfileEntry
from outrider.domain.message import Message, Status
from outrider.domain.outbox import Intent, Next
from outrider.domain.profile import Address
from outrider.domain.receipt import ReceiptStatus
from outrider.orchestration.explain import explain
from outrider.orchestration.record import unpack
from outrider.testing import builders
from outrider.testing.memory_subject import drive

FIRST = ALARM.replace("{escalate: [push, sms], after: 10m}", "{first: [push, sms]}")
ONLY = ALARM.replace("{escalate: [push, sms], after: 10m}", "{first: [push]}")
STAYING = FIRST + "  - wait: 7d\n"
PHONE = Address("sms", "+33612345678")
DEAD = Refused(Reason.DEAD_ADDRESS, "UNREGISTERED")


def tokens(*names: str) -> tuple[Address, ...]:
    return tuple(Address("push", name) for name in names)


def registered(world: World, *addresses: Address) -> None:
    change = ProfileChange("anna", addresses=addresses, replace=True)
    world.feed(builders.entry(world.person(), ProfileEntry(change), world.clock.now()))


def begun(alarm: str = FIRST, *names: str) -> World:
    """Anna with a phone and these tokens, whose alarm was raised."""
    world = World(alarm=alarm)
    registered(world, PHONE, *tokens(*(names or ("one",))))
    raised(world)
    return world


def raised(world: World) -> None:
    entry = world.event("alarm.raised")
    world.feed(builders.changed(entry, body=builders.changed(entry.body, effects=type(entry.body.effects)())))


def answered(world: World, outcome: Outcome, following: Next | None = None) -> Intent:
    """The newest message that waits gets this outcome; push has no route in this company."""
    waiting = world.messages(status=Status.QUEUED)[-1]
    status = Status.ACCEPTED if isinstance(outcome, Accepted) else Status.FAILED
    intent = builders.intent(waiting, account="app")

    async def go() -> None:
        async with world.store.claim(10) as claim:
            await claim.commit(world.fence, [intent], [])
        await world.store.finish(world.fence, [builders.done(intent, outcome, following or Next(status, "refused"))])

    drive(go())
    world.work()
    return intent


def sent_to(world: World) -> list[tuple[str, str]]:
    return [(one.channel, one.content.address) for one in world.messages()]


def fallbacks(world: World) -> list[str]:
    records = [world.tables.decisions[one.id, 0].record for one in world.messages()]
    return [unpack(record).decision.candidate.fallback for record in records]


def known(world: World, key: str = "anna") -> list[str]:
    return [address.value for address in world.tables.profiles[world.person(key)].identity.addresses]


def test_the_first_channel_that_fails_for_good_gives_way_to_the_next_at_once() -> None:
    world = begun()
    (push,) = world.messages()
    assert (push.channel, push.awaited) == ("push", True)
    answered(world, Refused(Reason.UNAUTHORIZED, "THIRD_PARTY_AUTH_ERROR"))
    first, second = world.messages()
    assert (second.channel, second.root, second.awaited) == ("sms", push.id, False)
    assert fallbacks(world) == ["", "push failed"]
    decision = unpack(world.tables.decisions[second.id, 0].record)
    assert (decision.decision.verdict, decision.decision.candidate.rung) == (Verdict.SEND, 1)
    assert any("It is a fallback: push failed." in line for line in explain(decision))
    assert first.status is Status.FAILED


def test_no_timer_hurries_a_strategy_that_only_wants_the_first_channel() -> None:
    world = begun()
    answered(world, Accepted("p-1"))
    world.advance(hours=1)
    assert sent_to(world) == [("push", "one")]


def test_a_push_that_was_not_delivered_falls_back_too() -> None:
    world = begun()
    intent = answered(world, Accepted("p-1"))
    drive(world.store.report([builders.echoed(intent, ReceiptStatus.UNDELIVERED, world.clock.now())]))
    world.work()
    assert sent_to(world) == [("push", "one"), ("sms", PHONE.value)]
    assert fallbacks(world) == ["", "push was not delivered"]


def test_a_doubt_is_no_failure_and_nothing_falls_back() -> None:
    world = begun()
    at = world.clock.now() + timedelta(minutes=1)
    answered(world, Unknown("timeout"), Next(Status.UNKNOWN, check_at=at, give_up_at=at))
    world.advance(minutes=5)
    assert sent_to(world) == [("push", "one")]


def test_an_outcome_told_twice_falls_back_once() -> None:
    world = begun()
    push = world.messages()[0]
    answered(world, DEAD)
    told = OutcomeEntry(push.id, "failed", "dead_address")
    world.feed(builders.entry(world.person(), told, world.clock.now()))
    assert sent_to(world) == [("push", "one"), ("sms", PHONE.value)]


def test_who_left_the_journey_gets_no_fallback() -> None:
    world = begun(STAYING)
    intent = answered(world, Accepted("p-1"))
    world.advance(minutes=1)
    world.feed(world.event("alarm.over"))
    drive(world.store.report([builders.echoed(intent, ReceiptStatus.UNDELIVERED, world.clock.now())]))
    world.work()
    assert [one.channel for one in world.messages()] == ["push"]


def test_a_dead_token_leaves_the_profile_and_the_next_decision_does_not_use_it() -> None:
    world = begun()
    before = world.tables.profiles[world.person()].version
    answered(world, DEAD)
    assert known(world) == [PHONE.value]
    assert world.tables.profiles[world.person()].version == before + 1
    raised(world)
    assert sent_to(world) == [("push", "one"), ("sms", PHONE.value), ("sms", PHONE.value)]


@pytest.mark.parametrize("name", ["one", "two"])
def test_a_token_registered_later_is_used_again(name: str) -> None:
    world = begun()
    answered(world, DEAD)
    registered(world, PHONE, *tokens(name))
    raised(world)
    assert sent_to(world)[-1] == ("push", name)


def test_a_dead_token_of_one_device_leads_to_the_other_device_before_another_channel() -> None:
    world = begun(FIRST, "one", "two")
    answered(world, DEAD)
    answered(world, DEAD)
    assert sent_to(world) == [("push", "one"), ("push", "two"), ("sms", PHONE.value)]
    assert fallbacks(world) == ["", "push failed", "push failed"]
    assert {one.root for one in world.messages()[1:]} == {world.messages()[0].id}


def test_two_devices_are_tried_even_where_push_is_the_only_channel() -> None:
    world = begun(ONLY, "one", "two")
    assert world.messages()[0].awaited
    answered(world, DEAD)
    assert sent_to(world) == [("push", "one"), ("push", "two")]
    assert not world.messages()[1].awaited


def test_a_living_device_that_was_refused_is_not_tried_again() -> None:
    world = begun(FIRST, "one", "two")
    answered(world, Refused(Reason.BAD_REQUEST))
    assert sent_to(world) == [("push", "one"), ("sms", PHONE.value)]


def test_an_escalation_to_the_other_device_keeps_its_timer() -> None:
    world = begun(ALARM, "one", "two")
    answered(world, DEAD)
    answered(world, Accepted("p-2"))
    assert [one.channel for one in world.messages()] == ["push", "push"]
    world.advance(minutes=10)
    assert sent_to(world)[-1] == ("sms", PHONE.value)
    assert fallbacks(world)[-1] == "push did not reach the person in time"


def test_who_acknowledged_is_reached_and_nothing_escalates() -> None:
    world = begun(ALARM)
    intent = answered(world, Accepted("p-1"))
    world.advance(minutes=9)
    receipt = builders.echoed(intent, ReceiptStatus.SEEN, world.clock.now())
    drive(world.store.report([receipt]))
    world.advance(hours=2)
    assert [(one.channel, one.status) for one in world.messages()] == [("push", Status.DELIVERED)]


def test_a_dead_token_of_a_merged_key_leaves_the_profile_that_took_it_over() -> None:
    world = begun()
    merged = builders.entry(world.person(), MergeEntry("anna", "anna-maria"), world.clock.now())
    world.feed(merged)
    assert "one" in known(world, "anna-maria")
    answered(world, DEAD)
    assert "one" not in known(world, "anna-maria")
    assert world.engine.quarantined == 0


def test_an_address_of_somebody_unknown_or_gone_already_changes_nothing() -> None:
    world = begun()
    before = world.tables.profiles[world.person()]
    stray = DeadAddressEntry("push", bytes(32))
    for who in (world.person(), world.person("nobody")):
        world.feed(builders.entry(who, stray, world.clock.now()))
    assert world.tables.profiles[world.person()] == before
    assert world.person("nobody") not in world.tables.profiles
    assert world.engine.quarantined == 0


def test_the_same_words_on_another_channel_are_another_address() -> None:
    world = begun()
    hashed = world.hasher.address("push", "one")
    world.feed(builders.entry(world.person(), DeadAddressEntry("sms", hashed), world.clock.now()))
    assert known(world) == [PHONE.value, "one"]


OUTCOMES = st.sampled_from([DEAD, Refused(Reason.UNAUTHORIZED), Refused(Reason.BAD_REQUEST), Accepted("p")])


@settings(max_examples=40, deadline=None)
@given(st.lists(OUTCOMES, max_size=6), st.integers(1, 3), st.sampled_from([FIRST, ALARM]))
def test_every_address_is_tried_at_most_once_and_a_dead_one_never_again(
    outcomes: list[Outcome], devices: int, alarm: str
) -> None:
    world = begun(alarm, *(f"token-{number}" for number in range(devices)))
    dead = set()
    for outcome in outcomes:
        waiting: list[Message] = world.messages(status=Status.QUEUED)
        if not waiting:
            break
        assert len(waiting) == 1
        assert waiting[0].content.address not in dead
        if outcome is DEAD:
            dead.add(waiting[0].content.address)
        answered(world, outcome)
    reached = sent_to(world)
    assert len(reached) == len(set(reached)) <= devices + 1
    assert not dead & set(known(world))
    labels = fallbacks(world)
    assert [bool(label) for label in labels] == [False, *[True] * (len(labels) - 1)]
    assert world.engine.quarantined == 0
