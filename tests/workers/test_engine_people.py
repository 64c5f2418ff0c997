"""From an event to profile, enrollment, decision and message; and everything that may come in between."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from worker_stage import ALARM, STAYING, World

from outrider.domain.attempt import Reason, Refused
from outrider.domain.decision import Verdict
from outrider.domain.entry import OutcomeEntry, ProfileChange, ProfileEntry, ReceiptEntry
from outrider.domain.message import Status
from outrider.domain.receipt import Receipt, ReceiptStatus
from outrider.orchestration.record import unpack
from outrider.testing import builders
from outrider.testing.memory_subject import drive

PATIENT = """
journey: alarm
start: {on: alarm.raised}
steps:
  - {send: hello, purpose: service, blocked: exit, channels: {first: [sms]}}
  - wait: 7d
"""
PATIENT_ALARM = STAYING.replace("purpose: transactional, time_critical: true", "purpose: service, valid_for: 3d")
#: Monday 22:30 in Paris: commercial messages wait for the morning.
NIGHT = datetime(2026, 3, 2, 21, 30, tzinfo=UTC)


def verdicts(world, template=""):
    found = [one.decision for one in world.tables.decisions.values()]
    return [str(one.verdict) for one in found if template in ("", one.candidate.template)]


def report(world, intent, status):
    drive(world.store.report([builders.echoed(intent, status, world.clock.now())]))
    world.work()


# ── the path of one event ──


def test_an_event_becomes_profile_object_relation_enrollment_decision_and_message():
    world = World()
    world.feed(world.booking())
    person = world.tables.profiles[world.person()]
    assert (person.key, person.identity.traits, person.traits) == ("anna", {"name": "Zoé"}, {})
    assert [address.value for address in person.identity.addresses] == ["+33612345678"]
    (thing,) = world.tables.objects.values()
    assert (thing.kind, thing.traits["spot"]) == ("booking", "B12")
    assert len(world.tables.relations) == 1
    (enrollment,) = world.tables.enrollments.values()
    assert (enrollment.about, enrollment.ended_at) == (thing.stream, None)
    message = world.one("confirm")
    record = unpack(world.tables.decisions[message.id, 0].record)
    assert (record.decision.verdict, record.config_digest) == (Verdict.SEND, world.library.current.digest)
    assert message.content.values == {"profile": {"name": "Zoé"}}
    (intent,) = world.deliver()
    assert intent.body.text == "Hello Zoé, it is booked."
    assert world.one("confirm").status is Status.ACCEPTED


def test_an_event_sent_twice_starts_nothing_twice():
    world = World()
    entry = world.booking()
    world.feed(entry)
    world.feed(entry, world.booking())
    assert world.statuses() == [("confirm", "queued")]


def test_traits_that_are_declared_open_stay_unsealed():
    world = World()
    world.feed(world.event("person.seen", tier="gold"))
    person = world.tables.profiles[world.person()]
    assert (person.traits, person.identity.traits) == ({"tier": "gold"}, {"name": "Zoé"})


# ── hold and release, with fresh facts ──


def test_a_held_message_is_released_in_the_morning():
    world = World(at=NIGHT)
    world.feed(world.consent("granted"), world.event("offer.made"))
    held = world.one("offer")
    assert held.status is Status.HELD
    assert world.deliver() == []
    world.clock.at = held.not_before
    world.work()
    assert verdicts(world) == ["hold", "send"]
    assert [intent.message.id for intent in world.deliver()] == [held.id]


@pytest.mark.parametrize(
    ("between", "status", "said"),
    [
        (lambda world: world.consent("withdrawn"), Status.CANCELED, "withdrew consent"),
        (lambda world: world.forget(), Status.CANCELED, "deleted"),
        (lambda world: world.event("person.seen", name="Zia"), Status.QUEUED, ""),
    ],
)
def test_what_happens_while_a_message_is_held_is_obeyed(between, status, said):
    world = World(at=NIGHT)
    world.feed(world.consent("granted"), world.event("offer.made"))
    world.feed(between(world))
    world.advance(hours=12)
    assert world.one("offer").status is status
    assert said in world.reason(world.one("offer"))


def test_a_held_message_is_rendered_with_the_values_of_the_morning():
    world = World(at=NIGHT)
    world.feed(world.booking("booking.confirmed"))
    assert world.one("confirm").status is Status.HELD
    world.feed(world.event("person.seen", name="Zia"))
    world.advance(hours=10)
    assert [intent.body.text for intent in world.deliver()] == ["Hello Zia, it is booked."]


def test_a_message_whose_window_passed_goes_back_and_expires():
    world = World()
    world.feed(world.booking())
    world.clock.at += timedelta(days=2)
    assert world.deliver() == []
    assert world.one("confirm").status is Status.EXPIRED
    assert verdicts(world, "confirm") == ["send", "drop"]


def test_a_stale_message_that_may_still_go_is_queued_again_and_keeps_its_own_slot():
    world = World()
    world.feed(world.consent("granted"), world.event("offer.made"))
    message = world.one("offer")
    world.tables.messages[message.id].message = builders.changed(message, not_after=world.clock.now())
    world.clock.at += timedelta(seconds=1)
    assert world.deliver() == []
    assert verdicts(world, "offer") == ["send", "send"]
    assert len(world.deliver()) == 1


# ── leaving ──


def test_an_exit_cancels_what_is_queued_and_says_farewell_in_the_same_batch():
    world = World()
    world.feed(world.booking())
    world.feed(world.booking("booking.canceled"))
    assert world.statuses() == [("confirm", "canceled"), ("farewell", "queued")]
    assert world.tables.timers == {}
    assert "booking.canceled" in world.reason(world.one("confirm"))


def test_an_exit_of_another_booking_changes_nothing():
    world = World()
    world.feed(world.booking())
    world.feed(world.booking("booking.canceled", key="b2"))
    assert world.statuses() == [("confirm", "queued")]


def test_an_exit_after_the_last_step_still_cancels_what_waits():
    world = World()
    world.feed(world.booking(hours=1))
    assert world.statuses() == [("confirm", "queued"), ("spot", "queued")]
    assert [one.end_reason for one in world.tables.enrollments.values()] == ["completed"]
    world.feed(world.booking("booking.canceled"))
    assert world.statuses() == [("confirm", "canceled"), ("spot", "canceled")]


def test_a_step_that_leaves_when_blocked_takes_the_whole_walk_with_it():
    world = World()
    world.feed(world.event("bundle.asked"))
    assert [one.template for one in world.messages()] == ["hello"]
    assert world.one("hello").status is Status.CANCELED
    (enrollment,) = world.tables.enrollments.values()
    assert (enrollment.end_reason, enrollment.open_messages) == ("offer was blocked by consent", ())
    assert verdicts(world) == ["send", "drop"], "the step behind is not even judged"


def test_the_same_walk_goes_through_with_consent():
    world = World()
    world.feed(world.consent("granted"), world.event("bundle.asked"))
    assert world.statuses() == [("hello", "queued"), ("offer", "queued"), ("tip", "queued")]


def test_a_moved_booking_moves_the_waiting_timer_and_an_old_one_changes_nothing():
    world = World()
    world.feed(world.booking(hours=24))
    world.feed(world.booking("booking.moved", hours=48))
    assert [timer.due_at for timer in world.tables.timers.values()] == [world.clock.now() + timedelta(hours=45)]
    world.advance(hours=22)
    assert world.messages("spot") == []
    world.advance(hours=23)
    assert [one.template for one in world.messages("spot")] == ["spot"]


def test_forgetting_ends_everything_and_whoever_comes_back_starts_anew():
    world = World(at=NIGHT)
    world.feed(world.booking())
    world.feed(world.forget())
    assert world.tables.profiles == {}
    assert world.one("confirm").status is Status.CANCELED
    assert world.one("confirm").content.values == {}
    world.advance(days=2)
    world.feed(world.booking())
    assert len(world.messages("confirm")) == 2


def test_whoever_is_forgotten_and_comes_back_in_one_batch_starts_anew():
    world = World()
    world.feed(world.event("person.seen"), world.reply("once"))
    world.clock.at += timedelta(days=1)
    world.feed(world.forget(), world.event("person.seen"), world.reply("again"))
    assert world.statuses() == [("hello", "canceled"), ("hello", "queued")]


def test_a_person_forgotten_in_the_batch_of_their_first_event_leaves_no_content_behind():
    world = World()
    world.feed(world.booking())
    world.feed(world.event("person.seen", "bert"), world.event("fleet.asked", "bert"), world.forget("bert"))
    assert [row.message.stream for row in world.tables.messages.values()] == [world.person()]


def test_a_put_changes_the_profile_and_is_told_to_whoever_waits():
    world = World()
    world.feed(world.booking())
    change = ProfileChange("anna", locale="en", traits={"name": "Zia"})
    world.feed(builders.entry(world.person(), ProfileEntry(change), world.clock.now()))
    person = world.tables.profiles[world.person()]
    assert (person.locale, person.identity.traits["name"]) == ("en", "Zia")
    version = person.version
    world.feed(builders.entry(world.person(), ProfileEntry(change), world.clock.now()))
    assert world.tables.profiles[world.person()].version == version, "the same facts are no new version"


def test_a_queued_step_that_leaves_when_blocked_ends_the_journey_once_its_window_is_over():
    world = World(alarm=PATIENT)
    world.feed(world.event("alarm.raised"))
    queued = world.one("hello")
    world.clock.at = queued.not_after + timedelta(seconds=1)
    assert world.deliver() == []
    assert world.one("hello").status is Status.CANCELED
    (enrollment,) = world.tables.enrollments.values()
    assert enrollment.end_reason == "hello was blocked by quiet_hours"
    assert world.tables.timers == {}


def test_a_timer_of_an_earlier_wait_moves_nobody():
    world = World()
    world.feed(world.booking(hours=24))
    (key, timer) = next(iter(world.tables.timers.items()))
    world.tables.set_timer(builders.changed(timer, due_at=world.clock.now(), token=timer.token + 7))
    world.work()
    assert world.tables.timers == {key: timer}, "the timer that counts is set again"
    assert world.messages("spot") == []
    assert [one.ended_at for one in world.tables.enrollments.values()] == [None]
    stray = builders.timer(world.person(), world.clock.now())
    world.tables.set_timer(stray)
    world.work()
    assert stray not in world.tables.timers.values(), "nobody waits for it"


# ── replies ──


def test_a_reply_starts_a_journey_once_and_only_for_people_we_know():
    world = World()
    world.feed(world.reply("hello?", key="nobody"))
    world.feed(world.event("person.seen"))
    world.feed(world.reply("one"))
    world.feed(world.reply("two"))
    assert world.statuses() == [("hello", "queued")]
    assert [one.round for one in world.tables.enrollments.values()] == [0]


# ── caps ──


def test_two_decisions_of_one_person_in_one_batch_see_each_others_slots():
    world = World()
    world.feed(world.consent("granted"), world.event("offer.made"), world.event("offer.made"))
    first, second = world.messages("offer")
    assert (first.status, second.status) == (Status.QUEUED, Status.HELD)
    assert second.not_before == world.clock.now() + timedelta(hours=24)


def test_a_slot_is_given_back_by_a_refusal_and_kept_in_doubt():
    world = World()
    world.feed(world.consent("granted"), world.event("offer.made"))
    world.deliver(lambda _: Refused(Reason.INVALID_NUMBER))
    world.feed(world.event("offer.made"))
    assert [str(one.status) for one in world.messages("offer")] == ["failed", "queued"]


def test_a_message_withdrawn_within_its_batch_holds_no_slot_for_those_behind_it():
    world = World()
    world.feed(world.consent("granted"))
    world.feed(world.event("bundle.asked"), world.event("alarm.over"), world.event("offer.made"))
    assert [str(one.status) for one in world.messages("offer")] == ["canceled", "queued"]


# ── escalation ──


def escalating(alarm=STAYING):
    world = World(alarm=alarm)
    world.feed(world.event("alarm.raised", token="tok"))
    (push,) = world.messages()
    assert (push.channel, push.awaited) == ("push", True)
    return world, push


def accepted(world, push):
    """Push has no provider here: write its intent by hand."""
    intent = builders.intent(push, account="app")

    async def go():
        async with world.store.claim(10) as claim:
            await claim.commit(world.fence, [intent], [])
        await world.store.finish(world.fence, [builders.accepted(intent)])

    drive(go())
    return intent


def channels(world):
    return [one.channel for one in world.messages()]


def test_an_escalation_goes_on_by_its_timer_once():
    world, push = escalating()
    accepted(world, push)
    world.advance(minutes=9)
    assert channels(world) == ["push"]
    world.advance(minutes=1)
    assert channels(world) == ["push", "sms"]
    assert world.messages()[1].root == push.id
    assert not world.messages()[1].awaited
    world.advance(hours=1)
    assert channels(world) == ["push", "sms"]


def test_an_undelivered_receipt_escalates_at_once_and_the_timer_not_again():
    world, push = escalating()
    intent = accepted(world, push)
    report(world, intent, ReceiptStatus.UNDELIVERED)
    assert channels(world) == ["push", "sms"]
    world.advance(hours=1)
    assert channels(world) == ["push", "sms"]


def test_a_failed_outcome_escalates_at_once_and_only_once():
    world, _ = escalating()
    assert world.deliver() == [], "no route leads to push"
    assert channels(world) == ["push", "sms"]
    assert world.messages()[0].status is Status.FAILED
    world.advance(hours=1)
    assert channels(world) == ["push", "sms"]


@pytest.mark.parametrize("status", [ReceiptStatus.DELIVERED, ReceiptStatus.SEEN])
def test_who_was_reached_is_not_asked_on_the_next_channel(status):
    world, push = escalating()
    report(world, accepted(world, push), status)
    world.advance(hours=1)
    assert channels(world) == ["push"]


def test_an_exit_cancels_an_escalated_message_that_still_waits():
    world, push = escalating()
    accepted(world, push)
    world.advance(minutes=10)
    world.feed(world.event("alarm.over"))
    assert [str(one.status) for one in world.messages()] == ["accepted", "canceled"]


@pytest.mark.parametrize("moment", ["timer", "receipt"])
def test_who_left_the_journey_is_not_asked_on_the_next_channel(moment):
    world, push = escalating()
    intent = accepted(world, push)
    world.advance(minutes=1)
    world.feed(world.event("alarm.over"))
    if moment == "receipt":
        report(world, intent, ReceiptStatus.UNDELIVERED)
    world.advance(hours=1)
    assert channels(world) == ["push"]


def test_a_completed_journey_goes_on_escalating_and_its_late_exit_cancels_the_next_channel():
    world, push = escalating(ALARM)
    accepted(world, push)
    world.advance(minutes=10)
    assert channels(world) == ["push", "sms"]
    world.feed(world.event("alarm.over"))
    assert [str(one.status) for one in world.messages()] == ["accepted", "canceled"]


def test_an_escalating_message_that_is_held_for_the_night_escalates_only_after_its_morning():
    by_day, push = escalating(PATIENT_ALARM)
    world = World(alarm=PATIENT_ALARM, at=push.not_after - timedelta(minutes=5))
    assert by_day.clock.at < world.clock.at
    world.feed(world.event("alarm.raised", token="tok"))
    world.clock.at += timedelta(minutes=5, seconds=1)
    assert world.deliver() == []
    assert world.statuses() == [("hello", "held")]
    world.advance(minutes=30)
    assert channels(world) == ["push"]
    world.clock.at = world.messages()[0].not_before
    world.work()
    assert world.statuses() == [("hello", "queued")]
    world.advance(minutes=10)
    assert channels(world) == ["push", "sms"]


def test_a_receipt_or_outcome_for_a_message_nobody_knows_changes_nothing():
    world = World()
    world.feed(
        builders.entry(world.person(), OutcomeEntry(bytes(16), "stale"), world.clock.now()),
        builders.entry(
            world.person(), ReceiptEntry(bytes(16), Receipt("p", ReceiptStatus.DELIVERED)), world.clock.now()
        ),
    )
    assert world.engine.quarantined == 0
    assert world.messages() == []


def test_a_message_refused_until_its_evening_ends_waits_for_the_morning_and_keeps_its_own_slot():
    world = World()
    world.feed(world.consent("granted"), world.event("offer.made"))
    offer = world.one("offer")
    world.clock.at = offer.not_after - timedelta(seconds=1)
    for _ in range(3):
        world.deliver(lambda _: Refused(Reason.THROTTLED, "429", 3600.0))
        world.clock.at += timedelta(microseconds=1)
    world.clock.at = offer.not_after + timedelta(seconds=1)
    assert world.deliver() == []
    assert world.one("offer").status is Status.HELD
    assert "quiet" in verdicts_of(world, offer)[-1].gate
    world.clock.at = world.one("offer").not_before
    world.work()
    assert [intent.number for intent in world.deliver()] == [3]


def verdicts_of(world, message):
    return [one.decision for (identifier, _), one in world.tables.decisions.items() if identifier == message.id]
