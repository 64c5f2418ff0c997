"""Direct sends in the engine: through the same gates, held and decided again with what they said, forgotten in full."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace
from worker_stage import World

from outrider.domain.direct import address_profile
from outrider.domain.entry import Entry, ForgetEntry, ProfileChange, ProfileEntry, SendEntry, Stop
from outrider.domain.message import Status
from outrider.domain.profile import Address
from outrider.domain.purpose import Purpose
from outrider.domain.stops import address_key, profile_key
from outrider.domain.strategy import Escalate, First, Strategy
from outrider.lib.ids import new_id, shard_of_stream
from outrider.orchestration.explain import explain
from outrider.orchestration.record import unpack

PHONE = "+33612345678"
SMS = First(("sms",))
#: Paris, two in the morning.
NIGHT = datetime(2030, 5, 6, 0, 0, tzinfo=UTC)


def send(
    world: World,
    template: str = "hello",
    key: str = "anna",
    *,
    purpose: Purpose = Purpose.TRANSACTIONAL,
    strategy: Strategy = SMS,
    bare: bool = False,
    number: int = 1,
    **fields: Any,
) -> Entry:
    """A request's entry."""
    key = address_profile(world.hasher.address("sms", PHONE)) if bare else key
    stream = world.person(key)
    now = world.clock.now()
    body = SendEntry(
        message=new_id(now, shard_of_stream(stream), b"%d" % number),
        profile=key,
        template=template,
        purpose=purpose,
        strategy=strategy,
        valid_for=timedelta(days=1),
        config=1,
        address=Address("sms", PHONE) if bare else None,
        **fields,
    )
    return Entry(stream, body, now)


def put(world: World, key: str = "anna", *, token: str = "") -> Entry:
    """PUT of a profile."""
    addresses = (Address("sms", PHONE), *((Address("push", token),) if token else ()))
    change = ProfileChange(key, market="FR", traits={"name": "Zoé"}, addresses=addresses, replace=True)
    return Entry(world.person(key), ProfileEntry(change), world.clock.now())


def decisions(world: World) -> list[Any]:
    return [decided.decision for decided in world.tables.decisions.values()]


def test_a_profile_gets_the_template_with_given_values_over_its_own() -> None:
    world = World()
    world.feed(put(world), send(world, "confirm", time_critical=True))
    assert world.one("confirm").content.values == {"profile": {"name": "Zoé"}}
    given = {"profile": {"name": "Anna"}}
    world.feed(send(world, "confirm", number=2, values=given, time_critical=True))
    assert [one.content.values for one in world.messages("confirm")][1] == given
    assert len(world.deliver()) == 2


def test_the_decision_explains_that_a_request_asked() -> None:
    world = World()
    world.feed(put(world), send(world, time_critical=True))
    [decided] = world.tables.decisions.values()
    assert any(line.startswith("A request asked for hello (transactional)") for line in explain(unpack(decided.record)))


def test_somebody_unknown_is_not_made_known_by_being_written_to() -> None:
    world = World()
    world.feed(send(world, key="nobody"))
    assert world.messages() == []
    [decision] = decisions(world)
    assert (decision.verdict, decision.gate) == ("drop", "reachability")
    assert decision.reason == "Nobody is known by this key."
    assert world.tables.profiles == {}
    [kept] = world.tables.decisions.values()
    assert "Dropped by reachability. Nobody is known by this key." in explain(unpack(kept.record))


def test_somebody_known_without_an_address_is_no_stranger() -> None:
    world = World()
    world.feed(Entry(world.person("anna"), ProfileEntry(ProfileChange("anna")), world.clock.now()), send(world))
    [decision] = decisions(world)
    assert decision.reason == "There is no living sms address."


def test_a_bare_address_gets_a_profile_of_its_own() -> None:
    world = World()
    world.feed(send(world, bare=True, market="GB", locale="en", zone="Europe/London", time_critical=True))
    [profile] = world.tables.profiles.values()
    assert profile.key.startswith("address:")
    assert (profile.market, profile.locale, profile.zone) == ("GB", "en", "Europe/London")
    assert [intent.message.content.address for intent in world.deliver()] == [PHONE]


