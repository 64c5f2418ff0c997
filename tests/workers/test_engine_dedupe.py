"""Dedupe keys in the engine: one message under each, however often, by whomever and under which key it is asked for."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from worker_stage import World

from outrider.domain.attempt import Outcome, Reason, Refused, Unknown
from outrider.domain.decision import DEDUPE, Decision, Verdict
from outrider.domain.direct import address_profile
from outrider.domain.entry import Entry, ForgetEntry, MergeEntry, ProfileChange, ProfileEntry, SendEntry
from outrider.domain.message import Message, Status
from outrider.domain.outbox import Next
from outrider.domain.profile import Address
from outrider.domain.purpose import Purpose
from outrider.domain.strategy import Escalate, First, Strategy
from outrider.domain.work import DedupeKey
from outrider.lib.ids import new_id, shard_of_stream, write_id
from outrider.orchestration.explain import explain
from outrider.orchestration.record import rederive, unpack
from outrider.plugged import gates
from outrider.testing import builders
from outrider.testing.memory_subject import drive

PHONE = Address("sms", "+33612345678")
SMS = First(("sms",))
BOTH = Escalate(("push", "sms"), timedelta(minutes=10))
#: Paris, two in the morning.
NIGHT = datetime(2030, 5, 6, 0, 0, tzinfo=UTC)


def put(world: World, key: str = "anna", *addresses: Address) -> Entry:
    change = ProfileChange(key, market="FR", traits={"name": "Zoé"}, addresses=addresses or (PHONE,), replace=True)
    return Entry(world.person(key), ProfileEntry(change), world.clock.now())


def send(
    world: World,
    number: int = 1,
    key: str = "anna",
    *,
    dedupe: str | None = "license-77",
    purpose: Purpose = Purpose.TRANSACTIONAL,
    strategy: Strategy = SMS,
    **fields: Any,
) -> Entry:
    """A request's entry; each number is another request."""
    stream, now = world.person(key), world.clock.now()
    body = SendEntry(
        message=new_id(now, shard_of_stream(stream), b"%d" % number),
        profile=key,
        template="hello",
        purpose=purpose,
        strategy=strategy,
        valid_for=timedelta(days=1),
        config=1,
        **{"time_critical": purpose is Purpose.TRANSACTIONAL, **fields},
        dedupe=world.hasher.dedupe(dedupe) if dedupe else None,
    )
    return Entry(stream, body, now)


def decisions(world: World) -> list[Decision]:
    return [decided.decision for decided in world.tables.decisions.values()]


def verdicts(world: World) -> list[str]:
    return [decision.gate or str(decision.verdict) for decision in decisions(world)]


def statuses(world: World) -> list[Status]:
    return [row.status for row in world.tables.messages.values()]


def merge(world: World, key: str, into: str, *, undo: bool = False) -> Entry:
    return Entry(world.person(key), MergeEntry(key, into, undo), world.clock.now())


def answered(world: World, waiting: Message, outcome: Outcome, following: Next, *, handled: bool = True) -> None:
    """A message that waits gets this outcome; whether the engine hears of it already."""
    tried = builders.intent(waiting, account="app")

    async def go() -> None:
        async with world.store.claim(10) as claim:
            await claim.commit(world.fence, [tried], [])
        await world.store.finish(world.fence, [builders.done(tried, outcome, following)])

    drive(go())
    if handled:
        world.work()


def failed(world: World, waiting: Message, *, handled: bool = True) -> None:
    answered(world, waiting, Refused(Reason.UNAUTHORIZED), Next(Status.FAILED, "refused"), handled=handled)


def test_a_second_request_on_another_day_sends_nothing_and_names_the_first() -> None:
    world = World()
    first = send(world)
    world.feed(put(world), first)
    at = world.clock.now()
    world.deliver()
    world.advance(hours=24 * 9)
    world.feed(send(world, 2))
    assert verdicts(world) == ["send", "dedupe_key"]
    assert world.deliver() == []
    [decided] = [one for one in world.tables.decisions.values() if one.decision.verdict is Verdict.DROP]
    name = write_id("msg", first.body.message)  # type: ignore[union-attr]
    assert decided.decision.facts.extra == {DEDUPE: {"message": name, "at": at, "status": "accepted"}}
    told = explain(unpack(decided.record))
    assert told[0].startswith("Dropped by dedupe_key. It was already asked for on ")
    assert told[0].endswith(f" as {name}.")
    again = rederive(decided.record, world.library.current.policy, gates())
    assert (again.verdict, again.reason) == (Verdict.DROP, decided.decision.reason)


