"""A push goes to all devices of a person at once: one message, one decision, one slot of a cap."""

from __future__ import annotations

from datetime import timedelta

import msgspec
from test_engine_fallback import DEAD, FIRST, PHONE, answered, fallbacks, known, raised, registered, sent_to, tokens
from worker_stage import World

from outrider.domain.attempt import Accepted, Reason, Refused
from outrider.domain.entry import Stop
from outrider.domain.message import Message, Status
from outrider.domain.profile import Address
from outrider.domain.stops import address_key
from outrider.testing.memory_subject import drive
from outrider.workers.engine.deciding import MOST_OTHERS


def carried(*names: str) -> World:
    """Anna with a phone number and these devices, of which push reaches all."""
    world = World(alarm=FIRST)
    current = world.library.current
    policy = msgspec.structs.replace(current.policy, everywhere=frozenset({"push"}))
    world.library.replace_current(msgspec.structs.replace(current, policy=policy))
    registered(world, PHONE, *tokens(*names))
    return world


def devices(message: Message) -> list[str]:
    return [message.content.address, *(one.value for one in message.content.others)]


def test_one_message_goes_to_all_devices() -> None:
    world = carried("phone", "tablet", "watch")
    raised(world)
    [message] = world.messages()
    assert devices(message) == ["phone", "tablet", "watch"]
    hashes = [world.hasher.address("push", name) for name in ("tablet", "watch")]
    assert [one.address for one in message.content.others] == hashes
    answered(world, Accepted("p-1"))
    assert len(world.messages()) == 1, "nothing falls back"


def test_a_channel_that_does_not_reach_all_goes_to_one_address() -> None:
    world = carried()
    registered(world, PHONE, Address("sms", "+33612345679"))
    raised(world)
    [message] = world.messages()
    assert devices(message) == [PHONE.value]


def test_a_suppressed_device_and_a_repeated_one_are_left_out() -> None:
    world = carried("phone", "tablet", "watch", "watch", "phone")
    gone = Stop(address_key(world.hasher.address("push", "tablet")), "address", "asked")
    drive(world.store.append([], [gone]))
    raised(world)
    assert devices(world.messages()[0]) == ["phone", "watch"]


def test_no_message_goes_to_more_devices_than_a_person_can_carry() -> None:
    world = carried(*(f"token-{number}" for number in range(30)))
    raised(world)
    assert devices(world.messages()[0]) == [f"token-{number}" for number in range(MOST_OTHERS + 1)]


def test_a_dead_device_leaves_and_the_message_stands() -> None:
    world = carried("phone", "tablet")
    raised(world)
    tablet = world.hasher.address("push", "tablet")
    answered(world, Accepted("p-1", dead=(tablet,)))
    assert known(world) == [PHONE.value, "phone"]
    assert [one.status for one in world.messages()] == [Status.ACCEPTED]


def test_when_all_devices_are_dead_the_next_channel_comes_at_once() -> None:
    world = carried("phone", "tablet")
    raised(world)
    answered(world, msgspec.structs.replace(DEAD, dead=(world.hasher.address("push", "tablet"),)))
    assert known(world) == [PHONE.value]
    assert sent_to(world) == [("push", "phone"), ("sms", PHONE.value)]
    assert fallbacks(world) == ["", "push failed"]


def test_a_device_that_refused_with_the_others_is_not_tried_alone() -> None:
    world = carried("phone", "tablet")
    raised(world)
    answered(world, Refused(Reason.BAD_REQUEST, dead=(world.hasher.address("push", "phone"),)))
    assert known(world) == [PHONE.value, "tablet"]
    assert sent_to(world) == [("push", "phone"), ("sms", PHONE.value)]


def test_devices_count_once_for_caps() -> None:
    world = carried("phone", "tablet", "watch")
    raised(world)
    since = {world.person(): world.clock.now() - timedelta(days=1)}
    assert len(drive(world.store.recent(since))[world.person()]) == 1