def test_a_suppressed_address_is_dropped_by_its_gate_whoever_it_belongs_to() -> None:
    world = World()
    from outrider.testing.memory_subject import drive

    drive(world.store.append([], [Stop(address_key(world.hasher.address("sms", PHONE)), "address", "asked us")]))
    world.feed(send(world, bare=True))
    assert [decision.gate for decision in decisions(world)] == ["suppression"]


def test_caps_count_direct_sends_and_bind_them() -> None:
    world = World()
    world.feed(put(world), world.consent("granted"))
    offers = [send(world, "offer", purpose=Purpose.COMMERCIAL, number=number) for number in (1, 2)]
    world.clock.at = datetime(2030, 5, 6, 10, 0, tzinfo=UTC)
    world.feed(*[replace(offer, at=world.clock.now()) for offer in offers])
    assert sorted(str(decision.verdict) for decision in decisions(world)) == ["hold", "send"]
    assert {decision.gate for decision in decisions(world)} == {"", "frequency_cap"}


def test_a_commercial_send_to_a_bare_address_lacks_consent() -> None:
    world = World()
    world.feed(send(world, "offer", bare=True, purpose=Purpose.COMMERCIAL))
    assert [decision.gate for decision in decisions(world)] == ["consent"]


def test_what_is_held_over_night_says_in_the_morning_what_it_was_asked_to_say() -> None:
    world = World(at=NIGHT)
    given = {"booking": {"spot": "B12"}}
    world.feed(put(world), send(world, "spot", purpose=Purpose.SERVICE, values=given))
    assert world.one("spot").status is Status.HELD
    world.advance(hours=12)
    assert world.one("spot").status is Status.QUEUED
    assert world.one("spot").content.values == given
    assert len(world.deliver()) == 1


def test_an_escalation_tells_the_same_on_the_next_channel() -> None:
    world = World()
    given = {"profile": {"name": "Anna"}}
    both = Escalate(("push", "sms"), timedelta(minutes=10))
    world.feed(put(world, token="t-1"), send(world, "confirm", strategy=both, values=given, time_critical=True))
    world.advance(minutes=11)
    assert [(one.channel, one.content.values) for one in world.messages("confirm")] == [("push", given), ("sms", given)]


def test_a_request_of_yesterday_is_late() -> None:
    world = World()
    old = send(world)
    world.feed(put(world))
    world.clock.at += timedelta(days=2)
    world.feed(old)
    assert [decision.gate for decision in decisions(world)] == ["validity"]


def test_a_request_from_a_clock_that_is_ahead_counts_from_now() -> None:
    world = World()
    ahead = send(world, time_critical=True)
    world.feed(put(world), replace(ahead, at=ahead.at + timedelta(hours=5)))
    [decision] = decisions(world)
    assert decision.candidate.asked_at <= decision.facts.now


def test_an_entry_that_is_replayed_asks_only_once() -> None:
    world = World()
    asked = send(world, time_critical=True)
    world.feed(put(world), asked, asked)
    world.feed(asked)
    assert len(world.messages()) == 1
    assert len(world.tables.decisions) == 1
    assert world.engine.quarantined == 0


def test_deleting_the_profile_cancels_what_waits_and_a_new_request_begins_anew() -> None:
    world = World(at=NIGHT)
    asked = send(world, purpose=Purpose.SERVICE, bare=True)
    world.feed(asked)
    gone = Entry(asked.stream, ForgetEntry(""), world.clock.now())
    world.feed(gone)
    assert world.one("hello").status is Status.CANCELED
    assert world.one("hello").content.address == ""
    assert profile_key(asked.stream) in world.tables.stops
    world.feed(send(world, bare=True, number=2, time_critical=True))
    assert profile_key(asked.stream) not in world.tables.stops
    assert len(world.deliver()) == 1


def test_a_deleted_profile_is_not_brought_back_by_an_event_but_by_a_put() -> None:
    world = World()
    world.feed(put(world), world.forget())
    world.feed(world.event("bundle.asked"))
    assert world.deliver() == []
    assert profile_key(world.person()) in world.tables.stops
    world.feed(put(world), send(world, time_critical=True))
    assert len(world.deliver()) == 1