def test_two_requests_of_one_batch_do_not_both_pass() -> None:
    world = World()
    world.feed(
        put(world), send(world), send(world, 2), send(world, 3, dedupe="license-78"), send(world, 4, dedupe=None)
    )
    assert verdicts(world) == ["send", "dedupe_key", "send", "send"]
    assert len(world.deliver()) == 3


def test_a_key_is_one_persons() -> None:
    world = World()
    world.feed(put(world), put(world, "bert", Address("sms", "+33612345679")), send(world), send(world, 2, "bert"))
    assert verdicts(world) == ["send", "send"]


@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=1, max_size=8))
@settings(max_examples=40, deadline=None)
def test_where_batches_end_changes_nothing(asked: list[tuple[int, bool]]) -> None:
    whole, parts = World(), World()
    rows = []
    for world, at_once in ((whole, True), (parts, False)):
        world.feed(put(world))
        waiting: list[Entry] = []
        for number, (key, ends) in enumerate(asked):
            waiting.append(send(world, number, dedupe=f"license-{key}"))
            if ends and not at_once:
                world.feed(*waiting)
                waiting.clear()
        world.feed(*waiting)
        rows.append((verdicts(world), world.tables.dedupe_keys))
    assert rows[0] == rows[1]
    assert len(whole.messages()) == len({key for key, _ in asked})


def test_a_request_that_a_gate_drops_leaves_the_key_free() -> None:
    world = World()
    world.feed(put(world), send(world, purpose=Purpose.COMMERCIAL), send(world, 2), send(world, 3))
    assert verdicts(world) == ["consent", "send", "dedupe_key"]
    world.feed(send(world, key="nobody"), send(world, 2, "nobody"))
    assert verdicts(world)[3:] == ["reachability", "reachability"]


def test_a_held_message_has_the_key_until_it_is_let_go() -> None:
    world = World(at=NIGHT)
    service = Purpose.SERVICE
    world.feed(put(world), send(world, purpose=service), send(world, 2, purpose=service))
    assert verdicts(world) == ["quiet_hours", "dedupe_key"]
    assert len(world.tables.dedupe_keys) == 1
    world.advance(hours=12)
    assert verdicts(world) == ["quiet_hours", "dedupe_key", "send"], "it does not stand in its own way"
    world.feed(send(world, 3, purpose=service))
    assert verdicts(world)[-1] == "dedupe_key"


def test_a_held_message_dropped_in_the_morning_gives_the_key_to_a_request_of_the_same_batch() -> None:
    world = World(at=NIGHT)
    world.feed(put(world), send(world, purpose=Purpose.SERVICE))
    world.feed(put(world, "anna", Address("push", "t-1")))
    world.clock.at += timedelta(hours=12)
    world.feed(send(world, 2, strategy=First(("push",))))
    assert statuses(world) == [Status.CANCELED, Status.QUEUED]


def test_a_message_that_failed_for_good_gives_the_key_to_the_next_request() -> None:
    world = World()
    world.feed(put(world), send(world))
    [first] = world.messages()
    failed(world, first)
    world.feed(send(world, 2), send(world, 3))
    assert verdicts(world) == ["send", "send", "dedupe_key"]
    [decided] = [one for one in decisions(world) if one.verdict is Verdict.DROP]
    second = world.messages()[1]
    assert decided.facts.extra[DEDUPE]["message"] == write_id("msg", second.id)
    told = explain(unpack(world.tables.decisions[second.id, 0].record))
    assert any(f"dedupe_key ({write_id('msg', first.id)} failed)" in line for line in told)


def test_a_message_in_doubt_keeps_the_key() -> None:
    world = World()
    world.feed(put(world), send(world))
    soon = world.clock.now() + timedelta(minutes=1)
    following = replace(Next(Status.UNKNOWN), check_at=soon, give_up_at=soon)
    answered(world, world.messages()[0], Unknown(), following)
    world.feed(send(world, 2))
    assert verdicts(world) == ["send", "dedupe_key"]


@pytest.mark.parametrize("status", list(Status))
def test_every_status_either_keeps_the_key_or_lets_it_go(status: Status) -> None:
    world = World()
    world.feed(put(world), send(world))
    [row] = world.tables.messages.values()
    world.tables.set_status(row, status, world.clock.now())
    world.feed(send(world, 2))
    free = {Status.UNDELIVERED, Status.FAILED, Status.CANCELED, Status.EXPIRED}
    assert verdicts(world) == ["send", "send" if status in free else "dedupe_key"]


def test_an_escalation_follows_its_own_key_and_keeps_it_for_all_its_channels() -> None:
    world = World()
    world.feed(put(world, "anna", PHONE, Address("push", "t-1")), send(world, strategy=BOTH))
    world.advance(minutes=11)
    assert [one.channel for one in world.messages()] == ["push", "sms"]
    push, sms = world.messages()
    failed(world, sms)
    world.feed(send(world, 2))
    assert verdicts(world) == ["send", "send", "dedupe_key"], "the push still waits, and so keeps the key"
    failed(world, push)
    world.feed(send(world, 3))
    assert verdicts(world)[-1] == "send"


def test_the_fallback_of_a_message_that_lost_its_key_meanwhile_is_dropped() -> None:
    world = World()
    world.feed(put(world, "anna", PHONE, Address("push", "t-1")), send(world, strategy=First(("push", "sms"))))
    [push] = world.messages()
    again = send(world, 2)
    drive(world.store.append([again]))
    failed(world, push, handled=False)
    world.work()
    assert verdicts(world) == ["send", "send", "dedupe_key"]
    assert [one.channel for one in world.messages()] == ["push", "sms"]
    assert world.messages()[1].root is None, "it is the one that the second request asked for"


def test_the_fallback_goes_out_where_nobody_took_the_key() -> None:
    world = World()
    world.feed(put(world, "anna", PHONE, Address("push", "t-1")), send(world, strategy=First(("push", "sms"))))
    [push] = world.messages()
    failed(world, push)
    world.feed(send(world, 2))
    assert verdicts(world) == ["send", "send", "dedupe_key"]
    assert world.messages()[1].root == push.id


def test_whoever_is_forgotten_and_returns_begins_anew() -> None:
    world = World()
    world.feed(put(world), send(world))
    world.deliver()
    gone = Entry(world.person(), ForgetEntry("anna"), world.clock.now())
    world.feed(gone)
    assert world.tables.dedupe_keys == {}
    world.feed(put(world), send(world, 2))
    assert len(world.deliver()) == 1


def test_a_deletion_in_the_batch_of_the_request_leaves_no_key() -> None:
    world = World()
    world.feed(put(world), send(world), Entry(world.person(), ForgetEntry("anna"), world.clock.now()))
    assert verdicts(world) == ["send"]
    assert world.tables.dedupe_keys == {}


def test_a_deletion_between_two_requests_of_one_batch_frees_the_key() -> None:
    world = World()
    gone = Entry(world.person(), ForgetEntry("anna"), world.clock.now())
    world.feed(put(world), send(world), gone, put(world), send(world, 2), send(world, 3))
    assert verdicts(world) == ["send", "send", "dedupe_key"]
    [kept] = world.tables.dedupe_keys.values()
    assert kept[0] == decisions(world)[1].candidate.id


@pytest.mark.parametrize("at_once", [True, False])
def test_the_keys_of_a_merged_profile_count(at_once: bool) -> None:
    world = World()
    world.feed(put(world), put(world, "app-7", Address("sms", "+33612345679")), send(world, 1, "app-7"))
    drive(world.store.append([merge(world, "app-7", "anna")]))
    drive(world.engine.step())
    if not at_once:
        world.work()
    world.feed(send(world, 2), send(world, 3, dedupe="license-78"))
    assert verdicts(world) == ["send", "dedupe_key", "send"]


def test_keys_part_with_a_merge_that_is_undone() -> None:
    world = World()
    world.feed(put(world), put(world, "app-7"), send(world, 1, "app-7"))
    world.feed(merge(world, "app-7", "anna"))
    world.feed(merge(world, "app-7", "anna", undo=True))
    world.feed(send(world, 2), send(world, 3, "app-7"))
    gates_of = {decision.candidate.stream: decision.gate for decision in decisions(world)[1:]}
    assert gates_of == {world.person(): "", world.person("app-7"): "dedupe_key"}


def test_a_request_under_a_merged_key_is_decided_for_the_person() -> None:
    world = World()
    world.feed(put(world), put(world, "app-7", Address("sms", "+33612345679")))
    world.feed(merge(world, "app-7", "anna"), send(world))
    world.feed(
        send(world, 2, "app-7"), send(world, 3, "app-7", dedupe="license-78"), send(world, 4, "app-7", dedupe=None)
    )
    gone = {decision.candidate.id: decision for decision in decisions(world)}
    asked = [send(world, number, "app-7").body.message for number in (2, 3, 4)]  # type: ignore[union-attr]
    assert [gone[one].gate for one in asked] == ["dedupe_key", "", ""]
    assert [gone[one].candidate.stream for one in asked] == [world.person()] * 2 + [world.person("app-7")]
    world.feed(send(world, 5, dedupe="license-78"))
    assert verdicts(world)[-1] == "dedupe_key"


def test_keys_follow_merges_in_a_row() -> None:
    world = World()
    for key in ("anna", "app-7", "crm-1"):
        world.feed(put(world, key))
    world.feed(send(world, 1, "app-7"))
    world.feed(merge(world, "app-7", "anna"), merge(world, "anna", "crm-1"))
    world.feed(send(world, 2, "crm-1"), send(world, 3, "app-7"), send(world, 4))
    assert verdicts(world) == ["send", *["dedupe_key"] * 3]


def test_forgetting_a_person_frees_the_keys_of_all_merged_profiles() -> None:
    world = World()
    world.feed(put(world), put(world, "app-7"), send(world, 1, "app-7"), send(world, 2, dedupe="license-78"))
    world.feed(merge(world, "app-7", "anna"))
    world.feed(Entry(world.person(), ForgetEntry("anna"), world.clock.now()))
    assert world.tables.dedupe_keys == {}


def test_of_several_earlier_messages_one_that_keeps_the_key_is_named() -> None:
    world = World()
    world.feed(put(world), put(world, "app-7"), send(world))
    failed(world, world.messages()[0])
    world.clock.at += timedelta(minutes=1)
    world.feed(send(world, 2, "app-7"))
    world.feed(merge(world, "app-7", "anna"))
    world.feed(send(world, 3))
    last = decisions(world)[-1]
    assert (last.gate, last.facts.extra[DEDUPE]["status"]) == ("dedupe_key", "queued")


def test_a_bare_address_has_keys_of_its_own() -> None:
    world = World()
    key = address_profile(world.hasher.address("sms", PHONE.value))
    world.feed(put(world), send(world), send(world, 2, key, address=PHONE), send(world, 3, key, address=PHONE))
    assert sorted(verdicts(world)) == ["dedupe_key", "send", "send"]


def asked_by(world: World, *entries: Entry) -> list[Collection[tuple[bytes, bytes]]]:
    """What the engine asks the store about dedupe keys while it handles these entries."""
    asked: list[Collection[tuple[bytes, bytes]]] = []

    async def note(wanted: Collection[tuple[bytes, bytes]]) -> dict[tuple[bytes, bytes], DedupeKey]:
        asked.append(wanted)
        return {}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.store, "dedupe_keys", note)
        world.feed(*entries)
    return asked


def test_only_a_batch_with_a_dedupe_key_asks_the_store_for_them_and_once() -> None:
    world = World()
    plain = send(world, dedupe=None, purpose=Purpose.SERVICE)
    assert asked_by(world, put(world), plain, world.booking(), world.event("alarm.raised")) == []
    [asked] = asked_by(world, send(world, 3), send(world, 4, dedupe="license-78"), world.booking())
    assert asked == {(world.person(), world.hasher.dedupe(key)) for key in ("license-77", "license-78")}
